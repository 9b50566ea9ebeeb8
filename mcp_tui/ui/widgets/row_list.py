"""A list of any length: only rows in sight are drawn, so ten thousand cost what twenty do.

The list holds numbers, not rows: whoever uses it is asked for the text of a row when it comes into sight.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style
from textual.visual import Visual

DrawRow = Callable[[int, int], Content]
"""Position of a row and the width for it, in cells -> its text, safe to show."""


class RowList(ScrollView, can_focus=True):
    """Rows of one line each, one of them under the cursor."""

    ALLOW_SELECT = False
    COMPONENT_CLASSES: ClassVar[set[str]] = {"row-list--row", "row-list--cursor"}
    DEFAULT_CSS = """
    RowList {
        height: 1fr; background: $background; scrollbar-size-vertical: 1; overflow-x: hidden; overflow-y: auto;
        text-wrap: nowrap;
        & > .row-list--row { color: $foreground; background: $background; }
        & > .row-list--cursor { color: $foreground; background: $panel; }
        &:focus > .row-list--cursor { background: $selection; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("pagedown,space", "page(1)", "Page down", show=False),
        Binding("pageup", "page(-1)", "Page up", show=False),
        Binding("home,g", "first", "First", show=False),
        Binding("end,G", "last", "Last", show=False),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)
    """Position of the row under the cursor; 0 also where there is none."""

    class Moved(Message):
        """Another row is under the cursor."""

        def __init__(self, rows: RowList) -> None:
            super().__init__()
            self.rows = rows

        @property
        def control(self) -> RowList:
            """The list."""
            return self.rows

    class Chosen(Moved):
        """Enter, or a second click on the row under the cursor."""

    def __init__(self, draw_row: DrawRow, *, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self._draw_row = draw_row
        self._count = 0
        self._empty = Content("")
        self._lines: tuple[int, list[Content]] = (0, [])
        """What stands there instead of rows, wrapped for this width."""
        self._strips: dict[tuple[int, bool, bool], Strip] = {}

    @property
    def count(self) -> int:
        """How many rows there are."""
        return self._count

    def show(self, count: int, cursor: int = 0) -> None:
        """There are ``count`` rows now, all to be drawn anew, and the cursor is on this one."""
        self._count = count
        self.virtual_size = Size(self.scrollable_content_region.width, count)
        self.set_reactive(RowList.cursor, max(0, min(cursor, count - 1)))
        self.redraw()
        self.call_after_refresh(self._reveal)
        self._reveal()

    def explain(self, text: Content) -> None:
        """What stands there instead of rows while there are none; long lines of it are wrapped."""
        self._empty, self._lines = text, (0, [])
        self.refresh()

    def redraw(self) -> None:
        """Draw the rows in sight anew: what they say changed."""
        self._strips.clear()
        self.refresh()

    def validate_cursor(self, cursor: int) -> int:
        """Within the list."""
        return max(0, min(cursor, self._count - 1))

    def watch_cursor(self, before: int, cursor: int) -> None:
        """Draw both rows, and tell who wants to know."""
        if before == cursor:
            return
        for row in (before, cursor):
            self.refresh(Region(0, row - self.scroll_offset.y, self.size.width, 1))
        self._reveal()
        self.post_message(self.Moved(self))

    def _reveal(self) -> None:
        top, height = self.scroll_offset.y, max(1, self.scrollable_content_region.height)
        if self.cursor < top or self._count <= height:
            self.scroll_to(y=min(self.cursor, max(0, self._count - height)), animate=False, force=True, immediate=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True, immediate=True)

    # -- drawing -------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One row."""
        row = self.scroll_offset.y + y
        width = self.scrollable_content_region.width
        if row >= self._count:
            style = self.get_visual_style("row-list--row")
            text = self._explanation(width - 2) if not self._count else []
            line = text[row - 1] if 0 < row <= len(text) else Content("")
            return self._strip(Content.assemble(" ", line), width, style)
        key = (row, row == self.cursor, self.has_focus)
        if (strip := self._strips.get(key)) is None:
            names = ("row-list--row", "row-list--cursor") if key[1] else ("row-list--row",)
            style = self.get_visual_style(*names)
            strip = self._strip(self._draw_row(row, width), width, style)
            if len(self._strips) > 2_000:
                self._strips.clear()
            self._strips[key] = strip
        return strip

    def _explanation(self, width: int) -> list[Content]:
        width = max(1, width)
        if self._lines[0] != width:
            self._lines = width, self._empty.wrap(width)
        return self._lines[1]

    def _strip(self, content: Content, width: int, style: Style) -> Strip:
        drawn = Visual.to_strips(self, content.truncate(width, ellipsis=True), width, 1, style)
        return drawn[0].extend_cell_length(width, style.rich_style) if drawn else Strip.blank(width, style.rich_style)

    def notify_style_update(self) -> None:
        """Other colours."""
        super().notify_style_update()
        self._strips.clear()

    def on_resize(self, event: events.Resize) -> None:
        """Columns follow the width."""
        self.virtual_size = Size(self.scrollable_content_region.width, self._count)
        self.redraw()
        self.call_after_refresh(self._reveal)

    def on_focus(self) -> None:
        """The cursor is brighter with the focus."""
        self.refresh()

    def on_blur(self) -> None:
        """The cursor is quieter without the focus."""
        self.refresh()

    # -- moving --------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """To the row above or below."""
        self.cursor += step

    def action_page(self, step: int) -> None:
        """A page up or down."""
        self.cursor += step * max(1, self.scrollable_content_region.height - 1)

    def action_first(self) -> None:
        """The first row."""
        self.cursor = 0

    def action_last(self) -> None:
        """The last row."""
        self.cursor = self._count - 1

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row; a click on the row under the cursor chooses it."""
        row = self.scroll_offset.y + event.y
        if row >= self._count:
            return
        if row == self.cursor and event.chain > 1:
            self.choose()
        self.cursor = row

    def choose(self) -> None:
        """Say that the row under the cursor is chosen."""
        if self._count:
            self.post_message(self.Chosen(self))
