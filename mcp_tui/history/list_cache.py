"""What the list knows of each file, kept beside them: a cache, never trusted over a file (requirement G5).

One entry a line, so that ten thousand are read a few at a time: a decoder of JSON lets no other thread run.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Callable
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


def load(directory: Path, fs: FileSystem, pace: Callable[[], None]) -> dict[str, Tally]:
    """Name of a file -> what is known of it; empty when the cache is missing, damaged, or of another version."""
    try:
        fd = fs.open(directory / INDEX_NAME, READ)
    except OSError:
        return {}
    try:
        state = fs.fstat(fd)
        if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST:
            return {}
        head, *entries, end = fs.pread(fd, state.st_size, 0).split(b"\n")
        value = json.loads(head + end)
        if value["version"] != _VERSION or value["fields"] != list(_FIELDS) or value["files"]:
            return {}
        tallies: dict[str, Tally] = {}
        each = iter(entries)
        while some := b"".join(islice(each, _AT_ONCE)):
            tallies |= _checked(json.loads(b"{%b}" % some.rstrip(b",")))
            pace()
        return tallies
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return {}
    finally:
        fs.close(fd)


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
