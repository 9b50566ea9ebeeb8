"""A conversation from its files, without a lock and whatever they hold."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_tui.conversation.pace import unpaced
from mcp_tui.errors import ConversationNotFound, StoreFailed
from mcp_tui.events.base import SCHEMA_VERSION, EventBase
from mcp_tui.events.codec import from_object
from mcp_tui.history import lines, names
from mcp_tui.history.base import SetAsideLine, StoredConversation
from mcp_tui.history.blobs import Blobs
from mcp_tui.history.fs import READ, FileSystem
from mcp_tui.history.locking import refuse_special

_TRIES = 3
SHARED_TEXT = 100
"""Characters from which on the same text of one event is kept once."""


@dataclass(slots=True)
class _Found:
    events: dict[str, EventBase] = field(default_factory=dict)
    set_aside: list[SetAsideLine] = field(default_factory=list)
    newer_schema: bool = False


def read_conversation(
    directory: Path, conversation_id: str, fs: FileSystem, pace: Callable[[], None] = unpaced
) -> StoredConversation:
    """All readable events, in order, each once.  ``pace`` is called between two lines.

    Raises `ConversationNotFound`, and `StoreFailed` when the file itself cannot be opened or read.
    """
    names.check_id(conversation_id)
    for _ in range(_TRIES):
        found, whole = _read(directory, conversation_id, fs, pace)
        if whole:
            break
    ordered = sorted(found.events.values(), key=lambda event: event.seq)
    return StoredConversation(conversation_id, tuple(ordered), tuple(found.set_aside), found.newer_schema)


def _read(directory: Path, conversation_id: str, fs: FileSystem, pace: Callable[[], None]) -> tuple[_Found, bool]:
    """What the files hold, and whether none of them was missed.

    The files of a conversation go into the trash and come back one after the other: parts that were on their way
    are there the next time, or the conversation is not.
    """
    blobs = Blobs(names.blob_directory(directory, conversation_id), fs)
    found = _Found()
    segment = 1
    try:
        while _read_segment(names.journal_path(directory, conversation_id, segment), blobs, found, fs, pace):
            segment += 1
        overtaken = segment > 1 and _exists(names.journal_path(directory, conversation_id, segment), fs)
        gone = not _exists(names.journal_path(directory, conversation_id), fs)
    except OSError as error:
        raise StoreFailed(f"The conversation {conversation_id} cannot be read: {error.strerror}.") from None
    if gone or not (found.events or found.set_aside):
        raise ConversationNotFound(f"There is no conversation {conversation_id}.")
    return found, not (overtaken or blobs.missed)


def _exists(path: Path, fs: FileSystem) -> bool:
    try:
        fs.lstat(path)
    except FileNotFoundError:
        return False
    return True


def refuse_missing(directory: Path, conversation_id: str, fs: FileSystem) -> None:
    """Raise `ConversationNotFound` when nothing was ever written under that id."""
    try:
        fs.lstat(names.journal_path(directory, conversation_id))
    except OSError:
        raise ConversationNotFound(f"There is no conversation {conversation_id}.") from None


def folder_refusal(directory: Path, error: OSError) -> StoreFailed:
    """What is said where the folder of the conversations cannot be looked into."""
    hint = "Its owner can let you in." if error.errno in (errno.EACCES, errno.EPERM) else ""
    return StoreFailed(f"The conversations in {directory} cannot be read: {error.strerror}.", hint=hint)


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


def _read_segment(path: Path, blobs: Blobs, found: _Found, fs: FileSystem, pace: Callable[[], None]) -> bool:
    try:
        with opened(path, fs) as fd:
            for line in lines.read_lines(lambda size, offset: fs.pread(fd, size, offset)):
                pace()
                _take(line, blobs, found)
    except FileNotFoundError:
        return False
    return True


def _take(line: lines.RawLine, blobs: Blobs, found: _Found) -> None:
    reason = lines.problem_of(line)
    event = None
    if not reason:
        value = lines.decode(line.raw)
        if value is not None and _is_newer(value):
            found.newer_schema = True
        event = event_of(value, line.raw, blobs) if value is not None else None
        reason = "" if event else "not an event"
    if event is None:
        found.set_aside.append(SetAsideLine(line.number, line.offset, reason))
    else:
        found.events.setdefault(event.id, event)


def _is_newer(value: dict[str, object]) -> bool:
    version = value.get("schema_version")
    return value.get("type") == "conversation_created" and isinstance(version, int) and version > SCHEMA_VERSION


def event_of(value: dict[str, object], raw: bytes, blobs: Blobs) -> EventBase | None:
    """The event in a line that was decoded to ``value``; ``None`` where it is none."""
    try:
        return from_object(_shared(blobs.restore(raw, value)))
    except (ValueError, RecursionError):
        return None


def _shared(value: dict[str, Any]) -> dict[str, Any]:
    """A result's text stands in its content, in what the model was given and in the raw message: one string for all."""
    if value.get("type") != "tool_call_finished":
        return value
    texts = {text: text for part, text in _texts(value.get("content"))}
    given = value.get("model_text")
    if isinstance(given, str) and given in texts:
        value["model_text"] = texts[given]
    for message in _dicts(value.get("wire")):
        received = message.get("message")
        result = received.get("result") if isinstance(received, dict) else None
        for part, text in _texts(result.get("content") if isinstance(result, dict) else None):
            part["text"] = texts.get(text, text)
    return value


def _texts(content: object) -> Iterator[tuple[dict[str, Any], str]]:
    for part in _dicts(content):
        text = part.get("text")
        if isinstance(text, str) and len(text) >= SHARED_TEXT:
            yield part, text


def _dicts(values: object) -> Iterator[dict[str, Any]]:
    return (value for value in values if isinstance(value, dict)) if isinstance(values, list) else iter(())
