"""Reading the logs for the index: which files there are, their events, and the beginnings of side files."""

from __future__ import annotations

import os
import re
import stat
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp_tui.history import lines, names
from mcp_tui.history.fs import READ, REAL
from mcp_tui.history.search.extract import BOUND, TYPES, LoadBlob, beginning

_WANTED = re.compile(rb'(?:\A|\n)(\{"type":"(?:' + "|".join(TYPES).encode() + rb')"[^\n]*)')
_TAIL = 256
_BLOB_BYTES = 4 * BOUND + 64 * 1024
"""More than `BOUND` characters: what looks like a key is masked before the text is cut."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class FileState:
    """A journal's file as it stands on the disk."""

    name: str
    conversation: str
    segment: int
    inode: int
    size: int
    modified_ns: int


Stamp = tuple[int, int, int]
"""Inode, size and time of change of a file."""


@dataclass(frozen=True, slots=True)
class Line:
    """An event in a file."""

    offset: int
    raw: bytes

    @property
    def crc(self) -> int:
        """The checksum that stands at its end."""
        return int(self.raw[-10:-2], 16)


def scan(directory: Path) -> dict[str, FileState]:
    """All journals in ``directory`` by name.  Raises `OSError` unless it is merely missing."""
    found = {}
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                place = names.parse_journal_name(entry.name)
                if place is None:
                    continue
                try:
                    state = entry.stat(follow_symlinks=False)
                except OSError:
                    continue
                if stat.S_ISREG(state.st_mode) and state.st_nlink == 1:
                    found[entry.name] = FileState(entry.name, *place, state.st_ino, state.st_size, state.st_mtime_ns)
    except FileNotFoundError:
        return {}
    return found


def stamps(directory: Path) -> dict[str, Stamp]:
    """What tells whether anything changed in ``directory``.  Raises `OSError` unless it is merely missing."""
    found = {}
    try:
        with os.scandir(directory) as entries:
            for entry in entries:
                if entry.name.endswith(".jsonl"):
                    try:
                        state = entry.stat(follow_symlinks=False)
                    except OSError:
                        continue
                    found[entry.name] = (state.st_ino, state.st_size, state.st_mtime_ns)
    except FileNotFoundError:
        pass
    return found


class JournalFile:
    """An open journal.  Raises `OSError` where it cannot be opened."""

    def __init__(self, directory: Path, name: str) -> None:
        self._fd = REAL.open(directory / name, READ)

    def __enter__(self) -> JournalFile:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close it."""
        REAL.close(self._fd)

    def inode(self) -> int:
        """Which file it is."""
        return REAL.fstat(self._fd).st_ino

    def line_at(self, offset: int, length: int) -> bytes:
        """The bytes of a line whose checksum holds; empty where there is none (any more)."""
        raw = REAL.pread(self._fd, length, offset)
        return raw if len(raw) == length and not lines.checksum_problem(raw) else b""

    def tail(self, end: int) -> int:
        """A checksum of what stands before ``end``: a file that only grew still has it."""
        start = max(0, end - _TAIL)
        return zlib.crc32(REAL.pread(self._fd, end - start, start))

    def events(self, start: int, stop: int) -> Iterator[tuple[list[Line], int]]:
        """Good lines of the wanted kinds, a block at a time, with the offset after the block."""
        for block, end in lines.read_blocks(lambda size, at: REAL.pread(self._fd, size, at), start, stop):
            first = end - len(block)
            found = (Line(first + match.start(1), match[1]) for match in _WANTED.finditer(block))
            yield [line for line in found if not lines.checksum_problem(line.raw)], end


def blob_loader(directory: Path, conversation: str) -> LoadBlob:
    """Reads the beginnings of a conversation's side files; what is lost leaves its preview."""
    folder = names.blob_directory(directory, conversation)

    def load(reference: dict[str, Any]) -> Any:
        digest, preview = reference.get("$blob"), reference.get("preview")
        if isinstance(digest, str) and _SHA256.fullmatch(digest):
            try:
                data, whole = _first_bytes(folder / digest)
                return beginning(data, reference.get("encoding"), whole=whole)
            except OSError:
                pass
        return preview if isinstance(preview, str) else ""

    return load


def _first_bytes(path: Path) -> tuple[bytes, bool]:
    fd = REAL.open(path, READ)
    try:
        state = REAL.fstat(fd)
        if not stat.S_ISREG(state.st_mode):
            raise OSError("not a plain file")
        return REAL.pread(fd, _BLOB_BYTES, 0), state.st_size <= _BLOB_BYTES
    finally:
        REAL.close(fd)
