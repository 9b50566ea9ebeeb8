"""The store on disk: one JSONL file per conversation, safe between processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from mcp_tui.conversation.calls import CallRecord
from mcp_tui.conversation.pace import beside
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.errors import HistoryError
from mcp_tui.events.base import EventBase
from mcp_tui.history import names
from mcp_tui.history.base import (
    CheckReport,
    ConversationCheck,
    ListedSoFar,
    OnListed,
    OnProgress,
    StoredConversation,
    StoredEnd,
    StoredPart,
    TrashedConversation,
)
from mcp_tui.history.calls import recorded_calls
from mcp_tui.history.catalog import Catalog
from mcp_tui.history.checking import Progress, check_all, check_one
from mcp_tui.history.compaction import WORTHWHILE, compact
from mcp_tui.history.contract import check_creation, check_events
from mcp_tui.history.creation import Creation
from mcp_tui.history.ending import read_end
from mcp_tui.history.following import POLL, Tail
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.journal import Journal
from mcp_tui.history.locking import Lease, OnWait
from mcp_tui.history.parts import read_around, read_beginning
from mcp_tui.history.reading import read_conversation, refuse_missing
from mcp_tui.history.recorder import Recorder
from mcp_tui.history.repair import remove_abandoned_files
from mcp_tui.history.repair import repair as repair_lines
from mcp_tui.history.trash import Trash
from mcp_tui.history.write import failure


class JsonlStore:
    """Conversations in ``directory``, which is made when the first one is written (0700, files 0600).

    ``lock_timeout`` is in seconds.  ``on_wait`` is called on the event loop with a sentence for the person
    when an append has been waiting for another process for a second.
    """

    def __init__(
        self,
        directory: Path,
        *,
        lock_timeout: float = 5.0,
        on_wait: OnWait | None = None,
        fs: FileSystem = REAL,
    ) -> None:
        self._directory = directory
        self._lock_timeout = lock_timeout
        self._on_wait = on_wait
        self._fs = fs
        self._begun: set[str] = set()
        """Conversations that were there: what is added to them after somebody removed them is refused."""
        self._trash = Trash(directory, fs, lock_timeout=lock_timeout)
        self._recorder = Recorder(self._open_journal)
        self._catalog = Catalog(directory, fs)

    @property
    def place(self) -> Path:
        """The folder of the files."""
        return self._directory

    async def append(self, conversation_id: str, events: Sequence[EventBase]) -> list[EventBase]:
        """Add events; see `HistoryStore.append`."""
        check_events(conversation_id, events)
        return await self._recorder.append(conversation_id, events, self._on_wait) if events else []

    async def create(self, conversation_id: str, events: Sequence[EventBase]) -> list[EventBase]:
        """Add a whole new conversation, or nothing; see `HistoryStore.create`."""
        check_creation(conversation_id, events)
        return await self._recorder.run(
            conversation_id, lambda journal: Creation(journal, self._directory, conversation_id, self._fs).run(events)
        )

    async def read(self, conversation_id: str) -> StoredConversation:
        """All readable events; see `HistoryStore.read`."""
        found = await beside(lambda pace: read_conversation(self._directory, conversation_id, self._fs, pace))
        self._begun.add(conversation_id)
        return found

    async def read_end(self, conversation_id: str) -> StoredEnd:
        """The last turns of a long conversation; see `HistoryStore.read_end`."""
        found = await asyncio.to_thread(read_end, self._directory, conversation_id, self._fs)
        self._begun.add(conversation_id)
        return found

    async def read_part(self, conversation_id: str, around: str | None = None) -> StoredPart | None:
        """The beginning of a long conversation, or what is around an event; see `HistoryStore.read_part`."""
        if around is None:
            found = await asyncio.to_thread(read_beginning, self._directory, conversation_id, self._fs)
        else:
            found = await asyncio.to_thread(read_around, self._directory, conversation_id, around, self._fs)
        self._begun.add(conversation_id)
        return found

    async def list(self, on_part: OnListed | None = None) -> tuple[ConversationSummary, ...]:
        """All conversations, last changed first; see `HistoryStore.list`."""
        if on_part is None:
            return await beside(self._catalog.list)
        loop, waiting = asyncio.get_running_loop(), on_part

        def tell(so_far: ListedSoFar) -> None:
            loop.call_soon_threadsafe(waiting, so_far)

        return await beside(self._catalog.list, tell)

    async def tool_calls(self, on_progress: OnProgress | None = None) -> Sequence[CallRecord]:
        """The tool calls of all conversations; see `HistoryStore.tool_calls`."""
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def tell(done: int, total: int) -> None:
            if stop.is_set():
                raise InterruptedError
            if on_progress is not None:
                loop.call_soon_threadsafe(on_progress, done, total)

        try:
            return await asyncio.to_thread(recorded_calls, self._directory, self._fs, tell)
        except asyncio.CancelledError:
            stop.set()
            raise

    async def follow(self, conversation_id: str, after_seq: int) -> AsyncIterator[Sequence[EventBase]]:
        """What anybody appends, as it comes; see `HistoryStore.follow`."""
        names.check_id(conversation_id)
        tail = Tail(self._directory, conversation_id, after_seq, self._fs)
        while True:
            if found := await asyncio.to_thread(tail.look):
                yield found
            else:
                await asyncio.sleep(POLL)

    @asynccontextmanager
    async def lease(self, conversation_id: str) -> AsyncIterator[None]:
        """Exclusive right to run a turn, among all processes; see `HistoryStore.lease`."""
        names.check_id(conversation_id)
        lease = Lease(names.lease_path(self._directory, conversation_id), self._fs)
        await self._take(lease)
        try:
            yield
        finally:
            lease.release()
            self._recorder.later(conversation_id, self._compact_if_worthwhile)

    async def compact(self, conversation_id: str) -> int:
        """Remove fragments that whole messages superseded; see `HistoryStore.compact`."""
        names.check_id(conversation_id)
        await asyncio.to_thread(refuse_missing, self._directory, conversation_id, self._fs)
        return await self._recorder.run(conversation_id, lambda journal: compact(journal, self._fs))

    async def delete(self, conversation_id: str) -> None:
        """Move a conversation into the trash; see `HistoryStore.delete`."""
        names.check_id(conversation_id)
        self._begun.add(conversation_id)
        await self._recorder.run(conversation_id, lambda journal: self._alone(journal, conversation_id))

    async def trash(self) -> tuple[TrashedConversation, ...]:
        """What was deleted, last deleted first."""
        return await asyncio.to_thread(self._trash.list)

    async def restore(self, conversation_id: str) -> None:
        """Bring a conversation back from the trash; see `HistoryStore.restore`."""
        names.check_id(conversation_id)
        await self._recorder.run(conversation_id, lambda _: self._trash.restore(conversation_id))

    async def empty_trash(self, ids: Sequence[str] | None = None) -> int:
        """Remove deleted conversations for good; see `HistoryStore.empty_trash`."""
        for conversation_id in ids or ():
            names.check_id(conversation_id)
        return await asyncio.to_thread(self._trash.empty, ids)

    async def check(self, *, repair: bool = False, on_progress: OnProgress | None = None) -> CheckReport:
        """Read every file and say what is wrong; see `HistoryStore.check`."""
        report = await self._checked(on_progress)
        if not repair:
            return report
        repaired = [await self._repaired(found) for found in report.conversations]
        for place in (self._directory, names.trash_directory(self._directory)):
            await asyncio.to_thread(remove_abandoned_files, place, self._fs)
        return replace(report, conversations=tuple(repaired))

    async def _checked(self, on_progress: OnProgress | None) -> CheckReport:
        """In a thread; it stops soon after its caller was cancelled."""
        loop, stop = asyncio.get_running_loop(), threading.Event()

        def tell(done: int, total: int) -> None:
            if on_progress is not None and not stop.is_set():
                loop.call_soon_threadsafe(on_progress, done, total)

        try:
            return await asyncio.to_thread(
                check_all, self._directory, self._fs, lambda total: Progress(total, tell, stop.is_set)
            )
        except asyncio.CancelledError:
            stop.set()
            raise

    async def _repaired(self, found: ConversationCheck) -> ConversationCheck:
        """Checked again after its repair: what is good by then was good, or is an event added meanwhile."""
        if not found.set_aside or found.newer_schema:
            return found
        if not found.events:
            return replace(found, problem="No line of it can be read; it is left as it is.")
        place = names.trash_directory(self._directory) if found.in_trash else self._directory
        try:
            if found.in_trash:
                moved = await asyncio.to_thread(self._trash.repair, found.id)
            else:
                moved = await self._recorder.run(
                    found.id, lambda journal: repair_lines(journal, place, found.id, self._fs)
                )
        except HistoryError as error:
            return replace(found, problem=str(error))
        progress = Progress(0, None, lambda: False)
        again = await asyncio.to_thread(lambda: check_one(place, found.id, self._fs, progress, in_trash=found.in_trash))
        return replace(again or found, repaired=moved)

    async def aclose(self) -> None:
        """Write out what waits, for a little longer than a lock may take, and close the files."""
        await self._recorder.aclose(self._lock_timeout + 1.0)

    async def _take(self, lease: Lease) -> None:
        """Off the event loop; a lease that comes after its taker was cancelled is given back."""
        taking = asyncio.ensure_future(asyncio.to_thread(self._take_now, lease))
        try:
            await asyncio.shield(taking)
        except asyncio.CancelledError:
            taking.add_done_callback(lambda done: _give_back(done, lease))
            raise

    def _take_now(self, lease: Lease) -> None:
        try:
            self._fs.mkdir(self._directory)
            lease.acquire()
        except OSError as error:
            raise failure(error, self._directory) from None

    def _alone(self, journal: Journal, conversation_id: str) -> None:
        """Our own open files are closed first: they would go with it."""
        journal.close()
        self._trash.delete(conversation_id)

    def _compact_if_worthwhile(self, journal: Journal) -> int:
        return compact(journal, self._fs) if journal.superseded >= WORTHWHILE else 0

    def _open_journal(self, conversation_id: str) -> Journal:
        return Journal(self._directory, conversation_id, self._fs, lock_timeout=self._lock_timeout, begun=self._begun)


def _give_back(taking: asyncio.Future[None], lease: Lease) -> None:
    if not taking.cancelled() and taking.exception() is None:
        lease.release()
