"""What the engine asks of a store; the in-memory and the JSONL store keep the same contract (A4)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mcp_tui.conversation.calls import CallRecord
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.events.base import SCHEMA_VERSION, EventBase
from mcp_tui.events.turns import ConversationCreated

OnProgress = Callable[[int, int], None]
"""How much is done, and how much there is: of bytes or files, as only their share tells anything."""

TORN = frozenset({"unfinished", "incomplete"})
"""Reasons for setting aside a line that was not written to its end."""


@dataclass(frozen=True, slots=True)
class ListedSoFar:
    """How far a first look at the files of all conversations is."""

    conversations: tuple[ConversationSummary, ...]
    """Those that were read, last changed first; they are read in that order."""
    done: int
    """Conversations whose files were read."""
    total: int


OnListed = Callable[[ListedSoFar], None]
"""Told now and then."""


@dataclass(frozen=True, slots=True)
class SetAsideLine:
    """A line that is no readable event: unfinished, damaged, or too long.  It stays in the file."""

    number: int
    """Line number from 1."""
    offset: int
    reason: str
    file: str = ""
    """Name of its file, where a conversation may have several."""

    @property
    def torn(self) -> bool:
        """What a death leaves of a write that nobody was told had worked: no sign of damage."""
        return self.reason in TORN


@dataclass(frozen=True, slots=True)
class StoredConversation:
    """A conversation as read: events in order of their sequence numbers, each event id once."""

    id: str
    events: tuple[EventBase, ...]
    set_aside: tuple[SetAsideLine, ...] = ()
    newer_schema: bool = False
    """True when a newer major version wrote it: it can be read, not continued."""

    @property
    def missing(self) -> str:
        """What of the conversation cannot be shown, in a sentence; nothing where all of it is there."""
        if self.newer_schema:
            return "A newer release of mcp-tui wrote this conversation: not all of it can be shown."
        damaged = sum(not line.torn for line in self.set_aside)
        if not damaged:
            return ""
        lines = "1 line" if damaged == 1 else f"{damaged:,} lines"
        verb = "is" if damaged == 1 else "are"
        return f"{lines} of its file {verb} damaged and left out here: `mcp-tui history check` says more."


@dataclass(frozen=True, slots=True)
class TrashedConversation:
    """A conversation that was deleted and can be restored."""

    summary: ConversationSummary
    deleted_at: datetime


@dataclass(frozen=True, slots=True)
class ConversationCheck:
    """What `HistoryStore.check` found in one conversation."""

    id: str
    title: str = ""
    in_trash: bool = False
    events: int = 0
    """Good lines."""
    size: int = 0
    """Bytes of its journal."""
    set_aside: tuple[SetAsideLine, ...] = ()
    gaps: tuple[tuple[int, int], ...] = ()
    """First and last of numbers that are missing, and that no compaction explains."""
    repeated: int = 0
    """Lines whose number or id occurred before: a reader takes the first."""
    lost_blobs: tuple[str, ...] = ()
    """Large values that are missing or altered."""
    unused_blobs: int = 0
    """Large values that no good line names: a death came before the line, or the line is damaged.  They stay."""
    unused_bytes: int = 0
    newer_schema: bool = False
    """A newer release wrote it: it is never rewritten."""
    problem: str = ""
    """Why it could not be read or repaired."""
    repaired: int = 0
    """Lines that were moved into ``side_file`` by this check."""
    side_file: str = ""
    """Name of the file that holds lines set aside by a repair, where there is one."""
    kept_aside: int = 0
    """Lines in it."""

    @property
    def clean(self) -> bool:
        """Whether nothing that was acknowledged is missing or altered, but for what a repair has set aside."""
        damaged = any(not line.torn for line in self.set_aside)
        missing = sum(last - first + 1 for first, last in self.gaps) > self.kept_aside
        return not (damaged or missing or self.lost_blobs or self.problem)


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What `HistoryStore.check` found."""

    conversations: tuple[ConversationCheck, ...] = ()
    foreign: tuple[str, ...] = ()
    """Files that are not ours, below the folder of the conversations.  They are left alone."""
    abandoned: tuple[str, ...] = ()
    """Unfinished files that a death left; a repair removes those that are older than an hour."""

    @property
    def clean(self) -> bool:
        """Whether every conversation is."""
        return all(conversation.clean for conversation in self.conversations)


@dataclass(frozen=True, slots=True)
class StoredEnd:
    """The last turns of a long conversation, and what its first lines say of the whole."""

    id: str
    events: tuple[EventBase, ...]
    whole: bool = False
    """True when it is short, so that it is to be read as a whole: then there are no events here."""

    @property
    def newer_schema(self) -> bool:
        """As in `StoredConversation`."""
        return any(isinstance(e, ConversationCreated) and e.schema_version > SCHEMA_VERSION for e in self.events)


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A piece of a long conversation that is read in a moment; above it there may be what its first lines say."""

    id: str
    events: tuple[EventBase, ...]
    more_above: bool
    """Whether there are turns before it that are not here."""
    more_below: bool


class HistoryStore(Protocol):
    """Conversations as append-only logs."""

    @property
    def place(self) -> Path | None:
        """The folder of the files; ``None`` where there are none."""
        ...

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

    async def read_end(self, conversation_id: str) -> StoredEnd:
        """The last turns of a long conversation, in a moment; as `read` otherwise."""
        ...

    async def read_part(self, conversation_id: str, around: str | None = None) -> StoredPart | None:
        """The beginning of a long conversation, or the turns around the event ``around``, in a moment.

        ``None`` where it is short, or has no such event that is found quickly: it is to be read as a whole.
        """
        ...

    async def list(self, on_part: OnListed | None = None) -> tuple[ConversationSummary, ...]:
        """All conversations, last changed first.  Raises `StoreFailed` where nobody can look.

        Where that takes a moment, ``on_part`` is called on the event loop with what is known so far.
        """
        ...

    async def tool_calls(self, on_progress: OnProgress | None = None) -> Sequence[CallRecord]:
        """The tool calls of all conversations, by the time of their proposal; never raises because of content.

        ``on_progress`` is called on the event loop.
        """
        ...

    def follow(self, conversation_id: str, after_seq: int) -> AsyncIterator[Sequence[EventBase]]:
        """Events with higher numbers than ``after_seq``, those that are there and then whatever anybody appends.

        Each comes once, in order, a moment after it was stored; our own are among them.  It goes on until it is
        closed; raises `ConversationNotFound` when the conversation is not there or is taken away, and `StoreFailed`.
        """
        ...

    async def delete(self, conversation_id: str) -> None:
        """Move a conversation with all its files into the trash.

        Raises `ConversationNotFound`, `StoreBusy` while a turn runs in it, and `StoreFailed`; nothing changed then.
        Whoever has it open can read on and gets `StoreFailed` for what they add.
        """
        ...

    async def trash(self) -> tuple[TrashedConversation, ...]:
        """What was deleted, last deleted first.  Raises `StoreFailed` where nobody can look."""
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

    async def check(self, *, repair: bool = False, on_progress: OnProgress | None = None) -> CheckReport:
        """Read every file, the trash included, and say what is wrong; never raises because of content.

        Raises `StoreFailed` where nobody can look.

        With ``repair`` the lines that are no readable events are copied into a file beside the log and leave the
        log by an atomic rewrite under its lock; good lines stay byte for byte.  What cannot be repaired, such as a
        missing number, is reported; what is in the trash is repaired there.  ``on_progress`` is called on the event
        loop.
        """
        ...

    def lease(self, conversation_id: str) -> AbstractAsyncContextManager[None]:
        """Exclusive right to run a turn in a conversation; raises `StoreBusy` ("in use by pid ... since ...")."""
        ...

    async def aclose(self) -> None:
        """Write out what waits and release everything."""
        ...
