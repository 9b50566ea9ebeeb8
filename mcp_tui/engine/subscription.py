"""What one reader of the stream has not taken yet.

A reader gets every stored event and every closing one; when it lags, text deltas of one message are merged and
progress of one call is reduced to the latest, so that a slow screen costs memory for what it has not shown, once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in order.  ``live`` is False while a stored conversation is read into a view."""

    events: tuple[EventBase, ...]
    live: bool


@dataclass(slots=True)
class _Waiting:
    """An event that a subscriber has not taken yet; ``more`` is text of later deltas that continue it."""

    event: EventBase
    live: bool
    more: list[str] = field(default_factory=list)

    def take_in(self, event: EventBase) -> bool:
        """Merge a later event into this one where nothing is lost by that."""
        match self.event, event:
            case turns.TextDelta(message_id=one), turns.TextDelta(message_id=other, text=text) if one == other:
                self.more.append(text)
            case turns.ReasoningDelta(message_id=one), turns.ReasoningDelta(message_id=other, text=text) if (
                one == other
            ):
                self.more.append(text)
            case tools.ToolCallProgress(call_id=one), tools.ToolCallProgress(call_id=other) if one == other:
                self.event = event
            case turns.ToolCallDelta(message_id=one, index=first), turns.ToolCallDelta(
                message_id=other, index=second
            ) if (one, first) == (other, second):
                self.event = event
            case _:
                return False
        return True

    def whole(self) -> EventBase:
        """The event with all of its text."""
        if self.more and isinstance(self.event, turns.TextDelta | turns.ReasoningDelta):
            return self.event.model_copy(update={"text": "".join([self.event.text, *self.more])})
        return self.event


class Subscription:
    """One reader of the stream: ``async for batch in subscription``, then ``close()``."""

    def __init__(self, left: Callable[[Subscription], None]) -> None:
        self._left = left
        self._waiting: deque[_Waiting | tuple[EventBase, ...]] = deque()
        """Single events, and logs that were recorded before."""
        self._ready = asyncio.Event()
        self._closed = False

    def put_log(self, events: Sequence[EventBase]) -> None:
        """Add what was recorded, all at once."""
        if events:
            self._waiting.append(tuple(events))
            self._ready.set()

    def put(self, event: EventBase, live: bool) -> None:
        """Add an event; merges it with the one before where nothing is lost by that."""
        last = self._waiting[-1] if self._waiting else None
        if not isinstance(last, _Waiting) or last.live != live or not last.take_in(event):
            self._waiting.append(_Waiting(event, live))
            self._ready.set()

    def close(self) -> None:
        """End the iteration after what is waiting."""
        self._closed = True
        self._left(self)
        self._ready.set()

    async def __aiter__(self) -> AsyncIterator[Batch]:
        while True:
            await self._ready.wait()
            while self._waiting:
                live = _is_live(self._waiting[0])
                events: list[EventBase] = []
                while self._waiting and _is_live(self._waiting[0]) == live:
                    waiting = self._waiting.popleft()
                    events += (waiting.whole(),) if isinstance(waiting, _Waiting) else waiting
                yield Batch(tuple(events), live)
            if self._closed:
                return
            self._ready.clear()


def _is_live(waiting: _Waiting | tuple[EventBase, ...]) -> bool:
    return isinstance(waiting, _Waiting) and waiting.live
