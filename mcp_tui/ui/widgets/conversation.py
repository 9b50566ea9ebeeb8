"""The conversation pane: one virtual document, drawn line by line (requirements J2-J4).

Cost follows what is seen and what is new, never the length of the answer or of the conversation: changes are
recorded as they come and taken in once a frame, a slice at a time; only blocks in sight are drawn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Offset, Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mcp_tui.conversation.items import AssistantItem, Change, Item, ToolCallItem
from mcp_tui.ui.widgets.blocks.highlight import Highlighter
from mcp_tui.ui.widgets.blocks.inline import warm_up
from mcp_tui.ui.widgets.blocks.tools import ToolCallView
from mcp_tui.ui.widgets.blocks.views import AssistantView, ItemView, view_of
from mcp_tui.ui.widgets.conversation_keys import CONVERSATION_KEYS
from mcp_tui.ui.widgets.document.document import Document, Position
from mcp_tui.ui.widgets.document.section import Canvas
from mcp_tui.ui.widgets.document.style import Palette, Pen

if TYPE_CHECKING:
    from textual.selection import Selection
    from textual.timer import Timer

FRAME = 1 / 30
"""Seconds between two looks at what changed."""

WORK = 0.008
"""Seconds of one frame that go into taking text in and colouring code."""

CATCH_UP = 0.004
"""Seconds until the next frame while there is more to do than fits in one."""


class ConversationView(ScrollView, can_focus=True):
    """All items of a conversation.  It follows the end until the person moves."""

    PANE: ClassVar[str] = "conversation"
    ALLOW_SELECT = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, help_text, show=bool(hint), id=name)
        for name, keys, action, help_text, hint in CONVERSATION_KEYS
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"conversation--{name.replace('_', '-')}" for name in Palette.names()}
    DEFAULT_CSS = """
    ConversationView {
        background: $background;
        color: $foreground;
        overflow-x: hidden;
        overflow-y: scroll;
        scrollbar-size-vertical: 1;
        & .conversation--muted { color: $muted; }
        & .conversation--bar { color: $pane-border; }
        & .conversation--cursor { color: $accent; text-style: bold; }
        & .conversation--user { color: $role-user; text-style: bold; }
        & .conversation--user-text { color: $foreground; background: $surface; }
        & .conversation--assistant { color: $role-assistant; text-style: bold; }
        & .conversation--tool { color: $role-tool; text-style: bold; }
        & .conversation--reasoning { color: $role-reasoning; text-style: italic; }
        & .conversation--success { color: $success; }
        & .conversation--warning { color: $warning; }
        & .conversation--error { color: $error; }
        & .conversation--running { color: $accent; }
        & .conversation--heading { color: $primary; text-style: bold; }
        & .conversation--subheading { color: $foreground; text-style: bold; }
        & .conversation--marker { color: $role-assistant; }
        & .conversation--quote { color: $role-reasoning; text-style: italic; }
        & .conversation--rule { color: $pane-border; }
        & .conversation--link { color: $primary; text-style: underline; }
        & .conversation--url { color: $muted; }
        & .conversation--inline-code { color: $accent; background: $panel; }
        & .conversation--code { color: $foreground; background: $panel; }
        & .conversation--code-label { color: $muted; }
        & .conversation--code-keyword { color: $primary; text-style: bold; }
        & .conversation--code-name { color: $secondary; }
        & .conversation--code-type { color: $accent; }
        & .conversation--code-string { color: $success; }
        & .conversation--code-number { color: $warning; }
        & .conversation--code-comment { color: $muted; text-style: italic; }
        & .conversation--code-operator { color: $foreground; }
        & .conversation--table-line { color: $muted 70%; }
        & .conversation--table-header { text-style: bold; }
    }
    """

    cursor_key: reactive[str | None] = reactive(None)
    """Key of the item that the block cursor stands on; ``None``: no cursor."""

    show_reasoning: reactive[bool] = reactive(True)
    """Whether reasoning has a line at all."""

    class Opened(Message):
        """The person wants to look into a tool call."""

        def __init__(self, conversation: ConversationView, item: ToolCallItem) -> None:
            super().__init__()
            self.conversation = conversation
            self.item = item

        @property
        def control(self) -> ConversationView:
            """The pane."""
            return self.conversation

    class CursorMoved(Message):
        """The block cursor stands on another item."""

        def __init__(self, conversation: ConversationView, item: Item) -> None:
            super().__init__()
            self.conversation = conversation
            self.item = item

        @property
        def control(self) -> ConversationView:
            """The pane."""
            return self.conversation

    class CopyRequested(Message):
        """Put ``text`` on the clipboard; ``what`` names it for the person, such as "message #3"."""

        def __init__(self, conversation: ConversationView, text: str, what: str) -> None:
            super().__init__()
            self.conversation = conversation
            self.text = text
            self.what = what

        @property
        def control(self) -> ConversationView:
            """The pane."""
            return self.conversation

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._canvas = Canvas(Pen(80, Palette()))
        self._document = Document()
        self._views: dict[str, ItemView] = {}
        self._highlighter = Highlighter(self._schedule)
        self._dirty: dict[str, ItemView] = {}
        self._pending = False
        self._last_frame = 0.0
        self._anchor: Position | None = None
        """First row in sight; ``None``: the end of the document is followed."""
        self._placing = False
        self._ticker: Timer | None = None
        self._next_code = 0
        self._restyled = False
        self._first_changed = 0
        self._warming: asyncio.Future[None] | None = None

    # -- items -------------------------------------------------------------------------------------

    def load(self, items: Sequence[Item]) -> None:
        """Show other items: another conversation.  Nothing is drawn but what is in sight."""
        self._views = {}
        self._dirty = {}
        self.cursor_key = None
        previous: ItemView | None = None
        views: list[ItemView] = []
        for item in items:
            view = self._view(item, previous)
            views.append(view)
            previous = view
        self._document.replace(views)
        self._first_changed = 0
        self._anchor = None
        self._schedule()

    def apply(self, changes: Iterable[Change]) -> None:
        """Take note of changes of the items; they show in the next frame."""
        for change in changes:
            view = self._views.get(change.item.key)
            if change.kind == "removed":
                if view is not None:
                    self._remove(view)
                continue
            if view is None:
                entries = self._document.entries
                previous = entries[-1] if entries else None
                view = self._view(change.item, previous if isinstance(previous, ItemView) else None)
                self._document.append(view)
            elif change.kind == "appended" and isinstance(view, AssistantView) and view.item is change.item:
                view.appended()
                self._dirty.setdefault(change.item.key, view)
                continue
            view.item = change.item
            view.stale = True
            self._dirty[change.item.key] = view
        self._schedule()

    def _view(self, item: Item, previous: ItemView | None) -> ItemView:
        view = view_of(item, self._canvas, show_reasoning=self.show_reasoning)
        view.gap = _gap(previous, view)
        self._views[item.key] = view
        return view

    def _remove(self, view: ItemView) -> None:
        index = self._document.index_of(view)
        self._document.remove(view)
        self._first_changed = 0
        del self._views[view.item.key]
        self._dirty.pop(view.item.key, None)
        if self.cursor_key == view.item.key:
            self.cursor_key = None
        if index < len(self._document.entries):
            following = self._document.entries[index]
            before = self._document.entries[index - 1] if index else None
            if isinstance(following, ItemView):
                following.gap = _gap(before if isinstance(before, ItemView) else None, following)
                following.rebuild()
                self._document.changed(following)

    @property
    def document(self) -> Document:
        """What is shown, of which the window is a part."""
        return self._document

    @property
    def busy(self) -> bool:
        """Whether changes wait to be shown."""
        waiting = bool(self._dirty) or bool(self._document.unfinished)
        return self._pending or waiting or self._highlighter.busy

    @property
    def _width(self) -> int:
        """Cells of a row, without the scroll bar."""
        return self.scrollable_content_region.width

    # -- frames ------------------------------------------------------------------------------------

    def _schedule(self, delay: float | None = None) -> None:
        """Have a frame soon, at most one each `FRAME`."""
        if self._pending or not self.is_attached or not self.is_running:
            return
        self._pending = True
        if delay is None:
            delay = max(0.001, self._last_frame + FRAME - time.perf_counter())
        self.set_timer(delay, self._frame)

    def _frame(self) -> None:
        self._pending = False
        self._last_frame = time.perf_counter()
        if not self._width:
            return
        if self._restyled:
            self._new_pen()
        top, below = self.scroll_offset.y, self._document.height
        more = self._take_in(self._last_frame + WORK)
        self._settle()
        more |= bool(self._document.unfinished)
        self._paint(top, below)
        self._tick_if_live()
        if more:
            self._schedule(CATCH_UP)

    def _paint(self, top: int, below: int) -> None:
        """Have the rows drawn again that may look different: from the first change on, or all when rows moved."""
        row = max(0, min(self._first_changed, below) - top)
        self._first_changed = 1 << 60
        if top != self.scroll_offset.y:
            self.refresh()
        elif row < self.size.height:
            self.refresh(Region(0, row, self._width, self.size.height - row))

    def _take_in(self, end: float) -> bool:
        """Bring changed entries up to date until the clock shows ``end``; whether something is left."""
        document = self._document
        while self._dirty and time.perf_counter() < end:
            key = next(iter(self._dirty))
            view = self._dirty[key]
            if view.stale:
                view.stale = False
                view.refresh()
                self._first_changed = 0
            self._work(view, end)
            if view.unfinished:
                break
            del self._dirty[key]
        for serial, entry in list(document.unfinished.items()):
            if time.perf_counter() >= end:
                break
            if isinstance(entry, ItemView):
                self._work(entry, end)
            if not entry.unfinished:
                document.unfinished.pop(serial, None)
        colouring = self._highlighter.work(max(0.002, end - time.perf_counter()))
        if self._highlighter.restyled:
            self._highlighter.restyled = False
            self._new_pen()
        if colouring or self._highlighter.coloured:
            self._highlighter.coloured = False
            self._first_changed = 0
        return bool(self._dirty) or colouring

    def _work(self, view: ItemView, end: float) -> None:
        changed = view.work(end)
        self._document.changed(view)
        if changed < 1 << 60:
            self._first_changed = min(self._first_changed, self._document.top_of(view) + changed)

    def _settle(self) -> None:
        """Draw what is in sight and put the window where it belongs."""
        height = self.size.height
        if not self._width or not height:
            return
        top = self._document.settle(self._anchor, height, self._canvas.pen)
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
        self.set_reactive(ConversationView.virtual_size, size)
        self._scroll_update(size)

    def _tick_if_live(self) -> None:
        live = any(view.live for view in self._views_in_sight())
        if live and self._ticker is None:
            self._ticker = self.set_interval(1.0, self._tick)
        elif not live and self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def _tick(self) -> None:
        for view in self._views_in_sight():
            if isinstance(view, ToolCallView):
                view.tick()
                self._first_changed = 0
        self._schedule()

    def _views_in_sight(self) -> list[ItemView]:
        first = self._document.position_at(self.scroll_offset.y)
        if first is None:
            return []
        out: list[ItemView] = []
        entry = self._document.entry_at(first)
        index = self._document.index_of(entry) if entry is not None else 0
        bottom = self.scroll_offset.y + self.size.height
        for each in self._document.entries[index:]:
            if self._document.top_of(each) >= bottom:
                break
            if isinstance(each, ItemView):
                out.append(each)
        return out

    # -- drawing -----------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """One row of the window."""
        row = self.scroll_offset.y + y
        pen = self._canvas.pen
        position = self._document.position_at(row) if row < self._document.height else None
        strip = self._document.strip(position, pen) if position is not None else None
        if position is None or strip is None:
            return Strip.blank(self._width, self.rich_style)
        entry = self._document.entry_at(position)
        if self.cursor_key is not None and isinstance(entry, ItemView) and entry.item.key == self.cursor_key:
            strip = self._with_cursor(strip, entry, position)
        number = position.encode()
        selection = self.text_selection
        if selection is not None and (span := selection.get_span(number)) is not None:
            strip = _painted(strip, span, self.screen.get_component_rich_style("screen--selection"))
        return strip.apply_offsets(0, number)

    def _with_cursor(self, strip: Strip, view: ItemView, position: Position) -> Strip:
        """The mark of the block cursor in the first column, not on the gap above the item."""
        if position.spot == (0, 0, 0) and view.gap:
            return strip
        return Strip.join([Strip([Segment("┃", self.rich_style + self._canvas.pen.palette.cursor)], 1), strip.crop(1)])

    def notify_style_update(self) -> None:
        """Theme or stylesheet changed: draw everything in sight again."""
        super().notify_style_update()
        self._restyled = True
        self._schedule(0.001)

    def _new_pen(self) -> None:
        self._restyled = False
        base = self.rich_style
        styles = {}
        for name in Palette.names():
            if name == "text":
                styles[name] = base
                continue
            style = self.get_component_rich_style(f"conversation--{name.replace('_', '-')}")
            styles[name] = _over(style, base)
        styles |= self._highlighter.styles(self.app.theme_variables.get("code-theme", ""))
        palette = Palette(**styles)
        old = self._canvas.pen
        width = max(20, self._width or 80)
        if palette == old.palette and width == old.width:
            return
        self._first_changed = 0
        self._canvas.pen = Pen(width, palette, old.generation + 1, self._highlighter)
        self._schedule()

    def on_mount(self) -> None:
        """Draw what was loaded before."""
        self._warming = asyncio.get_running_loop().run_in_executor(None, warm_up)
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
            self._moved_to(round(new_value))

    def _moved_to(self, row: int) -> None:
        at_end = row >= self._document.height - self.size.height
        self._anchor = None if at_end else self._document.position_at(row)
        self._settle()
        if self._document.unfinished:
            self._schedule(CATCH_UP)

    def _scroll_to(self, x: float | None = None, y: float | None = None, **options: object) -> bool:
        """Scroll at once: an animation towards a row would miss it when blocks above are measured."""
        options["animate"] = False
        return super()._scroll_to(x, y, **options)  # type: ignore[arg-type]

    @property
    def following(self) -> bool:
        """Whether the end of the conversation stays in sight."""
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

    # -- cursor ------------------------------------------------------------------------------------

    @property
    def cursor_item(self) -> Item | None:
        """The item under the block cursor."""
        view = self._cursor_view()
        return view.item if view is not None else None

    def _cursor_view(self) -> ItemView | None:
        return self._views.get(self.cursor_key) if self.cursor_key is not None else None

    def watch_cursor_key(self, key: str | None) -> None:
        """Tell who wants to know."""
        self._next_code = 0
        self.refresh()
        if key is not None and key in self._views:
            self.post_message(self.CursorMoved(self, self._views[key].item))

    def action_cursor(self, direction: int) -> None:
        """To the item above or below; the first press puts the cursor on what is in sight."""
        entries = self._document.entries
        view = self._cursor_view()
        if view is None:
            sight = self._views_in_sight()
            if sight:
                self._put_cursor(sight[-1] if direction < 0 or self.following else sight[0])
            return
        index = self._document.index_of(view) + direction
        if 0 <= index < len(entries):
            self._put_cursor(entries[index])
        elif direction > 0:
            self.action_bottom()

    def action_first(self) -> None:
        """The first item."""
        if self._document.entries:
            self._put_cursor(self._document.entries[0])

    def action_last(self) -> None:
        """The last item, and follow the end."""
        if self._document.entries:
            self._put_cursor(self._document.entries[-1])
            self.action_bottom()

    def _put_cursor(self, entry: object) -> None:
        if not isinstance(entry, ItemView):
            return
        self.cursor_key = entry.item.key
        document, height = self._document, self.size.height
        entry.build()
        document.changed(entry)
        top = document.top_of(entry)
        if entry is document.entries[-1] and self.following:
            self._settle()
        elif top < self.scroll_offset.y or entry.height > height:
            self.scroll_to(y=top, animate=False)
        elif top + entry.height > self.scroll_offset.y + height:
            self.scroll_to(y=top + entry.height - height, animate=False)
        self.refresh()

    # -- actions -----------------------------------------------------------------------------------

    def action_expand(self) -> None:
        """Expand or collapse the item under the cursor."""
        view = self._cursor_view()
        if view is not None:
            self._change(view, view.toggle)

    def action_raw(self) -> None:
        """Show the item under the cursor as source, or rendered."""
        view = self._cursor_view()
        if view is not None:
            self._change(view, view.toggle_raw)

    def _change(self, view: ItemView, action: object) -> None:
        if callable(action) and action():
            self._document.changed(view)
            if view.unfinished:
                self._dirty[view.item.key] = view
                self._schedule()
            self._settle()
            self.refresh()

    def action_open(self) -> None:
        """A tool call: ask for the inspector.  Anything else: expand or collapse."""
        view = self._cursor_view()
        if view is None:
            return
        if isinstance(view.item, ToolCallItem):
            self.post_message(self.Opened(self, view.item))
        else:
            self.action_expand()

    def action_copy(self) -> None:
        """Ask for a copy of the source of the item under the cursor, or of the last answer."""
        view = self._cursor_view()
        if view is None:
            text, what = self.last_answer_source(), "last answer"
        else:
            kind = "call" if isinstance(view.item, ToolCallItem) else "message"
            text, what = view.source(), f"{kind} #{view.item.number}"
        if text:
            self.post_message(self.CopyRequested(self, text, what))

    def action_copy_code(self) -> None:
        """Ask for a copy of a code block under the cursor; pressed again, of the next one."""
        view = self._cursor_view() or next((view for view in reversed(self._views.values()) if view.code()), None)
        codes = view.code() if view is not None else []
        if not codes:
            return
        index = self._next_code % len(codes)
        self._next_code = index + 1
        language, text = codes[index]
        what = f"code block {index + 1} of {len(codes)}" + (f" ({language})" if language else "")
        self.post_message(self.CopyRequested(self, text, what))

    def source_of(self, key: str) -> str:
        """Source of an item: Markdown of an answer, text of a person, JSON of a call; empty when unknown."""
        view = self._views.get(key)
        return view.source() if view is not None else ""

    def last_answer_source(self) -> str:
        """Markdown of the last answer that has text."""
        for view in reversed(self._views.values()):
            if isinstance(view.item, AssistantItem) and view.item.pieces:
                return view.item.text
        return ""

    def watch_show_reasoning(self, show: bool) -> None:
        """Show or hide reasoning in every answer."""
        for view in self._views.values():
            if isinstance(view, AssistantView):
                view.show_reasoning = show
                view.rebuild()
                self._document.changed(view)
        self._schedule()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the item; a line that expands does so."""
        position = self._document.position_at(self.scroll_offset.y + event.y)
        view = self._document.entry_at(position) if position is not None else None
        if position is None or not isinstance(view, ItemView) or self.text_selection is not None:
            return
        self.cursor_key = view.item.key
        if view.toggles_at(position.spot):
            self._change(view, view.toggle)

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


def _gap(previous: ItemView | None, view: ItemView) -> int:
    """Blank rows before an item: tool calls of one answer stand together."""
    if previous is None:
        return 0
    calls = (ToolCallView, AssistantView)
    return 0 if isinstance(view, ToolCallView) and isinstance(previous, calls) and _compact(previous) else 1


def _compact(view: ItemView) -> bool:
    return isinstance(view, ToolCallView) or (isinstance(view, AssistantView) and not view.item.pieces)


def _over(style: Style, base: Style) -> Style:
    """``style`` without what it only has from ``base``: its background, where that is the same."""
    background = style.bgcolor if style.bgcolor != base.bgcolor else None
    return Style(
        color=style.color,
        bgcolor=background,
        bold=style.bold or None,
        dim=style.dim or None,
        italic=style.italic or None,
        underline=style.underline or None,
        strike=style.strike or None,
        reverse=style.reverse or None,
    )


def _painted(strip: Strip, span: tuple[int, int], style: Style) -> Strip:
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
