"""A host over real server processes for tests, and what it emitted."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mcp_tui.config.models import ConnectionConfig, ToolsConfig
from mcp_tui.config.servers import ServerConfig
from mcp_tui.events.base import EventBase
from mcp_tui.events.servers import ServerState, ServerStatus
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.host.base import CallResult, ProgressCallback
from mcp_tui.host.host import McpHost
from tests.support.waiting import wait_until_async

SERVERS = Path(__file__).parent.parent / "servers"

PATIENCE = 30.0
"""Seconds that a test waits for a state; the machine may be busy."""


def hostile(mode: str, argument: str = "", **fields: Any) -> ServerConfig:
    """The hostile server in one of its modes."""
    args = [str(SERVERS / "hostile_server.py"), mode, *([argument] if argument else [])]
    return ServerConfig(command=sys.executable, args=args, **fields)


def connection_config(**changes: Any) -> ConnectionConfig:
    values: dict[str, Any] = {
        "max_reconnect_attempts": 1,
        "connection_timeout": 20.0,
        "initial_reconnect_delay": 0.05,
        "max_reconnect_delay": 0.2,
        "max_concurrent_starts": 4,
        "health_check_interval": 60.0,
    }
    return ConnectionConfig(**(values | changes))


def tools_config(**changes: Any) -> ToolsConfig:
    values: dict[str, Any] = {
        "max_concurrent": 4,
        "idle_timeout": 20.0,
        "total_timeout": 60.0,
        "max_result_tokens": 1000,
    }
    return ToolsConfig(**(values | changes))


class HostKit:
    """A host under test."""

    def __init__(self, host: McpHost, events: list[EventBase]) -> None:
        self.host = host
        self.events = events

    def status(self, server: str) -> ServerStatus:
        return next(status for status in self.host.servers() if status.name == server)

    async def state(self, server: str, *states: ServerState) -> ServerStatus:
        """Wait until a server is in one of ``states``."""
        await wait_until_async(lambda: self.status(server).state in states, seconds=PATIENCE, what=f"{server} {states}")
        return self.status(server)

    async def given_up(self, server: str) -> ServerStatus:
        """Wait until a server failed for good."""

        def over() -> bool:
            status = self.status(server)
            return status.state == "failed" and status.retry_at is None and "itself" in _suggestion(status)

        await wait_until_async(over, seconds=PATIENCE, what=f"{server} given up")
        return self.status(server)

    def tool(self, server: str, name: str) -> ToolDefinition:
        return next(tool for tool in self.host.tools() if tool.server == server and tool.name == name)

    async def call(
        self,
        server: str,
        name: str = "echo",
        arguments: dict[str, Any] | None = None,
        on_progress: ProgressCallback | None = None,
    ) -> CallResult:
        arguments = {"x": "hello"} if arguments is None else arguments
        return await self.host.call(self.tool(server, name), arguments, call_id="call-1", on_progress=on_progress)


def _suggestion(status: ServerStatus) -> str:
    return status.failure.suggestion if status.failure is not None else ""


HostFactory = Callable[..., Awaitable[HostKit]]
