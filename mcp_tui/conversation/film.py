"""A stored conversation folded once, with all that each event did kept: what a `Playback` goes through.

Forward, a view is given the changes that `Transcript` made when the event came; back, the same changes taken back.
Every position equals a fold of the events before it.  Positions are 0 (nothing happened) to the number of events.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from mcp_tui.conversation.items import Item
from mcp_tui.conversation.pace import unpaced
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.events import turns

if TYPE_CHECKING:
    from mcp_tui.events.base import EventBase

State = tuple[Any, ...]
"""All fields of an item."""


@dataclass(frozen=True, slots=True)
class Step:
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


class Film:
    """What each event of a conversation did to its items.  Nothing here changes any more once it is made."""

    def __init__(
        self, events: Iterable[EventBase], pace: Callable[[], None] = unpaced, *, numbered: bool = True
    ) -> None:
        """``pace`` is called between two events: see `mcp_tui.conversation.pace.beside`.

        ``numbered``: whether the items have numbers; nobody knows those of a piece.
        """
        self.events: Sequence[EventBase] = tuple(events)
        self.steps: list[tuple[Step, ...]] = []
        """By event."""
        self.items: list[Item] = []
        """Every item that ever was, by number, as it was at last."""
        self.stops: list[int] = []
        """The position of each turn: just after what the person said in it."""
        self.turns_begun = [0]
        """By position."""
        self._added: list[int] = []
        """By number of an item: the first position at which it is there."""
        self._removed: dict[int, int] = {}
        """The first position at which an item is gone."""
        self._changed: list[list[int]] = []
        """By number of an item: the events that changed it."""
        self._last: list[State] = []
        """By number of an item: how it was at last."""
        self._numbers: dict[str, int] = {}
        """Key of an item -> its number; the last one's, where a key came again."""
        self._places: dict[str, int] = {}
        """Id of an event -> which one it is."""
        self._record(pace, numbered)

    # -- events --------------------------------------------------------------------------------

    def place_of(self, event_id: str) -> int | None:
        """Which event that is, from 0."""
        return self._places.get(event_id)

    def item_of(self, event_id: str) -> str | None:
        """Key of the item that an event belongs to: that it changed, else what was added next to it."""
        index = self.place_of(event_id)
        if index is None:
            return None
        for place in (*range(index, len(self.events)), *range(index - 1, -1, -1)):
            for step in self.steps[place]:
                key: str = self.items[step.number].key
                if self._numbers[key] not in self._removed:
                    return key
        return None

    def last_event_of(self, key: str) -> EventBase | None:
        """The event after which the item with this key was as it is at the end."""
        number = self._numbers.get(key)
        return self.events[self._changed[number][-1]] if number is not None else None

    # -- items ---------------------------------------------------------------------------------

    def order_at(self, position: int) -> list[int]:
        """Numbers of the items that are there, as they stand.  An item is added behind all others, once."""
        removed, never = self._removed, len(self.events) + 1
        return [n for n in range(bisect_right(self._added, position)) if removed.get(n, never) > position]

    def state_at(self, number: int, position: int) -> State:
        """The state of an item that is there."""
        changed = self._changed[number]
        if changed[-1] < position:
            return self._last[number]
        place = changed[bisect_left(changed, position) - 1]
        return next(step.after for step in reversed(self.steps[place]) if step.number == number)

    # -- making it -----------------------------------------------------------------------------

    def _record(self, pace: Callable[[], None], numbered: bool) -> None:
        transcript = Transcript()
        numbers: dict[int, int] = {}
        order: list[int] = []
        states = self._last
        for index, event in enumerate(self.events):
            pace()
            self._places.setdefault(event.id, index)
            self._note_turn(index, event)
            steps = []
            for change in transcript.apply(event):
                number = numbers.setdefault(id(change.item), len(self.items))
                if number == len(self.items):
                    if not numbered:
                        change.item.number = 0
                    self.items.append(change.item)
                    states.append(())
                    self._added.append(index + 1)
                    self._changed.append([])
                    self._numbers[change.item.key] = number
                place = len(order)
                if change.kind == "added":
                    order.append(number)
                elif change.kind == "removed":
                    place = bisect_left(order, number)
                    del order[place]
                    self._removed[number] = index + 1
                after = state_of(change.item)
                steps.append(Step(change.kind, number, states[number], after, place, change.appended, change.reasoning))
                states[number] = after
                if not (changed := self._changed[number]) or changed[-1] != index:
                    changed.append(index)
            self.steps.append(tuple(steps))
        self.title, self.demo = transcript.title, transcript.demo

    def _note_turn(self, index: int, event: EventBase) -> None:
        starts = isinstance(event, turns.TurnStarted)
        self.turns_begun.append(self.turns_begun[-1] + starts)
        if starts:
            said = index + 1 < len(self.events) and isinstance(self.events[index + 1], turns.UserMessage)
            self.stops.append(index + 1 + said)


_NAMES: dict[type[Item], tuple[str, ...]] = {}


def _names(kind: type[Item]) -> tuple[str, ...]:
    names = _NAMES.get(kind)
    if names is None:
        names = _NAMES[kind] = tuple(each.name for each in fields(kind))
    return names


def state_of(item: Item) -> State:
    """All fields of an item; its lists are copied."""
    values = (getattr(item, name) for name in _names(type(item)))
    return tuple(value[:] if type(value) is list else value for value in values)


def restore(item: Item, state: State) -> None:
    """Give an item this state."""
    for name, value in zip(_names(type(item)), state, strict=True):
        setattr(item, name, value[:] if type(value) is list else value)
