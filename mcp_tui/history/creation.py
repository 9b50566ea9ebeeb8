"""A whole new conversation, or nothing: forks and imports.

The file is complete and durable before it has its name (`take_name`), so at any moment there is all or nothing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from mcp_tui.conversation.pace import Pace, collector_rests
from mcp_tui.errors import StoreFailed
from mcp_tui.events.base import EventBase
from mcp_tui.history import names
from mcp_tui.history.fs import NEW, FileSystem
from mcp_tui.history.journal import Journal, Prepared
from mcp_tui.history.lines import PreparedLine
from mcp_tui.history.write import failure, remove_abandoned, take_name, write_all

_AT_ONCE = 4 * 1024 * 1024
"""Bytes of lines that are gathered for one write."""

_FEW = 10
"""Events that are made into lines at a stretch."""


class Creation:
    """One conversation that is being written; ``journal`` is its own, and has no file yet."""

    def __init__(self, journal: Journal, directory: Path, conversation_id: str, fs: FileSystem) -> None:
        self._journal = journal
        self._directory = directory
        self._id = conversation_id
        self._fs = fs
        self._path = names.journal_path(directory, conversation_id)

    def run(self, events: Sequence[EventBase]) -> list[EventBase]:
        """Write the events, numbered from 1; raises `StoreFailed`, and nothing is there then."""
        try:
            self._fs.mkdir(self._directory)
            self._refuse_taken()
            remove_abandoned(self._fs, self._directory)
            return self._write(events)
        except OSError as error:
            raise failure(error, self._path) from None

    def _refuse_taken(self) -> None:
        with suppress(FileNotFoundError):
            self._fs.lstat(self._path)
            raise _taken(self._id)

    def _write(self, events: Sequence[EventBase]) -> list[EventBase]:
        temporary = self._path.with_name(f"{self._path.name}.{os.getpid()}.{os.urandom(4).hex()}.tmp")
        try:
            prepared = self._prepare(events)
            fd = self._fs.open(temporary, NEW)
            try:
                self._fs.fchmod(fd, 0o600)
                if not self._fs.lock(fd):
                    raise StoreFailed(f"{temporary.name} is locked by somebody else.")
                done = self._write_lines(fd, prepared)
                self._fs.fsync(fd)
                self._take_name(temporary)
            finally:
                self._fs.close(fd)
        except BaseException:
            self._clean_up(temporary)
            raise
        return done

    def _prepare(self, events: Sequence[EventBase]) -> Prepared:
        """A few at a time: a long conversation gives way to the screen."""
        pace = Pace()
        owned: list[EventBase] = []
        lines: list[PreparedLine] = []
        with collector_rests():
            for start in range(0, len(events), _FEW):
                part = self._journal.prepare(events[start : start + _FEW])
                owned += part.events
                lines += part.lines
                pace()
        return Prepared(tuple(owned), tuple(lines))

    def _write_lines(self, fd: int, prepared: Prepared) -> list[EventBase]:
        done: dict[str, EventBase] = {}
        waiting, size = [], 0
        for event, line in zip(prepared.events, prepared.lines, strict=True):
            if event.id in done:
                continue
            done[event.id] = event.model_copy(update={"seq": len(done) + 1})
            waiting.append(line.numbered(len(done)))
            size += len(waiting[-1])
            if size > _AT_ONCE:
                write_all(self._fs, fd, b"".join(waiting))
                waiting, size = [], 0
        write_all(self._fs, fd, b"".join(waiting))
        return [done[event.id] for event in prepared.events]

    def _take_name(self, temporary: Path) -> None:
        try:
            take_name(self._fs, temporary, self._path)
        except FileExistsError:
            raise _taken(self._id) from None
        except OSError:
            with suppress(FileNotFoundError):
                self._fs.unlink(self._path)
            raise

    def _clean_up(self, temporary: Path) -> None:
        with suppress(OSError):
            self._fs.unlink(temporary)
        with suppress(FileNotFoundError):
            self._fs.lstat(self._path)
            return  # it is somebody else's, and so may be the side files
        blobs = names.blob_directory(self._directory, self._id)
        with suppress(OSError):
            for name in self._fs.names(blobs):
                self._fs.unlink(blobs / name)
            self._fs.rmdir(blobs)


def _taken(conversation_id: str) -> StoreFailed:
    return StoreFailed(f"There is a conversation {conversation_id} already.", hint="Nothing was written.")
