"""A terminal that went away: how to see it, and how to stop speaking to it.

Textual writes through a queue of thirty entries that a thread empties.  When the terminal is gone the thread
dies, the queue fills, and the next write blocks the event loop for ever; the thread that reads keys spins.
"""

from __future__ import annotations

import contextlib
import select
from queue import Empty
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.driver import Driver

_GONE = select.POLLHUP | select.POLLERR | select.POLLNVAL


def is_gone(descriptor: int, *, wait: float = 0.0) -> bool:
    """Whether a terminal was closed, at once or within ``wait`` seconds."""
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & _GONE for _, event in poll.poll(int(wait * 1000)))


def mute(driver: Driver) -> None:
    """Let ``driver`` write and read nothing any more; a write that blocks returns.  From any thread."""
    known: Any = driver
    known.write = known.flush = _nothing
    writer, known._writer_thread = getattr(known, "_writer_thread", None), None
    if (stop := getattr(known, "exit_event", None)) is not None:
        stop.set()
    if writer is not None:
        with contextlib.suppress(Empty):
            while True:
                writer._queue.get_nowait()


def _nothing(*_: object) -> None:
    """Instead of a write."""
