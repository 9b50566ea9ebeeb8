"""All configured servers and their tools: the `ToolHost` of the engine over the MCP SDK."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mcp_tui.config.models import ConnectionConfig, ToolsConfig
from mcp_tui.config.servers import ServerConfig
from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.servers import ServerStatus
from mcp_tui.events.tools import ArgumentProblem, HeldTool, ToolDefinition
from mcp_tui.host.arguments import Schemas
from mcp_tui.host.attempt import Shared
from mcp_tui.host.base import CallResult, EventSink, Gatekeeper, ProgressCallback
from mcp_tui.host.calls import run_call
from mcp_tui.host.catalog import prepare_arguments
from mcp_tui.host.connection import ServerConnection
from mcp_tui.host.eras import EraStore
from mcp_tui.host.exchange import Exchange
from mcp_tui.host.gate import StartGate
from mcp_tui.host.names import server_prefixes
from mcp_tui.host.reaping import Reaper

_LOGGERS = ("mcp", "client", "mcp_tui.host")
"""Loggers of the SDK and ours; without a handler Python would print their warnings over the screen."""


class McpHost:
    """Implements `mcp_tui.host.base.ToolHost`.

    Create it inside a running event loop.  ``environ`` is what servers may inherit a little of (requirement C7);
    ``mask`` takes secrets out of command lines, standard error and messages; ``state_dir`` keeps which protocol era
    worked with which server, ``None`` forgets it at the end.  ``gatekeeper`` is asked before each start and at
    each listing.
    """

    def __init__(
        self,
        servers: Mapping[str, ServerConfig],
        connection: ConnectionConfig,
        tools: ToolsConfig,
        *,
        emit: EventSink,
        environ: Mapping[str, str],
        mask: Callable[[str], str],
        client_version: str,
        gatekeeper: Gatekeeper,
        state_dir: Path | None = None,
    ) -> None:
        for logger in map(logging.getLogger, _LOGGERS):
            if not logger.handlers:
                logger.addHandler(logging.NullHandler())
        self._servers = dict(servers)
        self._tools = tools
        self._mask = mask
        self._eras = EraStore(state_dir)
        self._reaper = Reaper()
        self._schemas = Schemas()
        shared = Shared(
            settings=connection,
            emit=emit,
            environ=dict(environ),
            mask=mask,
            client_version=client_version,
            reaper=self._reaper,
            eras=self._eras,
            schemas=self._schemas,
            gate=StartGate(connection.max_concurrent_starts),
            gatekeeper=gatekeeper,
        )
        prefixes = server_prefixes(self._servers)
        self._connections = {
            name: ServerConnection(name, prefixes[name], config, shared) for name, config in self._servers.items()
        }
        self._closing: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start every enabled server concurrently; returns at once."""
        await asyncio.to_thread(self._eras.load)
        if self._closing is None:
            for connection in self._connections.values():
                connection.start()

    async def settled(self, timeout: float) -> bool:
        """Wait until no server is starting for the first time; False when ``timeout`` seconds passed first."""
        try:
            async with asyncio.timeout(timeout):
                for connection in self._connections.values():
                    await connection.settled.wait()
        except TimeoutError:
            return False
        return True

    async def aclose(self) -> None:
        """Stop all servers in parallel, the reaper last; immune to cancellation; about four seconds at most."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="host close")
        cancelled = False
        while not self._closing.done():
            try:
                await asyncio.shield(asyncio.wait({self._closing}))
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    async def _close(self) -> None:
        closing = [asyncio.create_task(connection.aclose()) for connection in self._connections.values()]
        if closing:
            await asyncio.wait(closing)
        await self._reaper.aclose()

    def servers(self) -> tuple[ServerStatus, ...]:
        """State of every configured server, in the order of the configuration."""
        return tuple(connection.reports.status for connection in self._connections.values())

    def tools(self) -> tuple[ToolDefinition, ...]:
        """Tools of all running servers, in the order of the configuration and of each server's list."""
        return tuple(tool for connection in self._connections.values() for tool in connection.reports.catalog.tools)

    def tool(self, wire_name: str) -> ToolDefinition | None:
        """The tool that the model knows under this name."""
        return next((tool for tool in self.tools() if tool.wire_name == wire_name), None)

    def check(self, tool: ToolDefinition, arguments: dict[str, Any]) -> tuple[ArgumentProblem, ...]:
        """Arguments, in the server's names, against the tool's own ``input_schema`` (requirement D7)."""
        return self._schemas.get(f"{tool.digest}/input", tool.input_schema).problems(arguments)

    def prepare(self, tool: ToolDefinition, arguments: dict[str, Any]) -> dict[str, Any]:
        """A model's arguments in the server's names; ``null`` for optional arguments is left out."""
        return prepare_arguments(tool, arguments)

    async def call(
        self,
        tool: ToolDefinition,
        arguments: dict[str, Any],
        *,
        call_id: str,
        on_progress: ProgressCallback | None = None,
    ) -> CallResult:
        """Run a tool under its idle and total deadlines.  Never raises for what a server does.

        A tool whose definition changed since ``tool`` was made, or that is held, is not run: what was offered,
        checked and decided on is not what would run.  Cancelling the caller tells the server
        (``notifications/cancelled``) and re-raises at once.
        """
        connection = self._connections.get(tool.server)
        session = connection.session if connection is not None else None
        if connection is None or session is None:
            return CallResult(outcome="error", error=self._unavailable(tool.server, connection))
        catalog = connection.reports.catalog
        if any(held.definition.name == tool.name for held in catalog.held):
            return CallResult(outcome="error", error=_held(tool))
        if any(now.name == tool.name and now.digest != tool.digest for now in catalog.tools):
            return CallResult(outcome="error", error=_changed(tool))
        config = self._servers[tool.server]
        exchange = Exchange(
            call_id,
            config.idle_timeout or self._tools.idle_timeout,
            config.total_timeout or self._tools.total_timeout,
            on_progress,
        )
        result = await run_call(session, tool, arguments, exchange, self._schemas, self._mask)
        if result.outcome != "success":
            connection.reports.count_error()
        return result

    @staticmethod
    def _unavailable(server: str, connection: ServerConnection | None) -> ErrorInfo:
        state: str = connection.reports.status.state if connection is not None else "not configured"
        state = "disconnected" if state == "running" else state
        failure = connection.reports.status.failure if connection is not None else None
        cause = f" {failure.message}" if failure is not None else ""
        return ErrorInfo(
            kind="server_unavailable",
            message=f"The server {server} is {state}; the call did not run.{cause}",
            hint=failure.suggestion if failure is not None else "Start the server, or use another tool.",
        )

    def restart(self, server: str) -> None:
        """Stop and start one server; resets its back-off and breaker.  Returns at once."""
        if (connection := self._connections.get(server)) is not None:
            connection.restart()

    def set_enabled(self, server: str, enabled: bool) -> None:
        """Start, or stop and keep stopped, one server until the end of the run.  Returns at once."""
        if (connection := self._connections.get(server)) is not None:
            connection.set_enabled(enabled)

    def held(self, server: str) -> tuple[HeldTool, ...]:
        """Tools of the server that are listed and not admitted."""
        connection = self._connections.get(server)
        return connection.reports.catalog.held if connection is not None else ()

    def review(self, server: str) -> None:
        """Ask the gatekeeper again: the person accepted something.  Returns at once."""
        if (connection := self._connections.get(server)) is not None:
            connection.review()

    def stderr(self, server: str) -> tuple[str, ...]:
        """Last lines of the server's standard error, secrets masked (requirement C8)."""
        connection = self._connections.get(server)
        return connection.stderr() if connection is not None else ()


def _changed(tool: ToolDefinition) -> ErrorInfo:
    return ErrorInfo(
        kind="tool_changed",
        message=f"The server {tool.server} changed the definition of {tool.name}; the call did not run.",
        hint="Look at the new definition and ask again.",
    )


def _held(tool: ToolDefinition) -> ErrorInfo:
    return ErrorInfo(
        kind="tool_held",
        message=f"{tool.server}.{tool.name} is new or was changed by its server and waits for a review; the call did "
        "not run.",
        hint="Only the person can accept the new definition.",
    )
