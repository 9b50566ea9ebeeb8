"""Fenced and indented code, in pieces of bounded height."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style

from mcp_tui.ui.widgets.blocks.leaves import Frame, Leaf
from mcp_tui.ui.widgets.document.style import NO_STYLE
from mcp_tui.ui.widgets.document.wrapping import Line, clip, fold_cuts, fold_height, slice_spans, strip_of

if TYPE_CHECKING:
    from textual.strip import Strip

    from mcp_tui.ui.widgets.document.colours import Coloured
    from mcp_tui.ui.widgets.document.style import Palette, Pen

PIECE_LINES = 64
"""Source lines of code in one block: what is drawn again while the last line grows."""


class Fence:
    """One code block of the source: its language, its lines, and their colours as far as they are known."""

    __slots__ = ("closed", "colours", "info", "label", "lines", "pieces", "requested", "size")

    def __init__(self, info: str = "", label: str | None = None) -> None:
        self.info = info
        self.label = info.strip() if label is None else label
        self.lines: list[str] = []
        self.size = 0
        self.closed = False
        self.colours: list[Coloured] = []
        self.pieces: list[CodeBlock] = []
        self.requested = False

    @property
    def language(self) -> str:
        """First word of the info string, lower case; empty for plain text."""
        return self.info.split(maxsplit=1)[0].strip("{}.,").lower() if self.info.strip() else ""

    @property
    def source(self) -> str:
        """The code itself."""
        return "\n".join(self.lines)

    def cut(self, count: int) -> None:
        """Keep the first ``count`` lines."""
        for line in self.lines[count:]:
            self.size -= len(line) + 1
        del self.lines[count:]

    def coloured(self, upto: int, since: int) -> bool:
        """Colours of the lines from ``since`` to ``upto`` arrived; whether a piece, complete now, was drawn before."""
        drawn = False
        last = len(self.pieces) if upto >= len(self.lines) else upto // PIECE_LINES
        for piece in self.pieces[since // PIECE_LINES : last]:
            drawn |= piece.strips is not None
            piece.drop()
        return drawn

    @classmethod
    def whole(cls, frame: Frame, text: str, language: str, label: str, base: str = "text") -> list[CodeBlock]:
        """Complete code as blocks."""
        fence = cls(language, label)
        fence.lines = text.split("\n")
        fence.size = len(text)
        fence.closed = True
        following = Frame(frame.rest, frame.rest, quoted=frame.quoted, bar=frame.bar)
        fence.pieces = [
            CodeBlock(following if start else frame, fence, start, base)
            for start in range(0, len(fence.lines), PIECE_LINES)
        ]
        return fence.pieces


class CodeBlock(Leaf):
    """Up to `PIECE_LINES` lines of a fence; the first piece carries the language's name."""

    __slots__ = ("fence", "start")

    def __init__(self, frame: Frame, fence: Fence, start: int, base: str = "text") -> None:
        super().__init__(frame, base)
        self.fence = fence
        self.start = start

    @property
    def grown(self) -> int:
        """Lines of the whole fence."""
        return len(self.fence.lines)

    def cut(self, grown: int) -> None:
        """Keep the first ``grown`` lines of the fence, which is open again."""
        self.fence.cut(grown)
        self.fence.closed = False
        self.drop()

    @property
    def source_lines(self) -> list[str]:
        """The lines of this piece."""
        return self.fence.lines[self.start : self.start + PIECE_LINES]

    @property
    def full(self) -> bool:
        """Whether the next line belongs to another piece."""
        return len(self.fence.lines) - self.start >= PIECE_LINES

    @property
    def labelled(self) -> bool:
        """Whether its first row names the language."""
        return bool(self._label())

    def estimate(self, width: int) -> int:
        """Exact: the rows of code do not depend on its colours."""
        inner = self.frame.text_width(width) - 2
        rows = sum(fold_height(line, inner) for line in self.source_lines)
        return self.frame.gap + (1 if self._label() else 0) + rows

    def _label(self) -> str:
        return clip(self.fence.label, 24) if self.start == 0 else ""

    def render(self, pen: Pen) -> list[Strip]:
        """Rows on the background of code, as wide as the text around."""
        palette, width = pen.palette, self.frame.text_width(pen.width)
        base, label = self.style(palette), self._label()
        rows: list[Line] = []
        if label:
            padding = " " * max(0, width - cell_len(label) - 1)
            rows.append([(padding, palette.code), (label + " ", palette.code + palette.code_label)])
        for line in self._lines(pen):
            rows.extend(_panel(line, width, palette))
        blank = [strip_of([], pen.width, base)] * self.frame.gap
        return blank + [
            strip_of([*self.frame.left(index, pen), *row], pen.width, base) for index, row in enumerate(rows)
        ]

    def _lines(self, pen: Pen) -> list[Line]:
        lines = self.source_lines
        coloured = self._coloured(pen, lines)
        styles: dict[str, Style] = {}
        out: list[Line] = []
        for index, text in enumerate(lines):
            if coloured is None or index >= len(coloured):
                out.append([(text, pen.palette.code)])
                continue
            for _text, purpose in coloured[index]:
                if purpose not in styles:
                    styles[purpose] = pen.palette.code + getattr(pen.palette, purpose)
            out.append([(part, styles[purpose]) for part, purpose in coloured[index]])
        return out

    def _coloured(self, pen: Pen, lines: list[str]) -> list[Coloured] | None:
        fence = self.fence
        if pen.colours is None or not fence.language:
            return None
        if not fence.closed:
            return pen.colours.draft(fence.language, lines)
        if len(fence.colours) < self.start + len(lines) and not fence.requested:
            pen.colours.request(fence)
        known = fence.colours[self.start : self.start + len(lines)]
        return known if len(known) == len(lines) else pen.colours.draft(fence.language, lines)


def _panel(line: Line, width: int, palette: Palette) -> list[Line]:
    """One source line as rows of exactly ``width`` cells on the background of code."""
    text = "".join(part for part, _style in line)
    inner = max(1, width - 2)
    out: list[Line] = []
    for row in slice_spans(line, fold_cuts(text, inner)):
        used = sum(cell_len(part) for part, _style in row)
        out.append([(" ", palette.code), *row, (" " * max(1, width - 1 - used), palette.code)])
    return out or [[(" " * width, palette.code or NO_STYLE)]]
