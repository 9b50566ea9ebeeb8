"""What the engine asks of a store; the in-memory and the JSONL store keep the same contract (A4)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from mcp_tui.conversation.calls import CallRecord
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.events.base import EventBase


@dataclass(frozen=True, slots=True)
class SetAsideLine:
    """A line that is no readable event: unfinished, damaged, or too long.  It stays in the file."""

    number: int
    """Line number from 1."""
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation as read: events in order of their sequence numbers, each event id once."""

    id: str
    events: tuple[EventBase, ...]
    set_aside: tuple[SetAsideLine, ...] = ()
    newer_schema: bool = False
    """True when a newer major version wrote it: it can be read, not continued."""


class HistoryStore(Protocol):
    """Conversations as append-only logs."""

    async def append(self, conversation_id: str, events: Sequence[EventBase]) -> list[EventBase]:
        """Add events and return them numbered (``seq`` from 1, without gaps per acknowledged event).

        They count only after this returned; what needs it (`EventBase.durability` is ``fsync``) is on disk then.
        The first append creates the conversation.  An event id that is already there is not added twice.
        Raises `StoreBusy` when the lock cannot be had in time, naming its holder, and `StoreFailed` when the
        disk refuses: then nothing was added.
        """
        ...

    async def create(self, conversation_id: str, events: Sequence[EventBase]) -> list[EventBase]:
        """Add a whole new conversation, or nothing; returns its events, numbered from 1 in the order given.

        The first one is `ConversationCreated`; they become this conversation's, whichever they were copied from.
        Everything is on disk then.  Raises `StoreFailed`, also when the id is taken: nothing is replaced.
        """
        ...

    async def read(self, conversation_id: str) -> StoredConversation:
        """All readable events; takes no lock and never raises because of content.  Raises `ConversationNotFound`."""
        ...

    async def list(self) -> tuple[ConversationSummary, ...]:
        """All conversations, last changed first."""
        ...

    async def tool_calls(self) -> Sequence[CallRecord]:
        """The tool calls of all conversations, by the time of their proposal; never raises because of content."""
        ...

    def lease(self, conversation_id: str) -> AbstractAsyncContextManager[None]:
        """Exclusive right to run a turn in a conversation; raises `StoreBusy` ("in use by pid ... since ...")."""
        ...

    async def aclose(self) -> None:
        """Write out what waits and release everything."""
        ...
