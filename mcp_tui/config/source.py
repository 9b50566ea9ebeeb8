"""Reading a configuration file as text, and a value together with where each part of it stands."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp_tui.config.problems import FieldPath, Problem, dotted

MAX_BYTES = 1_000_000
MAX_DEPTH = 40
MAX_INTEGER = 2**53
"""Largest whole number that every program reads alike (RFC 8259, section 6)."""

AGAIN = " (again)"
"""Added to a refused second key, so that what stands below it is not taken for more duplicates."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of a text: line and column from 1, offsets from 0 (the end is exclusive)."""

    line: int
    column: int
    start: int
    end: int


class Unreadable(Exception):
    """The text cannot be read at all; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


@dataclass(slots=True)
class Document:
    """A parsed file: plain data, where each value and key stands, and what its syntax hides."""

    file: Path
    text: str
    data: Any = None
    values: dict[FieldPath, Mark] = field(default_factory=dict)
    keys: dict[FieldPath, Mark] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    refused: set[FieldPath] = field(default_factory=set)
    """Values that are wrong in themselves, whatever the model wants: reported once."""

    def mark(self, path: FieldPath) -> Mark | None:
        """Where the field stands: its key, else its value, else the nearest parent."""
        for length in range(len(path), -1, -1):
            found = self.keys.get(path[:length]) or self.values.get(path[:length])
            if found is not None:
                return found
        return None

    def source(self, path: FieldPath) -> str:
        """The value as written; empty when it is not in the file."""
        mark = self.values.get(path)
        return self.text[mark.start : mark.end] if mark is not None else ""

    def problem(
        self,
        path: FieldPath,
        message: str,
        *,
        expected: str = "",
        found: str = "",
        hint: str = "",
        at: Mark | None = None,
    ) -> Problem:
        """A problem with this field, placed at its value (or at ``at``)."""
        mark = at or self.values.get(path) or self.mark(path)
        line, column = (mark.line, mark.column) if mark else (None, None)
        return Problem(self.file, message, line, column, path, expected, found, hint)

    def refuse(self, path: FieldPath, message: str, hint: str, at: Mark) -> None:
        """Note that the value at this path cannot stand, whatever the model wants there."""
        self.problems.append(self.problem(path, message, hint=hint, at=at))
        self.refused.add(path)

    def duplicate(self, path: FieldPath, mark: Mark) -> None:
        """Note that the key at ``mark`` is there twice: parsers would silently take the last one."""
        first = self.keys[path]
        self.problems.append(
            self.problem(path, f"appears twice, first in line {first.line}", hint="Remove one of the two.", at=mark)
        )


def read_text(file: Path) -> str:
    """The file's text without a byte order mark.

    Raises `Unreadable` when it is missing, no regular file, not readable, larger than `MAX_BYTES` or not UTF-8.
    """
    try:
        status = file.stat()
        if stat.S_ISDIR(status.st_mode):
            raise Unreadable(Problem(file, "is a directory", expected="a file"))
        if not stat.S_ISREG(status.st_mode):
            raise Unreadable(Problem(file, "is not a regular file"))
        if status.st_size > MAX_BYTES:
            raise Unreadable(
                Problem(file, f"is {status.st_size:,} bytes large", expected=f"{MAX_BYTES:,} bytes at most")
            )
        raw = file.read_bytes()
    except FileNotFoundError:
        raise Unreadable(Problem(file, f"does not exist ({file})")) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise Unreadable(Problem(file, f"cannot be read: {reason} ({file})")) from None
    return _decode(file, raw)


def _decode(file: Path, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        hint = "Save the file as UTF-8."
        raise Unreadable(Problem(file, "is not UTF-8 text", line, column, hint=hint)) from None


def syntax_problem(file: Path, message: str, line: int, column: int, hint: str = "") -> Unreadable:
    """A fault in the file's syntax, ready to be raised."""
    return Unreadable(Problem(file, message, line, column, hint=hint))


def too_deep(file: Path, path: FieldPath, line: int, column: int) -> Unreadable:
    """Nesting beyond `MAX_DEPTH`, ready to be raised; the path is cut to its beginning."""
    return Unreadable(
        Problem(file, f"is nested more than {MAX_DEPTH} levels deep (at {dotted(path[:3])}...)", line, column)
    )
