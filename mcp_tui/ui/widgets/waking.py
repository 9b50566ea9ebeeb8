"""When keys that decide something count: never as typed ahead, never on what was not drawn yet."""

from __future__ import annotations

from collections.abc import Callable

WAKE_SECONDS = 0.5
"""How long something must have been on the screen, and nothing pressed, before its keys count."""


class Waking:
    """The dead time of one card or screen.  ``clock`` counts seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._drawn_at: float | None = None

    @property
    def drawn(self) -> bool:
        """Whether what is to be decided on is on the screen."""
        return self._drawn_at is not None

    def sleep(self) -> None:
        """Something else is about to be drawn."""
        self._drawn_at = None

    def was_drawn(self) -> None:
        """It is on the screen from now on."""
        self._drawn_at = self._clock()

    def seconds_left(self, last_input: float) -> float:
        """Seconds until keys count, where ``last_input`` is when the last one came; 0 when they do."""
        if self._drawn_at is None:
            return WAKE_SECONDS
        return max(0.0, WAKE_SECONDS - (self._clock() - max(self._drawn_at, last_input)))

    def awake(self, app: object) -> bool:
        """Whether the key that is being handled counts: the one before it must be long enough ago."""
        return self.seconds_left(getattr(app, "previous_input", float("-inf"))) <= 0
