"""What the history screen lists: the conversations as they are now, filtered and in order.

Nothing of the screen is known here; whoever uses it is told that something changed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tui.errors import McpTuiError
from mcp_tui.ui import history_rows
from mcp_tui.ui.history_rows import Entry, Haystacks

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.engine.history import Library, ListedSoFar

_LEAST_PAUSE = 1.0
"""Seconds between two looks at the files; more where a look takes long."""


@dataclass(slots=True)
class HistoryMemory:
    """What the screen finds again when it is opened the next time."""

    conversations: tuple[ConversationSummary, ...] = ()
    tree: bool = False
    current: str = ""


class Listing:
    """The conversations, and those of them that have a row."""

    def __init__(self, memory: HistoryMemory) -> None:
        self.memory = memory
        self.conversations = memory.conversations
        """All of them, last changed first."""
        self.entries: list[Entry] = []
        """Those that are listed, in order."""
        self.read_once = bool(self.conversations)
        """Whether there is anything to show: before the first look nobody knows what there is."""
        self.problem = ""
        """Why the files could not be looked at."""
        self.reading: tuple[int, int] | None = None
        """How many conversations were read of how many, while the first look lasts."""
        self.octets = 0
        """Of all conversations."""
        self.spent: float | None = None
        """US dollars that are known, each once."""
        self._haystacks = Haystacks()
        self._known: dict[str, Entry] = {}
        self._news = asyncio.Event()

    def look_again(self) -> None:
        """Something was changed: look at the files now."""
        self._news.set()

    async def watch(self, library: Library, changed: Callable[[bool], None]) -> None:
        """Take over what this and other processes write, until cancelled.

        ``changed`` is called when something did, and told whether this was the first look.
        """
        while True:
            self._news.clear()
            began = time.monotonic()
            try:
                conversations = await library.list(lambda part: self._part(part, changed))
                problem = ""
            except McpTuiError as error:
                conversations, problem = self.conversations, str(error)
            took = time.monotonic() - began
            new = conversations != self.conversations or problem != self.problem
            if new or not self.read_once or self.reading is not None:
                first, self.read_once, self.reading = not self.read_once, True, None
                self.problem = problem
                self._take(conversations)
                changed(first)
                await self._haystacks.prepare(conversations)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), max(_LEAST_PAUSE, 20 * took))

    def _part(self, part: ListedSoFar, changed: Callable[[bool], None]) -> None:
        """Rows as they come; what was known from before is more."""
        if not self.read_once or self.reading is not None:
            first, self.read_once, self.reading = not self.read_once, True, (part.done, part.total)
            self._take(part.conversations)
            changed(first)

    def _take(self, conversations: tuple[ConversationSummary, ...]) -> None:
        from mcp_tui.conversation.summary import together

        self.conversations = conversations
        self.octets = sum(stored.size for stored in conversations)
        self.spent = together(conversations).cost

    def arrange(self, query: str, found: Sequence[str] | None) -> None:
        """List what the filter matches; of a search, the conversations that it ``found``, by id, in that order."""
        if found is not None:
            by_id = {stored.id: stored for stored in self.conversations}
            self.entries = self._by_date(by_id[key] for key in found if key in by_id)
            return
        matching = self._haystacks.matching(self.conversations, query)
        self.entries = history_rows.as_tree(matching) if self.memory.tree else self._by_date(matching)

    def _by_date(self, conversations: Iterable[ConversationSummary]) -> list[Entry]:
        """Rows in the order given; of what was listed before, the very same: ten thousand new ones make garbage."""
        known, found = self._known, []
        for stored in conversations:
            entry = known.get(stored.id)
            if entry is None or entry.stored is not stored:
                entry = known[stored.id] = Entry(stored)
            found.append(entry)
        return found

    def place_of(self, conversation_id: str) -> int | None:
        """Row of a conversation; ``None`` where it has none."""
        return next((n for n, entry in enumerate(self.entries) if entry.stored.id == conversation_id), None)
