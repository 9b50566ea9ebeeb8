"""The calls to the system that the log makes, and no others, so that a test can make any of them fail.

Each method does what its namesake in ``os`` does and raises `OSError` as it does.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import filelock

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
APPEND = os.O_RDWR | os.O_APPEND | _NOFOLLOW
"""How a journal is opened; ``O_NONBLOCK`` keeps a FIFO in its place from hanging the program."""
READ = os.O_RDONLY | _NOFOLLOW
NEW = os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW
SHARED = os.O_RDWR | os.O_CREAT | _NOFOLLOW


class FileSystem:
    """The real thing."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        """A descriptor that child processes do not inherit."""
        return os.open(path, flags, mode)

    def close(self, fd: int) -> None:
        """End a descriptor, and the lock on it."""
        os.close(fd)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Bytes written; fewer than given when space runs out."""
        return os.write(fd, data)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        """Up to ``size`` bytes from ``offset``; empty at the end."""
        return os.pread(fd, size, offset)

    def fsync(self, fd: int) -> None:
        """Return when the file's data is on the disk."""
        os.fsync(fd)

    def ftruncate(self, fd: int, size: int) -> None:
        """Cut the file to ``size`` bytes."""
        os.ftruncate(fd, size)

    def fstat(self, fd: int) -> os.stat_result:
        """State of an open file."""
        return os.fstat(fd)

    def lstat(self, path: Path) -> os.stat_result:
        """State of what stands at ``path``; links are not followed."""
        return os.lstat(path)

    def fchmod(self, fd: int, mode: int) -> None:
        """Set the permissions, whatever the umask."""
        os.fchmod(fd, mode)

    def mkdir(self, path: Path) -> None:
        """Make ``path`` and its missing parents, durable and for this user only; tighten an existing one."""
        for missing in reversed([path, *path.parents]):
            if not missing.exists():
                missing.mkdir(mode=0o700, exist_ok=True)
                missing.chmod(0o700)
                self.sync_directory(missing.parent)
        if not path.is_symlink() and path.stat().st_mode & 0o077:
            path.chmod(0o700)

    def replace(self, source: Path, target: Path) -> None:
        """Rename; ``target`` is the old or the new file at any moment."""
        os.replace(source, target)  # noqa: PTH105

    def unlink(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()

    def rmdir(self, path: Path) -> None:
        """Remove an empty directory."""
        path.rmdir()

    def names(self, path: Path) -> list[str]:
        """What a directory holds."""
        return os.listdir(path)  # noqa: PTH208

    def states(self, path: Path) -> Iterator[tuple[str, os.stat_result]]:
        """What a directory holds, with the state of each; at a speed that thousands of files need."""
        prefix = os.path.join(path, "")  # noqa: PTH118 - pathlib takes longer for the name than the system for the state
        for name in os.listdir(path):  # noqa: PTH208
            with suppress(FileNotFoundError):
                yield name, os.lstat(prefix + name)

    def lock(self, fd: int) -> bool:
        """Try once to take the exclusive lock on an open file; False when somebody else has it."""
        return filelock.lock_descriptor(fd, blocking=False)

    def unlock(self, fd: int) -> None:
        """Give the lock back."""
        filelock.unlock_descriptor(fd)

    def sync_directory(self, path: Path) -> None:
        """Make the names in a directory durable."""
        if sys.platform == "win32":
            return
        fd = self.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self.fsync(fd)
        finally:
            self.close(fd)


REAL = FileSystem()
