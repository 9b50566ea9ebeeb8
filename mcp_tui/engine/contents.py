"""A conversation in memory: what was recorded of it, what the engine knows by folding that, and what may be missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import chain

from mcp_tui.conversation.calls import CallHistory
from mcp_tui.conversation.context import ModelContext
from mcp_tui.conversation.pace import unpaced
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.conversation.usage import ContextShare, Totals
from mcp_tui.events import turns
from mcp_tui.events.base import EventBase
from mcp_tui.permissions.grants import ConversationGrants
from mcp_tui.permissions.guards import CutAnswers, RepeatedCalls

_MOST_MISSING = 10_000
"""Numbers that are remembered one by one: more than a turn ever takes."""


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
