"""The store without a disk: the same contract, gone with the process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import chain

from mcp_tui.conversation.calls import CallHistory, CallRecord, by_time
from mcp_tui.conversation.summary import Amounts, ConversationSummary
from mcp_tui.errors import ConversationNotFound, StoreBusy, StoreFailed
from mcp_tui.events.base import SCHEMA_VERSION, EventBase, utc_now
from mcp_tui.events.codec import to_object
from mcp_tui.events.tools import ToolCallProposed
from mcp_tui.events.turns import (
    AssistantMessage,
    ConversationCreated,
    ConversationTagged,
    ConversationTitled,
    MessageFragment,
    ModelSelected,
    UserMessage,
)
from mcp_tui.history import lines
from mcp_tui.history.base import (
    CheckReport,
    ConversationCheck,
    OnListed,
    OnProgress,
    StoredConversation,
    StoredEnd,
    StoredPart,
    TrashedConversation,
)
from mcp_tui.history.contract import check_creation, check_events
from mcp_tui.history.locking import Holder
from mcp_tui.history.names import check_id


class MemoryStore:
    """Conversations in memory."""

    def __init__(self) -> None:
        self._conversations: dict[str, dict[str, EventBase]] = {}
        self._trash: dict[str, tuple[dict[str, EventBase], datetime]] = {}
        self._gone: set[str] = set()
        """Conversations that were there once and were deleted: nothing is added to them."""
        self._changed = asyncio.Event()
        self._leases: dict[str, Holder] = {}
        self._closed = False

    @property
    def place(self) -> None:
        """There are no files."""
        return None

    async def append(self, conversation_id: str, events: Sequence[EventBase]) -> list[EventBase]:
        """Add events; see `HistoryStore.append`."""
        check_events(conversation_id, events)
        if self._closed:
            raise StoreFailed("The history is closed.")
        if not events:
            return []
        if conversation_id in self._trash:
            raise StoreFailed("This conversation is in the trash.", hint="Restore it to go on; nothing was written.")
        if conversation_id in self._gone:
            raise StoreFailed(f"The conversation {conversation_id} was removed.", hint="Nothing was written.")
        stored = self._conversations.setdefault(conversation_id, {})
        if _is_newer(stored):
            raise StoreFailed("This conversation was written by a newer version of mcp-tui.")
        for event in events:
            if event.id not in stored:
                seq = next(reversed(stored.values())).seq + 1 if stored else 1
                position = {"seq": seq, "conversation_id": conversation_id}
                stored[event.id] = event.model_copy(update=position)
        self._tell()
        return [stored[event.id] for event in events]

    async def create(self, conversation_id: str, events: Sequence[EventBase]) -> list[EventBase]:
        """Add a whole new conversation, or nothing; see `HistoryStore.create`."""
        check_creation(conversation_id, events)
        if conversation_id in self._conversations:
            raise StoreFailed(f"There is a conversation {conversation_id} already.", hint="Nothing was written.")
        return await self.append(conversation_id, [e.model_copy(update={"conversation_id": ""}) for e in events])

    async def read(self, conversation_id: str) -> StoredConversation:
        """All events; see `HistoryStore.read`."""
        self._refuse_missing(conversation_id)
        events = self._conversations[conversation_id]
        return StoredConversation(conversation_id, tuple(events.values()), newer_schema=_is_newer(events))

    async def read_end(self, conversation_id: str) -> StoredEnd:
        """Everything is there at once; see `HistoryStore.read_end`."""
        self._refuse_missing(conversation_id)
        return StoredEnd(conversation_id, (), whole=True)

    async def read_part(self, conversation_id: str, around: str | None = None) -> StoredPart | None:
        """Everything is there at once; see `HistoryStore.read_part`."""
        self._refuse_missing(conversation_id)
        return None

    async def list(self, on_part: OnListed | None = None) -> tuple[ConversationSummary, ...]:
        """All conversations, last changed first; at once."""
        summaries = [_summary(key, tuple(events.values())) for key, events in self._conversations.items()]
        return tuple(sorted(summaries, key=lambda s: (s.updated_at, s.id), reverse=True))

    async def tool_calls(self, on_progress: OnProgress | None = None) -> Sequence[CallRecord]:
        """The tool calls of all conversations; see `HistoryStore.tool_calls`."""
        found = [CallHistory.of(events.values()).records for events in self._conversations.values()]
        return by_time(chain.from_iterable(found))

    async def delete(self, conversation_id: str) -> None:
        """Move a conversation into the trash; see `HistoryStore.delete`."""
        self._refuse_missing(conversation_id)
        async with self.lease(conversation_id):
            self._trash[conversation_id] = (self._conversations.pop(conversation_id), utc_now())
            self._tell()

    async def trash(self) -> tuple[TrashedConversation, ...]:
        """What was deleted, last deleted first."""
        found = [
            TrashedConversation(_summary(key, tuple(events.values())), at) for key, (events, at) in self._trash.items()
        ]
        return tuple(sorted(found, key=lambda item: (item.deleted_at, item.summary.id), reverse=True))

    async def restore(self, conversation_id: str) -> None:
        """Bring a conversation back from the trash; see `HistoryStore.restore`."""
        check_id(conversation_id)
        self._refuse_not_in_trash([conversation_id])
        if conversation_id in self._conversations:
            raise StoreFailed(f"There is a conversation {conversation_id} already.", hint="It stays in the trash.")
        self._conversations[conversation_id], _ = self._trash.pop(conversation_id)

    async def empty_trash(self, ids: Sequence[str] | None = None) -> int:
        """Remove deleted conversations for good; see `HistoryStore.empty_trash`."""
        chosen = list(self._trash) if ids is None else list(dict.fromkeys(ids))
        self._refuse_not_in_trash(chosen)
        for conversation_id in chosen:
            del self._trash[conversation_id]
            self._gone.add(conversation_id)
        return len(chosen)

    async def compact(self, conversation_id: str) -> int:
        """Remove fragments that whole messages superseded; see `HistoryStore.compact`."""
        self._refuse_missing(conversation_id)
        events = self._conversations[conversation_id]
        if _is_newer(events):
            return 0
        whole = {event.message_id for event in events.values() if isinstance(event, AssistantMessage)}
        last = max(event.seq for event in events.values())
        superseded = [
            event.id
            for event in events.values()
            if isinstance(event, MessageFragment) and event.message_id in whole and event.seq != last
        ]
        for event_id in superseded:
            del events[event_id]
        return len(superseded)

    async def check(self, *, repair: bool = False, on_progress: OnProgress | None = None) -> CheckReport:
        """Nothing can be wrong here; see `HistoryStore.check`."""
        kept = [(key, events, False) for key, events in self._conversations.items()]
        trashed = [(key, events, True) for key, (events, _) in self._trash.items()]
        summaries = [(_summary(key, tuple(events.values())), in_trash) for key, events, in_trash in kept + trashed]
        return CheckReport(
            tuple(
                ConversationCheck(s.id, title=s.title, in_trash=in_trash, events=s.events, size=s.size)
                for s, in_trash in summaries
            )
        )

    async def follow(self, conversation_id: str, after_seq: int) -> AsyncIterator[Sequence[EventBase]]:
        """What anybody appends, as it comes; see `HistoryStore.follow`."""
        while True:
            self._refuse_missing(conversation_id)
            changed = self._changed
            events = self._conversations[conversation_id].values()
            if found := [event for event in events if event.seq > after_seq]:
                after_seq = found[-1].seq
                yield found
            else:
                await changed.wait()

    def _tell(self) -> None:
        """Wake everybody who follows a conversation."""
        self._changed.set()
        self._changed = asyncio.Event()

    @asynccontextmanager
    async def lease(self, conversation_id: str) -> AsyncIterator[None]:
        """Exclusive right to run a turn; see `HistoryStore.lease`."""
        check_id(conversation_id)
        if holder := self._leases.get(conversation_id):
            raise StoreBusy(f"This conversation is in use by {holder}.", hint=holder.advice)
        self._leases[conversation_id] = Holder(os.getpid(), utc_now())
        try:
            yield
        finally:
            del self._leases[conversation_id]

    async def aclose(self) -> None:
        """Refuse further events; what is there can still be read."""
        self._closed = True

    def _refuse_missing(self, conversation_id: str) -> None:
        check_id(conversation_id)
        if conversation_id not in self._conversations:
            raise ConversationNotFound(f"There is no conversation {conversation_id}.")

    def _refuse_not_in_trash(self, ids: Sequence[str]) -> None:
        for conversation_id in ids:
            check_id(conversation_id)
            if conversation_id not in self._trash:
                raise ConversationNotFound(f"There is no conversation {conversation_id} in the trash.")


def _is_newer(events: dict[str, EventBase]) -> bool:
    first = next(iter(events.values()), None)
    return isinstance(first, ConversationCreated) and first.schema_version > SCHEMA_VERSION


def _summary(conversation_id: str, events: tuple[EventBase, ...]) -> ConversationSummary:
    created = [event for event in events if isinstance(event, ConversationCreated)]
    titled = [event.title for event in events if isinstance(event, (ConversationCreated, ConversationTitled))]
    tagged = [event.tags for event in events if isinstance(event, ConversationTagged)]
    inputs = sum(isinstance(event, UserMessage) for event in events)
    answers = [event for event in events if isinstance(event, AssistantMessage)]
    costs = [answer.cost for answer in answers if answer.cost is not None]
    calls = [event for event in events if isinstance(event, ToolCallProposed)]
    models = [event.model for event in events if isinstance(event, (ModelSelected, AssistantMessage)) and event.model]
    origin = next((event.origin for event in created if event.origin is not None), None)
    copies = events[1 : 1 + origin.copied] if origin is not None else ()
    return ConversationSummary(
        id=conversation_id,
        title=titled[-1] if titled else "",
        created_at=events[0].at,
        updated_at=events[-1].at,
        events=len(events),
        user_messages=inputs,
        tool_calls=len(calls),
        model=next((event.model for event in reversed(events) if isinstance(event, ModelSelected)), ""),
        demo=any(event.demo for event in created),
        size=sum(len(lines.prepare(to_object(event)).numbered(event.seq)) for event in events),
        messages=inputs + len(answers),
        models=tuple(dict.fromkeys(models)),
        cost=sum(costs) if costs else None,
        servers=tuple(dict.fromkeys(call.server for call in calls if call.server)),
        tags=tagged[-1] if tagged else (),
        origin=origin,
        copied=_amounts(copies),
        newer_schema=any(event.schema_version > SCHEMA_VERSION for event in created),
    )


def _amounts(events: Iterable[EventBase]) -> Amounts:
    events = tuple(events)
    answers = [event for event in events if isinstance(event, AssistantMessage)]
    costs = [answer.cost for answer in answers if answer.cost is not None]
    return Amounts(
        len(answers) + sum(isinstance(event, UserMessage) for event in events),
        sum(isinstance(event, ToolCallProposed) for event in events),
        sum(costs) if costs else None,
    )
