"""Tool results as the model is given them (requirement A8: the log keeps both).

What a person would not see in them is left out: a result must not tell the model anything behind the person's back.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, assert_never

from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.content import (
    AudioContent,
    Content,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    UnknownContent,
)
from mcp_tui.events.tools import ArgumentProblem
from mcp_tui.host.base import CallResult
from mcp_tui.safety.text import for_model

CHARACTERS_PER_TOKEN = 20
"""More than ordinary text has: what is longer than this many per allowed token is cut before it is counted."""

SHORTEST = 200
"""Characters that are kept of a result however small the limit is."""


def result_text(result: CallResult) -> str:
    """The text of a call that ran: its parts in order, structured content where no text repeats it, its error."""
    parts = [part for content in result.content if (part := content_text(content))]
    if result.structured_content is not None and not any(isinstance(c, TextContent) for c in result.content):
        parts.append(_json(result.structured_content))
    if result.error is not None:
        parts.insert(0, f"{result.outcome}: {result.error.message}")
    return for_model("\n".join(parts)) or "(the tool returned nothing)"


def content_text(content: Content) -> str:
    """One part in words; what is no text becomes a placeholder with its type and size."""
    match content:
        case TextContent():
            return content.text
        case ImageContent() | AudioContent():
            return f"[{content.type} {content.mime_type}, {_size(content.data)}]"
        case ResourceLink():
            return f"[resource {content.name}: {content.uri}]"
        case EmbeddedResource():
            if content.text is not None:
                return f"[resource {content.uri}]\n{content.text}"
            return f"[resource {content.uri}, {content.mime_type or 'unknown type'}, {_size(content.blob or '')}]"
        case UnknownContent():
            return f"[content of an unknown kind: {content.kind}]"
        case _:
            assert_never(content)


def problems_text(problems: Sequence[ArgumentProblem]) -> str:
    """Argument problems as the model gets them to correct (requirement D7)."""
    return for_model(_json({"validation_errors": [problem.model_dump() for problem in problems]}))


def without_hidden(schema: Any) -> Any:
    """A schema for the model without what hides in its names and texts; the same object where nothing does."""
    if isinstance(schema, str):
        shown = for_model(schema)
        return schema if shown == schema else shown
    if isinstance(schema, dict):
        values = {for_model(key): without_hidden(value) for key, value in schema.items()}
        return schema if all(values.get(key) is value for key, value in schema.items()) else values
    if isinstance(schema, list | tuple):
        items = [without_hidden(item) for item in schema]
        return schema if all(a is b for a, b in zip(items, schema, strict=True)) else items
    return schema


def denied_text(by: str, message: str) -> str:
    """A structured refusal."""
    return _json({"denied": True, "by": by, "message": message or "The call was not allowed. Do not repeat it."})


def error_text(error: ErrorInfo) -> str:
    """A failure before the call was sent."""
    return for_model(_json({"error": {"kind": error.kind, "message": error.message}}))


async def clip(text: str, limit: int, count: Callable[[str], Awaitable[int]]) -> tuple[str, int, bool]:
    """``text`` cut to at most ``limit`` tokens, head and tail kept; its tokens then, and whether it was cut.

    What is far too long is not counted as a whole.
    """
    most = limit * CHARACTERS_PER_TOKEN
    keep = min(len(text), most)
    shown = _cut(text, keep)
    while (tokens := await count(shown)) > limit and keep > SHORTEST:
        keep = max(SHORTEST, min(keep * 9 // 10, int(keep * limit / tokens * 0.95)))
        shown = _cut(text, keep)
    return shown, tokens, keep < len(text)


def _cut(text: str, keep: int) -> str:
    if keep >= len(text):
        return text
    head = keep * 3 // 4
    note = f"\n[... {len(text) - keep} of {len(text)} characters left out ...]\n"
    return text[:head] + note + text[len(text) - (keep - head) :]


def _size(base64_data: str) -> str:
    size = len(base64_data) * 3 // 4
    return f"{size} bytes" if size < 10_000 else f"{size // 1000} kB"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)
