"""The writer of a process: batches what waits, writes off the event loop, acknowledges.

Each conversation has a lane: its requests are done in order by one thread at a time, and whatever
gathered meanwhile goes into the next write (one lock, one write, one fsync for all of them).  Lock,
write and unlock happen in one call on one thread, so a cancelled caller can neither tear a line
nor leave a lock behind; what it asked for is written all the same.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from mcp_tui.errors import HistoryError, StoreBusy, StoreFailed
from mcp_tui.events.base import EventBase
from mcp_tui.history.journal import Journal
from mcp_tui.history.locking import OnWait

THREADS = 4
"""So many conversations may wait for a lock before others wait for them."""
OPEN_JOURNALS = 16
"""Idle journals beyond this number are closed."""


@dataclass(slots=True)
class _Request:
    events: Sequence[EventBase]
    done: Future[list[EventBase]] = field(default_factory=Future)
    on_wait: OnWait | None = None


@dataclass(slots=True)
class _Lane:
    journal: Journal
    waiting: deque[_Request] = field(default_factory=deque)
    jobs: deque[Callable[[Journal], None]] = field(default_factory=deque)
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
        tell = None if on_wait is None else lambda text: _call_on(loop, on_wait, text)
        request = _Request(tuple(events), on_wait=tell)
        with self._guard:
            self._lane(conversation_id).waiting.append(request)
            self._wake(conversation_id)
        return await asyncio.wrap_future(request.done)

    def later(self, conversation_id: str, job: Callable[[Journal], None]) -> None:
        """Run ``job`` in the conversation's lane, after what waits there; its `HistoryError` is dropped."""
        with self._guard:
            if not self._closed:
                self._lane(conversation_id).jobs.append(job)
                self._wake(conversation_id)

    async def aclose(self, timeout: float) -> None:
        """Finish what waits, for at most ``timeout`` seconds, and close the files.

        Raises `StoreBusy` when time ran out.
        """
        with self._guard:
            self._closed = True
        idle = await asyncio.to_thread(self._wait_idle, timeout)
        self._threads.shutdown(wait=idle, cancel_futures=True)
        if not idle:
            self._refuse_waiting()
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
            if not (lane.running or lane.waiting or lane.jobs):
                lane.journal.close()
                del self._lanes[conversation_id]

    def _wake(self, conversation_id: str) -> None:
        lane = self._lanes[conversation_id]
        if not lane.running:
            lane.running = True
            self._threads.submit(self._run, lane)

    def _wait_idle(self, timeout: float) -> bool:
        with self._guard:
            return self._guard.wait_for(lambda: not any(lane.running for lane in self._lanes.values()), timeout)

    def _refuse_waiting(self) -> None:
        with self._guard:
            for lane in self._lanes.values():
                while lane.waiting:
                    _fail(lane.waiting.popleft(), StoreFailed("The history was closed before this was written."))

    def _run(self, lane: _Lane) -> None:
        """Until nothing waits: all requests together, or else one job."""
        while True:
            with self._guard:
                requests = list(lane.waiting)
                lane.waiting.clear()
                job = None if requests or not lane.jobs else lane.jobs.popleft()
                if not requests and job is None:
                    lane.running = False
                    self._guard.notify_all()
                    return
            if job is not None:
                _do(job, lane.journal)
            elif requests:
                _write(lane.journal, requests)


def _do(job: Callable[[Journal], None], journal: Journal) -> None:
    try:
        job(journal)
    except HistoryError:
        journal.close()


def _write(journal: Journal, requests: list[_Request]) -> None:
    """Together if possible; where that fails each alone, so that one request's fault is not another's."""
    on_wait = next((request.on_wait for request in requests if request.on_wait is not None), None)
    try:
        results = journal.append([request.events for request in requests], on_wait)
    except StoreFailed as error:
        if len(requests) > 1:
            for request in requests:
                _write(journal, [request])
        else:
            _fail(requests[0], error)
    except Exception as error:  # noqa: BLE001 - whoever waits must learn of it, whatever it is
        for request in requests:
            _fail(request, error)
    else:
        for request, events in zip(requests, results, strict=True):
            _finish(request, events)


def _finish(request: _Request, events: list[EventBase]) -> None:
    if request.done.set_running_or_notify_cancel():
        request.done.set_result(events)


def _fail(request: _Request, error: Exception) -> None:
    if request.done.set_running_or_notify_cancel():
        request.done.set_exception(error)


def _call_on(loop: asyncio.AbstractEventLoop, on_wait: OnWait, text: str) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(on_wait, text)
