"""A file system on which the n-th call fails, writes less than it was given, or is the last of the process."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeVar

from mcp_tui.history.fs import FileSystem

T = TypeVar("T")
Fault = Literal["fail", "short", "kill", "kill_after", "none"]


class FaultFS(FileSystem):
    """Calls are counted from 1; ``fired`` tells whether there was an n-th one.

    ``only`` restricts counting to some calls; ``forever`` keeps failing from the n-th on.
    ``short`` lets a write accept half of its data, and refuses the next one.
    """

    def __init__(
        self,
        n: int,
        fault: Fault,
        *,
        error: int = errno.EIO,
        only: frozenset[str] | None = None,
        forever: bool = False,
    ) -> None:
        self.n = n
        self.fault = fault
        self.error = error
        self.only = only
        self.forever = forever
        self.calls: list[str] = []
        self.fired = False
        self._refuse_next_write = False

    def _step(self, name: str, call: Callable[[], T], partial: Callable[[], Any] | None = None) -> T:
        if self.only is not None and name not in self.only:
            return call()
        self.calls.append(name)
        count = len(self.calls)
        if name == "write" and self._refuse_next_write:
            self._refuse_next_write = False
            raise OSError(self.error, os.strerror(self.error))
        if count != self.n and not (self.forever and count > self.n):
            return call()
        self.fired = True
        match self.fault:
            case "fail":
                raise OSError(self.error, os.strerror(self.error))
            case "short" if partial is not None:
                self._refuse_next_write = True
                return partial()  # type: ignore[no-any-return]
            case "kill":
                if partial is not None:
                    partial()
                os.kill(os.getpid(), signal.SIGKILL)
            case "kill_after":
                call()
                os.kill(os.getpid(), signal.SIGKILL)
        return call()

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        return self._step("open", lambda: super(FaultFS, self).open(path, flags, mode))

    def close(self, fd: int) -> None:
        # A descriptor is gone whatever close answers, and the store must not leak it.
        super().close(fd)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        part = data[: max(len(data) // 2, 1)]
        write = super().write
        return self._step("write", lambda: write(fd, data), lambda: write(fd, part))

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        return self._step("pread", lambda: super(FaultFS, self).pread(fd, size, offset))

    def fsync(self, fd: int) -> None:
        return self._step("fsync", lambda: super(FaultFS, self).fsync(fd))

    def ftruncate(self, fd: int, size: int) -> None:
        return self._step("ftruncate", lambda: super(FaultFS, self).ftruncate(fd, size))

    def fstat(self, fd: int) -> os.stat_result:
        return self._step("fstat", lambda: super(FaultFS, self).fstat(fd))

    def lstat(self, path: Path) -> os.stat_result:
        return self._step("lstat", lambda: super(FaultFS, self).lstat(path))

    def fchmod(self, fd: int, mode: int) -> None:
        return self._step("fchmod", lambda: super(FaultFS, self).fchmod(fd, mode))

    def mkdir(self, path: Path) -> None:
        return self._step("mkdir", lambda: super(FaultFS, self).mkdir(path))

    def replace(self, source: Path, target: Path) -> None:
        return self._step("replace", lambda: super(FaultFS, self).replace(source, target))

    def unlink(self, path: Path) -> None:
        return self._step("unlink", lambda: super(FaultFS, self).unlink(path))

    def rmdir(self, path: Path) -> None:
        return self._step("rmdir", lambda: super(FaultFS, self).rmdir(path))

    def names(self, path: Path) -> list[str]:
        return self._step("names", lambda: super(FaultFS, self).names(path))

    def lock(self, fd: int) -> bool:
        return self._step("lock", lambda: super(FaultFS, self).lock(fd))

    def unlock(self, fd: int) -> None:
        return self._step("unlock", lambda: super(FaultFS, self).unlock(fd))
