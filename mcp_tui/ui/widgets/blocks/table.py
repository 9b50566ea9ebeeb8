"""Tables in box lines, fitted to the width."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.widgets.blocks.inline import inline
from mcp_tui.ui.widgets.blocks.leaves import Frame, Leaf
from mcp_tui.ui.widgets.document.wrapping import Line, Span, cells_of, wrap

if TYPE_CHECKING:
    from rich.style import Style

    from mcp_tui.ui.widgets.document.style import Palette, Pen

MAX_ROWS = 200
"""Body rows that are drawn; the others are counted below the table."""

MAX_COLUMNS = 40
"""Columns that are drawn."""

MIN_COLUMN = 3
"""Cells that a column keeps, however narrow the table must be."""

_ENOUGH = 12
"""A column this wide or narrower is shrunk only after all wider ones."""


class Table(Leaf):
    """A table that may still grow.  Cells are parsed once; rows are laid out again only when a width changed."""

    __slots__ = ("_cells", "_laid", "_palette", "_widths", "alignments", "count", "header", "rows")

    def __init__(self, frame: Frame, header: list[str], alignments: list[str], base: str = "text") -> None:
        super().__init__(frame, base)
        self.header = header[:MAX_COLUMNS]
        self.alignments = alignments[:MAX_COLUMNS]
        self.rows: list[list[str]] = []
        self.count = 0
        """All body rows, drawn or not."""
        self._cells: list[list[list[Span]]] = []
        self._palette: Palette | None = None
        self._widths: tuple[int, ...] = ()
        self._laid: list[list[Line]] = []

    def add(self, row: list[str]) -> None:
        """One more body row, cut or filled to the columns of the header."""
        self.count += 1
        if self.count <= MAX_ROWS:
            columns = len(self.header)
            self.rows.append((row + [""] * columns)[:columns])
        self.drop()

    @property
    def grown(self) -> int:
        """Its body rows."""
        return self.count

    def cut(self, grown: int) -> None:
        """Keep the first ``grown`` body rows."""
        self.count = grown
        del self.rows[grown:]
        del self._cells[grown + 1 :]
        del self._laid[grown + 1 :]
        self.drop()

    def estimate(self, width: int) -> int:
        """As if no cell wrapped."""
        return self.frame.gap + len(self.rows) + 4 + (self.count > MAX_ROWS)

    def body(self, pen: Pen, width: int) -> list[Line]:
        """Box, or one record after the other where not even the narrowest box fits."""
        self._parse(pen)
        fits = len(self.header) * (MIN_COLUMN + 3) + 1 <= width
        lines = self._box(pen, width) if fits else self._records(pen, width)
        if self.count > MAX_ROWS:
            lines.append([(f"… {self.count - MAX_ROWS} more rows", pen.palette.muted)])
        return lines

    def _parse(self, pen: Pen) -> None:
        if self._palette is not pen.palette:
            self._palette, self._cells, self._widths = pen.palette, [], ()
        style = self.style(pen.palette)
        sources = [self.header, *self.rows]
        for index in range(len(self._cells), len(sources)):
            base = style + pen.palette.table_header if index == 0 else style
            self._cells.append([inline(cell, pen.palette, base) for cell in sources[index]])

    def _box(self, pen: Pen, width: int) -> list[Line]:
        line = self.style(pen.palette) + pen.palette.table_line
        widths = self._fit(width - 3 * len(self.header) - 1)
        if widths != self._widths:
            self._widths, self._laid = widths, []
        for row in self._cells[len(self._laid) :]:
            self._laid.append(self._row(row, widths, line))
        wrapped = any(len(rows) > 1 for rows in self._laid[1:])
        out = [_border("┌┬┐", widths, line), *self._laid[0], _border("├┼┤", widths, line)]
        for index, rows in enumerate(self._laid[1:]):
            if wrapped and index:
                out.append(_border("├┼┤", widths, line))
            out.extend(rows)
        out.append(_border("└┴┘", widths, line))
        return out

    def _fit(self, space: int) -> tuple[int, ...]:
        """Widths of the columns: natural where they fit, else the widest give way first."""
        natural = [max(1, *(_width(row[column]) for row in self._cells)) for column in range(len(self.header))]
        if sum(natural) <= space:
            return tuple(natural)
        low, high = MIN_COLUMN, max(natural)
        while low < high:
            middle = (low + high + 1) // 2
            if sum(min(each, middle) for each in natural) <= space:
                low = middle
            else:
                high = middle - 1
        widths = [min(each, low) for each in natural]
        spare = space - sum(widths)
        for column, each in enumerate(natural):
            if spare > 0 and each > widths[column]:
                widths[column] += 1
                spare -= 1
        return tuple(widths)

    def _row(self, row: list[list[Span]], widths: tuple[int, ...], line: Style) -> list[Line]:
        cells = [wrap(cell, width) for cell, width in zip(row, widths, strict=True)]
        out: list[Line] = []
        for index in range(max(map(len, cells))):
            spans: Line = []
            for column, width in enumerate(widths):
                text = cells[column][index] if index < len(cells[column]) else []
                before, after = _padding(width - cells_of(text), self.alignments[column])
                spans += [("│ " + before, line), *text, (after + " ", line)]
            spans.append(("│", line))
            out.append(spans)
        return out

    def _records(self, pen: Pen, width: int) -> list[Line]:
        line = self.style(pen.palette) + pen.palette.table_line
        out: list[Line] = []
        for row in self._cells[1:]:
            out.append([("─" * width, line)])
            for name, cell in zip(self._cells[0], row, strict=True):
                out.extend(wrap([*name, (": ", line), *cell], width))
        return out or wrap([span for name in self._cells[0] for span in [*name, (" ", line)]], width)


def _width(cell: list[Span]) -> int:
    if any("\n" in text for text, _style in cell):
        return max(cells_of(line) for line in wrap(cell, 1 << 20))
    return cells_of(cell)


def _padding(space: int, alignment: str) -> tuple[str, str]:
    space = max(0, space)
    left = {"right": space, "center": space // 2}.get(alignment, 0)
    return " " * left, " " * (space - left)


def _border(corners: str, widths: tuple[int, ...], style: Style) -> Line:
    left, middle, right = tuple(corners)
    return [(left + middle.join("─" * (width + 2) for width in widths) + right, style)]
