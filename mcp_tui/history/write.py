"""Writing whole things."""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

from mcp_tui.errors import StoreFailed
from mcp_tui.history.fs import NEW, FileSystem

_ABANDONED_SECONDS = 3600.0


def write_all(fs: FileSystem, fd: int, data: bytes) -> None:
    """Write all of ``data``; a short write is no error until the next one is refused."""
    view = memoryview(data)
    while view:
        written = fs.write(fd, view)
        if written <= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        view = view[written:]


def take_name(fs: FileSystem, source: Path, target: Path) -> None:
    """Rename without replacing; raises `FileExistsError` when there is a ``target``.

    The name is taken first by an empty file that nobody else made, and replaced under that file's lock: whoever
    opened it meanwhile finds that it is not the current one.  A death between leaves an empty journal, which is
    no conversation.
    """
    claim = fs.open(target, NEW)
    try:
        try:
            mine = fs.lock(claim) and not fs.fstat(claim).st_size
            if mine:
                fs.replace(source, target)
        except BaseException:
            fs.unlink(target)
            raise
        if not mine:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        fs.sync_directory(target.parent)
    finally:
        fs.close(claim)


def remove_abandoned(fs: FileSystem, directory: Path, prefix: str = "") -> None:
    """Remove temporary files that nobody can still be writing: their writers died."""
    for name in fs.names(directory):
        path = directory / name
        with suppress(OSError):
            if name.startswith(prefix) and name.endswith(".tmp") and is_old(fs, path):
                fs.unlink(path)


def is_old(fs: FileSystem, path: Path) -> bool:
    """Whether nobody can still be writing an unfinished file."""
    return time.time() - fs.lstat(path).st_mtime > _ABANDONED_SECONDS


def failure(error: OSError, what: object) -> StoreFailed:
    """The file system's refusal in our words."""
    reason = error.strerror or type(error).__name__
    hint = "Nothing was added; it can be tried again."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        hint = "Free some space; nothing was added, and it can be tried again."
    return StoreFailed(f"The history could not be saved in {what}: {reason}.", hint=hint)
