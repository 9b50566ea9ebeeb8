"""MCP's JSON <-> our values: the one place that knows both (requirement D4).

Results are read from the frame itself, not from the SDK's models, which refuse a whole result for one block of a
kind that they do not know.  Nothing here raises for what a server wrote.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

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

NEEDS = {
    "elicitation/create": "elicitation",
    "sampling/createMessage": "sampling",
    "roots/list": "roots",
}
"""Requests of a server that this program does not offer yet -> their name in the specification."""


def content_blocks(value: Any) -> tuple[Content, ...]:
    """The ``content`` of a result, complete and in order; what cannot be understood is kept as unknown."""
    if value is None:
        return ()
    if not isinstance(value, list):
        return (UnknownContent(kind="malformed content", raw={"content": value}),)
    return tuple(_block(item) for item in value)


def _block(item: Any) -> Content:
    if not isinstance(item, dict):
        return UnknownContent(kind="malformed content", raw={"block": item})
    kind = item.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        return UnknownContent(kind=kind if isinstance(kind, str) else "without a type", raw=item)
    try:
        return reader(item)
    except (ValidationError, KeyError, TypeError, AttributeError):
        return UnknownContent(kind=f"malformed {kind}", raw=item)


def _text(item: dict[str, Any]) -> Content:
    return TextContent(text=item["text"])


def _image(item: dict[str, Any]) -> Content:
    return ImageContent(data=item["data"], mime_type=item["mimeType"])


def _audio(item: dict[str, Any]) -> Content:
    return AudioContent(data=item["data"], mime_type=item["mimeType"])


def _link(item: dict[str, Any]) -> Content:
    return ResourceLink.model_validate({**item, "name": item.get("name", item["uri"])})


def _resource(item: dict[str, Any]) -> Content:
    inner = item["resource"]
    return EmbeddedResource(
        uri=inner["uri"], mime_type=inner.get("mimeType"), text=inner.get("text"), blob=inner.get("blob")
    )


_READERS: dict[str, Callable[[dict[str, Any]], Content]] = {
    "text": _text,
    "image": _image,
    "audio": _audio,
    "resource_link": _link,
    "resource": _resource,
}


def input_required(result: dict[str, Any]) -> ErrorInfo:
    """A 2026-07-28 server answered with a question instead of a result."""
    requests = result.get("inputRequests")
    methods = (
        [str(item.get("method")) for item in requests.values() if isinstance(item, dict)]
        if isinstance(requests, dict)
        else []
    )
    return not_offered(methods)


def not_offered(methods: list[str]) -> ErrorInfo:
    """The server needs something of the client that this program does not offer yet."""
    names = sorted({NEEDS.get(method, method) for method in methods}) or ["further input"]
    return ErrorInfo(
        kind="not_supported",
        message=f"The server asks for {' and '.join(names)}, which mcp-tui does not offer yet.",
        hint="Give all that the tool needs as arguments, or use another tool.",
    )


def error_of(error: dict[str, Any], mask: Callable[[str], str]) -> ErrorInfo:
    """A JSON-RPC error of the server, in words that say what it means."""
    code = error.get("code")
    text = error.get("message")
    text = mask(text)[:4000] if isinstance(text, str) and text else "no reason given"
    if code == -32042:
        return ErrorInfo(
            kind="not_supported",
            message="The server wants a page opened in a browser first (URL elicitation), "
            f"which mcp-tui does not offer yet: {text}",
        )
    if code == -32021:
        return ErrorInfo(
            kind="not_supported", message=f"The server needs a capability that mcp-tui does not offer yet: {text}"
        )
    hint = {
        -32602: "The server did not accept the arguments.",
        -32601: "The server no longer has this; restart it to list its tools again.",
    }.get(code if isinstance(code, int) else 0, "")
    return ErrorInfo(kind="server_error", message=f"The server answered with an error: {text}", hint=hint)
