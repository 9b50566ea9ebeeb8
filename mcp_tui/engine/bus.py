"""Every event's way: number, redact, record, fold, publish.

A stored event is on disk before anyone sees it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain

from mcp_tui.conversation.pace import Pace, beside
from mcp_tui.engine.contents import Contents, Folds
from mcp_tui.engine.redaction import is_large, redacted
from mcp_tui.engine.shielded import held
from mcp_tui.engine.subscription import Batch, Subscription
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.history.base import HistoryStore
from mcp_tui.safety.secrets import Redactor

__all__ = ["MANY", "PATIENCE", "Batch", "Contents", "EventBus", "Subscription"]

MANY = 5_000
"""Events of a conversation that is left from which on they are freed in a thread."""

PATIENCE = 2.0
"""Seconds that a cancelled task waits for its write, so that what is stored is also seen."""


class EventBus:
    """The conversation that is open, and everyone who watches it."""

    def __init__(self, store: HistoryStore, redactor: Redactor) -> None:
        self._store = store
        self._redactor = self.redactor = redactor
        self._subscribers: list[Subscription] = []
        self._owed: list[EventBase] = []
        self._changed = asyncio.Event()
        self._set("", Contents(), more_above=False)

    def _set(self, conversation_id: str, contents: Contents, *, more_above: bool) -> None:
        self.conversation_id = conversation_id
        self._contents = contents
        contents.is_as_stored()
        self.more_above = more_above
        """Whether only the end of the conversation is here (`complete`)."""
        self._unwritten: dict[str, tuple[list[str], list[str]]] = {}
        self._tell()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        """Return when another conversation is open, or the open one has its first events."""
        await self._changed.wait()

    def open(self, conversation_id: str, log: Contents | Sequence[EventBase] = (), *, more_above: bool = False) -> None:
        """Make another conversation the current one; every subscriber starts afresh from its log.

        ``more_above``: the log is only the end of it, and `complete` brings all.
        """
        if conversation_id != self.conversation_id:
            self._owed = []
        contents = log if isinstance(log, Contents) else Contents.of(log)
        left = self._contents.recorded
        self._set(conversation_id, contents, more_above=more_above)
        if len(left) > MANY:
            asyncio.get_running_loop().run_in_executor(None, _let_go, left)
        for subscriber in self._subscribers:
            self._replay(subscriber)

    def complete(self, contents: Contents) -> None:
        """All of the conversation of which the end is open; what was recorded since it was read is added."""
        contents.is_as_stored()
        last_seq = contents.last_seq
        for event in self._contents.events:
            if event.seq > last_seq:
                contents.keep(event)
                contents.folds.apply(event)
        missing, out_of_order = set(contents.missing), contents.out_of_order
        self.open(self.conversation_id, contents)
        contents.missing, contents.out_of_order = missing, out_of_order

    @property
    def folds(self) -> Folds:
        """What is known of the open conversation."""
        return self._contents.folds

    @property
    def behind(self) -> bool:
        """Whether something else has written to this conversation since it was read (`catch_up`)."""
        return self._contents.gap

    def subscribe(self) -> Subscription:
        """A reader that begins with the current conversation's log and goes on live."""
        subscription = Subscription(self._unsubscribe)
        self._replay(subscription)
        self._subscribers.append(subscription)
        return subscription

    @property
    def watched(self) -> bool:
        """Whether anybody reads the stream."""
        return bool(self._subscribers)

    def _unsubscribe(self, subscription: Subscription) -> None:
        if subscription in self._subscribers:
            self._subscribers.remove(subscription)

    def publish(self, event: EventBase) -> None:
        """Pass on an event that is not stored."""
        match event:
            case turns.TextDelta():
                self._unwritten.setdefault(event.message_id, ([], []))[0].append(event.text)
            case turns.ReasoningDelta():
                self._unwritten.setdefault(event.message_id, ([], []))[1].append(event.text)
            case tools.ToolCallProgress():
                event = redacted(event, self._redactor)
            case _:
                pass
        self.folds.apply(event)
        self._send(event)

    async def record(self, *events: EventBase) -> None:
        """Store events, then fold and publish them.

        A cancellation that arrives meanwhile is raised afterwards, so that nothing is stored that nobody saw.
        Raises `mcp_tui.errors.HistoryError`; then nothing was stored and nobody saw them.  Ends among them are
        kept and go before whatever is recorded next: what began must not stay open for ever because a disk was
        full for a moment.
        """
        await held(self._record(events), PATIENCE)

    async def _record(self, events: Sequence[EventBase]) -> None:
        owed, self._owed = self._owed, []
        try:
            stored = await self._append([*owed, *events])
        except BaseException:
            self._owed = [*owed, *filter(_is_end, events), *self._owed]
            raise
        self.take_in(stored)

    def take_in(self, stored: Sequence[EventBase]) -> None:
        """Fold and publish what is stored, whoever stored it; what is known already changes nothing."""
        first = not self.last_seq
        for event in stored:
            if self._remember(event):
                self._send(event)
        if first:
            self._tell()

    async def write_fragments(self) -> None:
        """Store what has streamed since the last time, so that a crash costs seconds (requirement A5)."""
        pending, self._unwritten = self._unwritten, {}
        fragments = [
            turns.MessageFragment(
                conversation_id=self.conversation_id,
                turn_id=self.folds.transcript.open_turn,
                message_id=message_id,
                text="".join(text),
                reasoning="".join(reasoning),
            )
            for message_id, (text, reasoning) in pending.items()
        ]
        if not fragments:
            return
        try:
            stored = await self._append(fragments)
        except BaseException:
            for message_id, (text, reasoning) in pending.items():
                later = self._unwritten.setdefault(message_id, ([], []))
                later[0][:0], later[1][:0] = text, reasoning
            raise
        for event in stored:
            self._contents.keep(event)

    async def catch_up(self, unless: Callable[[], bool] = lambda: False) -> None:
        """Read the conversation again, in the order of its log, since others have written to it.

        Subscribers start afresh, but not when ``unless`` holds by then.  Raises `mcp_tui.errors.HistoryError`.
        """
        conversation_id = self.conversation_id
        while True:
            stored = await self._store.read(conversation_id)
            contents = await beside(partial(Contents.of, stored.events))
            if unless() or self.conversation_id != conversation_id:
                return
            # Something was recorded while it was read.
            if contents.last_seq >= self.last_seq:
                break
        self.open(conversation_id, contents)

    def events_of(self, turn_id: str) -> list[EventBase]:
        """What was recorded of a recent turn, the ends included that could not be stored yet."""
        found: list[EventBase] = []
        for event in reversed(self._contents.recorded):
            if event.turn_id == turn_id:
                found.append(event)
                if isinstance(event, turns.TurnStarted):
                    break
        fragments = chain.from_iterable(self._contents.fragments.values())
        return [*reversed(found), *(e for e in chain(fragments, self._owed) if e.turn_id == turn_id)]

    async def _append(self, events: Sequence[EventBase]) -> list[EventBase]:
        conversation_id = self.conversation_id
        return await self._store.append(conversation_id, [await self._without_secrets(event) for event in events])

    async def _without_secrets(self, event: EventBase) -> EventBase:
        if is_large(event):
            return await asyncio.to_thread(redacted, event, self._redactor)
        return redacted(event, self._redactor)

    def _remember(self, event: EventBase) -> bool:
        if not self._contents.keep(event):
            return False
        if isinstance(event, turns.AssistantMessage):
            self._unwritten.pop(event.message_id, None)
        self.folds.apply(event)
        return True

    @property
    def recorded(self) -> list[EventBase]:
        """The conversation's stored events, superseded fragments left out."""
        return self._contents.events

    @property
    def last_seq(self) -> int:
        """Highest sequence number seen of this conversation."""
        return self._contents.last_seq

    def _send(self, event: EventBase) -> None:
        for subscriber in self._subscribers:
            subscriber.put(event, True)

    def _replay(self, subscriber: Subscription) -> None:
        opened = turns.ConversationOpened(
            conversation_id=self.conversation_id, title=self.folds.transcript.title, more_above=self.more_above
        )
        subscriber.put(opened, False)
        subscriber.put_log(self.recorded)
        for message_id, (text, reasoning) in self._unwritten.items():
            for kind, pieces in ((turns.ReasoningDelta, reasoning), (turns.TextDelta, text)):
                if pieces:
                    subscriber.put(kind(message_id=message_id, text="".join(pieces)), False)


def _is_end(event: EventBase) -> bool:
    """Whether the event ends something that is in the log already."""
    match event:
        case tools.ApprovalDecided():
            return event.action != "allow"
        case turns.AssistantMessage() | tools.ToolCallFinished() | turns.TurnFinished():
            return True
        case _:
            return False


def _let_go(events: list[EventBase]) -> None:
    """Empty a long list bit by bit: freed at once, its events would hold up the screen for a tenth of a second."""
    pace = Pace()
    while events:
        del events[-200:]
        pace()
