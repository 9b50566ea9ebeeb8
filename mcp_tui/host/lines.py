"""Bytes of a server's standard output -> lines, at linear cost and with a cap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINE = 16 << 20
"""Longest line that is read, in bytes."""

_HEAD, _TAIL = 4096, 256


@dataclass(frozen=True, slots=True)
class Line:
    """A complete line without its end."""

    data: bytes


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line passed the cap; the rest of it is skipped.  ``head`` is its beginning."""

    head: bytes
    limit: int


@dataclass(frozen=True, slots=True)
class TooLongEnd:
    """The end of a line that was reported as `TooLong`; ``tail`` are its last bytes."""

    tail: bytes
    limit: int


class LineAssembler:
    """Collects chunks until a newline.  Never copies a chunk twice, never holds more than the cap."""

    def __init__(self, max_line: int = MAX_LINE) -> None:
        self._max = max_line
        self._parts: list[bytes] = []
        self._size = 0
        self._skipping = False
        self._tail = b""
        self.skipped = 0
        """Bytes thrown away since the last line that was kept."""

    def feed(self, chunk: bytes) -> Iterator[Line | TooLong | TooLongEnd]:
        """Take a chunk; yields what became complete or too long with it.  Empty lines are left out."""
        pieces = chunk.split(b"\n")
        for piece in pieces[:-1]:
            if (event := self._add(piece)) is not None:
                yield event
            if (line := self._end()) is not None:
                yield line
        if (event := self._add(pieces[-1])) is not None:
            yield event

    def _add(self, piece: bytes) -> TooLong | None:
        if self._skipping:
            self.skipped += len(piece)
            self._tail = (self._tail + piece[-_TAIL:])[-_TAIL:]
            return None
        if piece:
            self._parts.append(piece)
            self._size += len(piece)
        if self._size <= self._max:
            return None
        line = b"".join(self._parts)
        self._parts, self._skipping, self.skipped, self._tail = [], True, self._size, line[-_TAIL:]
        return TooLong(line[:_HEAD], self._max)

    def _end(self) -> Line | TooLongEnd | None:
        data = b"".join(self._parts)
        skipped = self._skipping
        self._parts, self._size, self._skipping = [], 0, False
        if skipped:
            return TooLongEnd(self._tail, self._max)
        if not data.strip():
            return None
        self.skipped = 0
        return Line(data)
