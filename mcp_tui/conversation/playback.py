"""A stored conversation played: every position between its events, forward and back, and when the next one comes.

What an event did is in the `Film`; here it is done to items that views are given.  They keep their identity, so that
a view cannot tell a replay from the conversation itself.  A step costs what its event did, however long the
conversation; a jump costs what differs between the two positions.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from mcp_tui.conversation.beats import Beat, beat_before
from mcp_tui.conversation.film import Film, State, restore
from mcp_tui.conversation.items import Change, Item
from mcp_tui.conversation.pace import unpaced

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_tui.events.base import EventBase

FAR = 400
"""Events beyond which a move is no sum of steps."""


class Playback:
    """The positions 0 (nothing happened) to ``length`` (everything did) of a conversation."""

    def __init__(
        self, events: Iterable[EventBase], pace: Callable[[], None] = unpaced, *, numbered: bool = True
    ) -> None:
        """``pace``, ``numbered``: see `Film`."""
        self.film = Film(events, pace, numbered=numbered)
        self.items: list[Item] = []
        """The conversation at the position.  Items are changed in place."""
        self.position = 0
        self._live: list[Item | None] = [None] * len(self.film.items)
        """The items that views are given, by number; the film has their twins as they are at the end."""
        self._states: list[State] = [()] * len(self.film.items)
        """What they were given last.  Those that are not there at the position keep it until they are again."""
        self._numbers: dict[int, int] = {}
        """Identity of an item in `_live` -> its number."""
        self._beat: Beat | None = None

    @classmethod
    def at_the_end(cls, pace: Callable[[], None], events: Iterable[EventBase], *, numbered: bool = True) -> Playback:
        """One that stands where everything has happened."""
        playback = cls(events, pace, numbered=numbered)
        playback._jump(playback.length, pace)
        return playback

    # -- where it stands -----------------------------------------------------------------------

    @property
    def events(self) -> Sequence[EventBase]:
        """All of them, in order."""
        return self.film.events

    @property
    def title(self) -> str:
        """Of the conversation, as it is at the end."""
        return self.film.title

    @property
    def demo(self) -> bool:
        """Whether it was one with the built-in model."""
        return self.film.demo

    @property
    def length(self) -> int:
        """How many events there are."""
        return len(self.film.events)

    @property
    def at_end(self) -> bool:
        """Whether everything has happened."""
        return self.position == self.length

    @property
    def event(self) -> EventBase | None:
        """The event that happened last; ``None`` at the beginning."""
        return self.events[self.position - 1] if self.position else None

    @property
    def at(self) -> datetime | None:
        """The time of the position: of its last event, or of the first one at the beginning."""
        return self.events[max(0, self.position - 1)].at if self.events else None

    @property
    def now(self) -> datetime | None:
        """The time in the conversation: it goes on during a pause that is played."""
        at = self.at
        if at is None or self._beat is None:
            return at
        following = self.events[self.position].at
        return max(at, following - timedelta(seconds=self._beat.pause))

    @property
    def turn(self) -> int:
        """How many turns have begun."""
        return self.film.turns_begun[self.position]

    @property
    def turn_count(self) -> int:
        """How many turns there are."""
        return self.film.turns_begun[-1]

    # -- moving --------------------------------------------------------------------------------

    def move_to(self, position: int) -> list[Change] | None:
        """Go there, and tell what changed on the way; ``None``: so much that a view had better start afresh."""
        changes: list[Change] | None = self._unwind()
        position = max(0, min(position, self.length))
        if abs(position - self.position) > FAR:
            self._jump(position)
            return None
        while self.position < position:
            changes = _joined(changes, self._forward())
        while self.position > position:
            changes = _joined(changes, self._back())
        return changes

    def step(self, by: int) -> list[Change] | None:
        """So many events on, or back."""
        if by < 0 and self._beat is not None and self._beat.shown:
            return self._unwind()
        return self.move_to(self.position + by)

    def turn_stop(self, by: int) -> int:
        """The position of the next turn (1) or the one before (-1): just after what the person said in it."""
        stops = self.film.stops
        if by > 0:
            return next((stop for stop in stops if stop > self.position), self.length)
        return next((stop for stop in reversed(stops) if stop < self.position), 0)

    def advance(self, seconds: float) -> list[Change] | None:
        """Let so much time of the recording pass; what happened meanwhile.

        Long pauses are cut.  Text of which only the whole was recorded is typed out (`mcp_tui.conversation.beats`).
        """
        if math.isinf(seconds):
            return self.move_to(self.length)
        changes: list[Change] | None = []
        while not self.at_end:
            beat = self._beat = self._beat or self._next_beat()
            left = beat.let_pass(seconds)
            if left is None:
                return _joined(changes, beat.type_out())
            seconds, self._beat = left, None
            changes = _joined(changes, self._forward())
        return changes

    def stand_like(self, other: Playback) -> None:
        """Go to where another one stands, in the middle of a text too; it has the beginning or the end of these events.

        Where its last event is not among these, stay.
        """
        place = self.film.place_of(other.event.id) if other.event is not None else -1
        if place is None:
            return
        self.move_to(place + 1)
        beat = other._beat
        if beat is not None and not self.at_end:
            self._beat = self._next_beat()
            self._beat.pause, self._beat.typed = beat.pause, beat.typed
            self._beat.type_out()

    # -- one event -----------------------------------------------------------------------------

    def _forward(self) -> list[Change] | None:
        """The next event happens."""
        changes: list[Change] | None = []
        for step in self.film.steps[self.position]:
            item = self._put(step.number, step.after)
            if step.kind == "added":
                self.items.append(item)
            elif step.kind == "removed":
                del self.items[step.place]
            changes = _joined(changes, [Change(step.kind, item, step.appended, step.reasoning)])
        self.position += 1
        return changes

    def _back(self) -> list[Change] | None:
        """The last event has not happened yet."""
        changes: list[Change] | None = []
        self.position -= 1
        for step in reversed(self.film.steps[self.position]):
            if step.kind == "added":
                item = self.items.pop(step.place)
                changes = _joined(changes, [Change("removed", item)])
                continue
            item = self._put(step.number, step.before)
            if step.kind != "removed":
                changes = _joined(changes, [Change("updated", item)])
                continue
            last = step.place == len(self.items)
            self.items.insert(step.place, item)
            changes = _joined(changes, [Change("added", item)] if last else None)
        return changes

    def _jump(self, position: int, pace: Callable[[], None] = unpaced) -> None:
        """Many events at once: each item that is there is given the state that it has there, unless it has it."""
        film = self.film
        items: list[Item] = []
        for number in film.order_at(position):
            pace()
            state, item = film.state_at(number, position), self._live[number]
            items.append(item if item is not None and self._states[number] is state else self._put(number, state))
        self.items[:] = items
        self.position = position

    def _put(self, number: int, state: State) -> Item:
        """Give an item this state."""
        item = self._live[number]
        if item is None:
            item = self._live[number] = object.__new__(type(self.film.items[number]))
            self._numbers[id(item)] = number
        self._states[number] = state
        restore(item, state)
        return item

    # -- text that is typed out ----------------------------------------------------------------

    def _next_beat(self) -> Beat:
        """What comes before the next event."""
        steps = self.film.steps[self.position]
        grows = next((step for step in steps if step.kind in ("updated", "appended")), None)
        return beat_before(
            self.events[self.position], self.event, self._live[grows.number] if grows is not None else None
        )

    def _unwind(self) -> list[Change]:
        """Take back what was typed of the next event."""
        beat, self._beat = self._beat, None
        if beat is None or beat.item is None or not beat.shown:
            return []
        number = self._numbers[id(beat.item)]
        return [Change("updated", self._put(number, self._states[number]))]


def _joined(changes: list[Change] | None, more: list[Change] | None) -> list[Change] | None:
    if changes is None or more is None:
        return None
    changes.extend(more)
    return changes
