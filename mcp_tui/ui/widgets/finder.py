"""Finding text in a conversation: every item is looked through once, a slice at a time, the nearest ones first."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from mcp_tui.conversation.items import AssistantItem, NoticeItem, ToolCallItem, UserItem
from mcp_tui.ui.widgets.blocks.item import ItemView
from mcp_tui.ui.widgets.blocks.messages import AssistantView, UserView
from mcp_tui.ui.widgets.blocks.tools import MAX_RESULT_CHARACTERS, MAX_RESULT_LINES, ToolCallView
from mcp_tui.ui.widgets.document.heights import Heights
from mcp_tui.ui.widgets.find_text import Wanted, source_of

if TYPE_CHECKING:
    from mcp_tui.events.content import Content
    from mcp_tui.ui.widgets.document.document import Document


_ESCAPED = frozenset("\\'\"")
"""What is written in another way in JSON than in Python."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the person is told: this is place ``number`` of ``total``."""

    text: str = ""
    """What is looked for; empty when nothing is."""
    number: int = 0
    """From 1; 0 where no place was gone to yet."""
    total: int = 0
    complete: bool = True
    """Whether every item was looked through."""
    beyond: bool = False
    """The place is in the part of a result that only the inspector shows."""


class Place(NamedTuple):
    """A place in an item: in which part of it, and the how manieth there from 0."""

    view: ItemView
    part: str
    number: int


class Finder:
    """Counts the places of ``wanted`` in the entries of a document, in their order."""

    def __init__(self, document: Document, wanted: Wanted, nearest: ItemView | None) -> None:
        """``nearest``: where to begin; from there on down, then up."""
        self._document = document
        self.wanted = wanted
        self._nearest = nearest
        self._parts: dict[ItemView, tuple[tuple[str, int], ...]] = {}
        """Entry -> how many places there are in each of its parts: tuples, for the garbage collector's sake."""
        self._totals = Heights()
        """Places in each entry of the document."""
        self._entries: tuple[int, object, object] = (0, None, None)
        self._todo: deque[ItemView] = deque()
        self._waiting: set[ItemView] = set()
        self._sync()

    @property
    def complete(self) -> bool:
        """Whether every item was looked through."""
        return not self._todo

    @property
    def total(self) -> int:
        """Places found so far."""
        return self._totals.total

    def changed(self, view: ItemView) -> None:
        """The item of ``view`` is another one now, or grew."""
        if view not in self._waiting:
            self._waiting.add(view)
            self._todo.append(view)

    def work(self, end: float) -> bool:
        """Look through items until the clock (`time.perf_counter`) shows ``end``; whether anything was counted."""
        self._sync()
        counted = False
        while self._todo:
            view = self._todo.popleft()
            self._waiting.discard(view)
            index = self._document.index_of(view)
            if index < len(self._document.entries) and self._document.entries[index] is view:
                parts = places_in(view, self.wanted)
                total = sum(count for _part, count in parts)
                self._parts[view] = tuple(parts) if total else ()
                self._totals.set(index, total)
                counted = True
            if time.perf_counter() >= end:
                break
        return counted

    def _sync(self) -> None:
        """Follow entries that came or went."""
        entries = self._document.entries
        now = (len(entries), entries[0] if entries else None, entries[-1] if entries else None)
        if now == self._entries:
            return
        self._entries = now
        views = [entry for entry in entries if isinstance(entry, ItemView)]
        known, self._parts = self._parts, {}
        for view in views:
            if view in known:
                self._parts[view] = known[view]
        counts = (self._parts.get(entry, ()) if isinstance(entry, ItemView) else () for entry in entries)
        self._totals = Heights(sum(count for _part, count in parts) for parts in counts)
        for view in self._nearest_first(views):
            if view not in self._parts:
                self.changed(view)

    def _nearest_first(self, views: list[ItemView]) -> Iterable[ItemView]:
        try:
            start = views.index(self._nearest) if self._nearest is not None else 0
        except ValueError:
            start = 0
        return [*views[start:], *reversed(views[:start])]

    # -- places ------------------------------------------------------------------------------------

    def number_of(self, place: Place) -> int:
        """Which place of all it is, from 0."""
        before = 0
        for part, count in self._parts.get(place.view, ()):
            if part == place.part:
                return self._totals.offset(self._document.index_of(place.view)) + before + min(place.number, count - 1)
            before += count
        return self._totals.offset(self._document.index_of(place.view))

    def place(self, number: int) -> Place | None:
        """Place ``number`` of all, counted around; ``None`` where there is none."""
        if not self.total:
            return None
        index, inner = self._totals.find(number % self.total)
        view = self._document.entries[index]
        if not isinstance(view, ItemView):
            return None
        for part, count in self._parts.get(view, ()):
            if inner < count:
                return Place(view, part, inner)
            inner -= count
        return None

    def first_in(self, view: ItemView) -> Place | None:
        """The first place in an entry, looked through now if it was not yet; ``None`` where it has none."""
        parts = places_in(view, self.wanted) if view in self._waiting else self._parts.get(view, ())
        return next((Place(view, part, 0) for part, count in parts if count), None)

    def nearest(self) -> Place | None:
        """The first place from where the search began on, else the last one before; ``None`` until one is known."""
        self._sync()
        if not self.total:
            return None
        index = self._document.index_of(self._nearest) if self._nearest is not None else 0
        before = self._totals.offset(min(index, len(self._totals)))
        if before < self.total:
            return self.place(before)
        return self.place(before - 1) if self.complete or self._looked_below() else None

    def _looked_below(self) -> bool:
        """Whether all entries from the beginning of the search on were looked through."""
        nearest = self._nearest
        return nearest is None or all(view.serial < nearest.serial for view in self._todo)


def section_of(place: Place) -> int:
    """Which section of its entry the place is in."""
    view, part = place.view, place.part
    if isinstance(view, UserView):
        return 1
    if isinstance(view, AssistantView):
        return 2 if part == "reasoning" else 3
    return 2 if isinstance(view, ToolCallView) and part != "head" else 0


def reveal(place: Place) -> None:
    """Open what the place is in, if that is closed."""
    view = place.view
    if isinstance(view, ToolCallView):
        closed = place.part != "head" and not view.open
    else:
        closed = place.part == "reasoning" and isinstance(view, AssistantView) and not view.reasoning_open
    if closed:
        view.toggle()


def places_in(view: ItemView, wanted: Wanted) -> list[tuple[str, int]]:
    """How often ``wanted`` is in each part of an item, from top to bottom."""
    item = view.item
    match item:
        case UserItem():
            return [("body", wanted.count(item.text))]
        case AssistantItem():
            shown = isinstance(view, AssistantView) and view.show_reasoning
            return [("reasoning", wanted.count(item.reasoning) if shown else 0), ("body", wanted.count(item.text))]
        case NoticeItem():
            return [("body", wanted.count(f"{item.text}  {item.hint}"))]
        case ToolCallItem() if isinstance(view, ToolCallView):
            return _in_call(view, item, wanted)
        case _:
            return []


def _in_call(view: ToolCallView, item: ToolCallItem, wanted: Wanted) -> list[tuple[str, int]]:
    parts = [("head", wanted.count(item.label)), ("details", 0), ("beyond", 0)]
    if not _may_hold(item, wanted):
        return parts
    details = sum(wanted.count(source_of(block)) for block in view.details())
    return [parts[0], ("details", details), ("beyond", int(not item.sensitive and _beyond(item, wanted)))]


def _may_hold(item: ToolCallItem, wanted: Wanted) -> bool:
    """Whether it can be in what an opened call shows; quick, so that most calls need not be opened for it."""
    if not all(word.isprintable() and not _ESCAPED.intersection(word) for word in wanted.words):
        return True
    texts = [
        str(item.arguments),
        str(item.asked_arguments) if item.edited else "",
        str(item.structured_content),
        f"{item.decision} {item.error} {item.validation_errors}" if item.state != "success" else item.decision,
        *(_words_of(content) for content in item.content),
    ]
    return wanted.may_be_in("\n".join(texts))


def _words_of(content: Content) -> str:
    """Text, or what a stand-in for it says."""
    names = ("text", "mime_type", "title", "name", "uri", "kind", "type")
    return " ".join(str(getattr(content, name, "") or "") for name in names)


def _beyond(item: ToolCallItem, wanted: Wanted) -> bool:
    """Whether it is in a part of the result that is not shown here."""
    for content in item.content:
        text = getattr(content, "text", None) or ""
        start = MAX_RESULT_CHARACTERS
        if text.count("\n", 0, start) >= MAX_RESULT_LINES:
            start = len("\n".join(text.split("\n", MAX_RESULT_LINES)[:MAX_RESULT_LINES]))
        if len(text) > start and wanted.may_be_in(text) and wanted.source.search(text, start):
            return True
    return False
