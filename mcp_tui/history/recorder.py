"""The writer of a process: batches what waits, writes off the event loop, acknowledges.

Each conversation has a lane: its requests are done in order by one thread at a time, and whatever
gathered meanwhile goes into the next write (one lock, one write, one fsync for all of them).  Lock,
write and unlock happen in one call on one thread, so a cancelled caller can neither tear a line
nor leave a lock behind; what it asked for is written all the same.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from mcp_tui.errors import StoreBusy, StoreFailed
from mcp_tui.events.base import EventBase
from mcp_tui.history.journal import Journal
from mcp_tui.history.locking import OnWait

_T = TypeVar("_T")
_log = logging.getLogger(__name__)

THREADS = 4
"""So many conversations may wait for a lock before others wait for them."""
OPEN_JOURNALS = 16
"""Idle journals beyond this number are closed."""


@dataclass(slots=True)
class _Request:
    events: Sequence[EventBase]
    on_wait: OnWait | None
    done: Future[list[EventBase]] = field(default_factory=Future)


@dataclass(slots=True)
class _Job:
    work: Callable[[Journal], Any]
    done: Future[Any] = field(default_factory=Future)


@dataclass(slots=True)
class _Lane:
    journal: Journal
    requests: deque[_Request] = field(default_factory=deque)
    jobs: deque[_Job] = field(default_factory=deque)
    running: bool = False


class Recorder:
    """Appends for any number of tasks; ``open_journal`` makes the journal of a conversation."""

    def __init__(self, open_journal: Callable[[str], Journal]) -> None:
        self._open_journal = open_journal
        self._lanes: dict[str, _Lane] = {}
        self._guard = threading.Condition()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="history")
        self._closed = False

    async def append(
        self, conversation_id: str, events: Sequence[EventBase], on_wait: OnWait | None
    ) -> list[EventBase]:
        """The events, numbered, once they are stored."""
        loop = asyncio.get_running_loop()
        request = _Request(tuple(events), None if on_wait is None else partial(_call_on, loop, on_wait))
        with self._guard:
            lane = self._lane(conversation_id)
            lane.requests.append(request)
            self._wake(lane)
        return await asyncio.wrap_future(request.done)

    async def run(self, conversation_id: str, work: Callable[[Journal], _T]) -> _T:
        """What ``work`` returns; it has the conversation's journal to itself."""
        job = _Job(work)
        with self._guard:
            lane = self._lane(conversation_id)
            lane.jobs.append(job)
            self._wake(lane)
        done: Future[_T] = job.done
        return await asyncio.wrap_future(done)

    def later(self, conversation_id: str, work: Callable[[Journal], int]) -> None:
        """Like `run` for a conversation that was written to; nobody waits, and a failure is only logged."""
        with self._guard:
            lane = self._lanes.get(conversation_id)
            if lane is None or self._closed:
                return
            job = _Job(work)
            job.done.add_done_callback(_log_failure)
            lane.jobs.append(job)
            self._wake(lane)

    async def aclose(self, timeout: float) -> None:
        """Finish what waits, for at most ``timeout`` seconds, and close the files.

        Raises `StoreBusy` when time ran out; what still waited then is refused.
        """
        with self._guard:
            self._closed = True
        idle = await asyncio.to_thread(self._wait_idle, timeout)
        self._threads.shutdown(wait=idle)
        if not idle:
            raise StoreBusy(f"The history was not written out within {timeout:g} s.")
        for lane in self._lanes.values():
            lane.journal.close()
        self._lanes.clear()

    def _lane(self, conversation_id: str) -> _Lane:
        if self._closed:
            raise StoreFailed("The history is closed.")
        lane = self._lanes.pop(conversation_id, None) or _Lane(self._open_journal(conversation_id))
        self._lanes[conversation_id] = lane
        self._close_idle()
        return lane

    def _close_idle(self) -> None:
        """The least recently used come first."""
        for conversation_id, lane in list(self._lanes.items())[:-OPEN_JOURNALS]:
            if not lane.running:
                lane.journal.close()
                del self._lanes[conversation_id]

    def _wait_idle(self, timeout: float) -> bool:
        with self._guard:
            idle = self._guard.wait_for(lambda: not any(lane.running for lane in self._lanes.values()), timeout)
            if not idle:
                for lane in self._lanes.values():
                    _refuse(lane)
            return idle

    def _wake(self, lane: _Lane) -> None:
        """Start a thread on what waits, unless one is at it.  Call with the guard held."""
        if lane.running:
            return
        requests, job = list(lane.requests), None
        lane.requests.clear()
        if not requests and lane.jobs:
            job = lane.jobs.popleft()
        if requests or job:
            lane.running = True
            work = self._threads.submit(_perform, lane.journal, requests, job)
            work.add_done_callback(partial(self._next, lane, requests, job))

    def _next(self, lane: _Lane, requests: list[_Request], job: _Job | None, work: Future[None]) -> None:
        """A thread is through; nobody may be left waiting, not even after an error of our own."""
        error = work.exception()
        if error is not None:
            for request in requests:
                _fail(request.done, error)
            if job is not None:
                _fail(job.done, error)
        with self._guard:
            lane.running = False
            self._wake(lane)
            self._guard.notify_all()


def _perform(journal: Journal, requests: list[_Request], job: _Job | None) -> None:
    if job is not None:
        _finish(job.done, job.work(journal))
    else:
        _write(journal, requests)


def _write(journal: Journal, requests: list[_Request]) -> None:
    """Together if possible; where the disk refuses that, each alone: one request may be too large for it."""
    on_wait = next((request.on_wait for request in requests if request.on_wait is not None), None)
    try:
        results = journal.append([request.events for request in requests], on_wait)
    except StoreFailed as error:
        if len(requests) > 1:
            for request in requests:
                _write(journal, [request])
        else:
            _fail(requests[0].done, error)
    else:
        for request, events in zip(requests, results, strict=True):
            _finish(request.done, events)


def _finish(done: Future[_T], result: _T) -> None:
    if not done.done() and done.set_running_or_notify_cancel():
        done.set_result(result)


def _fail(done: Future[_T], error: BaseException) -> None:
    if not done.done() and done.set_running_or_notify_cancel():
        done.set_exception(error)


def _refuse(lane: _Lane) -> None:
    closed = StoreFailed("The history was closed before this was written.")
    while lane.requests:
        _fail(lane.requests.popleft().done, closed)
    while lane.jobs:
        _fail(lane.jobs.popleft().done, closed)


def _log_failure(done: Future[int]) -> None:
    if not done.cancelled() and (error := done.exception()) is not None:
        _log.warning("the history was not compacted: %s", error)


def _call_on(loop: asyncio.AbstractEventLoop, on_wait: OnWait, text: str) -> None:
    with suppress(RuntimeError):  # the loop was closed while we waited
        loop.call_soon_threadsafe(on_wait, text)
