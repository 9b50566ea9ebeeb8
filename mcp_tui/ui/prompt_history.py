"""Earlier prompts: a JSON line each, shared by all processes, mode 0600, capped."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MAX_PROMPTS = 1000
MAX_LENGTH = 100_000
"""Characters; a longer prompt is not kept."""


class PromptHistory:
    """Prompts from oldest to newest.  With no path, of this run only; a failing disk only costs the file."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
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
            data = json.dumps(prompt).encode() + b"\n"
            size = os.fstat(descriptor).st_size
            if size and os.pread(descriptor, 1, size - 1) != b"\n":
                data = b"\n" + data
            if os.write(descriptor, data) != len(data):
                os.ftruncate(descriptor, size)
            elif size > 4 * MAX_PROMPTS * 200:
                self._compact(descriptor)

    @staticmethod
    def _compact(descriptor: int) -> None:
        """Keep the newest prompts, in place, under the lock."""
        content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        kept = b"\n".join(content.split(b"\n")[-MAX_PROMPTS - 1 :])
        os.ftruncate(descriptor, 0)
        os.write(descriptor, kept)


def _parse(line: bytes) -> str | None:
    """The prompt of a line; ``None`` for a torn or foreign one."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, str) else None


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open for appending under an exclusive lock that is not waited for."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        _lock(descriptor)
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    """Take the lock; a holder keeps it for microseconds."""
    try:
        import fcntl
    except ImportError:  # Windows: appends of one write are whole there too
        return
    fcntl.flock(descriptor, fcntl.LOCK_EX)
