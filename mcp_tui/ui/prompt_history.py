"""Earlier prompts: a JSON line each, shared by all processes, mode 0600, capped."""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_PROMPTS = 1000
MAX_LENGTH = 100_000
"""Characters; a longer prompt is not kept."""
COMPACT_BYTES = 1_000_000
"""A file that is longer is cut to its newest prompts."""
ATTEMPTS = 50
"""How often the lock is tried, two milliseconds apart."""
_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


class PromptHistory:
    """Prompts from oldest to newest.  With no path, of this run only; a failing disk only costs the file.

    ``scrub`` takes out of the file what must not stand there: a key that was pasted into a prompt.
    """

    def __init__(self, path: Path | None, scrub: Callable[[str], str] = str) -> None:
        self._path, self._scrub = path, scrub
        self._loaded = False
        self._prompts: list[str] = []

    @property
    def prompts(self) -> list[str]:
        """All prompts, read from the file on first use."""
        if not self._loaded:
            self._loaded = True
            self._prompts = self._read() + self._prompts
        return self._prompts

    def add(self, prompt: str) -> None:
        """Remember ``prompt``, unless it is the latest already."""
        prompts = self.prompts
        if not prompt.strip() or (prompts and prompts[-1] == prompt):
            return
        prompts.append(prompt)
        del prompts[:-MAX_PROMPTS]
        if self._path is not None and len(prompt) <= MAX_LENGTH:
            with suppress(OSError):
                self._append(prompt)

    def _read(self) -> list[str]:
        if self._path is None:
            return []
        try:
            lines = self._path.read_bytes().split(b"\n")[:-1]
        except OSError:
            return []
        return [text for line in lines[-MAX_PROMPTS:] if (text := _parse(line)) is not None]

    def _append(self, prompt: str) -> None:
        assert self._path is not None
        with _locked(self._path) as descriptor:
            data = json.dumps(self._scrub(prompt)).encode() + b"\n"
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data
            if os.write(descriptor, data) != len(data):
                os.ftruncate(descriptor, size)
            elif size > COMPACT_BYTES:
                self._compact(descriptor)

    def _compact(self, descriptor: int) -> None:
        """Replace the file by its newest prompts, half the size at most, under the lock."""
        assert self._path is not None
        lines = os.pread(descriptor, os.fstat(descriptor).st_size, 0).split(b"\n")[:-1][-MAX_PROMPTS:]
        total = 0
        kept: list[bytes] = []
        for line in reversed(lines):
            total += len(line) + 1
            if total > COMPACT_BYTES // 2:
                break
            kept.append(line + b"\n")
        new, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        with os.fdopen(new, "wb") as file:
            file.writelines(reversed(kept))
        Path(name).replace(self._path)


def _parse(line: bytes) -> str | None:
    """The prompt of a line; ``None`` for a torn or foreign one."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open for appending under an exclusive lock; raises `OSError` when it is not to be had at once."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for _ in range(ATTEMPTS):
        descriptor = os.open(path, _FLAGS, 0o600)
        try:
            if _lock(descriptor) and _is_same_file(path, descriptor):
                yield descriptor
                return
        finally:
            os.close(descriptor)
        time.sleep(0.002)
    raise OSError("the prompt history is locked")


def _is_same_file(path: Path, descriptor: int) -> bool:
    """Whether ``path`` still names the open file: another process may have compacted it."""
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _lock(descriptor: int) -> bool:
    """Take the lock without waiting; a holder keeps it for less than a millisecond."""
    try:
        import fcntl
    except ImportError:  # Windows: an append is one write there too
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
