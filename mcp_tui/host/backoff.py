"""When a failed server is tried again, and when no more (requirement C4)."""

from __future__ import annotations

import random

STABLE_SECONDS = 30.0
"""A connection that lasted this long starts the count anew; one that died sooner is part of a crash loop."""

FACTOR, JITTER = 2.0, 0.2


class Backoff:
    """Counts failures in a row; gives the wait before the next attempt, growing and with jitter."""

    def __init__(self, initial: float, longest: float, attempts: int) -> None:
        self._initial, self._longest, self._attempts = initial, longest, attempts
        self.failures = 0

    def failed(self, uptime: float) -> float | None:
        """A start failed (``uptime`` 0) or a connection broke after ``uptime`` seconds.

        Returns the seconds to wait, or ``None`` when the circuit breaker opens: only a person closes it.
        """
        if uptime >= STABLE_SECONDS:
            self.failures = 0
        self.failures += 1
        if self.failures > self._attempts:
            return None
        wait = min(self._longest, self._initial * FACTOR ** min(self.failures - 1, 30))
        return wait * random.uniform(1 - JITTER, 1 + JITTER)

    def reset(self) -> None:
        """A person asked for another attempt."""
        self.failures = 0
