"""The database of the index: where it is, what it holds, and how it is opened.

It may vanish or be damaged at any moment.  A reader that finds none, or another version, finds nothing; the indexer
begins a new one.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
import time
from pathlib import Path

VERSION = 2
"""Of the tables and of how text becomes words; another one means a new index."""
_SUFFIX = ".sqlite3"
_BUSY_SECONDS = 5.0
_REFUSALS = frozenset(
    {
        sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_INTERRUPT,
    }
)  # fmt: skip

SCHEMA = f"""
CREATE TABLE names (id INTEGER PRIMARY KEY, field TEXT NOT NULL, name TEXT NOT NULL, UNIQUE (field, name));
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, title TEXT NOT NULL, tags TEXT NOT NULL, state TEXT NOT NULL
);
CREATE TABLE files (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, conversation INTEGER NOT NULL, inode INTEGER NOT NULL,
    size INTEGER NOT NULL, modified_ns INTEGER NOT NULL, read_to INTEGER NOT NULL, tail INTEGER NOT NULL
);
CREATE TABLE docs (
    id INTEGER PRIMARY KEY, conversation INTEGER, file INTEGER NOT NULL, offset INTEGER NOT NULL,
    length INTEGER NOT NULL, seq INTEGER NOT NULL, kind INTEGER NOT NULL, crc INTEGER NOT NULL, tool INTEGER
);
CREATE INDEX docs_by_event ON docs (conversation, seq);
CREATE VIRTUAL TABLE words USING fts5(
    text, parts, filters, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2'
);
INSERT INTO words (words, rank) VALUES ('automerge', 8);
INSERT INTO words (words, rank) VALUES ('hashsize', {16 * 1024 * 1024});
PRAGMA user_version = {VERSION};
"""
"""``docs.id`` is the row in ``words``: seconds since 2000, 64 rows to each, so that newer events have higher ones.
A row of ``docs`` without a conversation is gone; its words stay until the index is made anew.  ``words.filters`` holds
a word for the kind, the tool and whatever else a filter asks for: see `filter_word`."""

EPOCH = 946_684_800
"""2000-01-01 as Unix time."""
ROWS_PER_SECOND = 64
EMPTYING = """
INSERT INTO words (words) VALUES ('delete-all');
DELETE FROM docs; DELETE FROM files; DELETE FROM conversations; DELETE FROM names;
"""


class NoIndex(Exception):
    """There is no usable index (yet)."""


class IndexFiles:
    """Where the index for the conversations in ``history_dir`` is: data directories may share a cache directory.

    Each index has a name of its own.  SQLite finds what belongs to a database by its name: were a new one made in the
    place of one that somebody deleted while it was open, the two would mix.
    """

    def __init__(self, cache_dir: Path, history_dir: Path) -> None:
        digest = hashlib.sha256(os.fsencode(history_dir.absolute())).hexdigest()
        self.folder = cache_dir / "search"
        self._prefix = f"{digest[:16]}-"
        self.lock = self.folder / f"{digest[:16]}.lock"
        """The file that a working indexer holds locked."""

    def current(self) -> Path:
        """The newest index.  Raises `NoIndex`."""
        found = [name for name in self._names() if name.endswith(_SUFFIX)]
        if not found:
            raise NoIndex
        return self.folder / max(found)

    @property
    def exist(self) -> bool:
        """Whether there is an index."""
        return any(name.endswith(_SUFFIX) for name in self._names())

    def open_writer(self) -> tuple[Path, sqlite3.Connection]:
        """The index for writing, made anew where there is none that can be used.

        Only the holder of the lock may call this.  Raises `OSError` and `sqlite3.Error`.
        """
        try:
            path = self.current()
            self._remove_but(path.name)
            return path, _open_writer(path)
        except NoIndex:
            pass
        except sqlite3.Error as error:
            if refused(error):
                raise
        self.remove()
        path = self.folder / f"{self._prefix}{time.time_ns():016x}{os.urandom(2).hex()}{_SUFFIX}"
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        return path, _open_writer(path)

    def remove(self) -> None:
        """Take the index away; whoever has it open notices.  Raises `OSError` where that is refused."""
        self._remove_but("")

    def _remove_but(self, kept: str) -> None:
        for name in self._names():
            if not (kept and name.startswith(kept)):
                (self.folder / name).unlink(missing_ok=True)

    def _names(self) -> list[str]:
        try:
            return [name for name in os.listdir(self.folder) if name.startswith(self._prefix)]  # noqa: PTH208
        except FileNotFoundError:
            return []


def filter_word(field: str, number: int) -> str:
    """The word of ``words.filters`` for a value; begins with a character that no text is searched for."""
    return f"\ue000{field[0]}{number}"


def row_of(unix_seconds: float) -> int:
    """The first row for events of that second."""
    return max(int(unix_seconds) - EPOCH, 0) * ROWS_PER_SECOND


def open_reader(path: Path) -> sqlite3.Connection:
    """A connection that only asks.  Raises `NoIndex`, and `sqlite3.Error` for a damaged file."""
    connection = _connect(path)
    try:
        connection.execute("PRAGMA query_only = 1")
        if _version(connection) != VERSION:
            raise NoIndex
    except BaseException:
        connection.close()
        raise
    return connection


def refused(error: sqlite3.Error) -> bool:
    """Whether the system refused, or somebody else is at it: the content of the file is not to blame."""
    code = getattr(error, "sqlite_errorcode", None)
    return isinstance(code, int) and code != sqlite3.SQLITE_IOERR_SHORT_READ and code & 0xFF in _REFUSALS


def _open_writer(path: Path) -> sqlite3.Connection:
    connection = _connect(path)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA journal_size_limit = 16777216")
        connection.execute("PRAGMA cache_size = -32000")
        if (version := _version(connection)) != VERSION:
            if version or connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                raise sqlite3.DatabaseError("an index of another version")
            connection.executescript(f"BEGIN IMMEDIATE; {SCHEMA} COMMIT;")
    except BaseException:
        connection.close()
        raise
    return connection


def _connect(path: Path) -> sqlite3.Connection:
    """Never creates a file: one that vanished is not to come back empty."""
    uri = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(uri, uri=True, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def describe(error: Exception) -> str:
    """Why the index could not be used, in a sentence."""
    text = str(error)
    if isinstance(error, OSError):
        reason = error.strerror or type(error).__name__
        return f"The search index cannot be written: {reason}."
    if "disk is full" in text or "disk I/O" in text:
        return "The search index cannot be written: no space is left for the cache."
    if "readonly" in text or "unable to open" in text:
        return "The search index cannot be written: its folder does not allow it."
    if "no such module" in text:
        return "There is no search: the SQLite of this Python has no FTS5."
    if "locked" in text:
        return "The search index is in use by another window; the search is not up to date."
    return f"The search index could not be used ({text}); it is made anew."
