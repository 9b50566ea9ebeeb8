"""``config.yaml`` as models: no hidden defaults, unknown keys refused (requirements B1, B2).

A field that admits ``null`` says "decide for me".  Docstrings below fields are what
``mcp-tui check`` and the README's reference say about them.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Seconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Positive = Annotated[int, Field(gt=0)]
Count = Annotated[int, Field(ge=0)]
Price = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Section(BaseModel):
    """A mapping in the file: all of its keys are required, no other is allowed, types are strict."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)


class ProviderConfig(Section):
    """A model that can be chosen."""

    model: str = Field(min_length=1)
    """LiteLLM's notation, such as ``openai/gpt-5``, ``anthropic/claude-sonnet-4-5`` or ``ollama_chat/qwen3``."""
    api_key: str | None = Field(repr=False)
    """``env:NAME`` takes it from the environment; ``null`` where the provider needs none."""
    api_base: str | None
    """Address of the endpoint; ``null`` for the provider's own."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None
    """``null`` for the provider's default."""
    max_tokens: Positive | None
    """Most tokens of one answer; ``null`` for the provider's default."""
    top_p: Annotated[float, Field(gt=0, le=1)] | None
    """``null`` for the provider's default."""
    context_window: Positive | None
    """Tokens that the model takes in; ``null`` for LiteLLM's map."""
    input_price: Price | None
    """US dollars per million prompt tokens; ``null`` for LiteLLM's map."""
    output_price: Price | None
    """US dollars per million completion tokens; ``null`` for LiteLLM's map."""


class RequestConfig(Section):
    """Deadlines and retries of a model request."""

    connect_timeout: Seconds
    """Seconds to reach the endpoint."""
    idle_timeout: Seconds
    """Seconds without a byte after which an answer counts as stalled."""
    total_timeout: Seconds
    """Seconds for a whole answer."""
    max_retries: Count
    """How often a failed request is made again, as long as nothing of its answer was shown."""
    initial_retry_delay: Seconds
    """Seconds before the first retry; the wait doubles each time."""
    max_retry_delay: Seconds
    """Longest wait in seconds; a longer ``retry-after`` of the provider ends the turn instead."""


class LlmConfig(Section):
    """Models."""

    active: str
    """Key of the provider below that answers at the start."""
    providers: Annotated[dict[str, ProviderConfig], Field(min_length=1)]
    """The models to choose from, by a name of your own."""
    request: RequestConfig
    """Deadlines and retries of a model request."""


class StreamingConfig(Section):
    """Streaming of answers."""

    enabled: bool
    """``false`` shows an answer when it is complete."""


class ContextConfig(Section):
    """How much of the conversation a request carries."""

    max_tokens: Positive | None
    """Most prompt tokens; ``null`` for the model's window."""
    reserve_tokens: Count
    """Tokens kept free for the answer."""
    preserve_recent: Count
    """This many of the latest messages are always kept."""


class ToolsConfig(Section):
    """Tool calls."""

    max_concurrent: Positive
    """How many calls of one answer run at the same time."""
    idle_timeout: Seconds
    """Seconds without an answer or progress after which a call ends."""
    total_timeout: Seconds
    """Seconds after which a call ends whatever progress it reports."""
    max_result_tokens: Positive
    """Tokens of one result that the model is given; you are asked for more; the whole stays in the log."""


class CostLimitsConfig(Section):
    """Money at which you are asked before another model request is made; what has no known price counts nothing."""

    per_turn: Price | None
    """US dollars that one turn may cost; ``null`` for no limit."""
    per_conversation: Price | None
    """US dollars that one conversation may cost; ``null`` for no limit."""


class ServiceConfig(Section):
    """The conversation engine."""

    streaming: StreamingConfig
    context: ContextConfig
    max_tool_hops: Positive
    """Model requests with tool calls in one turn after which you are asked whether it may go on."""
    cost_limits: CostLimitsConfig
    tools: ToolsConfig
    system_prompt: str | None
    """First message of every request; ``null`` for none."""


class ChatConfig(Section):
    """Conversations."""

    service: ServiceConfig


class ConnectionConfig(Section):
    """Connections to MCP servers."""

    max_reconnect_attempts: Count
    """Attempts in a row before a server is left alone (restart by key)."""
    connection_timeout: Seconds
    """Seconds for start, handshake and first listing together."""
    initial_reconnect_delay: Seconds
    """Seconds before the first attempt to reconnect; the wait doubles each time."""
    max_reconnect_delay: Seconds
    """Longest wait in seconds between two attempts."""
    max_concurrent_starts: Positive
    """How many servers start at the same time."""
    health_check_interval: Seconds
    """Seconds between health checks of an idle connection."""


class McpConfig(Section):
    """MCP servers in general; the servers themselves stand in ``servers_config.json``."""

    connection: ConnectionConfig


class LoggingConfig(Section):
    """The log file in the user's log directory."""

    level: Literal["debug", "info", "warning", "error"]
    """The least severe entries that are written."""
    format: Literal["json", "text"]
    """``json`` writes one JSON object per line."""


class UiConfig(Section):
    """The screen."""

    theme: str
    """Name of a shipped theme or of a YAML file in the ``themes`` folder beside this file."""
    keys: dict[str, str]
    """Binding id -> key or keys, separated by commas; ids are listed by F1 and in the README."""


class Config(Section):
    """The whole of ``config.yaml``."""

    llm: LlmConfig
    chat: ChatConfig
    mcp: McpConfig
    logging: LoggingConfig
    ui: UiConfig
