"""The end of a conversation, read without what comes before: what the screen shows while the rest is read."""

from __future__ import annotations

import errno
from collections.abc import Iterator
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
    names.check_id(conversation_id)
    blobs = Blobs(names.blob_directory(directory, conversation_id), fs)
    try:
        segments = _segments(directory, conversation_id, fs)
        if not segments:
            raise ConversationNotFound(f"There is no conversation {conversation_id}.")
        path, size = segments[-1]
        if sum(octets for _path, octets in segments) <= SHORT or size <= FIRST_LOOK:
            return StoredEnd(conversation_id, (), whole=True)
        look = FIRST_LOOK
        while True:
            found = _by_number(_events(path, max(0, size - look), size, blobs, fs))
            last = _from_a_turn(found)
            if len(last) >= ENOUGH or len(found) >= 3 * ENOUGH or look >= min(size, MOST):
                break
            look = min(4 * look, MOST)
        first_path, first_size = segments[0]
        head = _by_number(_events(first_path, 0, min(_HEAD, first_size), blobs, fs))
    except OSError as error:
        if error.errno == errno.ENOENT:
            raise ConversationNotFound(f"There is no conversation {conversation_id}.") from None
        raise StoreFailed(f"The conversation {conversation_id} cannot be read: {error.strerror}.") from None
    if len(last) < ENOUGH:
        last = found
    if not last:
        return StoredEnd(conversation_id, (), whole=True)
    before = [event for event in head if isinstance(event, _HEAD_KINDS) and event.seq < last[0].seq]
    return StoredEnd(conversation_id, (*before, *last))


def _segments(directory: Path, conversation_id: str, fs: FileSystem) -> list[tuple[Path, int]]:
    found: list[tuple[Path, int]] = []
    while True:
        path = names.journal_path(directory, conversation_id, len(found) + 1)
        try:
            found.append((path, fs.lstat(path).st_size))
        except FileNotFoundError:
            return found


def _events(path: Path, start: int, stop: int, blobs: Blobs, fs: FileSystem) -> Iterator[EventBase]:
    """Good lines between two offsets; what is cut off at either is no good line."""
    with opened(path, fs) as fd:
        for line in lines.read_lines(lambda size, offset: fs.pread(fd, min(size, stop - offset), offset), offset=start):
            if lines.problem_of(line):
                continue
            value = lines.decode(line.raw)
            event = event_of(value, line.raw, blobs) if value is not None else None
            if event is not None:
                yield event


def _by_number(events: Iterator[EventBase]) -> list[EventBase]:
    return sorted({event.id: event for event in events}.values(), key=lambda event: event.seq)


def _from_a_turn(events: list[EventBase]) -> list[EventBase]:
    """From the first turn on that begins among them: half a turn would show answers without their question."""
    starts = (index for index, event in enumerate(events) if isinstance(event, turns.TurnStarted))
    return events[next(starts, len(events)) :]
