"""The time between two events of a conversation that is played: a pause, then text that is typed out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mcp_tui.conversation.items import AssistantItem, Change, Item
from mcp_tui.events import turns

if TYPE_CHECKING:
    from mcp_tui.events.base import EventBase

LONGEST_PAUSE = 2.0
"""Seconds that the longest recorded pause takes at 1x."""

TYPING = 400.0
"""Characters a second at which text appears at 1x, where only the whole of it was recorded."""

LONGEST_TYPING = 2.0
"""Seconds that the longest of these texts takes at 1x."""


@dataclass(slots=True)
class Beat:
    """What is left until the next event."""

    pause: float
    item: AssistantItem | None = None
    text: str = ""
    reasoning: str = ""
    rate: float = TYPING
    typed: float = 0.0
    """Characters that are due."""
    shown: int = 0
    """Characters that were shown, of the reasoning first."""

    def let_pass(self, seconds: float) -> float | None:
        """Let time go by; what is left of it when the event comes, ``None`` where it does not come yet."""
        if self.pause > seconds:
            self.pause -= seconds
            return None
        seconds, self.pause = seconds - self.pause, 0.0
        needed = (len(self.reasoning) + len(self.text) - self.typed) / self.rate
        if needed > seconds:
            self.typed += seconds * self.rate
            return None
        return max(0.0, seconds - needed)

    def type_out(self) -> list[Change]:
        """Show the characters that are due."""
        item, due = self.item, int(self.typed)
        if item is None or due <= self.shown:
            return []
        split = len(self.reasoning)
        reasoning = self.reasoning[self.shown : due]
        text = self.text[max(0, self.shown - split) : max(0, due - split)]
        self.shown = due
        if reasoning:
            item.reasoning_pieces.append(reasoning)
        if text:
            item.pieces.append(text)
        return [Change("appended", item, text, reasoning)]


def beat_before(event: EventBase, previous: EventBase | None, item: Item | None) -> Beat:
    """The time between two events; ``item`` is the one that the second one's text belongs to."""
    pause = (event.at - previous.at).total_seconds() if previous is not None else 0.0
    beat = Beat(min(max(0.0, pause), LONGEST_PAUSE))
    if not isinstance(event, turns.AssistantMessage | turns.MessageFragment):
        return beat
    if not isinstance(item, AssistantItem) or not item.streaming:
        return beat
    whole = isinstance(event, turns.AssistantMessage)
    first = event.first_token_seconds if isinstance(event, turns.AssistantMessage) else None
    beat.text = _rest(event.text, item.text if whole else "")
    beat.reasoning = _rest(event.reasoning, item.reasoning if whole else "")
    if left := len(beat.text) + len(beat.reasoning):
        beat.item, beat.rate = item, max(TYPING, left / LONGEST_TYPING)
        typing = left / beat.rate
        beat.pause = min(LONGEST_PAUSE, first) if first is not None else max(0.0, beat.pause - typing)
    return beat


def _rest(whole: str, shown: str) -> str:
    """What of a text is not on the screen yet; nothing where the screen shows another text."""
    return whole[len(shown) :] if whole.startswith(shown) else ""
