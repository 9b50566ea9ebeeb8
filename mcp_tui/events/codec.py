"""Events to JSON objects and back.

A kind that this release does not know becomes an `UnknownEvent`: shown and kept, never
dropped (law 4).  The checksum and the line format belong to ``history``.
"""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import ConfigDict, ValidationError

from mcp_tui.events import servers, tools, turns
from mcp_tui.events.base import Durability, EventBase


class UnknownEvent(EventBase):
    """An event of a newer release, or a known one whose fields do not fit; all its fields are kept."""

    model_config = ConfigDict(frozen=True, extra="allow")
    durability: ClassVar[Durability] = "flush"


STORED: tuple[type[EventBase], ...] = (
    turns.ConversationCreated,
    turns.ConversationTitled,
    turns.ConversationTagged,
    turns.ModelSelected,
    turns.TurnStarted,
    turns.UserMessage,
    turns.ModelRequestStarted,
    turns.MessageFragment,
    turns.AssistantMessage,
    turns.ContextTrimmed,
    turns.QuestionAsked,
    turns.QuestionAnswered,
    turns.TurnFinished,
    tools.ToolsOffered,
    tools.ToolCallProposed,
    tools.ApprovalRequested,
    tools.ApprovalDecided,
    tools.ToolCallStarted,
    tools.ToolCallFinished,
    tools.ToolResultExtended,
    tools.ToolCallCompared,
)
"""Kinds that the log keeps."""

PASSING: tuple[type[EventBase], ...] = (
    turns.TextDelta,
    turns.ReasoningDelta,
    turns.ToolCallDelta,
    turns.RetryScheduled,
    turns.QueueChanged,
    turns.InputReturned,
    turns.ConversationOpened,
    turns.Notice,
    tools.ToolCallProgress,
    servers.ServerStateChanged,
    servers.ServerCatalogChanged,
    servers.ServerLogged,
)
"""Kinds that are only published."""

BY_TYPE: dict[str, type[EventBase]] = {kind.model_fields["type"].default: kind for kind in (*STORED, *PASSING)}


def to_object(event: EventBase) -> dict[str, Any]:
    """The event as JSON-ready values, under MCP's names where MCP names them."""
    return event.model_dump(mode="json", by_alias=True)


def from_object(value: dict[str, Any]) -> EventBase:
    """The event in ``value``; an `UnknownEvent` where the kind or its fields are not ours.

    Raises `ValueError` when even the fields that all events share are missing or wrong.
    """
    kind = BY_TYPE.get(str(value.get("type")))
    if kind is not None:
        try:
            return kind.model_validate(value)
        except ValidationError:
            pass
    return UnknownEvent.model_validate(value)
