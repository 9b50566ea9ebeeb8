"""The store without a disk: the same contract, gone with the process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain

from mcp_tui.conversation.calls import CallHistory, CallRecord, by_time
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.errors import ConversationNotFound, StoreBusy, StoreFailed
from mcp_tui.events.base import SCHEMA_VERSION, EventBase, utc_now
from mcp_tui.events.codec import to_object
from mcp_tui.events.tools import ToolCallProposed
from mcp_tui.events.turns import (
    AssistantMessage,
    ConversationCreated,
    ConversationTagged,
    ConversationTitled,
    ModelSelected,
    UserMessage,
)
from mcp_tui.history import lines
from mcp_tui.history.base import StoredConversation
from mcp_tui.history.contract import check_creation, check_events
from mcp_tui.history.locking import Holder
from mcp_tui.history.names import check_id


class MemoryStore:
    """Conversations in memory."""

    def __init__(self) -> None:
        self._conversations: dict[str, dict[str, EventBase]] = {}
        self._leases: dict[str, Holder] = {}
        self._closed = False

    async def append(self, conversation_id: str, events: Sequence[EventBase]) -> list[EventBase]:
        """Add events; see `HistoryStore.append`."""
        check_events(conversation_id, events)
        if self._closed:
            raise StoreFailed("The history is closed.")
        if not events:
            return []
        stored = self._conversations.setdefault(conversation_id, {})
        for event in events:
            if event.id not in stored:
                position = {"seq": len(stored) + 1, "conversation_id": conversation_id}
                stored[event.id] = event.model_copy(update=position)
        return [stored[event.id] for event in events]

    async def create(self, conversation_id: str, events: Sequence[EventBase]) -> list[EventBase]:
        """Add a whole new conversation, or nothing; see `HistoryStore.create`."""
        check_creation(conversation_id, events)
        if conversation_id in self._conversations:
            raise StoreFailed(f"There is a conversation {conversation_id} already.", hint="Nothing was written.")
        return await self.append(conversation_id, [e.model_copy(update={"conversation_id": ""}) for e in events])

    async def read(self, conversation_id: str) -> StoredConversation:
        """All events; see `HistoryStore.read`."""
        check_id(conversation_id)
        if conversation_id not in self._conversations:
            raise ConversationNotFound(f"There is no conversation {conversation_id}.")
        return StoredConversation(conversation_id, tuple(self._conversations[conversation_id].values()))

    async def list(self) -> tuple[ConversationSummary, ...]:
        """All conversations, last changed first."""
        summaries = [_summary(key, tuple(events.values())) for key, events in self._conversations.items()]
        return tuple(sorted(summaries, key=lambda s: (s.updated_at, s.id), reverse=True))

    async def tool_calls(self) -> Sequence[CallRecord]:
        """The tool calls of all conversations; see `HistoryStore.tool_calls`."""
        found = [CallHistory.of(events.values()).records for events in self._conversations.values()]
        return by_time(chain.from_iterable(found))

    @asynccontextmanager
    async def lease(self, conversation_id: str) -> AsyncIterator[None]:
        """Exclusive right to run a turn; see `HistoryStore.lease`."""
        check_id(conversation_id)
        if holder := self._leases.get(conversation_id):
            raise StoreBusy(f"This conversation is in use by {holder}.", hint="Wait until its turn has ended.")
        self._leases[conversation_id] = Holder(os.getpid(), utc_now())
        try:
            yield
        finally:
            del self._leases[conversation_id]

    async def aclose(self) -> None:
        """Refuse further events; what is there can still be read."""
        self._closed = True


def _summary(conversation_id: str, events: tuple[EventBase, ...]) -> ConversationSummary:
    created = [event for event in events if isinstance(event, ConversationCreated)]
    titled = [event.title for event in events if isinstance(event, (ConversationCreated, ConversationTitled))]
    tagged = [event.tags for event in events if isinstance(event, ConversationTagged)]
    inputs = sum(isinstance(event, UserMessage) for event in events)
    answers = [event for event in events if isinstance(event, AssistantMessage)]
    costs = [answer.cost for answer in answers if answer.cost is not None]
    calls = [event for event in events if isinstance(event, ToolCallProposed)]
    models = [event.model for event in events if isinstance(event, (ModelSelected, AssistantMessage)) and event.model]
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
        origin=next((event.origin for event in created if event.origin is not None), None),
        newer_schema=any(event.schema_version > SCHEMA_VERSION for event in created),
    )
