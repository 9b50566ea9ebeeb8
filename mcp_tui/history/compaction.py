"""Delta compaction (requirement A5): fragments that a whole message superseded leave the file.

Every other byte is kept as it stands, damaged lines included.  The new file is complete and durable before
it takes the name, and its lock is held by then: at any moment there is one file, old or new, and whoever
waits for the old one's lock finds the new one (`Journal`).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from mcp_tui.errors import StoreFailed
from mcp_tui.history import lines
from mcp_tui.history.fs import NEW, FileSystem
from mcp_tui.history.journal import Journal, Segment
from mcp_tui.history.write import failure, write_all

WORTHWHILE = 32
"""Superseded fragments: about a minute of streaming."""
_COPY = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a file."""

    start: int
    end: int


def compact(journal: Journal, fs: FileSystem) -> int:
    """Remove superseded fragments; returns how many went.

    Raises `StoreBusy` and `StoreFailed`; the conversation is as before then.
    """
    removed = 0
    try:
        with journal.locked() as segments:
            if not journal.superseded or not journal.may_write:
                return 0
            # The first segment carries the lock, so it is the last to be replaced.
            for segment in reversed(segments):
                removed += _compact_segment(segment, journal, fs)
            journal.close()
    except OSError as error:
        raise failure(error, "a compacted file") from None
    return removed


def _compact_segment(segment: Segment, journal: Journal, fs: FileSystem) -> int:
    remove_leftovers(segment, fs)
    drop = list(_superseded(segment, journal, fs))
    if drop:
        replace_segment(segment, kept(drop, segment.read_to), fs)
    return len(drop)


def _superseded(segment: Segment, journal: Journal, fs: FileSystem) -> Iterator[Span]:
    for line in lines.read_lines(lambda size, offset: fs.pread(segment.fd, size, offset)):
        if not line.raw.startswith(b'{"type":"message_fragment"') or lines.problem_of(line):
            continue
        value = lines.decode(line.raw) or {}
        # The last number stays: it must not be given again.
        if journal.is_whole(value.get("message_id")) and value.get("seq") != journal.last_seq:
            yield Span(line.offset, line.end)


def kept(drop: list[Span], size: int) -> Iterator[Span]:
    """The other parts of a file of ``size`` bytes."""
    start = 0
    for span in drop:
        if span.start > start:
            yield Span(start, span.start)
        start = span.end
    if size > start:
        yield Span(start, size)


def replace_segment(segment: Segment, parts: Iterator[Span], fs: FileSystem, *, end: bytes = b"") -> None:
    """Put a file of only these parts in the segment's place, closed by ``end``; under the lock, which it keeps."""
    temporary = segment.path.with_name(f"{segment.path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
    fd = fs.open(temporary, NEW)
    try:
        fs.fchmod(fd, 0o600)
        if not fs.lock(fd):
            raise StoreFailed(f"{temporary.name} is locked by somebody else.")
        for span in parts:
            copy(fs, segment.fd, fd, span)
        write_all(fs, fd, end)
        fs.fsync(fd)
        fs.replace(temporary, segment.path)
        fs.sync_directory(segment.path.parent)
    except BaseException:
        with suppress(OSError):
            fs.unlink(temporary)
        raise
    finally:
        fs.close(fd)


def copy(fs: FileSystem, source: int, target: int, span: Span) -> None:
    """Append a part of one file to another; raises `StoreFailed` when it is not there any more."""
    position = span.start
    while position < span.end:
        data = fs.pread(source, min(_COPY, span.end - position), position)
        if not data:
            raise StoreFailed("The history became shorter while it was rewritten.")
        write_all(fs, target, data)
        position += len(data)


def remove_leftovers(segment: Segment, fs: FileSystem) -> None:
    """Whoever wrote these died: only the holder of the lock compacts."""
    for name in fs.names(segment.path.parent):
        if name.startswith(f"{segment.path.name}.") and name.endswith(".tmp"):
            with suppress(OSError):
                fs.unlink(segment.path.with_name(name))
