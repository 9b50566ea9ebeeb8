"""A conversation's file that lies somewhere else: copied from another machine, under any name."""

from __future__ import annotations

from itertools import count, takewhile
from pathlib import Path

from mcp_tui.errors import StoreFailed
from mcp_tui.events.base import SCHEMA_VERSION, EventBase, derived_id
from mcp_tui.events.codec import from_object
from mcp_tui.history import lines, names
from mcp_tui.history.base import SetAsideLine, StoredConversation
from mcp_tui.history.blobs import Blobs
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.reading import opened


def read_outside(path: Path, fs: FileSystem = REAL) -> StoredConversation:
    """All events of the file whose checksums hold, in order, each once; damaged lines are set aside.

    Large values are found in ``NAME.blobs`` beside ``NAME.jsonl``, where the file was copied with them.  Raises
    `StoreFailed` when it cannot be opened or read.
    """
    stem, segments = _segments(path)
    blobs = Blobs(path.with_name(f"{stem}.blobs"), fs)
    events: dict[str, EventBase] = {}
    set_aside: list[SetAsideLine] = []
    try:
        for segment in segments:
            _read(segment, blobs, events, set_aside, fs)
    except OSError as error:
        raise StoreFailed(f"{path} cannot be read: {error.strerror}.") from None
    ordered = sorted(events.values(), key=lambda event: event.seq)
    newer = any(_version(event) > SCHEMA_VERSION for event in ordered)
    return StoredConversation(_id(stem, ordered), tuple(ordered), tuple(set_aside), newer)


def _segments(path: Path) -> tuple[str, list[Path]]:
    """What the files of the conversation have in common, and all of them; the one that was named is always there."""
    named = names.parse_journal_name(path.name)
    if named is None:
        return path.stem, [path]
    first = names.journal_path(path.parent, named[0])
    following = (names.journal_path(path.parent, named[0], number) for number in count(2))
    found = [first, *takewhile(Path.exists, following)] if first.exists() else [path]
    return named[0], found


def _read(
    path: Path, blobs: Blobs, events: dict[str, EventBase], set_aside: list[SetAsideLine], fs: FileSystem
) -> None:
    with opened(path, fs) as fd:
        for line in lines.read_lines(lambda size, offset: fs.pread(fd, size, offset)):
            reason = lines.problem_of(line)
            value = None if reason else lines.decode(line.raw)
            event = _event(blobs.restore(line.raw, value)) if value is not None else None
            if event is None:
                set_aside.append(SetAsideLine(line.number, line.offset, reason or "not an event"))
            else:
                events.setdefault(event.id, event)


def _version(event: EventBase) -> int:
    version = getattr(event, "schema_version", 0)
    return version if isinstance(version, int) else 0


def _event(value: dict[str, object]) -> EventBase | None:
    try:
        event = from_object(value)
    except (ValueError, RecursionError):
        return None
    return event if event.durability != "passing" else None


def _id(stem: str, events: list[EventBase]) -> str:
    """As its events say, else as its name says, else one made from what it holds."""
    said = next((event.conversation_id for event in events if event.conversation_id), "")
    for known in (said, stem):
        if names.is_id(known):
            return known
    return derived_id(events[0].at, said, *(event.id for event in events)) if events else ""
