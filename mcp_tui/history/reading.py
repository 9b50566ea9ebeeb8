"""A conversation from its files, without a lock and whatever they hold."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from mcp_tui.errors import ConversationNotFound, StoreFailed
from mcp_tui.events.base import SCHEMA_VERSION, EventBase
from mcp_tui.events.codec import from_object
from mcp_tui.history import lines, names
from mcp_tui.history.base import SetAsideLine, StoredConversation
from mcp_tui.history.blobs import Blobs
from mcp_tui.history.fs import READ, FileSystem
from mcp_tui.history.locking import refuse_special


@dataclass(slots=True)
class _Found:
    events: dict[str, EventBase] = field(default_factory=dict)
    set_aside: list[SetAsideLine] = field(default_factory=list)
    newer_schema: bool = False


def read_conversation(directory: Path, conversation_id: str, fs: FileSystem) -> StoredConversation:
    """All readable events, in order, each once.

    Raises `ConversationNotFound`, and `StoreFailed` when the file itself cannot be opened or read.
    """
    names.check_id(conversation_id)
    blobs = Blobs(names.blob_directory(directory, conversation_id), fs)
    found = _Found()
    segment = 1
    try:
        while _read_segment(names.journal_path(directory, conversation_id, segment), blobs, found, fs):
            segment += 1
    except OSError as error:
        raise StoreFailed(f"The conversation {conversation_id} cannot be read: {error.strerror}.") from None
    if segment == 1 or not (found.events or found.set_aside):
        raise ConversationNotFound(f"There is no conversation {conversation_id}.")
    ordered = sorted(found.events.values(), key=lambda event: event.seq)
    return StoredConversation(conversation_id, tuple(ordered), tuple(found.set_aside), found.newer_schema)


def refuse_missing(directory: Path, conversation_id: str, fs: FileSystem) -> None:
    """Raise `ConversationNotFound` when nothing was ever written under that id."""
    try:
        fs.lstat(names.journal_path(directory, conversation_id))
    except OSError:
        raise ConversationNotFound(f"There is no conversation {conversation_id}.") from None


@contextmanager
def opened(path: Path, fs: FileSystem) -> Iterator[int]:
    """A descriptor for reading a plain file; raises `StoreFailed` for links, FIFOs and directories."""
    try:
        fd = fs.open(path, READ)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EMLINK, errno.ENXIO):
            raise StoreFailed(f"{path} is not a plain file.") from None
        raise
    try:
        refuse_special(fs.fstat(fd), path)
        yield fd
    finally:
        fs.close(fd)


def _read_segment(path: Path, blobs: Blobs, found: _Found, fs: FileSystem) -> bool:
    try:
        with opened(path, fs) as fd:
            for line in lines.read_lines(lambda size, offset: fs.pread(fd, size, offset)):
                _take(line, blobs, found)
    except FileNotFoundError:
        return False
    return True


def _take(line: lines.RawLine, blobs: Blobs, found: _Found) -> None:
    reason = lines.problem_of(line)
    event = None
    if not reason:
        value = lines.decode(line.raw)
        event = _event(value, line.raw, blobs, found) if value is not None else None
        reason = "" if event else "not an event"
    if event is None:
        found.set_aside.append(SetAsideLine(line.number, line.offset, reason))
    else:
        found.events.setdefault(event.id, event)


def _event(value: dict[str, object], raw: bytes, blobs: Blobs, found: _Found) -> EventBase | None:
    version = value.get("schema_version")
    if value.get("type") == "conversation_created" and isinstance(version, int) and version > SCHEMA_VERSION:
        found.newer_schema = True
    try:
        return from_object(blobs.restore(raw, value))
    except (ValueError, RecursionError):
        return None
