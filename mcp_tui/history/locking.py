"""File locks between processes: bounded waits that name the holder, and the lease on a turn.

A lock is always taken on an open file itself, never on its path: opening a path for a lock empties the
file with some libraries, and a deleted lock file lets two holders in.  Locks end with their process.
"""

from __future__ import annotations

import errno
import json
import os
import re
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mcp_tui.errors import StoreBusy, StoreFailed
from mcp_tui.events.base import utc_now
from mcp_tui.history.fs import APPEND, SHARED, FileSystem

VISIBLE_AFTER = 1.0
"""Seconds of waiting after which the person is told."""
_POLL = 0.001
_LONGEST_POLL = 0.01
_HOLDER_BYTES = 4096

OnWait = Callable[[str], None]


_ADVICE = "Wait until its turn has ended."


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a lock."""

    pid: int
    since: datetime | None = None
    host: str = ""

    def __str__(self) -> str:
        where = f" on {self.host}" if self.host and self.host != socket.gethostname() else ""
        since = f" since {self.since.astimezone():%H:%M}" if self.since else ""
        return f"pid {self.pid}{where}{since}"

    @property
    def advice(self) -> str:
        """What to do about a turn of this holder."""
        if self.pid == os.getpid() and self.host in ("", socket.gethostname()):
            return "That is this program: Esc in the chat stops the turn."
        return _ADVICE


def refuse_special(state: os.stat_result, path: Path) -> None:
    """Raise `StoreFailed` unless an opened file is a plain file with one name."""
    if not stat.S_ISREG(state.st_mode):
        raise StoreFailed(f"{path} is not a plain file.", hint="Move it away; nothing was read or written.")
    if state.st_nlink > 1:
        raise StoreFailed(f"{path} has several names (hard links).", hint="Keep one of them; nothing was written.")


def acquire(
    fs: FileSystem, fd: int, path: Path, *, timeout: float, on_wait: OnWait | None, lease: Path | None = None
) -> None:
    """Take the exclusive lock on ``fd`` within ``timeout`` seconds.

    Calls ``on_wait`` once when that takes longer than `VISIBLE_AFTER`.  Raises `StoreBusy` naming the holder
    (``lease`` is a file to look into where the system does not tell), and `StoreFailed` where the file
    system has no locks: then several processes could not be kept apart.
    """
    began = time.monotonic()
    poll, told = _POLL, False
    while not _try_lock(fs, fd, path):
        waited = time.monotonic() - began
        if waited >= timeout:
            raise StoreBusy(f"The history is locked by {_who(fs, fd, lease)}; gave up after {timeout:g} s.")
        if waited >= VISIBLE_AFTER and not told and on_wait is not None:
            told = True
            on_wait(f"Waiting for the history, which is locked by {_who(fs, fd, lease)}.")
        time.sleep(min(poll, max(timeout - waited, 0)))
        poll = min(poll * 1.5, _LONGEST_POLL)


def _try_lock(fs: FileSystem, fd: int, path: Path) -> bool:
    try:
        return fs.lock(fd)
    except OSError as error:
        if error.errno in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
            raise StoreFailed(
                f"The file system of {path.parent} has no file locks.",
                hint="Keep the data on a local disk (MCP_TUI_DATA_DIR).",
            ) from None
        raise


def _who(fs: FileSystem, fd: int, lease: Path | None) -> str:
    holder = _system_holder(fs, fd) or (read_holder(fs, lease) if lease else None)
    return str(holder) if holder else "another process"


def _system_holder(fs: FileSystem, fd: int) -> Holder | None:
    """The holder as Linux knows it."""
    try:
        table = Path("/proc/locks").read_text(encoding="ascii", errors="replace")
        state = fs.fstat(fd)
    except OSError:
        return None
    place = f"{os.major(state.st_dev):02x}:{os.minor(state.st_dev):02x}:{state.st_ino}"
    found = re.search(rf"^\d+: FLOCK +\S+ +WRITE +(\d+) +{re.escape(place)} ", table, re.MULTILINE)
    return Holder(int(found[1])) if found and int(found[1]) > 0 else None


def read_holder(fs: FileSystem, path: Path) -> Holder | None:
    """What a lease file says about its holder; None when it says nothing."""
    try:
        fd = fs.open(path, SHARED & ~os.O_CREAT)
    except OSError:
        return None
    try:
        value = json.loads(fs.pread(fd, _HOLDER_BYTES, 0))
        return Holder(int(value["pid"]), datetime.fromisoformat(value["since"]), str(value["host"]))
    except (OSError, ValueError, TypeError, KeyError):
        return None
    finally:
        fs.close(fd)


@contextmanager
def locked_file(fs: FileSystem, path: Path, *, timeout: float, flags: int = APPEND) -> Iterator[int]:
    """The file at ``path``, opened and locked; raises what `acquire` raises, and `OSError`."""
    deadline = time.monotonic() + timeout
    while True:
        fd = fs.open(path, flags)
        try:
            refuse_special(fs.fstat(fd), path)
            acquire(fs, fd, path, timeout=max(deadline - time.monotonic(), 0), on_wait=None)
            if is_current(fs, fd, path):
                yield fd
                return
        finally:
            fs.close(fd)


def is_current(fs: FileSystem, fd: int, path: Path) -> bool:
    """Whether an open file is the one that has the name."""
    try:
        return os.path.samestat(fs.fstat(fd), fs.lstat(path))
    except FileNotFoundError:
        return False


class Lease:
    """The exclusive right to run a turn in one conversation; ends with the process at the latest."""

    def __init__(self, path: Path, fs: FileSystem) -> None:
        self._path = path
        self._fs = fs
        self._fd = -1

    def acquire(self) -> None:
        """Take it at once; raises `StoreBusy` ("in use by pid 42 since 14:05")."""
        fd = self._open()
        try:
            if not _try_lock(self._fs, fd, self._path) or not is_current(self._fs, fd, self._path):
                holder = self._holder(fd)
                raise StoreBusy(
                    f"This conversation is in use by {holder or 'another process'}.",
                    hint=holder.advice if holder else _ADVICE,
                )
            self._sign(fd)
        except BaseException:
            self._fs.close(fd)
            raise
        self._fd = fd

    def release(self) -> None:
        """Give it back; does nothing when it is not held."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                self._fs.ftruncate(fd, 0)
            self._fs.close(fd)

    def _open(self) -> int:
        fd = self._fs.open(self._path, SHARED)
        try:
            state = self._fs.fstat(fd)
            refuse_special(state, self._path)
            if state.st_mode & 0o177:
                self._fs.fchmod(fd, 0o600)
        except BaseException:
            self._fs.close(fd)
            raise
        return fd

    def _sign(self, fd: int) -> None:
        """For whoever is refused; a disk that is too full for it does not keep anybody from the lease."""
        holder = {"pid": os.getpid(), "since": utc_now().isoformat(), "host": socket.gethostname()}
        with suppress(OSError):
            self._fs.ftruncate(fd, 0)
            self._fs.write(fd, json.dumps(holder).encode("ascii") + b"\n")

    def _holder(self, fd: int) -> Holder | None:
        return read_holder(self._fs, self._path) or _system_holder(self._fs, fd)
