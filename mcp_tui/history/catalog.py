"""The list of conversations, folded from the files; ``index.json`` beside them is a cache (requirement G5).

The cache is never trusted over a file: an entry holds for exactly one inode, size and time of change.  A file
that only grew is read from where the last reading ended.

Lines are counted by how they begin, whole blocks at a time, so that a gigabyte takes about a second; only the
few lines that name a conversation are checked and decoded.  Damaged lines may be counted.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.errors import HistoryError
from mcp_tui.history import lines, names
from mcp_tui.history.fs import NEW, READ, FileSystem
from mcp_tui.history.reading import opened
from mcp_tui.history.write import remove_abandoned, write_all

INDEX_NAME = "index.json"
_VERSION = 1
_LARGEST_INDEX = 64 * 1024 * 1024
_NEAR = 20
"""Lines from a border that are tried for a time."""
_ANY = b'\n{"type":"'
_USER_MESSAGE = _ANY + b'user_message"'
_TOOL_CALL = _ANY + b'tool_call_proposed"'
_NAMING = tuple(_ANY + kind for kind in (b'conversation_created"', b'conversation_titled"', b'model_selected"'))


@dataclass(slots=True)
class Tally:
    """What a list needs to know of one file."""

    inode: int = 0
    size: int = 0
    modified_ns: int = 0
    read_to: int = 0
    """End of the last finished line that is counted here."""
    events: int = 0
    user_messages: int = 0
    tool_calls: int = 0
    title: str | None = None
    model: str | None = None
    demo: bool = False
    first_at: str = ""
    last_at: str = ""

    def add(self, block: bytes) -> None:
        """Take note of finished lines."""
        text = b"\n" + block
        self.events += text.count(_ANY)
        self.user_messages += text.count(_USER_MESSAGE)
        self.tool_calls += text.count(_TOOL_CALL)
        for start in sorted(place for kind in _NAMING for place in _places(text, kind)):
            raw = _line_at(text, start)
            if not lines.checksum_problem(raw):
                self._add_fields(lines.decode(raw) or {})
        self.first_at = self.first_at or _time_of(text, forward=True)
        self.last_at = _time_of(text, forward=False) or self.last_at

    def _add_fields(self, value: dict[str, Any]) -> None:
        if isinstance(title := value.get("title"), str):
            self.title = title
        if isinstance(model := value.get("model"), str):
            self.model = model
        self.demo |= value.get("demo") is True


def list_conversations(directory: Path, fs: FileSystem) -> tuple[ConversationSummary, ...]:
    """All conversations, last changed first.  Content never raises; a file that cannot be read is left out."""
    try:
        found = {name: place for name in fs.names(directory) if (place := names.parse_journal_name(name))}
    except OSError:
        return ()
    cached = _load_index(directory, fs)
    tallies = {name: tally for name in found if (tally := _tally(directory / name, cached.get(name), fs))}
    if tallies != cached:
        _save_index(directory, tallies, fs)
    by_id: dict[str, list[Tally]] = {}
    for name in sorted(tallies, key=lambda name: found[name][1]):
        by_id.setdefault(found[name][0], []).append(tallies[name])
    summaries = [_summary(conversation_id, parts) for conversation_id, parts in by_id.items()]
    return tuple(sorted((s for s in summaries if s), key=lambda s: (s.updated_at, s.id), reverse=True))


def _tally(path: Path, known: Tally | None, fs: FileSystem) -> Tally | None:
    try:
        state = fs.lstat(path)
        if not stat.S_ISREG(state.st_mode):
            return None
        place = (state.st_ino, state.st_size, state.st_mtime_ns)
        if known and (known.inode, known.size, known.modified_ns) == place:
            return known
        grown = known is not None and known.inode == state.st_ino and known.size < state.st_size
        tally = replace(known) if known and grown else Tally()
        tally.inode, tally.size, tally.modified_ns = place
        with opened(path, fs) as fd:
            _count(tally, fd, fs)
    except (OSError, HistoryError):
        return None
    return tally


def _count(tally: Tally, fd: int, fs: FileSystem) -> None:
    """To the size that was seen: what comes later makes the entry stale, and is counted then."""
    for block, end in lines.read_blocks(lambda size, at: fs.pread(fd, size, at), tally.read_to, tally.size):
        tally.add(block)
        tally.read_to = end


def _places(text: bytes, pattern: bytes) -> Iterator[int]:
    start = text.find(pattern)
    while start >= 0:
        yield start
        start = text.find(pattern, start + 1)


def _line_at(text: bytes, start: int) -> bytes:
    return text[start + 1 : text.index(b"\n", start + 1)]


def _time_of(text: bytes, *, forward: bool) -> str:
    """The time of the first or the last good line, if that is near the border."""
    start = -1 if forward else len(text)
    for _ in range(_NEAR):
        start = text.find(_ANY, start + 1) if forward else text.rfind(_ANY, 0, start)
        if start < 0:
            return ""
        raw = _line_at(text, start)
        head = None if lines.checksum_problem(raw) else lines.head_of(raw)
        if head is not None:
            return head.at
    return ""


def _summary(conversation_id: str, parts: list[Tally]) -> ConversationSummary | None:
    parts = [part for part in parts if part.size]
    if not parts:
        return None
    created = [part.first_at for part in parts if part.first_at]
    updated = [part.last_at for part in parts if part.last_at]
    fallback = datetime.fromtimestamp(parts[-1].modified_ns / 1e9, UTC)
    return ConversationSummary(
        id=conversation_id,
        title=_last(part.title for part in parts),
        created_at=_time(created[0] if created else "", fallback),
        updated_at=_time(updated[-1] if updated else "", fallback),
        events=sum(part.events for part in parts),
        user_messages=sum(part.user_messages for part in parts),
        tool_calls=sum(part.tool_calls for part in parts),
        model=_last(part.model for part in parts),
        demo=any(part.demo for part in parts),
        size=sum(part.size for part in parts),
    )


def _last(values: Iterable[str | None]) -> str:
    return next((value for value in reversed(list(values)) if value is not None), "")


def _time(text: str, fallback: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return fallback
    return at if at.tzinfo else fallback


def _load_index(directory: Path, fs: FileSystem) -> dict[str, Tally]:
    """The cache; empty when it is missing, damaged, or of another version."""
    try:
        fd = fs.open(directory / INDEX_NAME, READ)
    except OSError:
        return {}
    try:
        state = fs.fstat(fd)
        if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST_INDEX:
            return {}
        value = json.loads(fs.pread(fd, state.st_size, 0))
        if value["version"] != _VERSION:
            return {}
        return {name: _checked(entry) for name, entry in value["files"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    finally:
        fs.close(fd)


_TYPES: dict[str, tuple[type, ...]] = {
    name: (str, type(None)) if name in ("title", "model") else (type(getattr(Tally(), name)),)
    for name in (field.name for field in fields(Tally))
}


def _checked(entry: dict[str, Any]) -> Tally:
    if entry.keys() != _TYPES.keys() or any(type(value) not in _TYPES[name] for name, value in entry.items()):
        raise ValueError("not an index entry")
    return Tally(**entry)


def _save_index(directory: Path, tallies: dict[str, Tally], fs: FileSystem) -> None:
    """A cache need not be durable, and may be impossible: a directory can be read-only."""
    value = {"version": _VERSION, "files": {name: asdict(tally) for name, tally in tallies.items()}}
    temporary = directory / f"{INDEX_NAME}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        remove_abandoned(fs, directory, f"{INDEX_NAME}.")
        fd = fs.open(temporary, NEW)
        try:
            fs.fchmod(fd, 0o600)
            write_all(fs, fd, json.dumps(value).encode("ascii"))
            fs.replace(temporary, directory / INDEX_NAME)
        finally:
            fs.close(fd)
    except OSError:
        with suppress(OSError):
            fs.unlink(temporary)
