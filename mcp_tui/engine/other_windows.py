"""Other windows on the open conversation: what they add is shown as it comes.

One turn runs in a conversation at a time, and whoever runs it holds its lease.  While it runs here, everything that
comes is ours or waits until its end; while it runs elsewhere, its events are taken in as any others, and a turn of
our own is refused by the lease.  A turn whose window died holds no lease any more: it is closed here.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.recovery import closing_events
from mcp_tui.errors import ConversationNotFound, HistoryError
from mcp_tui.events.base import EventBase
from mcp_tui.history.base import HistoryStore

log = logging.getLogger(__name__)

QUIET = 2.0
"""Seconds without news of a turn that runs elsewhere, after which it is looked whether its window still lives."""

AGAIN = 1.0
"""Seconds until a conversation that could not be read is looked at again."""


class OtherWindows:
    """Follows the conversation that is open, whichever that is.

    ``at_rest`` returns when no turn runs here and all of the conversation is there; ``resting`` tells whether that
    is so now.  ``gone`` is told when the conversation was taken away, and when it is back.  ``taking_lease`` is held
    while a turn that another window left open is closed: a turn of our own waits that long for its lease.
    """

    def __init__(
        self,
        bus: EventBus,
        store: HistoryStore,
        *,
        at_rest: Callable[[], Awaitable[None]],
        resting: Callable[[], bool],
        gone: Callable[[str, bool], None],
        taking_lease: asyncio.Lock,
    ) -> None:
        self._bus, self._store = bus, store
        self._at_rest, self._resting, self._gone = at_rest, resting, gone
        self._taking_lease = taking_lease
        self._told = ""

    async def run(self) -> None:
        """Until it is cancelled."""
        missed = 0
        while True:
            conversation_id = await self._open_one()
            try:
                await self._follow(conversation_id)
                missed = 0
            except ConversationNotFound:
                missed += 1
                # Twice: it may have been us who deleted it, and another one is open in a moment.
                if missed > 1 and conversation_id == self._bus.conversation_id != self._told:
                    self._told = conversation_id
                    self._gone(conversation_id, True)
                await asyncio.sleep(AGAIN)
            except HistoryError as error:
                log.warning("the open conversation cannot be followed: %s", error.message)
                await asyncio.sleep(AGAIN)

    async def _open_one(self) -> str:
        """The open conversation, once anything of it is stored."""
        while not self._bus.last_seq:
            await self._bus.changed()
        await self._at_rest()
        return self._bus.conversation_id

    async def _follow(self, conversation_id: str) -> None:
        """Until another one is open."""
        following = self._store.follow(conversation_id, self._bus.last_seq)
        coming: asyncio.Task[Sequence[EventBase]] | None = None
        try:
            while self._bus.conversation_id == conversation_id:
                coming = coming or asyncio.create_task(_next(following))
                if not await self._wait(coming):
                    await self._close_what_was_left(conversation_id)
                elif coming.done():
                    events, coming = coming.result(), None
                    await self._take_in(conversation_id, events)
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)
            if isinstance(following, AsyncGenerator):
                await following.aclose()

    async def _wait(self, coming: asyncio.Task[Sequence[EventBase]]) -> bool:
        """Until there are events, or another conversation; False when a turn elsewhere gave no news for a while."""
        changed = asyncio.create_task(self._bus.changed())
        waited: set[asyncio.Task[Any]] = {coming, changed}
        elsewhere = self._resting() and self._bus.folds.transcript.open_turn is not None
        try:
            timeout = QUIET if elsewhere else None
            done, _ = await asyncio.wait(waited, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
        return bool(done)

    async def _take_in(self, conversation_id: str, events: Sequence[EventBase]) -> None:
        await self._at_rest()
        if self._bus.conversation_id != conversation_id:
            return
        if self._told == conversation_id:
            self._told = ""
            self._gone(conversation_id, False)
        self._bus.take_in(events)
        if self._bus.behind:
            await self._bus.catch_up(unless=lambda: not self._resting())

    async def _close_what_was_left(self, conversation_id: str) -> None:
        """Whoever lives holds the lease; a third window may have closed it already."""
        async with self._taking_lease:
            if not self._resting() or self._bus.conversation_id != conversation_id:
                return
            with suppress(HistoryError):
                async with self._store.lease(conversation_id):
                    stored = await self._store.read(conversation_id)
                    closed = await self._store.append(conversation_id, closing_events(stored.events))
                await self._take_in(conversation_id, closed)


async def _next(following: AsyncIterator[Sequence[EventBase]]) -> Sequence[EventBase]:
    return await anext(following)
