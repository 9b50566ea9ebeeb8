"""The conversation pane: one virtual document, drawn line by line (requirements J2-J4).

Cost follows what is seen and what is new, never the length of the answer or of the conversation: changes are
recorded as they come and taken in once a frame, a slice at a time; only blocks in sight are drawn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.segment import Segment
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from mcp_tui.conversation.items import AssistantItem, Change, Item, ToolCallItem
from mcp_tui.ui.conversation_keys import CONVERSATION_KEYS
from mcp_tui.ui.widgets.beginning import SHOWN_AT_ONCE, Beginning, MoreAbove
from mcp_tui.ui.widgets.blocks.highlight import Highlighter
from mcp_tui.ui.widgets.blocks.inline import warm_up
from mcp_tui.ui.widgets.blocks.tools import ToolCallView
from mcp_tui.ui.widgets.blocks.views import AssistantView, ItemView, view_of
from mcp_tui.ui.widgets.conversation_css import CONVERSATION_CSS
from mcp_tui.ui.widgets.document.document import Position
from mcp_tui.ui.widgets.document.style import Palette, own_style
from mcp_tui.ui.widgets.document.view import CATCH_UP
from mcp_tui.ui.widgets.finding import FindingView

if TYPE_CHECKING:
    from datetime import datetime

    from textual.timer import Timer

    from mcp_tui.ui.widgets.document.section import Entry


CONTEXT_ROWS = 3
"""Rows above an item that was asked for (`ConversationView.show_item`)."""


Branch = Literal["fork", "edit", "again", "again_with"]
"""A fork; before an input, to change it; to ask the same again; that with a model chosen first."""


class ConversationView(FindingView):
    """All items of a conversation.  It follows the end until the person moves."""

    PANE: ClassVar[str] = "conversation"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, help_text, show=bool(hint), id=name)
        for name, keys, action, help_text, hint in CONVERSATION_KEYS
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"conversation--{name.replace('_', '-')}" for name in Palette.names()}
    DEFAULT_CSS = CONVERSATION_CSS

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

    class BranchRequested(Message):
        """The person wants to go on from ``item``, or from the end, in a fork: in one of the ways of `Branch`."""

        def __init__(self, conversation: ConversationView, item: Item | None, how: Branch) -> None:
            super().__init__()
            self.conversation = conversation
            self.item = item
            self.how = how

        @property
        def control(self) -> ConversationView:
            """The pane."""
            return self.conversation

    branching = False
    """Whether `BranchRequested` is heard: the keys for it are left to others otherwise."""

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
        now: Callable[[], datetime] | None = None,
        runs_here: Callable[[str | None], bool] | None = None,
    ) -> None:
        """``now``: what time it is in the conversation, where that is not the present.

        ``runs_here``: whether a turn is answered in this window, where another one may run in it.
        """
        super().__init__(id=id, classes=classes)
        if now is not None:
            self._canvas.now = now
        if runs_here is not None:
            self._canvas.runs_here = runs_here
        self._views: dict[str, ItemView] = {}
        self._highlighter = Highlighter(self._schedule)
        self._dirty: dict[str, ItemView] = {}
        self._ticker: Timer | None = None
        self._next_code = 0
        self._warming: asyncio.Future[None] | None = None
        self._wanted: tuple[str, bool] | None = None
        """The item to bring into sight in the next frame, and whether to open it."""
        self._beginning: Beginning | None = None
        """Older items that are not in the document yet."""
        self._coming: tuple[Sequence[Item], Beginning] | None = None
        """All items of a conversation of whose middle a piece is shown, and those of them that have no view yet."""
        self._more_above: MoreAbove | None = None
        """The row that says so, while nobody knows those items yet."""
        self._estimated_before: list[ItemView] = []
        """Those whose height was estimated for another width."""

    # -- items -------------------------------------------------------------------------------------

    def load(self, items: Sequence[Item], *, more_above: bool = False) -> None:
        """Show other items: another conversation.  Nothing is drawn but what is in sight.

        Of many items the last ones are there at once, the others follow within the next frames (`load_all`).
        ``more_above``: these are the end of a conversation of which `complete` brings all.
        """
        self._views = {}
        self.cursor_key = None
        self._anchor = None
        self._coming = None
        self._show(items, max(0, len(items) - SHOWN_AT_ONCE))
        if more_above:
            self._more_above = MoreAbove(self._canvas)
            self._document.prepend([self._more_above])
        self.find_again()

    def complete(self, items: Sequence[Item]) -> None:
        """Show all of a conversation of which the end, or another piece, is shown: what is in sight stays where it is.

        Views are made within the next frames, those of what comes after the piece too.
        """
        first = next((view.item.key for view in self._document.entries if isinstance(view, ItemView)), None)
        start = next((index for index in reversed(range(len(items))) if items[index].key == first), len(items))
        if start == len(items) and self._views:
            start = max(0, len(items) - SHOWN_AT_ONCE)
        if len(items) - start > len(self._views) + SHOWN_AT_ONCE:
            missing = [item for item in items if item.key not in self._views]
            self._coming = items, Beginning(missing, self._new_view)
            self._schedule()
        else:
            self._complete(items, start)

    def _complete(self, items: Sequence[Item], start: int) -> None:
        """All items from ``start`` on take the place of what is shown; those that had a view keep it."""
        self._coming = None
        seen = self._document.entry_at(self._anchor) if self._anchor is not None else None
        known, above, cursor = self._views, self._more_above, self.cursor_key
        self._views = {item.key: known[item.key] for item in items[start:] if item.key in known}
        self._show(items, start)
        if start and above is not None:
            self._more_above = above
            self._document.prepend([above])
        if isinstance(seen, ItemView) and seen.item.key not in self._views:
            self._anchor = None
        elif self._anchor is not None and seen is not None:
            self._anchor = Position(seen.serial, self._anchor.spot)
        if cursor not in self._views:
            self.cursor_key = None

    def _show(self, items: Sequence[Item], start: int) -> None:
        """Put the items from ``start`` on into the document; the others follow."""
        self._dirty = {}
        self._estimated_before = []
        self._more_above = None
        self._beginning = Beginning(items[:start], self._new_view) if start else None
        views: list[ItemView] = []
        for item in items[start:]:
            previous, view = views[-1] if views else None, self._views.get(item.key)
            if view is None:
                view = self._new_view(item, previous)
            elif view.item is not item:
                view.item, view.stale = item, True
                self._dirty[item.key] = view
            if view.gap != (gap := _gap(previous, view)):
                view.gap = gap
                view.rebuild()
            views.append(view)
        self._views = {view.item.key: view for view in views}
        self._document.replace(views)
        self.changed_from(0)
        self._schedule()

    def load_all(self) -> None:
        """Have every item that is known in the document now, instead of within the next frames."""
        self._come(float("inf"))
        if self._beginning is not None:
            self._beginning.work(float("inf"))
            self._join(self._beginning)

    def _come(self, end: float) -> None:
        """Make views until the clock shows ``end``; when all are made, they take the place of the piece on show."""
        if self._coming is not None:
            items, missing = self._coming
            if missing.work(end):
                self._views = {view.item.key: view for view in missing.views} | self._views
                self._complete(items, 0)

    def _join(self, beginning: Beginning) -> None:
        """The older items come before those that are there."""
        self._beginning = None
        if self._more_above is not None:
            self._document.remove(self._more_above)
            self._more_above = None
        older = beginning.views
        if self._document.entries and older:
            self._follow(older[-1], self._document.entries[0])
        self._document.prepend(older)
        self._views = {view.item.key: view for view in older} | self._views
        self.changed_from(0)

    def _follow(self, previous: ItemView | None, entry: Entry) -> None:
        """``entry`` stands below ``previous`` now."""
        if isinstance(entry, ItemView) and entry.gap != (gap := _gap(previous, entry)):
            entry.gap = gap
            entry.rebuild()
            self._document.changed(entry)

    @property
    def all_there(self) -> bool:
        """Whether every item is in the document."""
        return self._beginning is None and self._coming is None and self._more_above is None

    def apply(self, changes: Iterable[Change]) -> None:
        """Take note of changes of the items; they show in the next frame."""
        if self._coming is not None:
            self.load_all()
        for change in changes:
            view = self._views.get(change.item.key)
            if view is None and self._beginning is not None and change.item.key in self._beginning:
                self.load_all()
                view = self._views[change.item.key]
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
                self.find_changed(view)
                self._dirty.setdefault(change.item.key, view)
                continue
            view.item = change.item
            view.stale = True
            self.find_changed(view)
            self._dirty[change.item.key] = view
        self._schedule()

    def _view(self, item: Item, previous: ItemView | None) -> ItemView:
        view = self._views[item.key] = self._new_view(item, previous)
        return view

    def _new_view(self, item: Item, previous: ItemView | None) -> ItemView:
        view = view_of(item, self._canvas, show_reasoning=self.show_reasoning)
        view.gap = _gap(previous, view)
        return view

    def _remove(self, view: ItemView) -> None:
        index = self._document.index_of(view)
        self._document.remove(view)
        self.changed_from(0)
        del self._views[view.item.key]
        self._dirty.pop(view.item.key, None)
        if self.cursor_key == view.item.key:
            self.cursor_key = None
        if index < len(self._document.entries):
            before = self._document.entries[index - 1] if index else None
            self._follow(before if isinstance(before, ItemView) else None, self._document.entries[index])

    @property
    def busy(self) -> bool:
        """Whether changes wait to be shown."""
        waiting = bool(self._dirty) or bool(self._document.unfinished) or self._beginning is not None or self.find_busy
        waiting = waiting or bool(self._estimated_before) or self._coming is not None
        return self._pending or waiting or self._highlighter.busy or not self.ready

    # -- frames ------------------------------------------------------------------------------------

    def take_in(self, end: float) -> bool:
        """Bring changed entries up to date until the clock shows ``end``; whether something is left."""
        document = self._document
        if self._wanted is not None and (self._wanted[0] in self._views or not self._making):
            (key, opened), self._wanted = self._wanted, None
            self._bring(key, opened=opened)
        while self._dirty and time.perf_counter() < end:
            key = next(iter(self._dirty))
            view = self._dirty[key]
            if view.stale:
                view.stale = False
                view.refresh()
                self.changed_from(0)
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
        if self._beginning is not None and self._beginning.work(end):
            self._join(self._beginning)
        self._come(end)
        self._estimate_again(end)
        colouring = self._highlighter.work(max(0.002, end - time.perf_counter()))
        if self._highlighter.restyled:
            self._highlighter.restyled = False
            self._new_pen()
        if self._highlighter.coloured:
            self._highlighter.coloured = False
            self.changed_from(0)
        finding = self.find_work(end)
        return bool(self._dirty) or colouring or finding or self._making or self._wanted is not None

    @property
    def _making(self) -> bool:
        """Whether views of items that are known are still to be made."""
        return self._beginning is not None or self._coming is not None

    def width_changed(self) -> None:
        """The scroll bar is right again soon: what is far away is estimated anew, from the end on."""
        self._estimated_before = list(self._views.values())

    def _estimate_again(self, end: float) -> None:
        waiting = self._estimated_before
        while waiting and time.perf_counter() < end:
            for view in waiting[-16:]:
                if view.estimate_again() and self._views.get(view.item.key) is view:
                    self._document.changed(view)
            del waiting[-16:]
            self.changed_from(0)
        if waiting:
            self._schedule(CATCH_UP)

    def _work(self, view: ItemView, end: float) -> None:
        changed = view.work(end)
        self._document.changed(view)
        self.changed_from(self._document.top_of(view) + changed)

    def drawn(self) -> None:
        """Let time go by on what runs and is in sight."""
        live = any(view.live for view in self._views_in_sight())
        if live and self._ticker is None:
            self._ticker = self.set_interval(1.0, self.tick)
        elif not live and self._ticker is not None:
            self._ticker.stop()
            self._ticker = None

    def tick(self) -> None:
        """Time went by: what runs and is in sight says how long."""
        for view in self._views_in_sight():
            if isinstance(view, ToolCallView):
                view.tick()
                self.changed_from(0)
        self._schedule()

    def _views_in_sight(self) -> list[ItemView]:
        first = self._document.position_at(self.scroll_offset.y)
        if first is None:
            return []
        out: list[ItemView] = []
        entry = self._document.entry_at(first)
        index = self._document.index_of(entry) if entry is not None else 0
        bottom = self.scroll_offset.y + self.size.height
        for place in range(index, len(self._document.entries)):
            each = self._document.entries[place]
            if self._document.top_of(each) >= bottom:
                break
            if isinstance(each, ItemView):
                out.append(each)
        return out

    # -- drawing -----------------------------------------------------------------------------------

    def palette(self) -> Palette:
        """From the component classes; colours of code from the theme's Pygments style once that is loaded."""
        base = self.rich_style
        names = [name for name in Palette.names() if name != "text"]
        styles = {
            name: own_style(self.get_component_rich_style(f"conversation--{name.replace('_', '-')}"), base)
            for name in names
        }
        return Palette(
            text=base, **{**styles, **self._highlighter.styles(self.app.theme_variables.get("code-theme", ""))}
        )

    @property
    def ready(self) -> bool:
        """Once the Markdown parser is there."""
        return self._warming is not None and self._warming.done()

    def colours(self) -> Highlighter:
        """Colours fences a slice at a time."""
        return self._highlighter

    def on_mount(self) -> None:
        """Prepare the Markdown parser beside the event loop."""
        self._warming = asyncio.get_running_loop().run_in_executor(None, warm_up)
        self._warming.add_done_callback(lambda _done: self._schedule(0.001))

    def decorate(self, strip: Strip, position: Position) -> Strip:
        """What is found, and the mark of the block cursor in the first column, not on the gap above the item."""
        strip = self.find_marks(strip, position)
        view = self._cursor_view()
        if view is None or view.serial != position.serial or (position.spot == (0, 0, 0) and view.gap):
            return strip
        return Strip.join([Strip([Segment("┃", self.rich_style + self._canvas.pen.palette.cursor)], 1), strip.crop(1)])

    # -- finding -----------------------------------------------------------------------------------

    def first_in_sight(self) -> ItemView | None:
        """The item at the top of the window."""
        return next(iter(self._views_in_sight()), None)

    def is_here(self, view: ItemView) -> None:
        """The cursor goes along to what is found."""
        self.cursor_key = view.item.key

    def action_find_step(self, step: int) -> None:
        """To the next place of what is found, or to the one before."""
        if not self.finding:
            raise SkipAction
        self.find_step(step)

    def action_end_find(self) -> None:
        """Esc: no more of it; without a search it means something else."""
        if self.leave_find is None:
            raise SkipAction
        self.leave_find()

    # -- cursor ------------------------------------------------------------------------------------

    @property
    def cursor_item(self) -> Item | None:
        """The item under the block cursor."""
        view = self._cursor_view()
        return view.item if view is not None else None

    def _cursor_view(self) -> ItemView | None:
        return self._views.get(self.cursor_key) if self.cursor_key is not None else None

    def action_top(self) -> None:
        """The first row."""
        self.load_all()
        super().action_top()

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
        if view is not None and direction < 0 and self._document.index_of(view) == 0:
            self.load_all()
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
        self.load_all()
        if self._views:
            self._put_cursor(next(iter(self._views.values())))

    def action_last(self) -> None:
        """The last item, and follow the end."""
        if self._document.entries:
            self._put_cursor(self._document.entries[-1])
            self.action_bottom()

    def show_item(self, key: str, *, opened: bool = False) -> None:
        """Put the cursor on an item and bring it into sight, in the next frame.

        ``opened``: with the rows of a call, and the first place that `mark` marks.
        """
        self._wanted = key, opened
        self._schedule()

    def _bring(self, key: str, *, opened: bool) -> None:
        view = self._views.get(key)
        if view is None:
            return
        if opened and isinstance(view, ToolCallView) and not view.open:
            view.toggle()
        view.build()
        document = self._document
        document.changed(view)
        self.cursor_key = key
        self._anchor = document.position_at(max(0, document.top_of(view) - CONTEXT_ROWS))
        self.changed_from(0)
        if opened:
            self.seek_in(view)

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

    def action_branch(self, how: Branch) -> None:
        """Ask for a fork at the item under the cursor, where whoever shows the conversation offers that."""
        if not self.branching:
            raise SkipAction
        self.post_message(self.BranchRequested(self, self.cursor_item, how))

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
        self.load_all()
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
        if self._beginning is not None and key in self._beginning:
            self.load_all()
        view = self._views.get(key)
        return view.source() if view is not None else ""

    def last_answer_source(self) -> str:
        """Markdown of the last answer that has text."""
        self.load_all()
        for view in reversed(self._views.values()):
            if isinstance(view.item, AssistantItem) and view.item.pieces:
                return view.item.text
        return ""

    def watch_show_reasoning(self, show: bool) -> None:
        """Show or hide reasoning in every answer."""
        self.load_all()
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


def _gap(previous: ItemView | None, view: ItemView) -> int:
    """Blank rows before an item: tool calls of one answer stand together."""
    if previous is None:
        return 0
    calls = (ToolCallView, AssistantView)
    return 0 if isinstance(view, ToolCallView) and isinstance(previous, calls) and _compact(previous) else 1


def _compact(view: ItemView) -> bool:
    return isinstance(view, ToolCallView) or (isinstance(view, AssistantView) and not view.item.pieces)
