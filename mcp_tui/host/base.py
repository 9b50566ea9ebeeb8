"""What the engine asks of the MCP servers, whoever implements it.  Imports no SDK."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from mcp_tui.events.base import ErrorInfo, EventBase
from mcp_tui.events.content import Content
from mcp_tui.events.servers import ServerStatus
from mcp_tui.events.tools import ArgumentProblem, HeldTool, ToolDefinition, ToolOutcome, WireMessage

ProgressCallback = Callable[[float, float | None, str], None]
"""Called with progress, total (may be unknown) and message; must return at once."""

EventSink = Callable[[EventBase], None]
"""Takes passing events about servers; must return at once."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call ended.  A failing tool is a result, not an exception."""

    outcome: ToolOutcome
    content: tuple[Content, ...] = ()
    structured_content: Any = None
    error: ErrorInfo | None = None
    wire: tuple[WireMessage, ...] = ()
    wire_seconds: float = 0.0


class Gatekeeper(Protocol):
    """Says which servers may start and which of their tools may be used.  Its methods return at once."""

    def admits(self, server: str) -> bool:
        """Whether the server may be started, asked before every start."""
        ...

    def review(
        self, server: str, listed: Sequence[ToolDefinition], instructions: str
    ) -> tuple[tuple[ToolDefinition, ...], tuple[HeldTool, ...]]:
        """What a server lists -> the tools that may be used, and those that are held; asked at every listing."""
        ...


class AdmitEverything:
    """A `Gatekeeper` for servers that nobody needs to accept: those of tests and measurements."""

    def admits(self, server: str) -> bool:
        """Any server may start."""
        return True

    def review(
        self, server: str, listed: Sequence[ToolDefinition], instructions: str
    ) -> tuple[tuple[ToolDefinition, ...], tuple[HeldTool, ...]]:
        """Every tool may be used."""
        return tuple(listed), ()


class ToolHost(Protocol):
    """All configured servers and their tools."""

    async def start(self) -> None:
        """Start every enabled server concurrently; returns at once."""
        ...

    async def settled(self, timeout: float) -> bool:
        """Wait until no server is starting for the first time; False when ``timeout`` seconds passed first.

        A server that waits to be trusted does not count.
        """
        ...

    async def aclose(self) -> None:
        """Stop all servers in parallel, whole process groups; immune to cancellation; about four seconds at most."""
        ...

    def servers(self) -> tuple[ServerStatus, ...]:
        """State of every configured server, in the order of the configuration."""
        ...

    def tools(self) -> tuple[ToolDefinition, ...]:
        """Tools of all running servers that the model may be offered, in a stable order."""
        ...

    def tool(self, wire_name: str) -> ToolDefinition | None:
        """The tool that the model knows under this name."""
        ...

    def check(self, tool: ToolDefinition, arguments: dict[str, Any]) -> tuple[ArgumentProblem, ...]:
        """Arguments (in the server's names) against the tool's own ``input_schema`` (requirement D7)."""
        ...

    def prepare(self, tool: ToolDefinition, arguments: dict[str, Any]) -> dict[str, Any]:
        """A model's arguments in the server's names; ``null`` for optional arguments is left out."""
        ...

    async def call(
        self,
        tool: ToolDefinition,
        arguments: dict[str, Any],
        *,
        call_id: str,
        on_progress: ProgressCallback | None = None,
    ) -> CallResult:
        """Run a tool under its idle and total deadlines.  Never raises for what a server does.

        Cancelling the caller tells the server (``notifications/cancelled``) and re-raises.
        """
        ...

    def restart(self, server: str) -> None:
        """Stop and start one server; resets its back-off and breaker.  Returns at once."""
        ...

    def set_enabled(self, server: str, enabled: bool) -> None:
        """Start, or stop and keep stopped, one server until the end of the run.  Returns at once."""
        ...

    def held(self, server: str) -> tuple[HeldTool, ...]:
        """Tools of the server that are listed and not admitted: the model does not see them, no call reaches them."""
        ...

    def review(self, server: str) -> None:
        """Ask the gatekeeper again: the person accepted something.  Returns at once."""
        ...

    def stderr(self, server: str) -> tuple[str, ...]:
        """Last lines of the server's standard error (requirement C8)."""
        ...
