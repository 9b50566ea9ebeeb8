"""Where a replay stands: gone to by hand, or moved by the clock.

Of a long conversation only a part is there at first.  Its beginning and its end can be gone through; of a part from
its middle there is only what it shows.  What needs all of it waits until all of it is there, and what is asked for
after that waits too, so that everything is done in its order.
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
        """Whether positions are those of the whole conversation; a part that is not its beginning has others."""
        self.at_end = True
        """Whether nothing comes after what is there of a part that is not placed."""
        self._waiting: list[tuple[str, Callable[[], None]]] = []
        self._playing: Worker[None] | None = None

    # -- what is there -------------------------------------------------------------------------

    def take_part(self, playback: Playback, *, placed: bool, at_end: bool) -> None:
        """What can be seen until all of it is there; ``placed``: it is gone through from the beginning.

        ``at_end``: it is the end that is seen.
        """
        self.playback, self.placed, self.at_end = playback, placed, at_end

    def take_all(self, playback: Playback) -> None:
        """All of it, which stands at its end; where the beginning or the end was gone through it goes on there."""
        part, self.playback = self.playback, playback
        if part is not None and (self.placed or not part.at_end):
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

    def _waits(self, words: str, act: Callable[[], None], position: int) -> bool:
        """Whether going to a position has to wait, for more or for what was asked for before; ``act`` follows then."""
        if self._has(position) and not self._waiting:
            return False
        self.when_whole(words, act)
        return True

    def _has(self, position: int) -> bool:
        """Whether that can be gone to with what is there."""
        playback = self.playback
        if playback is None:
            return False
        if self.placed:
            return not (self.reading and position > playback.length)
        stops = playback.film.stops
        return self.at_end and position >= (stops[0] if stops else playback.length)

    @property
    def _through(self) -> bool:
        """Whether the end of the conversation is reached."""
        return self.playback is not None and self.playback.at_end and not (self.reading and self.placed)

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
        playback = self.playback
        if self._playing is not None:
            self.pause()
        elif playback is not None and playback.length:
            begin = 0 if self._through else playback.position
            if self._waits("play it", self.toggle, begin):
                return
            self._follow()
            if begin != playback.position:
                self._moved(playback.move_to(begin))
            self._playing = self._run(self._play())
        self._state_changed()

    def pause(self) -> None:
        """Stand still."""
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None

    async def _play(self) -> None:
        last = self._clock()
        while self.playback is not None and not self._through:
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
        playback, words = self.playback, "an event on" if by > 0 else "an event back"
        if playback is not None and not self._waits(words, lambda: self.step(by), playback.position + by):
            self._follow()
            self._moved(playback.step(by))

    def turn(self, by: int) -> None:
        """By turn."""
        self.pause()
        if (playback := self.playback) is None:
            return
        stop, words = playback.turn_stop(by), "a turn on" if by > 0 else "a turn back"
        more = self.reading and self.placed and stop == playback.length
        if not self._waits(words, lambda: self.turn(by), stop + more):
            self.go(stop)

    def start(self) -> None:
        """Before everything."""
        self.pause()
        if not self._waits("the beginning", self.start, 0):
            self.go(0)

    def end(self) -> None:
        """After everything."""
        self.pause()
        if (playback := self.playback) is None:
            return
        more = self.reading and self.placed
        if not self._waits("the end", self.end, playback.length + more):
            self.go(playback.length)
