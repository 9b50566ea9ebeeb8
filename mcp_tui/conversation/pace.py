"""Long work in a thread beside the screen: it gives way every millisecond, and ends when nobody waits for it any more.

Python's threads take turns of five milliseconds, and each key press needs several turns of the screen's; a collection
of garbage among a few hundred thousand new objects would stop all of them for much longer.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Concatenate, ParamSpec, TypeVar

WORK = 0.001
"""Seconds at a stretch."""

REST = 0.0002
"""Seconds in which the others have their turn."""

MANY_OBJECTS = 20_000
"""New objects from which on they are left out of later collections."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Stopped(Exception):
    """Nobody waits for the result any more."""


class Pace:
    """Called between two steps of the work."""

    def __init__(self) -> None:
        self._stopped = False
        self._until = time.perf_counter() + WORK

    def stop(self) -> None:
        """Have the next call raise `Stopped`."""
        self._stopped = True

    def __call__(self) -> None:
        """Rest when it is time to.  Raises `Stopped`."""
        if time.perf_counter() >= self._until:
            if self._stopped:
                raise Stopped
            time.sleep(REST)
            self._until = time.perf_counter() + WORK


def unpaced() -> None:
    """The pace of work that nobody sees."""


async def beside(work: Callable[Concatenate[Callable[[], None], _P], _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Run ``work`` in a thread, its first argument a `Pace`; a cancellation ends it there too."""
    pace = Pace()

    def run() -> _T:
        with collector_rests():
            return work(pace, *args, **kwargs)

    try:
        return await asyncio.to_thread(run)
    except asyncio.CancelledError:
        pace.stop()
        raise


class _Collector:
    """Who wants it to rest, in all threads."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.resting = 0
        self.was_on = False


_collector = _Collector()


@contextmanager
def collector_rests() -> Iterator[None]:
    """Collect no garbage meanwhile; what was made and stays is left out of later collections where it is much.

    May be nested, in several threads: the outermost end counts.
    """
    with _collector.lock:
        if not _collector.resting:
            _collector.was_on = gc.isenabled()
            gc.disable()
        _collector.resting += 1
    try:
        yield
    finally:
        with _collector.lock:
            _collector.resting -= 1
            if not _collector.resting:
                if gc.get_count()[0] > MANY_OBJECTS:
                    gc.freeze()
                if _collector.was_on:
                    gc.enable()
