"""Lines around the text of an item: headers, notes, states."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_tui.ui.widgets.blocks.leaves import BAR, INDENT, MARGIN
from mcp_tui.ui.widgets.document.block import Block
from mcp_tui.ui.widgets.document.wrapping import Line, cells_of, clip, strip_of, wrap

if TYPE_CHECKING:
    from rich.style import Style
    from textual.strip import Strip

    from mcp_tui.ui.widgets.document.style import Pen

Part = tuple[str, str]
"""Text and its purpose in the palette."""

Parts = list[Part]


def styled(parts: Parts, pen: Pen) -> Line:
    """Parts with the styles of their purposes."""
    return [(text, getattr(pen.palette, purpose)) for text, purpose in parts]


class Header(Block):
    """One row with something on the left and something on the right; the left side gives way.

    ``describe`` is asked for both whenever the row is drawn.
    """

    __slots__ = ("_base", "_describe", "gap")

    def __init__(self, describe: Callable[[], tuple[Parts, Parts]], gap: int = 0, base: str = "text") -> None:
        super().__init__()
        self._base = base
        self._describe = describe
        self.gap = gap

    @property
    def text(self) -> str:
        """The left side."""
        return "".join(text for text, _purpose in self._describe()[0])

    def estimate(self, width: int) -> int:
        """Exact."""
        return self.gap + 1

    def render(self, pen: Pen) -> list[Strip]:
        """Blank rows of the gap, then the header."""
        base: Style = getattr(pen.palette, self._base)
        left, right = (styled(parts, pen) for parts in self._describe())
        space = pen.width - MARGIN - cells_of(right) - 1
        row = _clipped([(" ", base), *left], space)
        padding = pen.width - MARGIN - cells_of(row) - cells_of(right)
        row = [*row, (" " * max(0, padding), base), *right]
        return [strip_of([], pen.width, pen.palette.text)] * self.gap + [strip_of(row, pen.width, base)]


def _clipped(line: Line, width: int) -> Line:
    """``line`` in at most ``width`` cells."""
    out: Line = []
    for text, style in line:
        room = width - cells_of(out)
        if room <= 0:
            break
        out.append((clip(text, room), style))
    return out


class Note(Block):
    """A few words of the program's own, wrapped with a hanging indent.

    ``describe`` answers the parts; an empty list makes the note vanish.
    """

    __slots__ = ("_bar", "_describe", "_hang", "_indent", "gap")

    def __init__(
        self, describe: Callable[[], Parts], *, indent: int = INDENT, hang: int = 0, gap: int = 0, bar: str = ""
    ) -> None:
        super().__init__()
        self._describe = describe
        self._indent = indent
        self._hang = hang
        self._bar = bar
        self.gap = gap

    @property
    def text(self) -> str:
        """All of its words."""
        return "".join(text for text, _purpose in self._describe())

    @property
    def left(self) -> int:
        """Columns before the text of its first row."""
        return self._indent

    def estimate(self, width: int) -> int:
        """From the number of characters."""
        size = sum(len(text) for text, _purpose in self._describe())
        return self.gap + -(-size // max(1, width - self._indent - MARGIN)) if size else 0

    def render(self, pen: Pen) -> list[Strip]:
        """The wrapped note."""
        parts = self._describe()
        if not parts:
            return []
        base: Style = pen.palette.text
        width = max(8, pen.width - self._indent - self._hang - MARGIN)
        rows = wrap(styled(parts, pen), width)
        left: Line = [(" " * self._indent, base)]
        if self._bar:
            left = [(" ", base), (BAR, getattr(pen.palette, self._bar)), (" " * (self._indent - 2), base)]
        strips = [strip_of([], pen.width, base)] * self.gap
        for index, row in enumerate(rows):
            line: Line = [*left, (" " * self._hang if index else "", base), *row]
            strips.append(strip_of(line, pen.width, base))
        return strips
