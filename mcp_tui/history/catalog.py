"""The list of conversations, folded from the files; ``index.json`` beside them is a cache (requirement G5).

The cache is never trusted over a file: an entry holds for exactly one inode, size and time of change.  A file
that only grew is read from where the last reading ended.  What a process has once listed it keeps, so that
listing again costs one look at each file and nothing else.
"""

from __future__ import annotations

import json
import os
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import fields, replace
from datetime import UTC, datetime
from itertools import chain, product
from operator import attrgetter
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from mcp_tui.conversation.pace import unpaced
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.errors import HistoryError
from mcp_tui.events.turns import Origin
from mcp_tui.history import lines, names
from mcp_tui.history.fs import NEW, READ, FileSystem
from mcp_tui.history.reading import opened
from mcp_tui.history.tally import Tally
from mcp_tui.history.write import remove_abandoned, write_all

_T = TypeVar("_T")

INDEX_NAME = "index.json"
_VERSION = 2
_LARGEST_INDEX = 64 * 1024 * 1024
_MARK_BYTES = 16
"""So many bytes hold a line's checksum."""
_FIELDS = tuple(field.name for field in fields(Tally))
_row = attrgetter(*_FIELDS)


def list_conversations(directory: Path, fs: FileSystem) -> tuple[ConversationSummary, ...]:
    """All conversations, last changed first.  Content never raises; a file that cannot be read is left out."""
    return Catalog(directory, fs).list()


class Catalog:
    """The conversations of a directory; may be asked from several threads."""

    def __init__(self, directory: Path, fs: FileSystem) -> None:
        self._directory, self._fs = directory, fs
        self._lock = threading.Lock()
        self._tallies: dict[str, Tally] | None = None
        self._summaries: dict[str, tuple[list[Tally], ConversationSummary | None]] = {}

    def list(self, pace: Callable[[], None] = unpaced) -> tuple[ConversationSummary, ...]:
        """All conversations as their files are now; see `list_conversations`.  ``pace`` is called between two files."""
        with self._lock:
            return self._list(pace)

    def _list(self, pace: Callable[[], None]) -> tuple[ConversationSummary, ...]:
        directory, fs = self._directory, self._fs
        found: dict[str, tuple[str, int]] = {}
        states: dict[str, os.stat_result] = {}
        try:
            for name, state in fs.states(directory):
                pace()
                if stat.S_ISREG(state.st_mode) and (place := names.parse_journal_name(name)):
                    found[name], states[name] = place, state
        except OSError:
            return ()
        known = self._tallies if self._tallies is not None else _load_index(directory, fs)
        tallies: dict[str, Tally] = {}
        for name, state in states.items():
            pace()
            tally = known.get(name)
            if tally is None or (tally.inode, tally.size, tally.modified_ns) != _place(state):
                tally = _tally(directory / name, state, tally, fs, pace)
            if tally is not None:
                tallies[name] = tally
        if len(tallies) != len(known) or any(known.get(name) is not tally for name, tally in tallies.items()):
            _save_index(directory, tallies, fs, pace)
        self._tallies = tallies
        by_id: dict[str, list[Tally]] = {}
        for name in sorted(tallies, key=found.__getitem__):
            by_id.setdefault(found[name][0], []).append(tallies[name])
        before, self._summaries = self._summaries, {}
        for conversation_id, parts in by_id.items():
            pace()
            last = before.get(conversation_id)
            same = last is not None and len(last[0]) == len(parts) and all(map(_is, last[0], parts))
            summary = last[1] if last is not None and same else _summary(conversation_id, parts)
            self._summaries[conversation_id] = (parts, summary)
        summaries = [summary for _, summary in self._summaries.values() if summary is not None]
        return tuple(sorted(summaries, key=_age, reverse=True))


def _is(first: object, second: object) -> bool:
    return first is second


_age = attrgetter("updated_at", "id")


def _place(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_ino, state.st_size, state.st_mtime_ns


def _tally(
    path: Path, state: os.stat_result, known: Tally | None, fs: FileSystem, pace: Callable[[], None]
) -> Tally | None:
    """What is counted anew, or on from where the last reading ended; None for a file that cannot be read."""
    grown = known is not None and known.inode == state.st_ino and known.size < state.st_size
    try:
        with opened(path, fs) as fd:
            same = known is not None and grown and known.mark == _before(known.read_to, fd, fs)
            tally = _copy(known) if known and same else Tally()
            tally.inode, tally.size, tally.modified_ns = _place(state)
            _count(tally, fd, fs, pace)
    except (OSError, HistoryError):
        return None
    return tally


def _copy(tally: Tally) -> Tally:
    return replace(tally, models=[*tally.models], servers=[*tally.servers])


def _count(tally: Tally, fd: int, fs: FileSystem, pace: Callable[[], None]) -> None:
    """To the size that was seen: what comes later makes the entry stale, and is counted then."""
    for block, end in lines.read_blocks(lambda size, at: fs.pread(fd, size, at), tally.read_to, tally.size):
        pace()
        tally.add(block)
        tally.read_to = end
    tally.mark = _before(tally.read_to, fd, fs)


def _before(offset: int, fd: int, fs: FileSystem) -> str:
    start = max(0, offset - _MARK_BYTES)
    return fs.pread(fd, offset - start, start).hex()


def _summary(conversation_id: str, parts: list[Tally]) -> ConversationSummary | None:
    parts = [part for part in parts if part.size]
    if not parts:
        return None
    whole = parts[0] if len(parts) == 1 else _whole(parts)
    fallback = datetime.fromtimestamp(whole.modified_ns / 1e9, UTC)
    return ConversationSummary(
        id=conversation_id,
        title=whole.title or "",
        created_at=_time(whole.first_at, fallback),
        updated_at=_time(whole.last_at, fallback),
        events=whole.events,
        user_messages=whole.user_messages,
        tool_calls=whole.tool_calls,
        model=whole.model or "",
        demo=whole.demo,
        size=whole.size,
        messages=whole.user_messages + whole.answers,
        models=tuple(whole.models),
        cost=whole.cost,
        servers=tuple(whole.servers),
        tags=tuple(whole.tags or ()),
        origin=_origin(whole.origin) if whole.origin is not None else None,
        newer_schema=whole.newer_schema,
    )


def _whole(parts: list[Tally]) -> Tally:
    """What the segments of one conversation tell together."""
    costs = [part.cost for part in parts if part.cost is not None]
    return Tally(
        size=sum(part.size for part in parts),
        modified_ns=parts[-1].modified_ns,
        events=sum(part.events for part in parts),
        user_messages=sum(part.user_messages for part in parts),
        answers=sum(part.answers for part in parts),
        tool_calls=sum(part.tool_calls for part in parts),
        title=_last(part.title for part in parts),
        model=_last(part.model for part in parts),
        demo=any(part.demo for part in parts),
        newer_schema=any(part.newer_schema for part in parts),
        cost=sum(costs) if costs else None,
        first_at=next((part.first_at for part in parts if part.first_at), ""),
        last_at=_last(part.last_at or None for part in parts) or "",
        models=_each(part.models for part in parts),
        servers=_each(part.servers for part in parts),
        tags=_last(part.tags for part in parts),
        origin=next((part.origin for part in parts if part.origin is not None), None),
    )


def _last(values: Iterable[_T | None]) -> _T | None:
    return next((value for value in reversed(list(values)) if value is not None), None)


def _each(values: Iterable[Sequence[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(values)))


def _origin(value: dict[str, Any]) -> Origin | None:
    try:
        return Origin.model_validate(value)
    except ValidationError:
        return None


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
        if value["version"] != _VERSION or value["fields"] != list(_FIELDS):
            return {}
        return _checked(value["files"])
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    finally:
        fs.close(fd)


_OPTIONAL: dict[str, tuple[type, ...]] = {
    "title": (str, type(None)),
    "model": (str, type(None)),
    "cost": (float, type(None)),
    "tags": (list, type(None)),
    "origin": (dict, type(None)),
}
_SHAPES = frozenset(product(*(_OPTIONAL.get(name, (type(getattr(Tally(), name)),)) for name in _FIELDS)))
"""The types that the values of an entry may have; a look into a set is quicker than a look at each value."""


def _checked(rows: dict[str, list[Any]]) -> dict[str, Tally]:
    if not {tuple(map(type, row)) for row in rows.values()} <= _SHAPES:
        raise ValueError("not an index")
    tallies = {name: Tally(*row) for name, row in rows.items()}
    each = tallies.values()
    words = chain.from_iterable(chain(tally.models, tally.servers, tally.tags or ()) for tally in each)
    if not set(map(type, words)) <= {str}:
        raise ValueError("not an index")
    return tallies


def _save_index(directory: Path, tallies: dict[str, Tally], fs: FileSystem, pace: Callable[[], None]) -> None:
    """A cache need not be durable, and may be impossible: a directory can be read-only."""
    rows = []
    for name, tally in tallies.items():
        pace()
        rows.append(f"{json.dumps(name)}:{json.dumps(_row(tally), separators=(',', ':'))}")
    text = f'{{"version":{_VERSION},"fields":{json.dumps(_FIELDS)},"files":{{{",".join(rows)}}}}}'
    temporary = directory / f"{INDEX_NAME}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        remove_abandoned(fs, directory, f"{INDEX_NAME}.")
        fd = fs.open(temporary, NEW)
        try:
            fs.fchmod(fd, 0o600)
            write_all(fs, fd, text.encode("ascii"))
            fs.replace(temporary, directory / INDEX_NAME)
        finally:
            fs.close(fd)
    except OSError:
        with suppress(OSError):
            fs.unlink(temporary)
