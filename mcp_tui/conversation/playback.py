"""A stored conversation as a film: every position between its events, forward and back, and when the next one comes.

Forward, a view is given the changes that `Transcript` made when the event came; back, the same changes taken
back.  The items keep their identity, so that a view cannot tell a replay from the conversation itself.  Every
position equals a fold of the events before it, and a step costs what its event did, however long the conversation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from mcp_tui.conversation.items import AssistantItem, Change, Item
from mcp_tui.conversation.pace import unpaced
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.events import turns

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_tui.events.base import EventBase

LONGEST_PAUSE = 2.0
"""Seconds that the longest recorded pause takes at 1x."""

TYPING = 400.0
"""Characters a second at which text appears at 1x, where only the whole of it was recorded."""

LONGEST_TYPING = 2.0
"""Seconds that the longest of these texts takes at 1x."""

SPEEDS = (1.0, 2.0, 4.0, math.inf)
"""Times the recorded speed; the last is at once."""

FAR = 400
"""Events beyond which a move is no sum of steps."""

State = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """One change of one item, with what it takes to make it again and to take it back."""

    kind: Literal["added", "updated", "appended", "removed"]
    number: int
    """Of the item, in the order of appearance."""
    before: State
    after: State
    place: int = 0
    """Where the item was before it was removed."""
    appended: str = ""
    reasoning: str = ""


@dataclass(slots=True)
class _Beat:
    """What is left until the next event: a pause, then text that is typed out."""

    pause: float
    item: AssistantItem | None = None
    text: str = ""
    reasoning: str = ""
    rate: float = TYPING
    typed: float = 0.0
    """Characters that are due."""
    shown: int = 0
    """Characters that were shown, of the reasoning first."""


class Playback:
    """The positions 0 (nothing happened) to ``length`` (everything did) of a conversation."""

    def __init__(self, events: Iterable[EventBase], pace: Callable[[], None] = unpaced) -> None:
        """``pace`` is called between two events: see `mcp_tui.conversation.pace.beside`."""
        self.events: Sequence[EventBase] = tuple(events)
        self.items: list[Item] = []
        """The conversation at the position.  Items are changed in place."""
        self.position = 0
        self._steps: list[tuple[_Step, ...]] = []
        self._known: list[Item] = []
        self._live: list[Item | None] = []
        """The items that views are given, by number; their twins in `_known` stand at the end."""
        self._states: list[State] = []
        self._numbers: dict[int, int] = {}
        """Identity of an item in `_live` -> its number."""
        self._beat: _Beat | None = None
        self._record(pace)
        self._stops, self._turns = _turns(self.events)

    @classmethod
    def at_the_end(cls, pace: Callable[[], None], events: Iterable[EventBase]) -> Playback:
        """One that stands where everything has happened."""
        playback = cls(events, pace)
        playback.move_to(playback.length)
        return playback

    # -- where it stands -----------------------------------------------------------------------

    @property
    def length(self) -> int:
        """How many events there are."""
        return len(self.events)

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
        return self._turns[self.position]

    @property
    def turn_count(self) -> int:
        """How many turns there are."""
        return self._turns[-1]

    def item_of(self, event_id: str) -> str | None:
        """Key of the item that an event belongs to: that it changed, else what was added next to it."""
        index = next((i for i, event in enumerate(self.events) if event.id == event_id), None)
        if index is None:
            return None
        for place in (*range(index, self.length), *range(index - 1, -1, -1)):
            for step in self._steps[place]:
                key: str = self._known[step.number].key
                if key in self._kept:
                    return key
        return None

    def last_event_of(self, key: str) -> EventBase | None:
        """The event after which the item with this key was as it is at the end."""
        for place in range(self.length - 1, -1, -1):
            if any(self._known[step.number].key == key for step in self._steps[place]):
                return self.events[place]
        return None

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
        if by > 0:
            return next((stop for stop in self._stops if stop > self.position), self.length)
        return next((stop for stop in reversed(self._stops) if stop < self.position), 0)

    def advance(self, seconds: float) -> list[Change] | None:
        """Let so much time of the recording pass; what happened meanwhile.

        Pauses are never longer than `LONGEST_PAUSE`.  Text of which only the whole was recorded is typed out.
        """
        if math.isinf(seconds):
            return self.move_to(self.length)
        changes: list[Change] | None = []
        while not self.at_end:
            beat = self._beat = self._beat or self._next_beat()
            if beat.pause > seconds:
                beat.pause -= seconds
                break
            seconds, beat.pause = seconds - beat.pause, 0.0
            left = len(beat.reasoning) + len(beat.text)
            needed = (left - beat.typed) / beat.rate
            if needed > seconds:
                beat.typed += seconds * beat.rate
                return _joined(changes, self._type(beat))
            seconds = max(0.0, seconds - needed)
            self._beat = None
            changes = _joined(changes, self._forward())
        return changes

    # -- recording -----------------------------------------------------------------------------

    def _record(self, pace: Callable[[], None]) -> None:
        """Fold all events once, keeping what each of them changed."""
        transcript = Transcript()
        numbers: dict[int, int] = {}
        order: list[int] = []
        states: list[State] = []
        for event in self.events:
            pace()
            steps = []
            for change in transcript.apply(event):
                number = numbers.setdefault(id(change.item), len(self._known))
                if number == len(self._known):
                    self._known.append(change.item)
                    states.append(())
                place = len(order)
                if change.kind == "added":
                    order.append(number)
                elif change.kind == "removed":
                    place = len(order) - 1 - order[::-1].index(number)
                    del order[place]
                after = _state(change.item)
                steps.append(
                    _Step(change.kind, number, states[number], after, place, change.appended, change.reasoning)
                )
                states[number] = after
            self._steps.append(tuple(steps))
        self.title, self.demo = transcript.title, transcript.demo
        self._kept = {self._known[number].key for number in order}
        self._live = [None] * len(self._known)
        self._states = [()] * len(self._known)

    # -- one event -----------------------------------------------------------------------------

    def _forward(self) -> list[Change] | None:
        """The next event happens."""
        changes: list[Change] | None = []
        for step in self._steps[self.position]:
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
        for step in reversed(self._steps[self.position]):
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

    def _jump(self, position: int) -> None:
        """Many events at once: each item is given only the state that it ends with."""
        states: dict[int, State] = {}
        order = [self._numbers[id(item)] for item in self.items]
        for place in range(self.position, position):
            for step in self._steps[place]:
                states[step.number] = step.after
                if step.kind == "added":
                    order.append(step.number)
                elif step.kind == "removed":
                    del order[step.place]
        for place in range(self.position - 1, position - 1, -1):
            for step in reversed(self._steps[place]):
                if step.kind == "added":
                    del order[step.place]
                    states.pop(step.number, None)
                else:
                    states[step.number] = step.before
                    if step.kind == "removed":
                        order.insert(step.place, step.number)
        for number, state in states.items():
            self._put(number, state)
        self.items[:] = [item for number in order if (item := self._live[number]) is not None]
        self.position = position

    def _put(self, number: int, state: State) -> Item:
        """Give an item this state."""
        item = self._live[number]
        if item is None:
            item = self._live[number] = object.__new__(type(self._known[number]))
            self._numbers[id(item)] = number
        self._states[number] = state
        _restore(item, state)
        return item

    # -- text that is typed out ----------------------------------------------------------------

    def _next_beat(self) -> _Beat:
        """What comes before the next event."""
        event = self.events[self.position]
        pause = (event.at - self.events[self.position - 1].at).total_seconds() if self.position else 0.0
        beat = _Beat(min(max(0.0, pause), LONGEST_PAUSE))
        if isinstance(event, turns.AssistantMessage | turns.MessageFragment):
            self._find_text(event, beat)
        return beat

    def _find_text(self, event: turns.AssistantMessage | turns.MessageFragment, beat: _Beat) -> None:
        step = next((step for step in self._steps[self.position] if step.kind in ("updated", "appended")), None)
        item = self._live[step.number] if step is not None else None
        if step is None or not isinstance(item, AssistantItem) or not item.streaming:
            return
        whole = isinstance(event, turns.AssistantMessage)
        first = event.first_token_seconds if isinstance(event, turns.AssistantMessage) else None
        beat.text = _rest(event.text, item.text if whole else "")
        beat.reasoning = _rest(event.reasoning, item.reasoning if whole else "")
        if left := len(beat.text) + len(beat.reasoning):
            beat.item, beat.rate = item, max(TYPING, left / LONGEST_TYPING)
            typing = left / beat.rate
            beat.pause = min(LONGEST_PAUSE, first) if first is not None else max(0.0, beat.pause - typing)

    def _type(self, beat: _Beat) -> list[Change]:
        """Show the characters that are due."""
        item, due = beat.item, int(beat.typed)
        if item is None or due <= beat.shown:
            return []
        split = len(beat.reasoning)
        reasoning = beat.reasoning[beat.shown : due]
        text = beat.text[max(0, beat.shown - split) : max(0, due - split)]
        beat.shown = due
        if reasoning:
            item.reasoning_pieces.append(reasoning)
        if text:
            item.pieces.append(text)
        return [Change("appended", item, text, reasoning)]

    def _unwind(self) -> list[Change]:
        """Take back what was typed of the next event."""
        beat, self._beat = self._beat, None
        if beat is None or beat.item is None or not beat.shown:
            return []
        number = self._numbers[id(beat.item)]
        return [Change("updated", self._put(number, self._states[number]))]


def _turns(events: Sequence[EventBase]) -> tuple[list[int], list[int]]:
    """The stops of the turns, and for each position how many have begun."""
    stops, begun = [], [0]
    for index, event in enumerate(events):
        starts = isinstance(event, turns.TurnStarted)
        begun.append(begun[-1] + starts)
        if starts:
            said = index + 1 < len(events) and isinstance(events[index + 1], turns.UserMessage)
            stops.append(index + 1 + said)
    return stops, begun


def _joined(changes: list[Change] | None, more: list[Change] | None) -> list[Change] | None:
    if changes is None or more is None:
        return None
    changes.extend(more)
    return changes


def _rest(whole: str, shown: str) -> str:
    """What of a text is not on the screen yet; nothing where the screen shows another text."""
    return whole[len(shown) :] if whole.startswith(shown) else ""


_NAMES: dict[type[Item], tuple[str, ...]] = {}


def _names(kind: type[Item]) -> tuple[str, ...]:
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(each.name for each in fields(kind))
    return names


def _state(item: Item) -> State:
    """All fields of an item; its lists are copied."""
    values = (getattr(item, name) for name in _names(type(item)))
    return tuple(value[:] if type(value) is list else value for value in values)


def _restore(item: Item, state: State) -> None:
    for name, value in zip(_names(type(item)), state, strict=True):
        setattr(item, name, value[:] if type(value) is list else value)
