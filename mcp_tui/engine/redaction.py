"""Events without secrets (law 5), whose own shape stays what it is.

Free text is masked, down to the keys of arguments and results.  Identifiers, names out of the configuration and
literal words are left: a dummy key such as ``ollama`` must not turn ``ollama/llama3`` or an event's type into stars,
since then nothing could be found again.
"""

from __future__ import annotations

from typing import Any, Literal, get_origin

from mcp_tui.events.base import EventBase, Model
from mcp_tui.safety.secrets import Redactor

_STRUCTURE = frozenset(
    {
        "type", "id", "conversation_id", "turn_id", "message_id", "call_id", "approval_id", "request_id",
        "provider", "model", "server", "wire_name", "tool_digest", "arguments_digest", "digest", "mime_type",
        "app_version", "finish_reason", "signature", "kind",
    }
)  # fmt: skip
"""Fields of our own models that hold no free text; beside a ``server``, ``name`` is a tool's."""


def redacted(event: EventBase, redactor: Redactor) -> EventBase:
    """``event`` without any configured secret; the same object where it holds none."""
    changes = _changes(event, redactor)
    return event.model_copy(update=changes) if changes else event


def _changes(model: Model, redactor: Redactor) -> dict[str, Any]:
    """The fields that have to be masked."""
    if not redactor.active:
        return {}
    changes: dict[str, Any] = {}
    fields = type(model).model_fields
    kept = _STRUCTURE | {"name"} if "server" in fields else _STRUCTURE
    for name, field in fields.items():
        if name in kept or get_origin(field.annotation) is Literal:
            continue
        before = getattr(model, name)
        after = _masked(before, redactor)
        if after is not before:
            changes[name] = after
    return changes


def _masked(value: Any, redactor: Redactor) -> Any:
    if isinstance(value, Model):
        changes = _changes(value, redactor)
        return value.model_copy(update=changes) if changes else value
    if isinstance(value, tuple):
        after = tuple(_masked(item, redactor) for item in value)
        return value if all(a is b for a, b in zip(after, value, strict=True)) else after
    return redactor.mask_value(value)
