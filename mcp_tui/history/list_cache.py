"""What the list knows of each file, kept beside them: a cache, never trusted over a file (requirement G5).

One entry a line, so that ten thousand are read a few at a time: a decoder of JSON lets no other thread run.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import fields
from itertools import chain, islice, product
from operator import attrgetter
from pathlib import Path
from typing import Any

from mcp_tui.history.fs import NEW, READ, FileSystem
from mcp_tui.history.tally import Tally
from mcp_tui.history.write import remove_abandoned, write_all

INDEX_NAME = "index.json"
_VERSION = 3
_LARGEST = 64 * 1024 * 1024
_AT_ONCE = 100
"""Entries that are decoded in one go, in a millisecond."""
_FIELDS = tuple(field.name for field in fields(Tally))
_row = attrgetter(*_FIELDS)


class ListCache:
    """The cache as it was when this was made; empty when it is missing, damaged, or of another version."""

    def __init__(self, directory: Path, fs: FileSystem) -> None:
        self._data = b""
        with suppress(OSError, ValueError, TypeError, KeyError, RecursionError):
            data = _read(directory, fs)
            head, _, rest = data.partition(b"\n")
            value = json.loads(head + rest[rest.rindex(b"\n") + 1 :])
            if value["version"] == _VERSION and value["fields"] == list(_FIELDS) and not value["files"]:
                self._data = data

    def some(self, names: Iterable[str]) -> dict[str, Tally]:
        """What is known of these files, without looking at the entries of the others."""
        found = []
        for name in names:
            if (start := self._data.find(b"\n%b:[" % json.dumps(name).encode("ascii"))) >= 0:
                found.append(self._data[start + 1 : self._data.find(b"\n", start + 1)].rstrip(b","))
        return _decoded(b",".join(found))

    def all(self, pace: Callable[[], None]) -> dict[str, Tally]:
        """What is known of every file."""
        tallies: dict[str, Tally] = {}
        each = iter(self._data.split(b"\n")[1:-1])
        while some := b"".join(islice(each, _AT_ONCE)):
            if not (decoded := _decoded(some.rstrip(b","))):
                return {}
            tallies |= decoded
            pace()
        return tallies


def _read(directory: Path, fs: FileSystem) -> bytes:
    fd = fs.open(directory / INDEX_NAME, READ)
    try:
        state = fs.fstat(fd)
        if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST:
            raise ValueError("not an index")
        return fs.pread(fd, state.st_size, 0)
    finally:
        fs.close(fd)


def _decoded(entries: bytes) -> dict[str, Tally]:
    try:
        return _checked(json.loads(b"{%b}" % entries))
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}


_OPTIONAL: dict[str, tuple[type, ...]] = {
    "title": (str, type(None)),
    "model": (str, type(None)),
    "cost": (float, type(None)),
    "copied_cost": (float, type(None)),
    "tags": (list, type(None)),
    "origin": (dict, type(None)),
}
_SHAPES = frozenset(product(*(_OPTIONAL.get(name, (type(getattr(Tally(), name)),)) for name in _FIELDS)))
"""The types that the values of an entry may have; a look into a set is quicker than a look at each value."""


def _checked(rows: dict[str, list[Any]]) -> dict[str, Tally]:
    if not {tuple(map(type, row)) for row in rows.values()} <= _SHAPES:
        raise ValueError("not an index")
    tallies = {name: Tally(*row) for name, row in rows.items()}
    each = tallies.values()
    words = chain.from_iterable(chain(tally.models, tally.servers, tally.tags or ()) for tally in each)
    if not set(map(type, words)) <= {str}:
        raise ValueError("not an index")
    return tallies


def save(directory: Path, tallies: dict[str, Tally], fs: FileSystem, pace: Callable[[], None]) -> None:
    """A cache need not be durable, and may be impossible: a directory can be read-only."""
    rows = []
    for name, tally in tallies.items():
        pace()
        rows.append(f"{json.dumps(name)}:{json.dumps(_row(tally), separators=(',', ':'))}")
    entries = ",\n".join(rows)
    text = f'{{"version":{_VERSION},"fields":{json.dumps(_FIELDS)},"files":{{\n{entries}\n}}}}'
    temporary = directory / f"{INDEX_NAME}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
    try:
        remove_abandoned(fs, directory, f"{INDEX_NAME}.")
        fd = fs.open(temporary, NEW)
        try:
            fs.fchmod(fd, 0o600)
            write_all(fs, fd, text.encode("ascii"))
            fs.replace(temporary, directory / INDEX_NAME)
        finally:
            fs.close(fd)
    except OSError:
        with suppress(OSError):
            fs.unlink(temporary)
