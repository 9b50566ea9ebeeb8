"""Bounds how many servers start at the same time, without letting slow ones hold up the rest (requirement C1)."""

from __future__ import annotations

import asyncio

HOLD_SECONDS = 2.0
"""A start that takes longer than this no longer counts: it waits for something, it does not compute."""


class StartGate:
    """Up to ``width`` places; a place is given back when the start ended or `HOLD_SECONDS` passed."""

    def __init__(self, width: int, hold_seconds: float = HOLD_SECONDS) -> None:
        self._places = asyncio.Semaphore(width)
        self._hold = hold_seconds
        self._timers: dict[str, asyncio.TimerHandle] = {}

    async def enter(self, name: str) -> None:
        """Take a place, waiting for one if need be.  ``name`` is whose place it is."""
        await self._places.acquire()
        self._timers[name] = asyncio.get_running_loop().call_later(self._hold, self.leave, name)

    def leave(self, name: str) -> None:
        """Give the place back; does nothing when that happened already."""
        if (timer := self._timers.pop(name, None)) is not None:
            timer.cancel()
            self._places.release()
