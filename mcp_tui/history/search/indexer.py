"""The indexer: a process of its own that keeps the index up to date, so that the screen never waits for it.

    python -c "from mcp_tui.history.search.indexer import main; main()" HISTORY_DIR CACHE_DIR

It reads a line with a number for each request on its standard input and answers in lines of JSON: how far it is, and
``"ticket"`` once everything that was there when the request came can be found.  It ends with its standard input, so
also when the app is killed, and may itself be killed at any moment.  One indexer works at a time, by a lock on a file
beside the database; others wait and tell how far that one is.

Imports neither pydantic nor Textual: it is there in a tenth of a second and takes little memory.
"""

from __future__ import annotations

import errno
import json
import os
import queue
import sqlite3
import sys
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from mcp_tui.history.fs import REAL, SHARED
from mcp_tui.history.search import database
from mcp_tui.history.search.building import Builder
from mcp_tui.history.search.database import IndexFiles
from mcp_tui.history.search.files import Stamp, scan, stamps

NICENESS = 15
_SAY_EVERY = 0.2
_LOCK_POLL = 0.05
_TRIES = 3


def main() -> None:
    """Serve requests until the standard input ends."""
    history_dir, cache_dir = Path(sys.argv[1]), Path(sys.argv[2])
    _give_way()
    requests: queue.SimpleQueue[int] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests,), daemon=True).start()
    indexer = Indexer(history_dir, cache_dir)
    while True:
        ticket = requests.get()
        while not requests.empty():
            ticket = requests.get()
        indexer.serve(ticket)


def _give_way() -> None:
    """Whatever somebody looks at or types into goes first."""
    with suppress(OSError):
        os.nice(NICENESS)
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def _listen(requests: queue.SimpleQueue[int]) -> None:
    """Ends the process with its input: everything that it writes may be cut off anywhere."""
    held = b""
    while data := os.read(0, 4096):
        *whole, held = (held + data).split(b"\n")
        for line in whole:
            if line.strip().isdigit():
                requests.put(int(line))
    os._exit(0)


class Indexer:
    """Serves one request after the other."""

    def __init__(self, history_dir: Path, cache_dir: Path) -> None:
        self._history_dir = history_dir
        self._files = IndexFiles(cache_dir, history_dir)
        self._said = 0.0
        self._progress = (0, 0)
        self._served: tuple[Path, dict[str, Stamp]] | None = None
        """The index that was brought up to date last, and the files as they stood then."""

    def serve(self, ticket: int) -> None:
        """Bring the index up to date, and say that, or why not."""
        problem = ""
        try:
            seen = stamps(self._history_dir)
            if not self._nothing_new(seen):
                self._served = None
                self._make_folder()
                lock = self._lock()
                try:
                    self._served = (self._build(), seen)
                finally:
                    REAL.close(lock)
        except (OSError, sqlite3.Error) as error:
            problem = database.describe(error)
        done, total = self._progress
        _say({"done": done, "total": total, "running": False, "problem": problem, "ticket": ticket})

    def _nothing_new(self, seen: dict[str, Stamp]) -> bool:
        """Whether the files are as they were, and the index still there: most requests are answered by a look."""
        try:
            return self._served is not None and self._served == (self._files.current(), seen)
        except database.NoIndex:
            return False

    def _build(self) -> Path:
        """Bring the index up to date; returns which one it is.

        A damaged one is made anew, and so is one that was deleted meanwhile.
        """
        for attempt in range(_TRIES):
            try:
                self._make_folder()
                path, connection = self._files.open_writer()
                with closing(connection):
                    Builder(connection, self._history_dir, self._tell).run()
                    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                if path == self._files.current():
                    return path
            except database.NoIndex:
                continue
            except sqlite3.Error as error:
                if attempt == _TRIES - 1 or (database.refused(error) and self._files.exist):
                    raise
                self._files.remove()
        raise OSError(errno.ENOENT, "it is deleted again and again")

    def _make_folder(self) -> None:
        folder = self._files.folder
        for each in (folder.parent, folder):
            if not each.exists():
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_mode & 0o077:
            folder.chmod(0o700)

    def _lock(self) -> int:
        """A descriptor with the lock; telling, while it waits, how far the holder is."""
        while True:
            fd = REAL.open(self._files.lock, SHARED)
            try:
                while not REAL.lock(fd):
                    self._tell(*self._others_progress())
                    time.sleep(_LOCK_POLL)
                with suppress(FileNotFoundError):
                    # A lock on a file that was deleted meanwhile keeps nobody out.
                    if os.path.samestat(REAL.fstat(fd), REAL.lstat(self._files.lock)):
                        return fd
            except BaseException:
                REAL.close(fd)
                raise
            REAL.close(fd)

    def _others_progress(self) -> tuple[int, int]:
        if time.monotonic() - self._said < _SAY_EVERY:
            return self._progress
        total = sum(each.size for each in scan(self._history_dir).values())
        try:
            with closing(database.open_reader(self._files.current())) as connection:
                done = connection.execute("SELECT coalesce(sum(read_to), 0) FROM files").fetchone()[0]
        except (database.NoIndex, sqlite3.Error):
            done = 0
        return min(done, total), total

    def _tell(self, done: int, total: int) -> None:
        self._progress = (done, total)
        now = time.monotonic()
        if now - self._said >= _SAY_EVERY:
            self._said = now
            _say({"done": done, "total": total, "running": True})


def _say(value: dict[str, Any]) -> None:
    try:
        os.write(1, json.dumps(value).encode("ascii") + b"\n")
    except OSError:
        os._exit(0)


if __name__ == "__main__":
    main()
