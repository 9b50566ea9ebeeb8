"""What both stores check before they take events."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_tui.events.base import EventBase
from mcp_tui.events.turns import ConversationCreated
from mcp_tui.history.names import check_id


def check_events(conversation_id: str, events: Sequence[EventBase]) -> None:
    """Raise `ValueError` for what a program must not store, `ConversationNotFound` for an impossible id."""
    check_id(conversation_id)
    for event in events:
        _refuse_passing(event)
        if event.conversation_id not in ("", conversation_id):
            raise ValueError(f"{event.type} belongs to conversation {event.conversation_id}, not to {conversation_id}")


def check_creation(conversation_id: str, events: Sequence[EventBase]) -> None:
    """Like `check_events` for a whole conversation; its events may have been another one's."""
    if not events or not isinstance(events[0], ConversationCreated):
        raise ValueError("a conversation begins with conversation_created")
    check_id(conversation_id)
    for event in events:
        _refuse_passing(event)


def _refuse_passing(event: EventBase) -> None:
    if event.durability == "passing":
        raise ValueError(f"{event.type} is a passing event: it is published, not stored")
