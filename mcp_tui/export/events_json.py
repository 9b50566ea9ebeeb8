"""JSON: the events exactly, in one document that `mcp-tui history import` reads again without loss.

    {"format": "mcp-tui-conversation", "version": 1, "schema_version": 1, "app_version": "...",
     "masked_results": 0, "conversation": {"id": ..., "title": ..., ...}, "events": [{...}, ...]}

One event per line, in ASCII, large values in their place: nothing lies beside the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

from mcp_tui import __version__
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.events.base import SCHEMA_VERSION, EventBase
from mcp_tui.events.codec import to_object

FORMAT = "mcp-tui-conversation"
VERSION = 1


def export_json(
    events: Sequence[EventBase], summary: ConversationSummary, *, masked: int = 0, missing: str = ""
) -> Iterator[str]:
    """The events as one JSON document; see `mcp_tui.export.base.Exporter`."""
    head = {
        "format": FORMAT,
        "version": VERSION,
        "schema_version": SCHEMA_VERSION,
        "app_version": __version__,
        "masked_results": masked,
        **({"missing": missing} if missing else {}),
        "conversation": conversation_data(summary),
    }
    yield f'{_dumps(head, indent=2)[:-2]},\n  "events": ['
    separator = "\n"
    for event in events:
        yield f"{separator}    {_dumps(to_object(event))}"
        separator = ",\n"
    yield "\n  ]\n}\n"


def conversation_data(summary: ConversationSummary) -> dict[str, Any]:
    """What a reader of the document wants to know before the events."""
    origin = summary.origin
    return {
        "id": summary.id,
        "title": summary.title,
        "created": summary.created_at.isoformat(),
        "updated": summary.updated_at.isoformat(),
        "messages": summary.messages,
        "tool_calls": summary.tool_calls,
        "models": list(summary.models),
        "cost": summary.cost,
        "servers": list(summary.servers),
        "tags": list(summary.tags),
        "demo": summary.demo,
        "origin": origin.model_dump(mode="json") if origin is not None else None,
    }


def _dumps(value: Any, indent: int | None = None) -> str:
    """ASCII JSON; numbers that JSON cannot carry become strings, as they do in the conversation's own file."""
    try:
        return json.dumps(value, allow_nan=False, indent=indent)
    except ValueError:
        return json.dumps(_carryable(value), allow_nan=False, indent=indent)


def _carryable(value: Any) -> Any:
    match value:
        case dict():
            return {key: _carryable(item) for key, item in value.items()}
        case list() | tuple():
            return [_carryable(item) for item in value]
        case float() if not math.isfinite(value):
            return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    return value
