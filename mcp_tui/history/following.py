"""What other processes append to a conversation, as it comes: the end of its files is looked at again and again."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from mcp_tui.errors import ConversationNotFound, StoreFailed
from mcp_tui.events.base import EventBase
from mcp_tui.events.codec import from_object
from mcp_tui.history import lines, names
from mcp_tui.history.blobs import Blobs
from mcp_tui.history.fs import FileSystem
from mcp_tui.history.reading import opened

POLL = 0.25
"""Seconds between two looks."""
_MARK_BYTES = 64
"""So many bytes hold the last line's checksum: they tell whether a file is still the one that was read so far.  Its
number does not: a file that compaction put in the place of another may get a number that was free again."""


@dataclass(slots=True)
class _Seen:
    """What is known of a file."""

    place: tuple[int, ...] = ()
    """Its state when it was read; the same state needs no second look."""
    read_to: int = 0
    mark: bytes = b""
    """The last bytes before ``read_to``."""


class Tail:
    """The end of one conversation."""

    def __init__(self, directory: Path, conversation_id: str, after_seq: int, fs: FileSystem) -> None:
        self._directory, self._id, self._after, self._fs = directory, conversation_id, after_seq, fs
        self._blobs = Blobs(names.blob_directory(directory, conversation_id), fs)
        self._seen: dict[int, _Seen] = {}
        """By segment."""
        self._given: set[str] = set()

    def look(self) -> list[EventBase]:
        """Events that came since the last look, in order; blocks while it reads.

        A file that was replaced or cut is read again from its beginning; nothing is given twice.  Raises
        `ConversationNotFound` when the conversation is gone, and `StoreFailed`.
        """
        found: list[EventBase] = []
        segment = 1
        try:
            while self._look_at(segment, found):
                segment += 1
        except OSError as error:
            raise StoreFailed(f"The conversation {self._id} cannot be read: {error.strerror}.") from None
        if segment == 1:
            raise ConversationNotFound(f"There is no conversation {self._id}.")
        return sorted(found, key=lambda event: event.seq)

    def _look_at(self, segment: int, found: list[EventBase]) -> bool:
        path = names.journal_path(self._directory, self._id, segment)
        try:
            place = _place(self._fs.lstat(path))
            seen = self._seen.setdefault(segment, _Seen())
            if place != seen.place:
                with opened(path, self._fs) as fd:
                    self._read(seen, fd, found)
                seen.place = place
        except FileNotFoundError:
            return False
        return True

    def _read(self, seen: _Seen, fd: int, found: list[EventBase]) -> None:
        """Finished lines only: what is still being written comes with the next look."""
        size = self._fs.fstat(fd).st_size
        if size < seen.read_to or self._before(fd, seen.read_to) != seen.mark:
            seen.read_to = 0
        for line in lines.read_lines(lambda n, at: self._fs.pread(fd, min(n, size - at), at), offset=seen.read_to):
            if not line.finished:
                break
            seen.read_to = line.end
            if not lines.problem_of(line) and (event := self._event(line.raw)) is not None:
                found.append(event)
        seen.mark = self._before(fd, seen.read_to)

    def _before(self, fd: int, offset: int) -> bytes:
        start = max(0, offset - _MARK_BYTES)
        return self._fs.pread(fd, offset - start, start)

    def _event(self, raw: bytes) -> EventBase | None:
        head = lines.head_of(raw)
        if head is None or head.seq <= self._after or head.id in self._given:
            return None
        try:
            event = from_object(self._blobs.restore(raw, lines.decode(raw) or {}))
        except (ValueError, RecursionError):
            return None
        self._given.add(head.id)
        return event


def _place(state: os.stat_result) -> tuple[int, ...]:
    return (state.st_ino, state.st_size, state.st_mtime_ns)
