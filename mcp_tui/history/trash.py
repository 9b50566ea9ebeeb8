"""Deleted conversations: all their files in a folder of their own, until they are restored or removed for good.

The first segment says where a conversation is: it is moved first on the way in and last on the way out, and
whatever a death left behind follows it at the next occasion.  None of the moves needs space on
the disk.  All of it happens under one lock, and a deletion under the conversation's lease as well: what a turn
is writing to is not deleted.
"""

from __future__ import annotations

import json
import logging
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from mcp_tui.errors import ConversationNotFound, HistoryError, StoreFailed
from mcp_tui.events.base import utc_now
from mcp_tui.history import names
from mcp_tui.history.base import TrashedConversation
from mcp_tui.history.catalog import Catalog
from mcp_tui.history.fs import NEW, READ, SHARED, FileSystem
from mcp_tui.history.journal import Journal
from mcp_tui.history.locking import Lease, locked_file
from mcp_tui.history.reading import folder_refusal
from mcp_tui.history.repair import repair
from mcp_tui.history.write import take_name, write_all
from mcp_tui.safety.times import on_any_clock

_log = logging.getLogger(__name__)
_LOCK = "lock"
_MARK_BYTES = 200


class Trash:
    """The folder ``trash`` below the conversations."""

    def __init__(self, directory: Path, fs: FileSystem, *, lock_timeout: float) -> None:
        self._main = directory
        self._trash = names.trash_directory(directory)
        self._fs = fs
        self._lock_timeout = lock_timeout
        self._catalog = Catalog(self._trash, fs)

    def list(self) -> tuple[TrashedConversation, ...]:
        """What is in it, last deleted first; never raises because of content, but `StoreFailed` where it is closed."""
        try:
            if not self._exists(self._trash):
                return ()
        except OSError as error:
            raise folder_refusal(self._trash, error) from None
        with suppress(HistoryError, OSError), self._locked():
            self._settle()
        found = [TrashedConversation(s, self._deleted_at(s.id)) for s in self._catalog.list()]
        return tuple(sorted(found, key=lambda item: (item.deleted_at, item.summary.id), reverse=True))

    def holds(self, conversation_id: str) -> bool:
        """Whether the conversation is in it."""
        return self._exists(names.journal_path(self._trash, conversation_id))

    def delete(self, conversation_id: str) -> None:
        """Move a conversation here.  Raises `ConversationNotFound`, `StoreBusy` and `StoreFailed`; it stays then."""
        source = names.journal_path(self._main, conversation_id)
        with _refusals("moved into the trash"):
            if not self._exists(source):
                raise ConversationNotFound(f"There is no conversation {conversation_id}.")
            self._fs.mkdir(self._trash)
            with self._locked():
                self._settle()
                if self.holds(conversation_id):
                    raise StoreFailed(f"There is a conversation {conversation_id} in the trash already.")
                with self._leased(conversation_id):
                    with locked_file(self._fs, source, timeout=self._lock_timeout):
                        self._mark(conversation_id)
                        self._fs.replace(source, self._trash / source.name)
                    self._follow(conversation_id)

    def restore(self, conversation_id: str) -> None:
        """Move a conversation back.  Raises `ConversationNotFound` and `StoreFailed`; it stays here then."""
        source = names.journal_path(self._trash, conversation_id)
        with _refusals("restored"):
            if not self._exists(source):
                raise _not_in_trash(conversation_id)
            with self._locked():
                self._settle()
                self._restore(conversation_id, source)

    def _restore(self, conversation_id: str, source: Path) -> None:
        target = self._main / source.name
        if self._exists(target):
            raise _already(conversation_id)
        try:
            self._move_parts(conversation_id, self._trash, self._main)
            take_name(self._fs, source, target)
        except OSError as error:
            if self._exists(source):
                with suppress(OSError):
                    self._move_parts(conversation_id, self._main, self._trash)
                raise (_already(conversation_id) if isinstance(error, FileExistsError) else error) from None
        with suppress(OSError):
            self._fs.unlink(names.mark_path(self._trash, conversation_id))
            self._fs.sync_directory(self._trash)

    def repair(self, conversation_id: str) -> int:
        """Set damaged lines of a conversation in the trash aside, as `mcp_tui.history.repair` does; returns how many.

        Nobody restores or removes it meanwhile.  Raises `ConversationNotFound`, `StoreBusy` and `StoreFailed`.
        """
        with _refusals("repaired"), self._locked():
            self._settle()
            if not self.holds(conversation_id):
                raise _not_in_trash(conversation_id)
            journal = Journal(
                self._trash, conversation_id, self._fs, lock_timeout=self._lock_timeout, begun={conversation_id}
            )
            try:
                return repair(journal, self._trash, conversation_id, self._fs)
            finally:
                journal.close()

    def empty(self, ids: Sequence[str] | None = None) -> int:
        """Remove conversations for good, all of them without ``ids``; returns how many went.

        Raises `ConversationNotFound`, before anything was removed, and `StoreFailed`.
        """
        with _refusals("removed"):
            if not self._exists(self._trash):
                if ids:
                    raise _not_in_trash(ids[0])
                return 0
            with self._locked():
                self._settle()
                count = self._empty(ids)
        # The lists' caches hold titles.
        for catalog in (self._catalog, Catalog(self._main, self._fs)):
            catalog.list()
        return count

    def _empty(self, ids: Sequence[str] | None) -> int:
        held = sorted(filter(None, map(names.parse_first, self._fs.names(self._trash))))
        chosen = held if ids is None else list(dict.fromkeys(ids))
        for conversation_id in chosen:
            if conversation_id not in held:
                raise _not_in_trash(conversation_id)
        for conversation_id in chosen:
            first = names.journal_path(self._trash, conversation_id)
            self._fs.replace(first, names.removed_path(self._trash, conversation_id))
            self._finish_removal(conversation_id)
        return len(chosen)

    def _settle(self) -> None:
        """Finish what a death left half done; what cannot be finished now is left for the next time."""
        here, there = set(self._fs.names(self._trash)), set(self._fs.names(self._main))
        left = {names.owner(name) for name in there if names.is_part(name)}
        for key in sorted({key for name in here if (key := names.owner(name))}):
            try:
                self._settle_one(key, here, there, parts_outside=key in left)
            except (OSError, HistoryError) as error:
                _log.warning("the trash was not tidied up: %s", error)

    def _settle_one(self, key: str, here: set[str], there: set[str], *, parts_outside: bool) -> None:
        first = names.journal_path(self._main, key).name
        outside = first in there and not (first in here and self._drop_claim(self._main / first))
        if names.removed_path(self._trash, key).name in here:
            self._finish_removal(key)
        elif first in here and not outside and parts_outside:
            self._follow(key)
        elif outside and first not in here:
            self._move_parts(key, self._trash, self._main)
            with suppress(FileNotFoundError):
                self._fs.unlink(names.mark_path(self._trash, key))

    def _drop_claim(self, path: Path) -> bool:
        """Remove an empty journal: whoever took the name with it died before the conversation followed."""
        if self._fs.lstat(path).st_size:
            return False
        with locked_file(self._fs, path, timeout=self._lock_timeout) as fd:
            empty = not self._fs.fstat(fd).st_size
            if empty:
                self._fs.unlink(path)
        return empty

    def _follow(self, conversation_id: str) -> None:
        """The rest of a conversation that is here by now: whatever keeps it is no reason to fail, it comes later."""
        try:
            self._move_parts(conversation_id, self._main, self._trash)
            self._fs.sync_directory(self._trash)
            self._fs.sync_directory(self._main)
        except OSError as error:
            _log.warning("parts of a deleted conversation stay behind for now: %s", error.strerror)

    def _move_parts(self, conversation_id: str, source: Path, target: Path) -> None:
        """Everything but the first segment and what is only about a place; nothing is replaced."""
        for name in sorted(self._fs.names(source)):
            if names.owner(name) == conversation_id and names.is_part(name):
                self._move(source / name, target / name)

    def _move(self, source: Path, target: Path) -> None:
        if not self._exists(target):
            self._fs.replace(source, target)
        elif source.is_dir() and target.is_dir():
            for name in self._fs.names(source):
                self._move(source / name, target / name)
            with suppress(OSError):
                self._fs.rmdir(source)
        else:
            _log.warning("%s is in the trash and outside of it", source.name)

    def _finish_removal(self, conversation_id: str) -> None:
        """Everything goes, and last what says that it has to."""
        last = names.removed_path(self._trash, conversation_id)
        for name in self._fs.names(self._trash):
            if names.owner(name) == conversation_id and name != last.name:
                self._remove(self._trash / name)
        self._fs.unlink(last)

    def _remove(self, path: Path) -> None:
        if stat.S_ISDIR(self._fs.lstat(path).st_mode):
            for name in self._fs.names(path):
                self._remove(path / name)
            self._fs.rmdir(path)
        else:
            self._fs.unlink(path)

    @contextmanager
    def _leased(self, conversation_id: str) -> Iterator[None]:
        """No turn runs meanwhile; the lease's file goes with the conversation."""
        path = names.lease_path(self._main, conversation_id)
        lease = Lease(path, self._fs)
        lease.acquire()
        try:
            yield
            with suppress(OSError):
                self._fs.unlink(path)
        finally:
            lease.release()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with locked_file(self._fs, self._trash / _LOCK, timeout=self._lock_timeout, flags=SHARED):
            yield

    def _mark(self, conversation_id: str) -> None:
        """Note the time.  A disk may be too full for that: then the file system's own time is shown."""
        path = names.mark_path(self._trash, conversation_id)
        try:
            with suppress(FileNotFoundError):
                self._fs.unlink(path)
            fd = self._fs.open(path, NEW)
            try:
                write_all(self._fs, fd, json.dumps({"deleted_at": utc_now().isoformat()}).encode("ascii"))
            finally:
                self._fs.close(fd)
        except OSError as error:
            _log.warning("the time of a deletion was not kept: %s", error.strerror)

    def _deleted_at(self, conversation_id: str) -> datetime:
        try:
            fd = self._fs.open(names.mark_path(self._trash, conversation_id), READ)
            try:
                at = datetime.fromisoformat(json.loads(self._fs.pread(fd, _MARK_BYTES, 0))["deleted_at"])
            finally:
                self._fs.close(fd)
            if at.tzinfo is not None:
                return on_any_clock(at)
        except (OSError, ValueError, TypeError, KeyError):
            pass
        try:
            state = self._fs.lstat(names.journal_path(self._trash, conversation_id))
        except OSError:
            return utc_now()
        return datetime.fromtimestamp(state.st_ctime, UTC)

    def _exists(self, path: Path) -> bool:
        try:
            self._fs.lstat(path)
        except FileNotFoundError:
            return False
        return True


@contextmanager
def _refusals(done: str) -> Iterator[None]:
    """The file system's refusals in our words."""
    try:
        yield
    except OSError as error:
        raise StoreFailed(f"The conversation could not be {done}: {error.strerror}.") from None


def _already(conversation_id: str) -> StoreFailed:
    return StoreFailed(f"There is a conversation {conversation_id} already.", hint="It stays in the trash.")


def _not_in_trash(conversation_id: str) -> ConversationNotFound:
    return ConversationNotFound(f"There is no conversation {conversation_id} in the trash.")
