"""The end of a conversation, read without what comes before: what the screen shows while the rest is read."""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from mcp_tui.errors import ConversationNotFound, StoreFailed
from mcp_tui.events import turns
from mcp_tui.events.base import EventBase
from mcp_tui.history import lines, names
from mcp_tui.history.base import StoredEnd
from mcp_tui.history.blobs import Blobs
from mcp_tui.history.fs import FileSystem
from mcp_tui.history.reading import event_of, opened

SHORT = 1024 * 1024
"""Bytes of a conversation that is read as a whole: that takes no longer."""

FIRST_LOOK = 256 * 1024
"""Bytes of the end that are read; four times as many where they hold too little."""

ENOUGH = 150
"""Events that fill a screen."""

MOST = 8 * 1024 * 1024
"""Bytes of the end that are read however little they hold."""

_HEAD = 64 * 1024
_HEAD_KINDS = (turns.ConversationCreated, turns.ConversationTitled, turns.ConversationTagged, turns.ModelSelected)


def read_end(directory: Path, conversation_id: str, fs: FileSystem) -> StoredEnd:
    """The last turns, and what the first lines say of the whole: title, model, schema.

    Nothing is said of a short conversation: it is to be read as a whole.  Raises `ConversationNotFound`, and
    `StoreFailed` when a file cannot be opened or read.
    """
    with refusals(conversation_id):
        files = Files.of(directory, conversation_id, fs)
        path, size = files.segments[-1]
        if files.short or size <= FIRST_LOOK:
            return StoredEnd(conversation_id, (), whole=True)
        look = FIRST_LOOK
        while True:
            found = files.events(path, max(0, size - look), size)
            last = from_a_turn(found)
            if len(last) >= ENOUGH or len(found) >= 3 * ENOUGH or look >= min(size, MOST):
                break
            look = min(4 * look, MOST)
        head = files.head()
    if len(last) < ENOUGH:
        last = found
    if not last:
        return StoredEnd(conversation_id, (), whole=True)
    return StoredEnd(conversation_id, (*(event for event in head if event.seq < last[0].seq), *last))


@contextmanager
def refusals(conversation_id: str) -> Iterator[None]:
    """Errors of the system in our words."""
    names.check_id(conversation_id)
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise ConversationNotFound(f"There is no conversation {conversation_id}.") from None
        raise StoreFailed(f"The conversation {conversation_id} cannot be read: {error.strerror}.") from None


@dataclass(frozen=True, slots=True)
class Files:
    """The files of a conversation, of which parts are read.  Methods raise `OSError`."""

    segments: Sequence[tuple[Path, int]]
    """Path and size, first the first; at least one."""
    blobs: Blobs
    fs: FileSystem

    @classmethod
    def of(cls, directory: Path, conversation_id: str, fs: FileSystem) -> Files:
        """Those that are there now.  Raises `ConversationNotFound`."""
        found: list[tuple[Path, int]] = []
        with suppress(FileNotFoundError):
            while True:
                path = names.journal_path(directory, conversation_id, len(found) + 1)
                found.append((path, fs.lstat(path).st_size))
        if not found:
            raise ConversationNotFound(f"There is no conversation {conversation_id}.")
        return cls(found, Blobs(names.blob_directory(directory, conversation_id), fs), fs)

    @property
    def short(self) -> bool:
        """Whether all of them are read in a moment."""
        return sum(octets for _path, octets in self.segments) <= SHORT

    def head(self) -> list[EventBase]:
        """What the first lines say of the whole: title, model, schema."""
        path, size = self.segments[0]
        return [event for event in self.events(path, 0, min(_HEAD, size)) if isinstance(event, _HEAD_KINDS)]

    def events(self, path: Path, start: int, stop: int) -> list[EventBase]:
        """Those of good lines between two offsets, by number; what is cut off at either is no good line."""
        found = {event.id: event for event in self._between(path, start, stop)}
        return sorted(found.values(), key=lambda event: event.seq)

    def _between(self, path: Path, start: int, stop: int) -> Iterator[EventBase]:
        with opened(path, self.fs) as fd:

            def pread(size: int, offset: int) -> bytes:
                return self.fs.pread(fd, min(size, stop - offset), offset)

            for line in lines.read_lines(pread, offset=start):
                if lines.problem_of(line):
                    continue
                value = lines.decode(line.raw)
                event = event_of(value, line.raw, self.blobs) if value is not None else None
                if event is not None:
                    yield event


def from_a_turn(events: list[EventBase]) -> list[EventBase]:
    """From the first turn on that begins among them: half a turn would show answers without their question."""
    starts = (index for index, event in enumerate(events) if isinstance(event, turns.TurnStarted))
    return events[next(starts, len(events)) :]
