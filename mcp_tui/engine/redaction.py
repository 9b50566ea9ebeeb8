"""Events without secrets (law 5), whose own shape stays what it is.

Free text is masked, down to the keys of arguments and results.  Identifiers, names out of the configuration and
literal words are left: a dummy key such as ``ollama`` must not turn ``ollama/llama3`` or an event's type into stars,
since then nothing could be found again.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, get_origin

from mcp_tui.events.base import EventBase, Model
from mcp_tui.events.content import EmbeddedResource, ResourceLink, TextContent
from mcp_tui.events.tools import ToolCallFinished
from mcp_tui.safety.secrets import Redactor, holds_key

LARGE = 100_000
"""Characters."""

_STRUCTURE = frozenset(
    {
        "type", "id", "conversation_id", "turn_id", "message_id", "call_id", "approval_id", "request_id",
        "provider", "model", "server", "wire_name", "tool_digest", "arguments_digest", "digest", "mime_type",
        "app_version", "finish_reason", "signature", "kind",
    }
)  # fmt: skip
"""Fields of our own models that hold no free text; beside a ``server``, ``name`` is a tool's."""


def redacted(event: EventBase, redactor: Redactor) -> EventBase:
    """``event`` without any configured secret; the same object where it holds none.

    A result that holds what merely looks like a key is kept as it is and marked; it is masked where it is shown.
    """
    changes = _changes(event, redactor)
    if isinstance(event, ToolCallFinished) and not event.sensitive and _looks_sensitive(event):
        changes["sensitive"] = True
    return event.model_copy(update=changes) if changes else event


def is_large(event: EventBase) -> bool:
    """Whether looking through ``event`` takes so long that it is done in a thread."""
    return isinstance(event, ToolCallFinished) and sum(map(len, _texts(event))) > LARGE


def _looks_sensitive(event: ToolCallFinished) -> bool:
    return any(holds_key(text) for text in _texts(event)) or _key_in(event.structured_content)


def _texts(event: ToolCallFinished) -> Iterator[str]:
    """What a result says in words; the structured part is looked through on its own."""
    for part in event.content:
        match part:
            case TextContent():
                yield part.text
            case EmbeddedResource() if part.text is not None:
                yield part.text
            case ResourceLink():
                yield from (part.uri, part.name, part.title or "", part.description or "")
            case _:
                pass
    if event.error is not None:
        yield event.error.message


def _key_in(value: Any) -> bool:
    """Whether a JSON value holds what looks like a key, or gives one a telling name."""
    if isinstance(value, str):
        return holds_key(value)
    if isinstance(value, dict):
        pairs = (f"{key}={item}" if isinstance(item, str) else key for key, item in value.items())
        return any(map(holds_key, pairs)) or any(map(_key_in, value.values()))
    return isinstance(value, list | tuple) and any(map(_key_in, value))


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
