"""The list of conversations, folded from the files and from what `list_cache` knows of them.

The cache is never trusted over a file: an entry holds for exactly one inode, size and time of change.  A file
that only grew is read from where the last reading ended.  What a process has once listed it keeps, so that
listing again costs one look at each file and nothing else.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from operator import attrgetter, itemgetter
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from mcp_tui.conversation.pace import unpaced
from mcp_tui.conversation.summary import NOTHING, Amounts, ConversationSummary
from mcp_tui.errors import HistoryError
from mcp_tui.events.turns import Origin
from mcp_tui.history import lines, names
from mcp_tui.history.base import ListedSoFar, OnListed
from mcp_tui.history.fs import FileSystem
from mcp_tui.history.list_cache import ListCache, save
from mcp_tui.history.reading import folder_refusal, opened
from mcp_tui.history.tally import Tally
from mcp_tui.safety.times import on_any_clock

_T = TypeVar("_T")

_Segment = tuple[int, str, os.stat_result]
"""Number, name and state of a file."""
_States = dict[str, list[_Segment]]
"""Conversation -> its files, in order."""
_Newest = Sequence[tuple[str, Sequence[_Segment]]]
_Tallies = dict[str, Tally]
_Parts = list[Tally]
_Found = list[ConversationSummary]
_Summaries = dict[str, tuple[Sequence[Tally], ConversationSummary | None]]
"""Conversation -> what it was made from, and what that told."""

FIRST_PART = 50
"""Conversations of a first look that are told at once: a screen of them."""
TELL_EVERY = 0.25
"""Seconds between two parts after that."""
_UNREAD = 0
"""In the place of an inode: the file is there, and could not be read.  It is tried again the next time."""
_MARK_BYTES = 16
"""So many bytes hold a line's checksum."""


def list_conversations(directory: Path, fs: FileSystem) -> tuple[ConversationSummary, ...]:
    """All conversations, last changed first.  Raises `StoreFailed` where the folder cannot be read.

    Content never raises; of a file that cannot be read nothing is known but that it is there.
    """
    return Catalog(directory, fs).list()


class Catalog:
    """The conversations of a directory; may be asked from several threads."""

    def __init__(self, directory: Path, fs: FileSystem) -> None:
        self._directory, self._fs = directory, fs
        self._lock = threading.Lock()
        self._tallies: dict[str, Tally] | None = None
        self._summaries: _Summaries = {}

    def list(
        self, pace: Callable[[], None] = unpaced, report: OnListed | None = None
    ) -> tuple[ConversationSummary, ...]:
        """All conversations as their files are now; see `list_conversations`.

        ``pace`` is called between two files; ``report`` with what was found so far, where this is the first look.
        Raises `StoreFailed` where the folder cannot be read.
        """
        with self._lock:
            return self._list(pace, report if self._tallies is None else None)

    def _list(self, pace: Callable[[], None], report: OnListed | None) -> tuple[ConversationSummary, ...]:
        try:
            states = self._states(pace)
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise folder_refusal(self._directory, error) from None
        newest = _newest_first(states)
        kept = known = self._tallies
        if kept is None or known is None:
            cache = ListCache(self._directory, self._fs)
            first: _Tallies = {}
            if report is not None and len(newest) > FIRST_PART:
                first = self._first_part(newest, cache, pace, report)
            kept = cache.all(pace)
            known = kept | {name: tally for name, tally in first.items() if kept.get(name) != tally}
        before, self._summaries = self._summaries, {}
        tallies: _Tallies = {}
        found: _Found = []
        told = time.monotonic()
        for count, (conversation_id, segments) in enumerate(newest, 1):
            if (summary := self._listed(conversation_id, segments, known, tallies, before, pace)) is not None:
                found.append(summary)
            if report is not None and time.monotonic() - told >= TELL_EVERY:
                report(ListedSoFar(_by_age(found), count, len(newest)))
                told = time.monotonic()
        if len(tallies) != len(kept) or any(kept.get(name) is not tally for name, tally in tallies.items()):
            save(self._directory, tallies, self._fs, pace)
        self._tallies = tallies
        return _by_age(found)

    def _first_part(self, newest: _Newest, cache: ListCache, pace: Callable[[], None], report: OnListed) -> _Tallies:
        """Report the conversations that changed last, before anything is known of the others."""
        some = newest[:FIRST_PART]
        known = cache.some(name for _, segments in some for _, name, _ in segments)
        tallies: _Tallies = {}
        found = [self._listed(key, segments, known, tallies, {}, pace) for key, segments in some]
        report(ListedSoFar(_by_age(summary for summary in found if summary is not None), len(some), len(newest)))
        return tallies

    def _listed(
        self,
        conversation_id: str,
        segments: Sequence[_Segment],
        known: _Tallies,
        tallies: _Tallies,
        before: _Summaries,
        pace: Callable[[], None],
    ) -> ConversationSummary | None:
        """One conversation; what its files tell is added to ``tallies``."""
        parts: _Parts = []
        for _, name, state in segments:
            pace()
            tally = self._tally(name, state, known.get(name), pace)
            if tally is not None:
                parts.append(tally)
                if tally.inode != _UNREAD:
                    tallies[name] = tally
        return self._summarised(conversation_id, parts, before)

    def _states(self, pace: Callable[[], None]) -> _States:
        """The segments of each conversation, in order.  Raises `OSError`."""
        found: _States = {}
        for name, state in self._fs.states(self._directory):
            pace()
            if stat.S_ISREG(state.st_mode) and (place := names.parse_journal_name(name)):
                found.setdefault(place[0], []).append((place[1], name, state))
        for segments in found.values():
            if len(segments) > 1:
                segments.sort(key=itemgetter(0))
        return found

    def _tally(self, name: str, state: os.stat_result, known: Tally | None, pace: Callable[[], None]) -> Tally | None:
        if known is not None and (known.inode, known.size, known.modified_ns) == _place(state):
            return known
        return _tally(self._directory / name, state, known, self._fs, pace)

    def _summarised(
        self,
        conversation_id: str,
        parts: Sequence[Tally],
        before: _Summaries,
    ) -> ConversationSummary | None:
        """The very summary of the last look, where nothing changed since."""
        if not parts:
            return None
        last = before.get(conversation_id)
        same = last is not None and len(last[0]) == len(parts) and all(map(_is, last[0], parts))
        summary = last[1] if last is not None and same else _summary(conversation_id, parts)
        self._summaries[conversation_id] = (parts, summary)
        return summary


def _newest_first(states: _States) -> list[tuple[str, list[_Segment]]]:
    """Last changed first: what is looked for most is there at once."""
    return sorted(states.items(), key=lambda item: item[1][-1][2].st_mtime_ns, reverse=True)


def _by_age(found: Iterable[ConversationSummary]) -> tuple[ConversationSummary, ...]:
    return tuple(sorted(found, key=_age, reverse=True))


def _is(first: object, second: object) -> bool:
    return first is second


_age = attrgetter("updated_at", "id")


def _place(state: os.stat_result) -> tuple[int, int, int]:
    return state.st_ino, state.st_size, state.st_mtime_ns


def _tally(
    path: Path, state: os.stat_result, known: Tally | None, fs: FileSystem, pace: Callable[[], None]
) -> Tally | None:
    """What is counted anew, or on from where the last reading ended; None for a file that is gone."""
    grown = known is not None and known.inode == state.st_ino and known.size < state.st_size
    try:
        with opened(path, fs) as fd:
            same = known is not None and grown and known.mark == _before(known.read_to, fd, fs)
            tally = _copy(known) if known and same else Tally()
            tally.inode, tally.size, tally.modified_ns = _place(state)
            _count(tally, fd, fs, pace)
    except FileNotFoundError:
        return None
    except (OSError, HistoryError):
        return Tally(inode=_UNREAD, size=state.st_size, modified_ns=state.st_mtime_ns)
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


def _summary(conversation_id: str, parts: Sequence[Tally]) -> ConversationSummary | None:
    filled = [part for part in parts if part.size]
    if not filled:
        return None
    whole = filled[0] if len(filled) == 1 else _whole(filled)
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
        copied=_copied(whole),
    )


def _copied(whole: Tally) -> Amounts:
    amounts = Amounts(whole.copied_messages, whole.copied_calls, whole.copied_cost)
    return amounts if amounts != NOTHING else NOTHING


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
        copied_messages=sum(part.copied_messages for part in parts),
        copied_calls=sum(part.copied_calls for part in parts),
        copied_cost=next((part.copied_cost for part in parts if part.copied_cost is not None), None),
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
    return on_any_clock(at) if at.tzinfo else fallback
