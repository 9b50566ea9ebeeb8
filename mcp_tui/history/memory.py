"""The store without a disk: the same contract, gone with the process."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import chain

from mcp_tui.conversation.calls import CallHistory, CallRecord, by_time
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.errors import ConversationNotFound, StoreBusy, StoreFailed
from mcp_tui.events.base import EventBase, utc_now
from mcp_tui.events.codec import to_object
from mcp_tui.events.tools import ToolCallProposed
from mcp_tui.events.turns import ConversationCreated, ConversationTitled, ModelSelected, UserMessage
from mcp_tui.history import lines
from mcp_tui.history.base import StoredConversation
from mcp_tui.history.contract import check_events
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
    titled = [event.title for event in events if isinstance(event, (ConversationCreated, ConversationTitled))]
    return ConversationSummary(
        id=conversation_id,
        title=titled[-1] if titled else "",
        created_at=events[0].at,
        updated_at=events[-1].at,
        events=len(events),
        user_messages=sum(isinstance(event, UserMessage) for event in events),
        tool_calls=sum(isinstance(event, ToolCallProposed) for event in events),
        model=next((event.model for event in reversed(events) if isinstance(event, ModelSelected)), ""),
        demo=any(isinstance(event, ConversationCreated) and event.demo for event in events),
        size=sum(len(lines.prepare(to_object(event)).numbered(event.seq)) for event in events),
    )
