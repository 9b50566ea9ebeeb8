"""A search as the person types it: the newest question wins, more hits come as the list is walked down.

Nothing of the screen is known here; whoever uses it is told that something changed.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from mcp_tui.errors import McpTuiError

if TYPE_CHECKING:
    from mcp_tui.engine.history import IndexState, Library, SearchHit

PAUSE = 0.08
"""Seconds after a key before a search begins: the next key may be on its way."""
AGAIN = 1.0
"""Seconds between two searches for the same words while the index still grows."""
PAGE = 200
"""Hits that are asked for at a time."""


class HistorySearch:
    """One search at a time, and the hits in the conversation that is looked at."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._library: Library | None = None
        self.query = ""
        self.hits: list[SearchHit] = []
        self.words: tuple[str, ...] = ()
        """What of the query the hits have in them."""
        self.more = False
        self.state: IndexState | None = None
        self.problem = ""
        """Why nothing can be looked for like this, and what to write instead."""
        self.asked = False
        """Whether an answer to this very query has come."""
        self._inside: dict[str, tuple[SearchHit, ...]] = {}
        """Conversation -> all hits in it, in order, as far as somebody looked."""
        self._fresh: set[str] = set()
        """Conversations whose hits were fetched since the index last grew."""
        self._looking_at = ""
        self._running: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None

    @property
    def active(self) -> bool:
        """Whether something is looked for; a quotation mark alone is the beginning of something."""
        return bool(self.query.strip(' "'))

    @property
    def conversations(self) -> list[str]:
        """Ids of the conversations with hits, the one of the newest hit first."""
        return list(dict.fromkeys(hit.conversation_id for hit in self.hits))

    def use(self, library: Library) -> None:
        """Look there; a search that was asked for before begins."""
        self._library = library
        if self.active and self._running is None:
            self._begin()

    def _begin(self) -> None:
        if self._library is not None:
            self._running = asyncio.create_task(self._search(self._library), name="history search")

    def look_for(self, query: str) -> None:
        """Search anew; what was found before stays until the answer comes."""
        if query.strip() == self.query.strip():
            self.query = query
            return
        self.query, self.asked, self.problem = query, False, ""
        self._inside.clear()
        self._fresh.clear()
        self.stop()
        if self.active:
            self._begin()
        else:
            self.hits, self.more = [], False
        self._changed()

    def stop(self) -> None:
        """Nobody looks any more."""
        for task in (self._running, self._looking):
            if task is not None:
                task.cancel()
        self._looking_at = ""

    async def _search(self, library: Library) -> None:
        await asyncio.sleep(PAUSE)
        while True:
            try:
                page = await library.search(self.query, PAGE, 0)
            except McpTuiError as error:
                self.hits, self.more, self.problem, self.asked = [], False, str(error), True
                self._changed()
                return
            self.hits, self.more, self.state, self.asked = list(page.hits), page.more, page.state, True
            self.problem, self.words = "", page.words
            self._changed()
            if page.state.complete or page.state.problem:
                return
            await asyncio.sleep(AGAIN)
            self._fresh.clear()

    async def load_more(self) -> bool:
        """The next hits; False when there are none.  One at a time: a call while another runs does nothing."""
        if not self.more or self._library is None:
            return False
        self.more = False
        query = self.query
        page = await self._library.search(query, PAGE, len(self.hits))
        if query != self.query:
            return False
        known = {(hit.conversation_id, hit.event_id, hit.kind) for hit in self.hits}
        new = [hit for hit in page.hits if (hit.conversation_id, hit.event_id, hit.kind) not in known]
        self.hits += new
        self.more = page.more
        self._changed()
        return bool(new)

    def inside(self, conversation_id: str) -> tuple[tuple[SearchHit, ...], bool]:
        """The hits in one conversation in its order, and whether those are all; all of them are fetched then."""
        if (known := self._inside.get(conversation_id)) is not None:
            return known, True
        found = [hit for hit in self.hits if hit.conversation_id == conversation_id]
        return tuple(sorted(found, key=_seq)), False

    def look_inside(self, conversation_id: str) -> None:
        """Fetch all hits of one conversation, unless that was done, or is being done."""
        busy = self._looking is not None and not self._looking.done()
        if conversation_id in self._fresh or (busy and conversation_id == self._looking_at):
            return
        if self._looking is not None:
            self._looking.cancel()
        if conversation_id and self.active and self._library is not None:
            self._looking_at = conversation_id
            looking = self._look_inside(self._library, conversation_id)
            self._looking = asyncio.create_task(looking, name="hits of a conversation")

    async def _look_inside(self, library: Library, conversation_id: str) -> None:
        await asyncio.sleep(PAUSE)
        query = self.query
        found: list[SearchHit] = []
        try:
            while True:
                page = await library.search(f"in:{conversation_id} {query}", PAGE, len(found))
                found += page.hits
                if not page.more or not page.hits or len(found) >= 10 * PAGE:
                    break
        except McpTuiError:
            return
        if query == self.query:
            self._fresh.add(conversation_id)
            if found:
                self._inside[conversation_id] = tuple(sorted(found, key=_seq))
            self._changed()


def _seq(hit: SearchHit) -> int:
    return hit.seq
