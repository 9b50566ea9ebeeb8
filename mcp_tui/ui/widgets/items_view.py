"""Items of a conversation as entries of one document: taken in as they come, a slice a frame (requirements J2-J4).

Cost follows what is seen and what is new, never the length of the answer or of the conversation: changes are
recorded as they come and taken in once a frame, a slice at a time; only blocks in sight are drawn.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from textual.reactive import reactive

from mcp_tui.conversation.items import Change, Item
from mcp_tui.ui.widgets.beginning import SHOWN_AT_ONCE, Beginning, MoreAbove
from mcp_tui.ui.widgets.blocks.highlight import Highlighter
from mcp_tui.ui.widgets.blocks.inline import warm_up
from mcp_tui.ui.widgets.blocks.item import ItemView
from mcp_tui.ui.widgets.blocks.messages import AssistantView
from mcp_tui.ui.widgets.blocks.tools import ToolCallView
from mcp_tui.ui.widgets.blocks.views import gap_between, view_of
from mcp_tui.ui.widgets.document.document import Position
from mcp_tui.ui.widgets.document.view import CATCH_UP
from mcp_tui.ui.widgets.finding import FindingView

if TYPE_CHECKING:
    from datetime import datetime

    from textual.strip import Strip
    from textual.timer import Timer

    from mcp_tui.ui.widgets.document.section import Entry


class ItemsView(FindingView):
    """All items of a conversation, to be read.  It follows the end until the person moves."""

    show_reasoning: reactive[bool] = reactive(True)
    """Whether reasoning has a line at all."""

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
        self._warming: asyncio.Future[None] | None = None
        self._beginning: Beginning | None = None
        """Older items that are not in the document yet."""
        self._coming: tuple[Sequence[Item], Beginning] | None = None
        """All items of a conversation of whose middle a piece is shown, and those of them that have no view yet."""
        self._more_above: MoreAbove | None = None
        """The row that says so, while nobody knows those items yet."""
        self._estimated_before: list[ItemView] = []
        """Those whose height was estimated for another width."""

    # -- for the subclass --------------------------------------------------------------------------

    def items_left(self) -> None:
        """Items that were there may be gone."""

    # -- items -------------------------------------------------------------------------------------

    def load(self, items: Sequence[Item], *, more_above: bool = False) -> None:
        """Show other items: another conversation.  Nothing is drawn but what is in sight.

        Of many items the last ones are there at once, the others follow within the next frames (`load_all`).
        ``more_above``: these are the end of a conversation of which `complete` brings all.
        """
        self._views = {}
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
        first = next((view for view in self._document.entries if isinstance(view, ItemView)), None)
        known, above = self._views, self._more_above
        self._views = {item.key: known[item.key] for item in items[start:] if item.key in known}
        self._show(items, start)
        if start and above is not None:
            self._more_above = above
            self._document.prepend([above])
        elif seen is not None and seen is above:
            self._row_above(first)
        if isinstance(seen, ItemView) and seen.item.key not in self._views:
            self._anchor = None
        elif self._anchor is not None and seen is not None and (seen is not above or self._more_above is above):
            self._anchor = Position(seen.serial, self._anchor.spot)
        self.items_left()

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
            if view.gap != (gap := gap_between(previous, view)):
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
        first, above = next(iter(self._views.values()), None), self._more_above
        seen = self._document.entry_at(self._anchor) if self._anchor is not None else None
        if above is not None:
            self._document.remove(above)
            self._more_above = None
        older = beginning.views
        if self._document.entries and older:
            self._follow(older[-1], self._document.entries[0])
        self._document.prepend(older)
        self._views = {view.item.key: view for view in older} | self._views
        if seen is not None and seen is above:
            self._row_above(first)
        self.changed_from(0)

    def _row_above(self, view: ItemView | None) -> None:
        """The row above an item, where `MoreAbove` was, is the first one in sight: what comes before it, or the gap."""
        self._anchor = None
        if view is not None:
            self._anchor = Position(view.serial, view.find(0))
            if not view.gap:
                self._anchor = self._document.above(self._anchor, 1, self._canvas.pen)

    def _follow(self, previous: ItemView | None, entry: Entry) -> None:
        """``entry`` stands below ``previous`` now."""
        if isinstance(entry, ItemView) and entry.gap != (gap := gap_between(previous, entry)):
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
        view.gap = gap_between(previous, view)
        return view

    def _remove(self, view: ItemView) -> None:
        index = self._document.index_of(view)
        self._document.remove(view)
        self.changed_from(0)
        del self._views[view.item.key]
        self._dirty.pop(view.item.key, None)
        self.items_left()
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
        return bool(self._dirty) or colouring or finding or self.making

    @property
    def making(self) -> bool:
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
        """Let time go by on what runs and is in sight; a pane on its way out has nobody who would stop that."""
        live = not self._closing and any(view.live for view in self._views_in_sight())
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
        top = self.scroll_offset.y
        within = self._document.entries_within(top, top + self.size.height)
        return [entry for entry in within if isinstance(entry, ItemView)]

    # -- drawing -----------------------------------------------------------------------------------

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
        """What is found."""
        return self.find_marks(strip, position)

    def first_in_sight(self) -> ItemView | None:
        """The item at the top of the window."""
        return next(iter(self._views_in_sight()), None)

    def _change(self, view: ItemView, action: object) -> None:
        if callable(action) and action():
            self._document.changed(view)
            if view.unfinished:
                self._dirty[view.item.key] = view
                self._schedule()
            self._settle()
            self.refresh()

    def watch_show_reasoning(self, show: bool) -> None:
        """Show or hide reasoning in every answer."""
        self.load_all()
        for view in self._views.values():
            if isinstance(view, AssistantView):
                view.show_reasoning = show
                view.rebuild()
                self._document.changed(view)
        self._schedule()
