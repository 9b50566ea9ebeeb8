"""Damaged lines leave the log for a file beside it; good lines stay byte for byte.

The copy is durable before the log is replaced by one without those lines, atomically and under the lock, as
compaction does it: a death between leaves both, and the next repair copies them once more.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mcp_tui.errors import HistoryError
from mcp_tui.history import lines, names
from mcp_tui.history.compaction import Span, copy, kept, remove_leftovers, replace_segment
from mcp_tui.history.fs import APPEND, FileSystem
from mcp_tui.history.journal import Journal, Segment
from mcp_tui.history.locking import locked_file, refuse_special
from mcp_tui.history.write import failure, is_old, write_all


def repair(journal: Journal, directory: Path, conversation_id: str, fs: FileSystem) -> int:
    """Set damaged lines aside; returns how many.  What a newer release wrote is left as it is.

    Raises `StoreBusy` and `StoreFailed`; every good line is there then too.
    """
    moved = 0
    try:
        with journal.locked() as segments:
            if not journal.may_write:
                return 0
            # The first segment carries the lock, so it is the last to be replaced.
            for segment in reversed(segments):
                moved += _repair_segment(segment, names.damaged_path(directory, conversation_id), fs)
            journal.close()
    except OSError as error:
        raise failure(error, "a repaired file") from None
    return moved


def remove_abandoned_files(directory: Path, fs: FileSystem) -> None:
    """Remove unfinished files that are older than an hour: whoever wrote them died."""
    try:
        found = fs.names(directory)
    except FileNotFoundError:
        return
    for name in found:
        path = directory / name
        with suppress(OSError, HistoryError):
            if name.endswith(".tmp") and is_old(fs, path):
                fs.unlink(path)
            elif names.parse_first(name) and not fs.lstat(path).st_size and is_old(fs, path):
                _remove_empty(path, fs)


def _remove_empty(path: Path, fs: FileSystem) -> None:
    with locked_file(fs, path, timeout=0.0) as fd:
        if not fs.fstat(fd).st_size:
            fs.unlink(path)


def _repair_segment(segment: Segment, side_file: Path, fs: FileSystem) -> int:
    remove_leftovers(segment, fs)
    bad: list[Span] = []
    finished = True
    for line in lines.read_lines(lambda size, offset: fs.pread(segment.fd, size, offset)):
        finished = line.finished
        if line.too_long or lines.checksum_problem(line.raw) or lines.head_of(line.raw) is None:
            bad.append(Span(line.offset, line.end))
    # A last line that lacks only its newline is an event: the next append counts it, and so do we.
    whole_but_open = not finished and not (bad and bad[-1].end == segment.read_to)
    if bad:
        _copy_aside(segment, bad, side_file, fs)
        replace_segment(segment, kept(bad, segment.read_to), fs, end=b"\n" if whole_but_open else b"")
    return len(bad)


def _copy_aside(segment: Segment, bad: Sequence[Span], side_file: Path, fs: FileSystem) -> None:
    fd = fs.open(side_file, APPEND | os.O_CREAT)
    try:
        state = fs.fstat(fd)
        refuse_special(state, side_file)
        fs.fchmod(fd, 0o600)
        try:
            for span in bad:
                copy(fs, segment.fd, fd, span)
                if fs.pread(segment.fd, 1, span.end - 1) != b"\n":
                    write_all(fs, fd, b"\n")
            fs.fsync(fd)
            fs.sync_directory(side_file.parent)
        except BaseException:
            with suppress(OSError):
                fs.ftruncate(fd, state.st_size)
            raise
    finally:
        fs.close(fd)
