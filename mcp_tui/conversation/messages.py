"""Model messages in a neutral form; ``gateway/providers.py`` turns them into a provider's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class MessageToolCall:
    """A call inside an assistant message, with the arguments the model wrote."""

    call_id: str
    wire_name: str
    arguments: dict[str, Any]
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image for the model: base64 data and its MIME type."""

    data: str
    mime_type: str


@dataclass(frozen=True, slots=True)
class ModelMessage:
    """One message of a request.

    ``tool`` messages answer ``call_id``; ``images`` may accompany user and tool messages.
    ``key`` is the id of the log's message or call; it ties token counts to messages.
    """

    role: Role
    text: str = ""
    tool_calls: tuple[MessageToolCall, ...] = ()
    call_id: str = ""
    reasoning: str = ""
    thinking_blocks: tuple[dict[str, Any], ...] = ()
    images: tuple[ImagePart, ...] = ()
    model: str = ""
    """Which model wrote an assistant message: signatures and reasoning go back to that family only."""
    key: str = ""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as offered to the model: ``parameters`` is the adapted schema."""

    wire_name: str
    description: str
    parameters: dict[str, Any] = field(default_factory=dict)
