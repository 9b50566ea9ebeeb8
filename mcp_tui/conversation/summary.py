"""One line of a list of conversations; plain, so that the screen can use it early."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_tui.events.turns import Origin


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much was said and called, and what it cost."""

    messages: int = 0
    tool_calls: int = 0
    cost: float | None = None
    """US dollars that are known; ``None`` where nothing could be priced."""


NOTHING = Amounts()


@dataclass(frozen=True, slots=True)
class ConversationSummary:
    """What a list shows of a conversation."""

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    events: int
    """Stored events."""
    user_messages: int
    tool_calls: int
    model: str
    """The last one selected, in LiteLLM's notation."""
    demo: bool
    size: int
    """Bytes of its files."""
    messages: int = 0
    """What the person and the models said, in messages."""
    models: tuple[str, ...] = ()
    """All that answered or were selected, in LiteLLM's notation, first used first."""
    cost: float | None = None
    """US dollars that are known; ``None`` where nothing could be priced."""
    servers: tuple[str, ...] = ()
    """Servers whose tools were called, by name."""
    tags: tuple[str, ...] = ()
    origin: Origin | None = None
    """Where it comes from: a fork names its origin."""
    newer_schema: bool = False
    """A newer release wrote it: it can be read, not changed."""
    copied: Amounts = NOTHING
    """What of this came with it from elsewhere, as a fork begins with a copy of its original."""

    @property
    def own(self) -> Amounts:
        """What was said, called and spent in this conversation itself."""
        cost = self.cost
        if cost is not None and self.copied.cost is not None:
            cost = max(0.0, round(cost - self.copied.cost, 10))
        return Amounts(self.messages - self.copied.messages, self.tool_calls - self.copied.tool_calls, cost)


def together(stored: Iterable[ConversationSummary]) -> Amounts:
    """What conversations amount to, each message, call and cent once.

    What one began with counts in the conversation that it was copied from; where that is not among them, once,
    however many were copied from it: copies are beginnings of the same log, so the longest holds them all.
    """
    each = list(stored)
    here = {summary.id for summary in each}
    counted: list[ConversationSummary | Amounts] = [s.own if s.copied is not NOTHING else s for s in each]
    beginnings: dict[str, Amounts] = {}
    for summary in each:
        source = summary.origin.conversation_id if summary.origin is not None else ""
        if summary.copied is not NOTHING and (source not in here or source == summary.id):
            key = source or summary.id
            counts = summary.copied.messages, summary.copied.tool_calls, summary.copied.cost or 0.0
            known = beginnings.get(key)
            if known is None or counts > (known.messages, known.tool_calls, known.cost or 0.0):
                beginnings[key] = summary.copied
    counted += beginnings.values()
    costs = [amounts.cost for amounts in counted if amounts.cost is not None]
    return Amounts(
        sum(amounts.messages for amounts in counted),
        sum(amounts.tool_calls for amounts in counted),
        round(math.fsum(costs), 10) if costs else None,
    )
