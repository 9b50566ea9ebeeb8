"""Blocks of Markdown that hold text: paragraphs, headings, rules, literal text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.style import Style

from mcp_tui.safety.text import prose
from mcp_tui.ui.widgets.blocks.inline import inline
from mcp_tui.ui.widgets.document.block import Block
from mcp_tui.ui.widgets.document.style import NO_STYLE
from mcp_tui.ui.widgets.document.wrapping import Line, Span, rows_estimate, strip_of, wrap

if TYPE_CHECKING:
    from textual.strip import Strip

    from mcp_tui.ui.widgets.document.style import Palette, Pen

INDENT = 3
"""Columns left of an item's text: block cursor, bar, space."""

BAR = "▌"
"""Left edge of what belongs to one item."""

MARGIN = 1
"""Columns kept free on the right."""

MIN_WIDTH = 8
"""Text is never wrapped narrower, however deep it is nested."""


class Frame:
    """Where a leaf stands: inside which quotes and list items, and how it is set off from what precedes it.

    ``first`` and ``rest`` are the decorations left of the first line and of the others.
    """

    __slots__ = ("bar", "first", "gap", "quoted", "rest")

    def __init__(self, first: str = "", rest: str = "", *, gap: int = 0, quoted: bool = False, bar: str = "") -> None:
        self.bar = bar
        """Purpose whose colour the bar in the indent has; empty: no bar."""
        self.first = first
        self.rest = rest
        self.gap = gap
        self.quoted = quoted

    def text_width(self, width: int) -> int:
        """Cells left for text in a row of ``width``."""
        return max(MIN_WIDTH, width - INDENT - MARGIN - cell_len(self.rest))

    def left(self, index: int, pen: Pen) -> Line:
        """What stands left of line ``index``."""
        decoration = self.first if index == 0 else self.rest
        line: Line = [(" " * INDENT, NO_STYLE)]
        if self.bar:
            line = [(" ", NO_STYLE), (BAR, getattr(pen.palette, self.bar)), (" " * (INDENT - 2), NO_STYLE)]
        if decoration:
            line.append((decoration, pen.palette.marker))
        return line


class Leaf(Block):
    """A block of Markdown with its frame; ``base`` is the style of the text around it."""

    __slots__ = ("base", "frame")

    def __init__(self, frame: Frame, base: str = "text") -> None:
        super().__init__()
        self.frame = frame
        self.base = base
        """Purpose in the palette: ``text``, or ``reasoning``."""

    @property
    def grown(self) -> int:
        """How much it holds, in what it grows by; 0 where it does not."""
        return 0

    def cut(self, grown: int) -> None:
        """Bring it back to when it was ``grown``."""

    def style(self, palette: Palette) -> Style:
        """The style under this leaf's own."""
        style: Style = palette.text + getattr(palette, self.base)
        return style + palette.quote if self.frame.quoted else style

    def render(self, pen: Pen) -> list[Strip]:
        """The body in its frame, a blank row before it where it is set off."""
        base = self.style(pen.palette)
        blank = [strip_of([], pen.width, base)] * self.frame.gap
        return blank + [
            strip_of([*self.frame.left(index, pen), *line], pen.width, base)
            for index, line in enumerate(self.body(pen, self.frame.text_width(pen.width)))
        ]

    def body(self, pen: Pen, width: int) -> list[Line]:
        """The lines between the decorations, at most ``width`` cells each."""
        raise NotImplementedError


class TextLeaf(Leaf):
    """A leaf made of source lines that may still grow."""

    __slots__ = ("lines_of_source", "size")

    def __init__(self, frame: Frame, base: str = "text") -> None:
        super().__init__(frame, base)
        self.lines_of_source: list[str] = []
        self.size = 0

    def add(self, line: str) -> None:
        """One more line of source."""
        self.lines_of_source.append(line)
        self.size += len(line) + 1
        self.drop()

    @property
    def grown(self) -> int:
        """Its lines."""
        return len(self.lines_of_source)

    def cut(self, grown: int) -> None:
        """Keep the first ``grown`` lines."""
        for line in self.lines_of_source[grown:]:
            self.size -= len(line) + 1
        del self.lines_of_source[grown:]
        self.drop()

    def estimate(self, width: int) -> int:
        """From the number of characters."""
        return self.frame.gap + rows_estimate(self.size, 0, self.frame.text_width(width))


class Paragraph(TextLeaf):
    """Running text."""

    __slots__ = ()

    def body(self, pen: Pen, width: int) -> list[Line]:
        """Inline Markdown, wrapped."""
        return wrap(inline("\n".join(self.lines_of_source).rstrip(), pen.palette, self.style(pen.palette)), width)


class Heading(Leaf):
    """A heading of level 1 to 6."""

    __slots__ = ("level", "text")

    def __init__(self, frame: Frame, level: int, text: str, base: str = "text") -> None:
        super().__init__(frame, base)
        self.level = level
        self.text = text

    def estimate(self, width: int) -> int:
        """From the number of characters."""
        return self.frame.gap + rows_estimate(len(self.text), 0, self.frame.text_width(width))

    def body(self, pen: Pen, width: int) -> list[Line]:
        """The text; the two upper levels are underlined by colour and weight, lower ones by weight."""
        palette = pen.palette
        style = self.style(palette) + (palette.heading if self.level <= 2 else palette.subheading)
        return wrap(inline(self.text, palette, style), width)


class Rule(Leaf):
    """A thematic break."""

    __slots__ = ()

    def estimate(self, width: int) -> int:
        """One row."""
        return self.frame.gap + 1

    def body(self, pen: Pen, width: int) -> list[Line]:
        """A line across."""
        return [[("─" * width, pen.palette.rule)]]


class Literal(TextLeaf):
    """Text shown as it stands: HTML, a person's input, raw Markdown, a tool's result.

    With ``raw`` the source lines still are outside text and are made harmless when drawn.
    """

    __slots__ = ("purpose", "raw")

    def __init__(self, frame: Frame, base: str = "text", *, purpose: str = "", raw: bool = False) -> None:
        super().__init__(frame, base)
        self.purpose = purpose
        self.raw = raw

    def estimate(self, width: int) -> int:
        """From the number of lines and characters."""
        rows = rows_estimate(self.size, len(self.lines_of_source) - 1, self.frame.text_width(width))
        return self.frame.gap + rows

    def body(self, pen: Pen, width: int) -> list[Line]:
        """Every line, wrapped."""
        style = self.style(pen.palette)
        if self.purpose:
            style += getattr(pen.palette, self.purpose)
        spans: list[Span] = []
        text = "\n".join(self.lines_of_source)
        spans.append((prose(text) if self.raw else text, style))
        return wrap(spans, width)
