"""Where a replay stands: gone to by hand, or moved by the clock.

Of a long conversation only a part is there at first.  Of its beginning every position is, and it plays; of any other
part only what it shows.  What needs all of it waits until all of it is there, in the order in which it was asked for.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from textual.worker import Worker

    from mcp_tui.conversation.items import Change
    from mcp_tui.conversation.playback import Playback

FRAME_SECONDS = 1 / 30
"""Time between two looks at the clock while it plays."""

SPEEDS = (1.0, 2.0, 4.0, math.inf)
"""Times the recorded speed; the last is at once."""

Moved = Callable[["list[Change] | None"], None]
"""Is told what changed; ``None``: so much that a view had better start afresh."""


class Player:
    """Moves a `Playback`."""

    def __init__(
        self,
        clock: Callable[[], float],
        moved: Moved,
        follow: Callable[[], None],
        state_changed: Callable[[], None],
        run: Callable[[Coroutine[Any, Any, None]], Worker[None]],
        *,
        speed: float = 1.0,
    ) -> None:
        """Whom to tell, and ``run``, which starts what goes on beside the screen.

        ``follow``: the person looks at the position from now on; ``state_changed``: it plays or not, or waits for more.
        """
        self._clock, self._moved, self._follow, self._run = clock, moved, follow, run
        self._state_changed = state_changed
        self.speed = speed
        self.playback: Playback | None = None
        """``None`` until anything was folded."""
        self.reading = True
        """Whether more of the conversation is to come."""
        self.placed = True
        """Whether positions are those of the whole conversation; a part from its middle has others."""
        self.at_end = True
        """Whether nothing comes after a part that is not placed."""
        self._waiting: list[tuple[str, Callable[[], None]]] = []
        self._playing: Worker[None] | None = None

    # -- what is there -------------------------------------------------------------------------

    def take_part(self, playback: Playback, *, placed: bool, at_end: bool) -> None:
        """What can be seen until all of it is there; ``placed``: it is gone through from the beginning.

        ``at_end``: it is the end that is seen.
        """
        self.playback, self.placed, self.at_end = playback, placed, at_end

    def take_all(self, playback: Playback) -> None:
        """All of it, which stands at its end; where the beginning was played it goes on there."""
        part, self.playback = self.playback, playback
        if part is not None and self.placed:
            playback.stand_like(part)
        self.reading, self.placed, self.at_end = False, True, True

    def take_no_more(self) -> None:
        """The rest cannot be read."""
        self.reading = False
        self._waiting.clear()

    # -- what waits for all of it --------------------------------------------------------------

    def when_whole(self, words: str, act: Callable[[], None]) -> None:
        """Do something that needs all of the conversation, named by ``words``; at once where that is there."""
        if self.reading:
            self._waiting.append((words, act))
            self._state_changed()
        elif self.placed:
            act()

    @property
    def waits_for(self) -> str:
        """What was asked for last and waits until all of the conversation is there."""
        return self._waiting[-1][0] if self._waiting else ""

    def catch_up(self) -> None:
        """Do what waited."""
        waiting, self._waiting = self._waiting, []
        for _words, act in waiting:
            act()

    # -- by the clock --------------------------------------------------------------------------

    @property
    def playing(self) -> bool:
        """Whether time passes."""
        return self._playing is not None

    def toggle(self) -> None:
        """Play or pause; at the end, from the beginning."""
        if self._playing is not None:
            self.pause()
        elif self.playback is not None and not self.placed:
            self.when_whole("play it", self.toggle)
        elif self.playback is not None and self.playback.length:
            self._follow()
            if self.playback.at_end and not self.reading:
                self._moved(self.playback.move_to(0))
            self._playing = self._run(self._play())
        self._state_changed()

    def pause(self) -> None:
        """Stand still."""
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None

    async def _play(self) -> None:
        last = self._clock()
        while self.playback is not None and (self.reading or not self.playback.at_end):
            await asyncio.sleep(FRAME_SECONDS)
            now = self._clock()
            self._moved(self.playback.advance(math.inf if math.isinf(self.speed) else (now - last) * self.speed))
            last = now
        self._playing = None
        self._state_changed()

    def change_speed(self, by: int) -> None:
        """The next speed, or the one before."""
        beyond = [speed for speed in SPEEDS if (speed > self.speed if by > 0 else speed < self.speed)]
        if beyond:
            self.speed = min(beyond) if by > 0 else max(beyond)
        self._state_changed()

    # -- by hand -------------------------------------------------------------------------------

    def go(self, position: int) -> None:
        """To a position of what is there."""
        self.pause()
        if self.playback is not None:
            self._follow()
            self._moved(self.playback.move_to(position))

    def step(self, by: int) -> None:
        """By event."""
        self.pause()
        if (playback := self.playback) is None:
            return
        if self._has(playback, playback.position + by):
            self._follow()
            self._moved(playback.step(by))
        else:
            self.when_whole("an event on" if by > 0 else "an event back", lambda: self.step(by))

    def turn(self, by: int) -> None:
        """By turn."""
        self.pause()
        if (playback := self.playback) is None:
            return
        stop = playback.turn_stop(by)
        if self.placed and not (self.reading and stop == playback.length):
            self.go(stop)
        else:
            self.when_whole("a turn on" if by > 0 else "a turn back", lambda: self.turn(by))

    def start(self) -> None:
        """Before everything."""
        self.pause()
        if self.placed:
            self.go(0)
        else:
            self.when_whole("the beginning", self.start)

    def end(self) -> None:
        """After everything."""
        self.pause()
        if not self.placed and self.at_end:
            self._follow()
        elif self.reading:
            self.when_whole("the end", self.end)
        elif self.playback is not None:
            self.go(self.playback.length)

    def _has(self, playback: Playback, position: int) -> bool:
        """Whether that can be gone to with what is there."""
        return self.placed and not (self.reading and position > playback.length)
