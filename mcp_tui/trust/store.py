"""``trust.json``: what was accepted, on disk.

Read once per run.  Several processes may use it: a change is made to what the file holds then, under a lock, and
replaces the file as a whole.  A file that cannot be relied on counts as empty, and is kept aside.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import filelock
from pydantic import ValidationError

from mcp_tui.config.private_files import make_private_dirs
from mcp_tui.errors import TrustError
from mcp_tui.trust.pins import TrustedServer

FILE_NAME = "trust.json"
LOCK_NAME = "trust.json.lock"
SCHEMA = 1
MAX_BYTES = 256 << 20
LOCK_SECONDS = 5.0
_POLL = 0.01

Book = Mapping[str, TrustedServer]
"""Configured name of a server -> what was accepted of it."""
Change = Callable[[dict[str, TrustedServer]], None]
"""Changes a book in place; run on what the file holds at that moment, so it must not rely on what was read earlier."""

_Mark = tuple[int, int, int, int]


class TrustFile:
    """The file in one data directory.  May be used from any thread."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / FILE_NAME
        self.problem = ""
        """Why what the file held was not used; empty while all is well."""
        self._mark: _Mark | None = None
        self._writing = threading.Lock()

    def load(self) -> dict[str, TrustedServer]:
        """What was accepted; nothing, with `problem` set, when the file cannot be relied on."""
        try:
            self._mark = self._look()
            book = self._read()
        except TrustError as error:
            self.problem = error.message
            return {}
        self.problem = ""
        return book

    def peek(self) -> dict[str, TrustedServer]:
        """What the file says now, without taking it over; nothing when it cannot be relied on."""
        try:
            return self._read()
        except TrustError:
            return {}

    def changed_by_others(self) -> bool:
        """Whether the file is not as this process last read or wrote it."""
        return self._look() != self._mark

    def update(self, change: Change) -> Path | None:
        """Apply ``change`` to what the file holds now; gives the path where a spoilt file was put aside.

        Raises `TrustError` when it cannot be written; then nothing was changed on disk.
        """
        with self._writing:
            try:
                make_private_dirs(self.path.parent)
                with locked(self.path.parent / LOCK_NAME):
                    return self._update(change)
            except OSError as error:
                words = f"What is trusted could not be written to {self.path}: {error.strerror or error}."
                raise TrustError(words, hint="It holds until the end of this run.") from None

    def _update(self, change: Change) -> Path | None:
        aside = None
        untouched = self._look() == self._mark
        try:
            book = self._read()
        except TrustError:
            book, aside = {}, self._set_aside()
        change(book)
        text = json.dumps(
            {"schema": SCHEMA, "servers": {name: entry.model_dump(mode="json") for name, entry in book.items()}},
            ensure_ascii=True, indent=1,
        )  # fmt: skip
        self._replace(text + "\n")
        if untouched:  # what others wrote meanwhile was not read into this run, and stays to be announced
            self._mark = self._look()
        return aside

    def _read(self) -> dict[str, TrustedServer]:
        """Raises `TrustError` for a file that is there and cannot be relied on."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise TrustError(f"{self.path} cannot be read: {error.strerror}.") from None
        try:
            state = os.fstat(descriptor)
            if fault := _fault_of(state):
                raise TrustError(f"{self.path} {fault}.")
            with os.fdopen(descriptor, "rb", closefd=False) as file:
                text = file.read(MAX_BYTES + 1)
            if state.st_mode & 0o077 and os.name == "posix":
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
        return _parse(self.path, text)

    def _set_aside(self) -> Path:
        number = 1
        while os.path.lexists(aside := self.path.with_name(f"{FILE_NAME}.unusable{number}")):
            number += 1
        self.path.rename(aside)
        return aside

    def _replace(self, text: str) -> None:
        descriptor, name = tempfile.mkstemp(prefix=f".{FILE_NAME}.", dir=self.path.parent)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(self.path)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
        _sync_folder(self.path.parent)

    def _look(self) -> _Mark | None:
        try:
            state = os.lstat(self.path)
        except OSError:
            return None
        return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns


def _fault_of(state: os.stat_result) -> str:
    if not stat.S_ISREG(state.st_mode):
        return "is not a plain file"
    if os.name == "posix" and state.st_uid != os.geteuid():
        return "belongs to another user"
    if os.name == "posix" and state.st_mode & 0o022:
        return "can be written by other users"
    return ""


def _parse(path: Path, text: bytes) -> dict[str, TrustedServer]:
    if len(text) > MAX_BYTES:
        raise TrustError(f"{path} is larger than {MAX_BYTES >> 20} MB.")
    try:
        stored: Any = json.loads(text)
        schema, servers = stored["schema"], stored["servers"]
        if schema == SCHEMA:
            return {str(name): TrustedServer.model_validate(entry) for name, entry in servers.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, ValidationError):
        raise TrustError(f"{path} is damaged.") from None
    raise TrustError(f"{path} was written by another release of mcp-tui (schema {str(schema)[:20]}).")


@contextlib.contextmanager
def locked(path: Path) -> Any:
    """Hold the lock beside the file.  Raises `TrustError` when another process does not let go of it."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
    descriptor = os.open(path, flags, 0o600)
    try:
        end = time.monotonic() + LOCK_SECONDS
        while not filelock.lock_descriptor(descriptor, blocking=False):
            if time.monotonic() >= end:
                raise TrustError(f"{path} is held by another process.", hint="What is trusted was not written.")
            time.sleep(_POLL)
        yield
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
