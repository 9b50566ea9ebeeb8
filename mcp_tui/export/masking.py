"""Results that were flagged because they hold what looks like a key, without it.

The conversation's own file keeps them whole; a file that is given away does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_tui.events import tools
from mcp_tui.events.base import EventBase
from mcp_tui.events.codec import from_object, to_object
from mcp_tui.safety.secrets import mask_keys_in

_RESULT_FIELDS = ("content", "structured_content", "validation_errors", "error", "model_text", "wire", "differences")


def without_keys(events: Sequence[EventBase]) -> tuple[Sequence[EventBase], int]:
    """The events with flagged results masked, and how many calls that concerns."""
    flagged = {event.call_id for event in events if isinstance(event, tools.ToolCallFinished) and event.sensitive}
    if not flagged:
        return events, 0
    return [_masked(event) if _tells_result_of(event, flagged) else event for event in events], len(flagged)


def _tells_result_of(event: EventBase, calls: set[str]) -> bool:
    match event:
        case tools.ToolCallFinished() | tools.ToolResultExtended():
            return event.call_id in calls
        case tools.ToolCallCompared():
            return event.call_id in calls or event.recorded.call_id in calls
    return False


def _masked(event: EventBase) -> EventBase:
    value = to_object(event)
    return from_object({key: mask_keys_in(item) if key in _RESULT_FIELDS else item for key, item in value.items()})
