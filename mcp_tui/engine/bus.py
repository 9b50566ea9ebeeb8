"""Every event's way: number, redact, record, fold, publish.

A stored event is on disk before anyone sees it.  Delivery: subscribers get every stored event and
every closing one; when a subscriber lags, text deltas of one message are merged and progress of one
call is reduced to the latest, so that a slow screen costs memory for what it has not shown, once.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from mcp_tui.conversation.calls import CallHistory
from mcp_tui.conversation.context import ModelContext
from mcp_tui.conversation.pace import Pace, beside, unpaced
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.conversation.usage import ContextShare, Totals
from mcp_tui.engine.redaction import is_large, redacted
from mcp_tui.engine.shielded import held
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.history.base import HistoryStore
from mcp_tui.permissions.grants import ConversationGrants
from mcp_tui.permissions.guards import CutAnswers, RepeatedCalls
from mcp_tui.safety.secrets import Redactor

_MOST_MISSING = 10_000
"""Numbers that are remembered one by one: more than a turn ever takes."""

MANY = 5_000
"""Events of a conversation that is left from which on they are freed in a thread."""

PATIENCE = 2.0
"""Seconds that a cancelled task waits for its write, so that what is stored is also seen."""


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

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
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
        self._bus.unsubscribe(self)
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


def _let_go(events: list[EventBase]) -> None:
    """Empty a long list bit by bit: freed at once, its events would hold up the screen for a tenth of a second."""
    pace = Pace()
    while events:
        del events[-200:]
        pace()


def _is_live(waiting: _Waiting | tuple[EventBase, ...]) -> bool:
    return isinstance(waiting, _Waiting) and waiting.live


@dataclass(slots=True)
class Folds:
    """What the engine itself knows of the conversation, folded from its events."""

    transcript: Transcript = field(default_factory=Transcript)
    context: ModelContext = field(default_factory=ModelContext)
    totals: Totals = field(default_factory=Totals)
    grants: ConversationGrants = field(default_factory=ConversationGrants)
    repeats: RepeatedCalls = field(default_factory=RepeatedCalls)
    cut: CutAnswers = field(default_factory=CutAnswers)
    calls: CallHistory = field(default_factory=CallHistory)
    context_share: ContextShare | None = None
    """How full the window was at the latest request."""

    def apply(self, event: EventBase) -> None:
        """Fold one event into each; a stored event that was folded before changes nothing."""
        if self.transcript.knows(event):
            return
        self.transcript.apply(event)
        self.context.apply(event)
        self.totals.apply(event)
        self.grants.apply(event)
        self.repeats.apply(event)
        self.cut.apply(event)
        self.calls.apply(event)
        match event:
            case turns.ModelRequestStarted():
                self.context_share = ContextShare(event.prompt_tokens, event.tools_tokens, event.context_window)
            case turns.AssistantMessage() if self.context_share and not event.usage.estimated:
                used = event.usage.prompt_tokens + event.usage.completion_tokens
                if used:
                    self.context_share = ContextShare(
                        used, self.context_share.tools, self.context_share.window, estimated=False
                    )
            case _:
                pass


@dataclass(slots=True)
class Contents:
    """A conversation in memory: what was recorded, and the folds of it."""

    folds: Folds = field(default_factory=Folds)
    recorded: list[EventBase] = field(default_factory=list)
    """What somebody who comes later is told, but for ``fragments``."""
    fragments: dict[str, list[EventBase]] = field(default_factory=dict)
    """Of messages that are not whole yet, by message id."""
    last_seq: int = 0
    missing: set[int] = field(default_factory=set)
    """Numbers that were left out: what others wrote, or what was compacted away."""
    out_of_order: bool = False
    """Whether an event came after later ones, to which that makes a difference."""
    known: set[str] = field(default_factory=set)
    """Ids of what was recorded."""

    @classmethod
    def of(cls, events: Iterable[EventBase], pace: Callable[[], None] = unpaced) -> Contents:
        """All of a log.  Takes a third of a second for 10,000 messages: done in a thread (`conversation.pace`)."""
        contents = cls()
        for event in events:
            pace()
            contents.keep(event)
            contents.folds.apply(event)
        return contents

    @property
    def gap(self) -> bool:
        """Whether the log holds something else than this, or in another order."""
        return self.out_of_order or bool(self.missing)

    def is_as_stored(self) -> None:
        """Say that all of it was read: numbers that are missing were compacted away."""
        self.missing.clear()
        self.out_of_order = False

    def keep(self, event: EventBase) -> bool:
        """Keep for those who come later; fragments only until the whole message is there.  False for a known one."""
        if event.id in self.known:
            return False
        self.known.add(event.id)
        match event:
            case turns.MessageFragment():
                self.fragments.setdefault(event.message_id, []).append(event)
            case turns.AssistantMessage():
                self.fragments.pop(event.message_id, None)
                self.recorded.append(event)
            case _:
                self.recorded.append(event)
        if event.seq:
            self._count(event)
        return True

    def _count(self, event: EventBase) -> None:
        if event.seq > self.last_seq + _MOST_MISSING:
            self.out_of_order, self.last_seq = True, event.seq
        elif event.seq > self.last_seq:
            self.missing.update(range(self.last_seq + 1, event.seq))
            self.last_seq = event.seq
        elif event.seq in self.missing and isinstance(event, turns.ConversationTitled | turns.ConversationTagged):
            self.missing.discard(event.seq)
        else:
            self.out_of_order = True

    @property
    def events(self) -> list[EventBase]:
        """What was recorded, superseded fragments left out."""
        return [*self.recorded, *chain.from_iterable(self.fragments.values())]


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
        subscription = Subscription(self)
        self._replay(subscription)
        self._subscribers.append(subscription)
        return subscription

    @property
    def watched(self) -> bool:
        """Whether anybody reads the stream."""
        return bool(self._subscribers)

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a reader."""
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
