"""Every file is read, and what is wrong is said: without a lock, and whatever the files hold.

A number that no line has is explained where a whole answer's fragments may have been: between the beginning of its
request and its end, compaction takes them out.
"""

from __future__ import annotations

import re
import stat
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mcp_tui.errors import HistoryError
from mcp_tui.events.base import SCHEMA_VERSION
from mcp_tui.history import lines, names
from mcp_tui.history.base import CheckReport, ConversationCheck, SetAsideLine
from mcp_tui.history.blobs import Blobs
from mcp_tui.history.fs import FileSystem
from mcp_tui.history.list_cache import INDEX_NAME
from mcp_tui.history.reading import folder_refusal, opened

Stopped = Callable[[], bool]

_MESSAGE_ID = re.compile(rb'"message_id":"([^"\\]*)"')
_HEAD_BYTES = 600
"""Fields that all events share, and the first of an event's own, stand before."""
_REPORT_EVERY = 4 * 1024 * 1024
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Progress:
    """Counts bytes over all files; raises `InterruptedError` when nobody waits for the result any more."""

    def __init__(self, total: int, report: Callable[[int, int], None] | None, stopped: Stopped) -> None:
        self._total, self._report, self._stopped = total, report, stopped
        self._done = self._told = 0

    def add(self, size: int) -> None:
        """So many bytes more were read."""
        self._done += size
        if self._done - self._told >= _REPORT_EVERY:
            self.tell()

    def tell(self) -> None:
        """Say how far it is."""
        if self._stopped():
            raise InterruptedError
        self._told = self._done
        if self._report is not None:
            self._report(min(self._done, self._total), self._total)


@dataclass(slots=True)
class _Found:
    """What was seen of one conversation so far."""

    events: int = 0
    size: int = 0
    title: str = ""
    numbers: set[int] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    repeated: int = 0
    set_aside: list[SetAsideLine] = field(default_factory=list)
    requests: dict[bytes, int] = field(default_factory=dict)
    answers: list[tuple[int, int]] = field(default_factory=list)
    """First and last number between which an answer came to be."""
    blobs: dict[str, bool] = field(default_factory=dict)
    newer_schema: bool = False
    calls_itself: str = ""
    """The conversation that its first event names."""

    def add(self, head: lines.LineHead, raw: bytes) -> None:
        self.events += 1
        self.repeated += head.seq in self.numbers or head.id in self.ids
        self.numbers.add(head.seq)
        self.ids.add(head.id)
        match head.type:
            case "model_request_started" if found := _MESSAGE_ID.search(raw, 0, _HEAD_BYTES):
                self.requests[found[1]] = head.seq
            case "assistant_message" if found := _MESSAGE_ID.search(raw, 0, _HEAD_BYTES):
                self.answers.append((self.requests.get(found[1], 0), head.seq))
            case "conversation_created" | "conversation_titled":
                value = lines.decode(raw) or {}
                self.title = value["title"] if isinstance(value.get("title"), str) else self.title
                if head.type == "conversation_created" and names.is_id(said := str(value.get("conversation_id"))):
                    self.calls_itself = self.calls_itself or said
                version = value.get("schema_version")
                self.newer_schema |= isinstance(version, int) and version > SCHEMA_VERSION

    def gaps(self) -> Iterator[tuple[int, int]]:
        spans = _merged(self.answers)
        starts = [first for first, _ in spans]
        expected = 1
        for number in sorted(self.numbers):
            if number > expected:
                place = bisect_right(starts, expected) - 1
                if place < 0 or spans[place][1] < number - 1:
                    yield expected, number - 1
            expected = number + 1


def check_all(directory: Path, fs: FileSystem, progress: Callable[[int], Progress]) -> CheckReport:
    """Everything below ``directory``; ``progress`` is given the bytes that there are to read.

    Raises `StoreFailed` where a folder cannot be read.
    """
    found: dict[Path, dict[str, int]] = {}
    for place in (directory, names.trash_directory(directory)):
        try:
            found[place] = _conversations(place, fs)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise folder_refusal(place, error) from None
    told = progress(sum(size for ids in found.values() for size in ids.values()))
    checks = []
    for place, ids in found.items():
        for conversation_id in sorted(ids):
            checks.append(check_one(place, conversation_id, fs, told, in_trash=place != directory))
    told.tell()
    foreign: list[str] = []
    abandoned: list[str] = []
    for place in found:
        _sort_out(place, directory, fs, foreign, abandoned)
    return CheckReport(tuple(check for check in checks if check), tuple(foreign), tuple(abandoned))


def check_one(
    directory: Path, conversation_id: str, fs: FileSystem, progress: Progress, *, in_trash: bool = False
) -> ConversationCheck | None:
    """One conversation; None where there is none under that id."""
    found = _Found()
    blobs = Blobs(names.blob_directory(directory, conversation_id), fs)
    lost: list[str] = []
    problem = ""
    try:
        segments = _read(directory, conversation_id, blobs, found, lost, fs, progress)
    except InterruptedError:
        raise
    except (OSError, HistoryError) as error:
        why = str(error) if isinstance(error, HistoryError) else f"It cannot be read: {error.strerror or error}."
        segments, problem = 1, why
    if not segments:
        problem = _left_behind(directory, conversation_id, fs)
    if not (found.events or found.set_aside or problem):
        return None
    if found.calls_itself not in ("", conversation_id):
        problem = problem or (
            f"It holds the conversation {found.calls_itself}, so nothing is added to it: give the file that name."
        )
    unused, unused_bytes = _unused(names.blob_directory(directory, conversation_id), found.blobs, fs)
    side_file = names.damaged_path(directory, conversation_id)
    kept_aside = _lines_in(side_file, fs)
    return ConversationCheck(
        id=conversation_id,
        title=found.title,
        in_trash=in_trash,
        events=found.events,
        size=found.size,
        set_aside=tuple(found.set_aside),
        gaps=tuple(found.gaps()),
        repeated=found.repeated,
        lost_blobs=tuple(dict.fromkeys(lost)),
        unused_blobs=unused,
        unused_bytes=unused_bytes,
        newer_schema=found.newer_schema,
        problem=problem,
        side_file=side_file.name if kept_aside else "",
        kept_aside=kept_aside,
    )


def _left_behind(directory: Path, conversation_id: str, fs: FileSystem) -> str:
    """What is to be said where the first file of a conversation is gone; nothing where all of it is."""
    try:
        held = [(names.parse_journal_name(name), name) for name in sorted(fs.names(directory))]
    except OSError:
        return ""
    others = [name for place, name in held if place is not None and place[0] == conversation_id]
    first = names.journal_path(directory, conversation_id).name
    if not others or first in others:
        return ""
    return f"Its beginning, {first}, is missing: {', '.join(others)} cannot be read without."


def _read(
    directory: Path,
    conversation_id: str,
    blobs: Blobs,
    found: _Found,
    lost: list[str],
    fs: FileSystem,
    progress: Progress,
) -> int:
    """All segments; returns how many there are."""
    segment = 1
    while True:
        path = names.journal_path(directory, conversation_id, segment)
        try:
            with opened(path, fs) as fd:
                for line in lines.read_lines(lambda size, offset: fs.pread(fd, size, offset)):
                    progress.add(line.end - line.offset)
                    found.size += line.end - line.offset
                    _take(line, path.name, blobs, found, lost)
        except FileNotFoundError:
            return segment - 1
        segment += 1


def _take(line: lines.RawLine, file: str, blobs: Blobs, found: _Found, lost: list[str]) -> None:
    head = None
    reason = lines.problem_of(line)
    if not reason:
        head = lines.head_of(line.raw)
        reason = "" if head else "not an event"
    if head is None:
        found.set_aside.append(SetAsideLine(line.number, line.offset, reason, file))
    else:
        found.add(head, line.raw)
        lost += blobs.lost(line.raw, found.blobs)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


def _conversations(directory: Path, fs: FileSystem) -> dict[str, int]:
    """Ids with the bytes of their journals."""
    found: dict[str, int] = {}
    for name in fs.names(directory):
        if place := names.parse_journal_name(name):
            found[place[0]] = found.get(place[0], 0) + _size(directory / name, fs)
    return found


def _size(path: Path, fs: FileSystem) -> int:
    try:
        return fs.lstat(path).st_size
    except OSError:
        return 0


def _unused(directory: Path, used: dict[str, bool], fs: FileSystem) -> tuple[int, int]:
    try:
        unused = [name for name in fs.names(directory) if _SHA256.fullmatch(name) and name not in used]
    except OSError:
        return 0, 0
    return len(unused), sum(_size(directory / name, fs) for name in unused)


def _lines_in(path: Path, fs: FileSystem) -> int:
    try:
        with opened(path, fs) as fd:
            return sum(1 for _ in lines.read_lines(lambda size, offset: fs.pread(fd, size, offset)))
    except (OSError, HistoryError):
        return 0


def _sort_out(place: Path, root: Path, fs: FileSystem, foreign: list[str], abandoned: list[str]) -> None:
    """Names that are none of ours, and leftovers, as paths below ``root``."""
    for name in sorted(fs.names(place)):
        path = place / name
        if name.endswith(".blobs") and names.owner(name):
            _sort_out_blobs(path, root, fs, foreign, abandoned)
        elif _is_unfinished(path, fs):
            abandoned.append(str(path.relative_to(root)))
        elif not _is_ours(name, in_trash=place != root):
            foreign.append(str(path.relative_to(root)))


def _sort_out_blobs(place: Path, root: Path, fs: FileSystem, foreign: list[str], abandoned: list[str]) -> None:
    try:
        held = sorted(fs.names(place))
    except OSError:
        foreign.append(str(place.relative_to(root)))
        return
    for name in held:
        if not _SHA256.fullmatch(name):
            (abandoned if name.endswith(".tmp") else foreign).append(str((place / name).relative_to(root)))


def _is_ours(name: str, *, in_trash: bool) -> bool:
    if in_trash and (name == "lock" or (names.owner(name) and name.endswith((".deleted", ".removed")))):
        return True
    if name == INDEX_NAME or (name == "trash" and not in_trash):
        return True
    return bool(names.parse_journal_name(name) or (names.owner(name) and name.endswith((".lease", ".damaged"))))


def _is_unfinished(path: Path, fs: FileSystem) -> bool:
    """A temporary file, or a name that was taken for a conversation that did not follow."""
    if path.name.endswith(".tmp"):
        return names.owner(path.name) is not None or path.name.startswith(INDEX_NAME)
    if names.parse_first(path.name) is None:
        return False
    try:
        state = fs.lstat(path)
    except OSError:
        return False
    return stat.S_ISREG(state.st_mode) and not state.st_size
