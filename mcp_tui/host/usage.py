"""What a server takes of the machine: memory and processor time of its process and what that started.

Read from ``/proc``, so on Linux only; elsewhere nothing is known.  A child that has cut its ties is not counted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")
_MOST = 64
"""Processes that are looked at, at most: reading must stay cheap whatever a server starts."""

MEMORY_STEP = 1_000_000
"""Bytes to which memory is rounded, so that not every reading is news."""


class UsageMeter:
    """Readings of one process tree; processor time is that since the reading before."""

    def __init__(self) -> None:
        self._last: tuple[int, float, float] | None = None

    def read(self, pid: int | None) -> tuple[int | None, float | None]:
        """Resident bytes, and the share of one processor (1.0: all of it); ``None`` where it is not known."""
        if pid is None:
            return None, None
        found = [usage for usage in map(_one, _tree(pid)) if usage is not None]
        if not found:
            self._last = None
            return None, None
        memory, seconds, now = sum(one[0] for one in found), sum(one[1] for one in found), time.monotonic()
        before, self._last = self._last, (pid, seconds, now)
        share = None
        if before is not None and before[0] == pid and now > before[2]:
            share = round(max(0.0, seconds - before[1]) / (now - before[2]), 2)
        return round(memory / MEMORY_STEP) * MEMORY_STEP, share


def _tree(pid: int) -> Iterator[int]:
    waiting, count = [pid], 0
    while waiting and count < _MOST:
        one = waiting.pop()
        count += 1
        yield one
        try:
            waiting += map(int, (_PROC / str(one) / "task" / str(one) / "children").read_text().split())
        except (OSError, ValueError):
            continue


def _one(pid: int) -> tuple[int, float] | None:
    """Resident bytes and seconds of processor time of one process."""
    try:
        pages = int((_PROC / str(pid) / "statm").read_text().split()[1])
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
    except (OSError, ValueError, IndexError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK")
