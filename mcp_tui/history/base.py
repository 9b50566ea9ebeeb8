"""What the engine asks of a store; the in-memory and the JSONL store keep the same contract (A4)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
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


@dataclass(frozen=True, slots=True)
class TrashedConversation:
    """A conversation that was deleted and can be restored."""

    summary: ConversationSummary
    deleted_at: datetime


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

    async def delete(self, conversation_id: str) -> None:
        """Move a conversation with all its files into the trash.

        Raises `ConversationNotFound`, `StoreBusy` while a turn runs in it, and `StoreFailed`; nothing changed then.
        Whoever has it open can read on and gets `StoreFailed` for what they add.
        """
        ...

    async def trash(self) -> tuple[TrashedConversation, ...]:
        """What was deleted, last deleted first."""
        ...

    async def restore(self, conversation_id: str) -> None:
        """Bring a conversation back from the trash, as it was.  Raises `ConversationNotFound` and `StoreFailed`."""
        ...

    async def empty_trash(self, ids: Sequence[str] | None = None) -> int:
        """Remove deleted conversations for good, all of them without ``ids``; returns how many went.

        Raises `ConversationNotFound` when one is not in the trash: then nothing was removed; and `StoreFailed`.
        """
        ...

    async def compact(self, conversation_id: str) -> int:
        """Remove fragments that whole messages superseded (requirement A5); returns how many.

        Happens by itself after a turn.  Raises `ConversationNotFound`, `StoreBusy` and `StoreFailed`; nothing
        changed then.  What a newer release wrote is left as it is.
        """
        ...

    def lease(self, conversation_id: str) -> AbstractAsyncContextManager[None]:
        """Exclusive right to run a turn in a conversation; raises `StoreBusy` ("in use by pid ... since ...")."""
        ...

    async def aclose(self) -> None:
        """Write out what waits and release everything."""
        ...
