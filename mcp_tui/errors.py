"""Everything mcp-tui raises on purpose.

McpTuiError
├── ConfigError             a configuration file is missing, unreadable or wrong
├── GatewayError            the model could not be reached, refused, or broke off
├── HostError               something about an MCP server
│   ├── ServerUnavailable   the server is not running, or went away
│   └── CallTimeout         a call passed its idle or its total deadline
├── TrustError              what is trusted could not be read or written
├── HistoryError            the conversation log
│   ├── StoreBusy           another process holds the lock or the turn lease
│   ├── StoreFailed         a write could not be made durable
│   └── ConversationNotFound
└── UsageError              a command was used in a way that it does not allow

Errors of third parties are translated at one border each: ``gateway`` for LiteLLM,
``host`` for the MCP SDK, ``history`` for the file system.  An instance never carries
the foreign exception (``raise ... from None``): its frames may hold keys.
"""

from __future__ import annotations


class McpTuiError(Exception):
    """Base of all errors of this program.

    ``message`` is one sentence for the person; ``hint`` says what to do about it.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip()


class ConfigError(McpTuiError):
    """One or more problems in the configuration files; ``problems`` has a line for each."""

    def __init__(self, message: str, *, problems: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.problems = problems

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *self.problems])


class GatewayError(McpTuiError):
    """A model request failed.

    ``kind`` is one of the words in `mcp_tui.gateway.base.ErrorKind`; ``retryable`` tells
    whether the same request may succeed later; ``retry_after`` is in seconds.
    """

    def __init__(
        self,
        message: str,
        *,
        kind: str,
        retryable: bool = False,
        retry_after: float | None = None,
        status: int | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.retryable = retryable
        self.retry_after = retry_after
        self.status = status


class HostError(McpTuiError):
    """Something about an MCP server."""


class ServerUnavailable(HostError):
    """The server is not running, or its connection ended."""


class CallTimeout(HostError):
    """A tool call passed a deadline; the message names which one fired."""


class TrustError(McpTuiError):
    """The record of what is trusted could not be read or written."""


class HistoryError(McpTuiError):
    """Something about the conversation log."""


class StoreBusy(HistoryError):
    """Another process holds the lock or the turn lease; the message names it."""


class StoreFailed(HistoryError):
    """A write could not be made durable; nothing was added to the log."""


class ConversationNotFound(HistoryError):
    """There is no conversation with that id."""


class UsageError(McpTuiError):
    """A command was used in a way that it does not allow."""
