"""A document in a window: frames, scrolling, selection."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mcp_tui.ui.widgets.document.document import NOWHERE, Document, Position
from mcp_tui.ui.widgets.document.section import Canvas
from mcp_tui.ui.widgets.document.style import Palette, Pen

if TYPE_CHECKING:
    from textual.geometry import Offset
    from textual.selection import Selection

    from mcp_tui.ui.widgets.document.colours import Colours

FRAME = 1 / 30
"""Seconds between two looks at what changed."""

WORK = 0.008
"""Seconds of one frame that go into taking in what is new."""

CATCH_UP = 0.004
"""Seconds until the next frame while there is more to do than fits in one."""


STEP = 3
"""Windows; whoever goes further up at once does not look for what was in sight."""


class DocumentView(ScrollView, can_focus=True):
    """Shows a `Document`.  It follows the end until the person moves; then the first row in sight stays in its place.

    A subclass says what is new (`take_in`), in which styles it is drawn (`palette`, `colours`) and what it adds to a
    row (`decorate`).
    """

    ALLOW_SELECT: ClassVar[bool] = True

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._canvas = Canvas(Pen(80, Palette()))
        self._document = Document()
        self._anchor: Position | None = None
        """First row in sight; ``None``: the end of the document is followed."""
        self._placing = False
        self._painting = False
        self._pending = False
        self._due: asyncio.TimerHandle | None = None
        self._last_frame = 0.0
        self._last_painted = 0.0
        self._restyled = False
        self._first_changed = 0

    # -- for subclasses ----------------------------------------------------------------------------

    def take_in(self, end: float) -> bool:
        """Bring the document up to date until the clock shows ``end``; whether something is left to do."""
        return False

    @property
    def ready(self) -> bool:
        """Whether blocks can be drawn yet."""
        return True

    def palette(self) -> Palette:
        """The styles to draw with now."""
        return Palette(text=self.rich_style)

    def colours(self) -> Colours | None:
        """Who colours code."""
        return None

    def decorate(self, strip: Strip, position: Position) -> Strip:
        """A row with what does not belong to the document, such as a cursor."""
        return strip

    def drawn(self) -> None:
        """A frame was finished."""

    def width_changed(self) -> None:
        """Rows have another width from now on: estimates of heights no longer hold."""

    def changed_from(self, row: int) -> None:
        """Rows of the document from this one on look different in the next frame."""
        self._first_changed = min(self._first_changed, row)

    @property
    def document(self) -> Document:
        """What is shown, of which the window is a part."""
        return self._document

    @property
    def _width(self) -> int:
        """Cells of a row, without the scroll bar."""
        return self.scrollable_content_region.width

    # -- frames --------------------------------------------------------------------------------------

    def _schedule(self, delay: float | None = None) -> None:
        """Have a frame soon, at most one each `FRAME`.

        Not by a timer of Textual: one that is late by its own interval never fires.
        """
        if self._pending or not self.is_attached or not self.is_running:
            return
        self._pending = True
        if delay is None:
            delay = max(0.001, self._last_frame + FRAME - time.perf_counter())
        self._due = asyncio.get_running_loop().call_later(delay, self.call_next, self._frame)

    def on_unmount(self) -> None:
        """No more frames."""
        if self._due is not None:
            self._due.cancel()

    def _frame(self) -> None:
        self._pending = False
        self._last_frame = time.perf_counter()
        if not self._width or not self.ready:
            return
        if self._restyled:
            self._new_pen()
        below = self._document.height
        more = self.take_in(self._last_frame + WORK)
        if more and self._last_frame - self._last_painted < FRAME:
            self._schedule(CATCH_UP)
            return
        self._last_painted = self._last_frame
        top = self.scroll_offset.y
        self._settle()
        more |= bool(self._document.unfinished)
        self._paint(top, below)
        self.drawn()
        if more:
            self._schedule(CATCH_UP)

    def _paint(self, top: int, below: int) -> None:
        """Have the rows drawn again that may look different: from the first change on, or all when rows moved."""
        row = max(0, min(self._first_changed, below) - top)
        self._first_changed = NOWHERE
        if top != self.scroll_offset.y:
            self.refresh()
        elif row < self.size.height:
            self.refresh(Region(0, row, self._width, self.size.height - row))

    def _settle(self) -> None:
        """Draw what is in sight and put the window where it belongs."""
        height = self.size.height
        if not self._width or not height or not self.ready:
            return
        top = self._document.settle(self._anchor, height, self._canvas.pen)
        self.changed_from(self._document.moved_row)
        self._document.moved_row = NOWHERE
        self._document.trim(top, top + height)
        self._placing = True
        try:
            size = Size(self._width, self._document.height)
            if size != self.virtual_size:
                self._resize_document(size)
            if round(self.scroll_y) != top:
                self.scroll_target_y = self.scroll_y = top
        finally:
            self._placing = False

    def _resize_document(self, size: Size) -> None:
        """Another virtual size: the scroll bar follows, the layout of the screen need not be made again."""
        self.set_reactive(DocumentView.virtual_size, size)
        self._scroll_update(size)

    # -- drawing -------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One row of the window."""
        row = self.scroll_offset.y + y
        pen = self._canvas.pen
        position = self._document.position_at(row) if row < self._document.height else None
        strip = self._document.strip(position, pen) if position is not None else None
        if position is None or strip is None:
            return Strip.blank(self._width, self.rich_style)
        strip = self.decorate(strip, position)
        number = position.encode()
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(number)) is not None:
            strip = painted(strip, span, self.screen.get_component_rich_style("screen--selection"))
        return strip if self._painting else strip.apply_offsets(0, number)

    def render_lines(self, crop: Region) -> list[Strip]:
        """Rows to paint.

        They go without the offsets that a selection is made of: Textual asks `render_line` for those when the mouse
        is pressed.  With them every segment would have a style of its own, and Textual keeps thousands of styles.
        """
        self._painting = True
        try:
            return super().render_lines(crop)
        finally:
            self._painting = False

    def notify_style_update(self) -> None:
        """Theme or stylesheet changed: draw everything in sight again."""
        super().notify_style_update()
        self._restyled = True
        self._schedule(0.001)

    def _new_pen(self) -> None:
        """Take width and styles over; everything is drawn again if they are other ones."""
        self._restyled = False
        palette = self.palette()
        old = self._canvas.pen
        width = max(20, self._width or 80)
        if palette == old.palette and width == old.width:
            return
        self._first_changed = 0
        if width != old.width:
            self.width_changed()
        self._canvas.pen = Pen(width, palette, old.generation + 1, self.colours())
        self._schedule()

    def on_mount(self) -> None:
        """Draw what was put into the document before."""
        self._new_pen()
        self._schedule()

    def on_resize(self, event: events.Resize) -> None:
        """Wrap again, keeping the first row in sight in its place."""
        if self._width != self._canvas.pen.width:
            self._new_pen()
            if self.text_selection is not None:
                self.screen.clear_selection()
        self._settle()
        self.refresh()
        self._schedule()

    # -- scrolling ---------------------------------------------------------------------------------

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """The person moved: keep that row in its place from now on, or follow the end again."""
        super().watch_scroll_y(old_value, new_value)
        if not self._placing and round(old_value) != round(new_value):
            self._moved_to(round(new_value), round(old_value))

    def _moved_to(self, row: int, before: int) -> None:
        """A step up is exact: what comes into sight is drawn first, as it may be higher or lower than estimated."""
        at_end = row >= self._document.height - self.size.height
        seen = self._document.position_at(before) if 0 < before - row <= STEP * self.size.height else None
        if at_end:  # as when the window grew at its bottom: its end is where it was
            self._anchor = None
        elif seen is not None and self.ready:
            self._anchor = self._document.above(seen, before - row, self._canvas.pen)
        else:
            self._anchor = self._document.position_at(row)
        self._settle()
        if self._document.unfinished:
            self._schedule(CATCH_UP)

    def _scroll_to(self, x: float | None = None, y: float | None = None, **options: object) -> bool:
        """Scroll at once: an animation towards a row would miss it when blocks above are measured."""
        options["animate"] = False
        return super()._scroll_to(x, y, **options)  # type: ignore[arg-type]

    @property
    def following(self) -> bool:
        """Whether the end of the document stays in sight."""
        return self._anchor is None

    def action_page(self, direction: int) -> None:
        """A window up or down, one row of it kept."""
        self.scroll_to(y=self.scroll_offset.y + direction * max(1, self.size.height - 1), animate=False)

    def action_top(self) -> None:
        """The first row."""
        self.scroll_to(y=0, animate=False)

    def action_bottom(self) -> None:
        """The end, followed from now on."""
        self._anchor = None
        self._settle()
        self.refresh()

    # -- selection ---------------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The visible text of a selection, without the indent of the pane."""
        entries = self._document.entries
        if not entries:
            return None
        first = _position(selection.start) or Position(entries[0].serial, entries[0].find(0))
        last = _position(selection.end) or self._document.position_at(self._document.height)
        if last is None:
            return None
        rows = []
        for position in self._document.positions(first, last):
            strip = self._document.strip(position, self._canvas.pen)
            text = strip.text if strip is not None else ""
            start, end = selection.get_span(position.encode()) or (0, 0)
            rows.append(_without_indent(text[start : None if end == -1 else end], start).rstrip())
        return "\n".join(rows), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Paint it."""
        self.refresh()

    @property
    def selected_text(self) -> str:
        """The visible text that is selected; empty when nothing is."""
        selection = self.text_selection
        found = self.get_selection(selection) if selection is not None else None
        return found[0] if found is not None else ""


def painted(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
    """``strip`` with the characters of ``span`` in the style of a selection."""
    start, end = span
    if end == -1:
        end = len(strip.text.rstrip())
    out: list[Segment] = []
    begin = 0
    for text, old, _control in strip:
        stop = begin + len(text)
        low, high = max(start, begin) - begin, min(end, stop) - begin
        if high <= low:
            out.append(Segment(text, old))
        else:
            pieces = ((text[:low], old), (text[low:high], (old or Style()) + style), (text[high:], old))
            out.extend(Segment(part, each) for part, each in pieces if part)
        begin = stop
    return Strip(out, strip.cell_length)


def _position(offset: Offset | None) -> Position | None:
    return Position.decode(offset.y) if offset is not None else None


def _without_indent(text: str, start: int) -> str:
    """A row without the pane's own indent and bar, as far as they are in it."""
    if start >= 3:
        return text
    indent = text[: 3 - start]
    return text[3 - start :] if not indent.strip(" ▌┃") else text.lstrip(" ")
