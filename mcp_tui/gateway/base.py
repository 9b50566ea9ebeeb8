"""What the engine asks of a model, whoever implements it."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mcp_tui.conversation.messages import ModelMessage, ToolSpec
from mcp_tui.events.turns import Usage

ErrorKind = Literal[
    "authentication", "permission", "not_found", "bad_request", "context_window", "rate_limit", "overloaded", "server",
    "connection", "timeout", "stalled", "truncated", "empty", "content_filter", "worker", "configuration", "internal",
]  # fmt: skip
"""Words for `GatewayError.kind`.

``stalled``: no byte for the idle limit; ``truncated``: the stream ended without the provider's finish;
``empty``: an answer without text and calls; ``worker``: the worker process died.
"""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What is known of a model; ``None`` where nobody knows.  Prices are US dollars per million tokens."""

    context_window: int | None = None
    max_output_tokens: int | None = None
    input_price: float | None = None
    output_price: float | None = None
    supports_tools: bool | None = None
    supports_images: bool | None = None


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One request: everything the model sees.  ``provider`` names the configuration's entry."""

    request_id: str
    provider: str
    messages: tuple[ModelMessage, ...]
    tools: tuple[ToolSpec, ...] = ()
    stream: bool = True


@dataclass(frozen=True, slots=True)
class TextChunk:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ReasoningChunk:
    """More of the reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class ThinkingBlockChunk:
    """A fragment of, or a whole, Anthropic thinking block, to be joined by the assembler."""

    block: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ToolCallChunk:
    """A fragment of a tool call in whatever shape the provider sent (facts of ``assembler``)."""

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str | dict[str, Any] | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class UsageChunk:
    """Tokens of the whole request, as the provider reported them; cost in US dollars where known."""

    usage: Usage
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class FinishChunk:
    """The provider finished; usage may still follow."""

    finish_reason: str


Chunk = TextChunk | ReasoningChunk | ThinkingBlockChunk | ToolCallChunk | UsageChunk | FinishChunk


class ModelGateway(Protocol):
    """A source of model answers."""

    @property
    def demo(self) -> bool:
        """True for the offline demo model, which every screen labels."""
        ...

    async def start(self) -> None:
        """Begin getting ready; returns at once, so that nothing waits for a model layer."""
        ...

    async def aclose(self) -> None:
        """End running requests and the worker, within two seconds."""
        ...

    def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """The answer as it arrives.  Close the generator (``contextlib.aclosing``) to cancel: the connection is closed.

        Raises `mcp_tui.errors.GatewayError`, whose ``kind`` is an `ErrorKind`; chunks that came before it count.
        A stream without a `FinishChunk` ends in such an error, never quietly.  The gateway never retries:
        the engine does, and only while nothing was shown.
        """
        ...

    async def model_info(self, provider: str) -> ModelInfo:
        """Window and prices of a configured provider: its own entry first, then LiteLLM's map."""
        ...
