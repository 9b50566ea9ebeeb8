"""Writing whole things."""

from __future__ import annotations

import errno
import os

from mcp_tui.errors import StoreFailed
from mcp_tui.history.fs import FileSystem


def write_all(fs: FileSystem, fd: int, data: bytes) -> None:
    """Write all of ``data``; a short write is no error until the next one is refused."""
    view = memoryview(data)
    while view:
        written = fs.write(fd, view)
        if written <= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        view = view[written:]


def failure(error: OSError, what: object) -> StoreFailed:
    """The file system's refusal in our words."""
    reason = error.strerror or type(error).__name__
    hint = "Nothing was added; it can be tried again."
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        hint = "Free some space; nothing was added, and it can be tried again."
    return StoreFailed(f"The history could not be saved in {what}: {reason}.", hint=hint)
