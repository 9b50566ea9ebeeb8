"""One conversation's journal: everything that happens under its lock, without threads or tasks.

The lock is the one on the first segment's descriptor.  It guards all segments, so numbers are
unique across processes.  A further segment exists only after the disk failed under the one before.
"""

from __future__ import annotations

import errno
import logging
import os
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mcp_tui.errors import StoreFailed
from mcp_tui.events.base import EventBase
from mcp_tui.events.codec import to_object
from mcp_tui.history import lines, names
from mcp_tui.history.blobs import Blobs
from mcp_tui.history.fs import APPEND, FileSystem
from mcp_tui.history.known import Known
from mcp_tui.history.locking import OnWait, acquire, is_current, refuse_special
from mcp_tui.history.write import failure, write_all

_log = logging.getLogger(__name__)
_REPLACED_TRIES = 8
_OUT_OF_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@dataclass(slots=True, eq=False)
class Segment:
    """An open journal file."""

    number: int
    path: Path
    fd: int
    read_to: int = 0
    """Everything before is known."""
    lines: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """Events as lines without numbers."""

    events: tuple[EventBase, ...]
    lines: tuple[lines.PreparedLine, ...]


class Journal:
    """Appends to one conversation.  Not for use by two threads at once; any number of processes may have one."""

    def __init__(
        self,
        directory: Path,
        conversation_id: str,
        fs: FileSystem,
        *,
        lock_timeout: float,
        begun: Container[str] = (),
    ) -> None:
        """``begun`` holds conversations that are known to exist: a file that is gone is not begun anew."""
        self._directory = directory
        self._id = conversation_id
        self._fs = fs
        self._lock_timeout = lock_timeout
        self._begun = begun
        self._blobs = Blobs(names.blob_directory(directory, conversation_id), fs)
        self._segments: list[Segment] = []
        self._known = Known()
        self._seen = 0
        """Highest number ever seen here: a file that knows less is not the one that we wrote."""
        self._finished: set[int] = set()
        """Segments under which the disk failed."""

    @property
    def superseded(self) -> int:
        """Fragments that compaction would remove, as of the last append."""
        return self._known.superseded

    @property
    def last_seq(self) -> int:
        """The highest number given."""
        return self._known.last_seq

    def is_whole(self, message_id: object) -> bool:
        """True when the message's fragments are superseded."""
        return isinstance(message_id, str) and message_id in self._known.whole

    @property
    def may_write(self) -> bool:
        """False when a newer version wrote it."""
        return not self._known.newer_schema

    def append(self, batches: Sequence[Sequence[EventBase]], on_wait: OnWait | None = None) -> list[list[EventBase]]:
        """Add the events of every batch, or nothing; returns them numbered.

        Raises `StoreBusy` and `StoreFailed`.
        """
        try:
            prepared = [self.prepare(batch) for batch in batches]
            with self.locked(on_wait):
                self._refuse_newer()
                return self._append(prepared)
        except OSError as error:
            raise failure(error, names.journal_path(self._directory, self._id)) from None

    def close(self) -> None:
        """Close the files; the next use opens them again."""
        segments, self._segments = self._segments, []
        self._known = Known()
        for segment in segments:
            with suppress(OSError):
                self._fs.close(segment.fd)

    def prepare(self, events: Sequence[EventBase]) -> Prepared:
        """Events as this conversation's lines, their large values durable beside the log.

        Raises `OSError` and `StoreFailed`.
        """
        owned = tuple(self._own(event) for event in events)
        try:
            prepared = Prepared(owned, tuple(self._blobs.prepare(to_object(event)) for event in owned))
        except (ValueError, RecursionError) as error:
            raise StoreFailed(f"An event cannot be written as JSON: {error}.") from None
        if any(len(line) > lines.MAX_LINE for line in prepared.lines):
            raise StoreFailed(f"An event is longer than {lines.MAX_LINE} bytes.")
        return prepared

    def _own(self, event: EventBase) -> EventBase:
        return event if event.conversation_id == self._id else event.model_copy(update={"conversation_id": self._id})

    @contextmanager
    def locked(self, on_wait: OnWait | None = None) -> Iterator[list[Segment]]:
        """All segments, open, current and read to their ends, under the lock."""
        first = self._lock_current(on_wait)
        try:
            self._catch_up()
            self._refuse_deleted(first)
            yield self._segments
        finally:
            self._unlock(first)

    def _refuse_deleted(self, first: Segment) -> None:
        """A conversation in the trash is not begun anew beside it: an empty file of ours goes again."""
        if not first.read_to and self._is_in_trash():
            self._fs.unlink(first.path)
            self.close()
            raise self._gone(first.path)

    def _is_in_trash(self) -> bool:
        try:
            self._fs.lstat(names.journal_path(names.trash_directory(self._directory), self._id))
        except FileNotFoundError:
            return False
        return True

    def _unlock(self, first: Segment) -> None:
        if any(segment.number in self._finished for segment in self._segments) or first not in self._segments:
            self.close()
        else:
            self._fs.unlock(first.fd)

    def _lock_current(self, on_wait: OnWait | None) -> Segment:
        for _ in range(_REPLACED_TRIES):
            first = self._segments[0] if self._segments else self._open(1)
            if not self._segments:
                self._segments.append(first)
            acquire(
                self._fs,
                first.fd,
                first.path,
                timeout=self._lock_timeout,
                on_wait=on_wait,
                lease=names.lease_path(self._directory, self._id),
            )
            if is_current(self._fs, first.fd, first.path):
                return first
            self.close()
        raise StoreFailed(f"{names.journal_path(self._directory, self._id)} is replaced again and again.")

    def _open(self, number: int) -> Segment:
        path = names.journal_path(self._directory, self._id, number)
        begins = self._seen == 0 and self._id not in self._begun
        create = os.O_CREAT if begins or number > 1 else 0
        if create:
            self._fs.mkdir(self._directory)
        try:
            fd = self._fs.open(path, APPEND | create)
        except FileNotFoundError:
            raise self._gone(path) from None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EMLINK):
                raise StoreFailed(f"{path} is not a plain file.", hint="Move it away; nothing was written.") from None
            raise
        try:
            state = self._fs.fstat(fd)
            refuse_special(state, path)
            if state.st_mode & 0o177:
                self._fs.fchmod(fd, 0o600)
            self._fs.sync_directory(self._directory)
        except BaseException:
            self._fs.close(fd)
            raise
        return Segment(number, path, fd)

    def _gone(self, path: Path) -> StoreFailed:
        if self._is_in_trash():
            return StoreFailed("This conversation is in the trash.", hint="Restore it to go on; nothing was written.")
        return StoreFailed(f"{path} was removed or moved away.", hint="Nothing was written.")

    def _catch_up(self) -> None:
        """Take note of what others wrote, in the segments that are open and in new ones."""
        for segment in self._segments:
            self._scan(segment)
        while self._exists(len(self._segments) + 1):
            segment = self._open(len(self._segments) + 1)
            self._segments.append(segment)
            self._scan(segment)
        if self._known.last_seq < self._seen:
            self.close()
            raise StoreFailed(
                f"{names.journal_path(self._directory, self._id)} lacks events that were written to it.",
                hint="Nothing was written.",
            )
        self._seen = self._known.last_seq

    def _exists(self, number: int) -> bool:
        try:
            self._fs.lstat(names.journal_path(self._directory, self._id, number))
        except FileNotFoundError:
            return False
        return True

    def _scan(self, segment: Segment) -> None:
        size = self._fs.fstat(segment.fd).st_size
        if size < segment.read_to:
            self.close()
            raise StoreFailed(f"{segment.path} became shorter.", hint="Nothing was written.")
        if size == segment.read_to:
            return
        for line in lines.read_lines(
            lambda count, offset: self._fs.pread(segment.fd, min(count, size - offset), offset),
            offset=segment.read_to,
            number=segment.lines + 1,
        ):
            self._note(segment, line)
        segment.read_to = size

    def _note(self, segment: Segment, line: lines.RawLine) -> None:
        """A torn last line counts when it lacks only its newline: the next append will add that."""
        segment.lines = line.number
        if line.too_long or lines.checksum_problem(line.raw):
            return
        head = lines.head_of(line.raw)
        if head is None:
            return
        if not self._known.seq_of and not self._is_ours(line.raw):
            self.close()
            raise StoreFailed(f"{segment.path} holds another conversation.", hint="Nothing was written.")
        self._known.add(head, line.raw)

    def _is_ours(self, raw: bytes) -> bool:
        return (lines.decode(raw) or {}).get("conversation_id") == self._id

    def _refuse_newer(self) -> None:
        if self._known.newer_schema:
            raise StoreFailed(
                "This conversation was written by a newer version of mcp-tui.", hint="It can be read, not continued."
            )

    def _append(self, batches: Sequence[Prepared]) -> list[list[EventBase]]:
        """Number, write, and only then take note."""
        fresh: dict[str, tuple[int, bytes]] = {}
        seq = self._known.last_seq
        for batch in batches:
            for event, line in zip(batch.events, batch.lines, strict=True):
                if event.id not in self._known.seq_of and event.id not in fresh:
                    seq += 1
                    fresh[event.id] = (seq, line.numbered(seq))
        sync = any(event.durability == "fsync" for batch in batches for event in batch.events)
        self._write([raw for _, raw in fresh.values()], sync=sync)
        for raw in (raw for _, raw in fresh.values()):
            head = lines.head_of(raw)
            if head is not None:
                self._known.add(head, raw)
        self._seen = self._known.last_seq
        return [[event.model_copy(update={"seq": self._known.seq_of[event.id]}) for event in b.events] for b in batches]

    def _write(self, new_lines: list[bytes], *, sync: bool) -> None:
        segment = self._last_writable()
        start = segment.read_to
        torn = start > 0 and self._fs.pread(segment.fd, 1, start - 1) != b"\n"
        data = b"".join([b"\n" if torn else b"", *new_lines])
        try:
            write_all(self._fs, segment.fd, data)
        except OSError as error:
            self._roll_back(segment, start, finished=error.errno not in _OUT_OF_SPACE)
            raise
        if sync:
            self._sync(segment, start)
        segment.read_to = start + len(data)
        segment.lines += len(new_lines)

    def _sync(self, segment: Segment, start: int) -> None:
        try:
            self._fs.fsync(segment.fd)
        except OSError:
            self._roll_back(segment, start, finished=True)
            raise

    def _roll_back(self, segment: Segment, start: int, *, finished: bool) -> None:
        """Cut off what was not acknowledged.

        After a failed fsync the system may have dropped what it could not write, and a second fsync would
        still report success: the descriptor is never written to again.
        """
        try:
            self._fs.ftruncate(segment.fd, start)
        except OSError:
            finished = True
        if finished:
            self._finished.add(segment.number)
            _log.error("the disk failed under %s; what follows goes to a new file", segment.path.name)

    def _last_writable(self) -> Segment:
        segment = self._segments[-1]
        if segment.number in self._finished and segment.read_to == 0:
            self._finished.discard(segment.number)
        if segment.number in self._finished:
            segment = self._open(segment.number + 1)
            self._segments.append(segment)
        return segment
