"""The stored conversations, beside the open one: what there is, and what can be done with them.

A change to a conversation is an event in its log.  For the open one it goes the way of every event, so that
the screen sees it; for any other it is appended, and whoever has that one open sees it come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from mcp_tui import __version__
from mcp_tui.conversation.calls import CallRecord
from mcp_tui.conversation.pace import beside
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.exchange import ImportResult, default_name, export_pieces, export_to, paced, read_file, take_in
from mcp_tui.engine.forking import fork
from mcp_tui.errors import ConversationNotFound, UsageError
from mcp_tui.events import turns
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.history.base import (
    CheckReport,
    HistoryStore,
    ListedSoFar,
    OnListed,
    OnProgress,
    StoredConversation,
    StoredPart,
    TrashedConversation,
)
from mcp_tui.history.search import IndexState, SearchHit, SearchIndex, SearchPage

__all__ = [
    "ImportResult",
    "IndexState",
    "Library",
    "ListedSoFar",
    "SearchHit",
    "SearchPage",
    "TrashedConversation",
    "normal_tags",
]

NO_INDEX = "Conversations that are not on a disk cannot be searched."
MOST_TITLE = 200
"""Characters."""
MOST_TAGS = 32
MOST_TAG = 40
"""Characters."""


class Library:
    """All conversations of the store; reachable as ``engine.history``."""

    def __init__(self, store: HistoryStore, bus: EventBus, search: SearchIndex | None = None) -> None:
        self._store, self._bus, self._search = store, bus, search

    @property
    def place(self) -> Path | None:
        """The folder of the conversations' files; ``None`` where they are in memory only."""
        return self._store.place

    async def list(self, on_part: OnListed | None = None) -> tuple[ConversationSummary, ...]:
        """All conversations, last changed first; see `HistoryStore.list`."""
        return await self._store.list(on_part)

    async def read(self, conversation_id: str) -> StoredConversation:
        """A conversation as it is stored.  Raises `ConversationNotFound`."""
        return await self._store.read(conversation_id)

    async def read_first(
        self, conversation_id: str, event_id: str | None = None, *, beginning: bool = False
    ) -> StoredPart | None:
        """What there is to be seen first of a long conversation, in a moment; `read` has all of it.

        That is its end, its beginning, or what is around an event.  ``None`` where reading all of it takes no longer.
        Raises `ConversationNotFound` and `StoreFailed`.
        """
        if beginning or event_id is not None:
            return await self._store.read_part(conversation_id, None if beginning else event_id)
        end = await self._store.read_end(conversation_id)
        return None if end.whole else StoredPart(conversation_id, end.events, more_above=True, more_below=False)

    async def tool_calls(self, on_progress: OnProgress | None = None) -> Sequence[CallRecord]:
        """The tool calls of all conversations, oldest first; ``on_progress`` as in `check`."""
        return await self._store.tool_calls(on_progress)

    async def search(self, text: str, limit: int = 50, offset: int = 0) -> SearchPage:
        """What matches ``text`` in all conversations, newest first (`mcp_tui.history.search.query` is its language).

        Cancelling the task stops the search.  Raises `UsageError` that says what to write instead.
        """
        if self._search is None:
            return SearchPage(state=self.index_state)
        return await self._search.search(text, limit=limit, offset=offset)

    @property
    def index_state(self) -> IndexState:
        """How much of the history can be found now."""
        return self._search.state if self._search is not None else IndexState(problem=NO_INDEX)

    async def update_index(self) -> None:
        """Bring the index up to date; returns when it is, or cannot be (`index_state` says why)."""
        if self._search is not None:
            await self._search.update()

    async def rename(self, conversation_id: str, title: str) -> str:
        """Give a conversation another title; returns it as it is kept.

        Raises `UsageError` for an empty one, and `HistoryError`.
        """
        words = " ".join(title.split())[:MOST_TITLE]
        if not words:
            raise UsageError("A title needs at least one character.")
        await self._record(conversation_id, turns.ConversationTitled(conversation_id=conversation_id, title=words))
        return words

    async def tag(self, conversation_id: str, tags: Iterable[str]) -> tuple[str, ...]:
        """Give a conversation exactly these tags; returns them as they are kept.

        Raises `UsageError` and `HistoryError`.
        """
        kept = normal_tags(tags)
        await self._record(conversation_id, turns.ConversationTagged(conversation_id=conversation_id, tags=kept))
        return kept

    async def export(
        self,
        conversation_id: str,
        format: str,  # noqa: A002 - the word of the command line
        path: Path,
        *,
        replace: bool = False,
        with_secrets: bool = False,
    ) -> Path:
        """Write a conversation into a file as ``markdown``, ``json`` or ``html``; returns where that is.

        In a folder it gets a name made from the title.  A file that is there stays unless ``replace``.  What looks
        like a key in a result is masked unless ``with_secrets``.  Raises `UsageError` and `HistoryError`.
        """
        stored, summary = await self._stored_with_summary(conversation_id)

        def write(pace: Callable[[], None]) -> Path:
            pieces = export_pieces(stored, summary, format, with_secrets=with_secrets)
            return export_to(path, paced(pieces, pace), default_name(summary, format), replace=replace)

        return await beside(write)

    async def export_text(
        self,
        conversation_id: str,
        format: str,  # noqa: A002
        *,
        with_secrets: bool = False,
    ) -> Iterable[str]:
        """The pieces of an export, for somewhere else than a file; see `export`."""
        stored, summary = await self._stored_with_summary(conversation_id)
        return export_pieces(stored, summary, format, with_secrets=with_secrets)

    async def import_file(self, path: Path) -> tuple[ImportResult, ...]:
        """Store the conversations of a file; one that is here already is not stored twice.

        The file is another machine's log (``.jsonl``), our JSON export, or ChatGPT's or Claude's
        ``conversations.json``, also inside their zip file.  Nothing in it was decided here: its grants do not hold and
        its calls do not count.  Raises `UsageError` for a file that cannot be read, and `HistoryError`; conversations
        that were stored before that stay.
        """
        from mcp_tui.importing.base import NotRead

        results: list[ImportResult] = []
        reading = read_file(path)
        while (found := await asyncio.to_thread(next, reading, None)) is not None:
            if isinstance(found, NotRead):
                results.append(ImportResult("failed", title=found.place, notes=(found.reason,)))
            else:
                results.append(await take_in(found, self._store, self._bus.redactor))
        return tuple(results)

    async def _stored_with_summary(self, conversation_id: str) -> tuple[StoredConversation, ConversationSummary]:
        stored = await self._store.read(conversation_id)
        summary = next((each for each in await self._store.list() if each.id == conversation_id), None)
        if summary is None:
            raise ConversationNotFound(f"There is no conversation {conversation_id}.")
        return stored, summary

    async def fork(self, conversation_id: str, event_id: str | None = None, *, before: bool = False) -> str:
        """Copy a conversation up to an event, or to just before it, into a new one; returns the new one's id.

        Without an event, all that is recorded of it now.  The original is only read, whoever has it open.
        Raises `ConversationNotFound`, `UsageError` when the event is not in it or a newer release wrote it, and
        `StoreFailed`: then there is no fork.
        """
        stored = await self._store.read(conversation_id)
        if stored.newer_schema:
            raise UsageError(
                "A newer release of mcp-tui wrote this conversation: not all of it would be in a fork.",
                hint="Upgrade mcp-tui to fork it.",
            )
        events = await beside(
            lambda pace: fork(stored.events, event_id, before=before, app_version=__version__, pace=pace)
        )
        forked = events[0].conversation_id
        await self._store.create(forked, events)
        return forked

    async def delete(self, conversation_id: str) -> None:
        """Move a conversation into the trash; where it is the open one, an empty one is open afterwards.

        Raises `ConversationNotFound`, `StoreBusy` while a turn runs in it, here or elsewhere, and `StoreFailed`.
        """
        await self._store.delete(conversation_id)
        if conversation_id == self._bus.conversation_id:
            self._bus.open(new_id(), ())

    async def trash(self) -> tuple[TrashedConversation, ...]:
        """What was deleted, last deleted first."""
        return await self._store.trash()

    async def restore(self, conversation_id: str) -> None:
        """Bring a conversation back from the trash.  Raises `ConversationNotFound` and `StoreFailed`."""
        await self._store.restore(conversation_id)

    async def empty_trash(self, ids: Sequence[str] | None = None) -> int:
        """Remove deleted conversations for good, all of them without ``ids``; returns how many went.

        Raises `ConversationNotFound`, before anything was removed, and `StoreFailed`.
        """
        removed = await self._store.empty_trash(ids)
        if removed and self._search is not None:
            await self._search.discard()
        return removed

    async def compact(self, conversation_id: str) -> int:
        """Remove what whole answers superseded; returns how many events went.  Raises `HistoryError`."""
        return await self._store.compact(conversation_id)

    async def check(self, *, repair: bool = False, on_progress: OnProgress | None = None) -> CheckReport:
        """Read every file and say what is wrong; see `HistoryStore.check`."""
        return await self._store.check(repair=repair, on_progress=on_progress)

    async def _record(self, conversation_id: str, event: EventBase) -> None:
        if conversation_id == self._bus.conversation_id and self._bus.last_seq:
            await self._bus.record(event)
            return
        stored = await self._store.read(conversation_id)
        if stored.newer_schema:
            raise UsageError("A newer release of mcp-tui wrote this conversation.", hint="It can be read, not changed.")
        await self._store.append(conversation_id, [event])


def normal_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in lower case, without blanks and commas, each once, in the order given.

    Raises `UsageError` for one that is too long, or for too many.
    """
    kept = tuple(dict.fromkeys(word for tag in tags for word in tag.casefold().replace(",", " ").split()))
    if len(kept) > MOST_TAGS:
        raise UsageError(f"A conversation has at most {MOST_TAGS} tags.")
    for tag in kept:
        if len(tag) > MOST_TAG:
            raise UsageError(f"The tag {tag[:MOST_TAG]!r}... is longer than {MOST_TAG} characters.")
    return kept
