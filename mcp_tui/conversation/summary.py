"""One line of a list of conversations; plain, so that the screen can use it early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_tui.events.turns import Origin


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
