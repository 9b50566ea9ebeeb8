"""Content of messages and tool results.

The JSON names are MCP's (specification 2026-07-28, "Tool Result"); the types are our own,
because logs must outlive SDK releases.  ``host/adapters.py`` is the one place that maps.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from mcp_tui.events.base import Model


class TextContent(Model):
    """Text for the model and the person."""

    type: Literal["text"] = "text"
    text: str


class ImageContent(Model):
    """An image; ``data`` is base64 as the server sent it."""

    type: Literal["image"] = "image"
    data: str
    mime_type: str = Field(alias="mimeType")


class AudioContent(Model):
    """Sound; ``data`` is base64 as the server sent it."""

    type: Literal["audio"] = "audio"
    data: str
    mime_type: str = Field(alias="mimeType")


class ResourceLink(Model):
    """A pointer to a resource that the server can read."""

    type: Literal["resource_link"] = "resource_link"
    uri: str
    name: str
    title: str | None = None
    description: str | None = None
    mime_type: str | None = Field(default=None, alias="mimeType")
    size: int | None = None


class EmbeddedResource(Model):
    """A resource's contents inside a result: ``text`` or base64 ``blob``."""

    type: Literal["resource"] = "resource"
    uri: str
    mime_type: str | None = Field(default=None, alias="mimeType")
    text: str | None = None
    blob: str | None = None


class UnknownContent(Model):
    """Content of a kind this release does not know: kept as it came, shown as its kind and size."""

    type: Literal["unknown"] = "unknown"
    kind: str
    raw: dict[str, Any]


_KNOWN = frozenset({"text", "image", "audio", "resource_link", "resource", "unknown"})


def _tag(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return kind if kind in _KNOWN else "unknown"


Content = Annotated[
    Annotated[TextContent, Tag("text")]
    | Annotated[ImageContent, Tag("image")]
    | Annotated[AudioContent, Tag("audio")]
    | Annotated[ResourceLink, Tag("resource_link")]
    | Annotated[EmbeddedResource, Tag("resource")]
    | Annotated[UnknownContent, Tag("unknown")],
    Discriminator(_tag),
]
"""Any content block, told apart by ``type``."""
