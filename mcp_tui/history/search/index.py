"""The index as the engine uses it: searches in a thread, updates in a process."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from mcp_tui.history.search import database
from mcp_tui.history.search.database import IndexFiles, NoIndex, open_reader
from mcp_tui.history.search.hits import IndexState, SearchPage
from mcp_tui.history.search.lookup import Found, Lookup
from mcp_tui.history.search.process import IndexerProcess
from mcp_tui.history.search.query import Query, parse_query

QUICK = 0.04
"""Seconds that a search waits for the index to be brought up to date before it answers from what there is."""
FRESH = 0.5
"""Seconds for which an index that was up to date counts as that."""


class SearchIndex:
    """Searches the conversations in ``history_dir``; what it needs to be fast is in ``cache_dir``.

    For use on one event loop.  Its process starts with the first `update` or `search` and ends with `aclose`.
    """

    def __init__(self, history_dir: Path, cache_dir: Path) -> None:
        self._history_dir = history_dir
        self._files = IndexFiles(cache_dir, history_dir)
        self._process = IndexerProcess(history_dir, cache_dir, self._answered)
        self._state = IndexState()
        self._tickets = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[None]] = {}
        self._fresh_at = float("-inf")
        self._thread: ThreadPoolExecutor | None = None
        self._reader = _Reader(self._files, history_dir)
        self._closed = False

    @property
    def state(self) -> IndexState:
        """How much can be found now, as far as is known."""
        return self._state

    @property
    def pid(self) -> int | None:
        """The indexer's process id while it runs."""
        return self._process.pid

    async def search(self, text: str, *, limit: int = 50, offset: int = 0) -> SearchPage:
        """Hits, newest first.  Raises `UsageError` for what `parse_query` does not understand.

        What changed since the last update is taken in first where that is quick; otherwise the page's ``state``
        says that more is coming.  Cancelling the task stops the search.
        """
        query = parse_query(text)
        if query.empty or self._closed:
            return SearchPage(state=self._state)
        updating: asyncio.Future[None] | None = None
        if time.monotonic() - self._fresh_at > FRESH:
            updating = await self._request()
            await asyncio.wait({updating}, timeout=QUICK)
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="search")
        job = self._reader.job(query, limit, offset)
        work = asyncio.get_running_loop().run_in_executor(self._thread, job.run)
        try:
            found, problem = await work
        except asyncio.CancelledError:
            job.cancel()
            raise
        waits = updating is not None and not updating.done()
        state = replace(self._state, running=self._state.running or waits, problem=self._state.problem or problem)
        return SearchPage(found.hits, found.more, state, tuple(term.text for term in query.wanted))

    async def update(self) -> None:
        """Bring the index up to date with the files, in a process of its own; returns when it is.

        Also returns when that is impossible: `state` says why.
        """
        if not self._closed:
            await asyncio.shield(await self._request())

    async def discard(self) -> None:
        """Take the index away, and with it every word of conversations that are gone.

        It is made anew with the next update, which is asked for at once where the indexer runs.
        """
        with suppress(OSError):
            await asyncio.to_thread(self._files.remove)
        self._fresh_at = float("-inf")
        if self._process.pid is not None:
            await self._request()

    async def aclose(self) -> None:
        """End the process, which leaves the index as it is."""
        self._closed = True
        await self._process.aclose()
        self._release()
        if self._thread is not None:
            self._reader.stop()
            self._thread.submit(self._reader.close)
            self._thread.shutdown(wait=False)
            self._thread = None

    async def _request(self) -> asyncio.Future[None]:
        ticket = next(self._tickets)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[ticket] = done
        try:
            await self._process.ask(ticket)
        except OSError as error:
            self._state = replace(
                self._state, running=False, problem=f"The indexer cannot be started: {error.strerror}."
            )
            self._release()
        return done

    def _answered(self, answer: dict[str, Any]) -> None:
        if "ended" in answer:
            problem = f"The indexer ended: {answer['ended']}" if not self._closed else ""
            self._state = replace(self._state, running=False, problem=problem)
            self._release()
            return
        done, total, ticket = answer.get("done"), answer.get("total"), answer.get("ticket")
        if isinstance(done, int) and isinstance(total, int):
            # What was wrong stays said until an update went well.
            problem = str(answer.get("problem") or "") if isinstance(ticket, int) else self._state.problem
            self._state = IndexState(done, total, answer.get("running") is True, problem)
        if isinstance(ticket, int):
            if not self._state.problem:
                self._fresh_at = time.monotonic()
            self._release(ticket)

    def _release(self, up_to: int | None = None) -> None:
        """Let those go on whose requests were served, or cannot be."""
        for ticket in [ticket for ticket in self._waiting if up_to is None or ticket <= up_to]:
            done = self._waiting.pop(ticket)
            if not done.done():
                done.set_result(None)


class _Reader:
    """The connection that searches share, opened again when the file is another one.  For one thread."""

    def __init__(self, files: IndexFiles, history_dir: Path) -> None:
        self._files, self.history_dir = files, history_dir
        self._connection: sqlite3.Connection | None = None
        self._path: Path | None = None
        self._running: _Job | None = None

    def job(self, query: Query, limit: int, offset: int) -> _Job:
        return _Job(self, query, limit, offset)

    def connection(self) -> sqlite3.Connection:
        """The open index.  Raises `NoIndex` and `sqlite3.Error`."""
        try:
            path = self._files.current()
        except NoIndex:
            self.close()
            raise
        if self._connection is None or path != self._path:
            self.close()
            self._connection, self._path = open_reader(path), path
        return self._connection

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def stop(self) -> None:
        """Stop what runs; from another thread."""
        if self._running is not None:
            self._running.cancel()


class _Job:
    """One search; it can be stopped from another thread."""

    def __init__(self, reader: _Reader, query: Query, limit: int, offset: int) -> None:
        self._reader, self._query, self._limit, self._offset = reader, query, limit, offset
        self._lookup: Lookup | None = None
        self._connection: sqlite3.Connection | None = None
        self._cancelled = False

    def run(self) -> tuple[Found, str]:
        """Hits, and what was wrong with the index."""
        if self._cancelled:
            return Found((), False), ""
        try:
            self._connection = self._reader.connection()
            self._lookup = Lookup(self._connection, self._reader.history_dir, self._query)
            self._lookup.cancelled = self._cancelled
            return self._lookup.page(self._limit, self._offset), ""
        except NoIndex:
            return Found((), False), ""
        except (OSError, sqlite3.Error) as error:
            self._reader.close()
            return Found((), False), "" if self._cancelled else database.describe(error)
        finally:
            self._connection = None

    def cancel(self) -> None:
        """Stop it."""
        self._cancelled = True
        if self._lookup is not None:
            self._lookup.cancelled = True
        connection = self._connection
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.interrupt()
