"""One line of a list of conversations; plain, so that the screen can use it early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


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
    """Bytes of the file."""
