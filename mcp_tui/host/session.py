"""One open connection: a process, our transport, the SDK's session over it, and calls on it."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any

import mcp_types as types
from mcp import MCPError
from mcp.client.session import ClientSession
from mcp.client.subscriptions import listen
from mcp.shared.jsonrpc_dispatcher import JSONRPCDispatcher
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import BaseModel, ConfigDict

from mcp_tui.host.exchange import CURRENT, Exchange
from mcp_tui.host.listing import Listing, list_all_tools
from mcp_tui.host.process import ServerProcess
from mcp_tui.host.stdio import Listener, StdioTransport

LOG_LEVEL: types.LoggingLevel = "info"
"""Least level of log messages asked of 2026-07-28 servers; older ones send what they like."""


class _Acknowledged(BaseModel):
    """What is left of a tool result for the SDK: the transport kept the rest."""

    model_config = ConfigDict(extra="ignore")


class ServerSession:
    """Open with `enter`, in the task that will call `aclose`; calls may come from any task."""

    def __init__(self, process: ServerProcess, listener: Listener, client_version: str) -> None:
        self.process = process
        self.transport = StdioTransport(process, listener)
        self._client_info = types.Implementation(name="mcp-tui", version=client_version)
        self._stack = AsyncExitStack()
        self.sdk: ClientSession | None = None

    async def enter(self) -> ClientSession:
        """Start the SDK's session; nothing was said to the server yet."""
        reading, writing = await self._stack.enter_async_context(self.transport)
        session = ClientSession(
            dispatcher=JSONRPCDispatcher(reading, writing),
            client_info=self._client_info,
            log_level=LOG_LEVEL,
        )
        self.sdk = await self._stack.enter_async_context(session)
        return session

    @property
    def protocol_version(self) -> str | None:
        """The negotiated version."""
        return self.sdk.protocol_version if self.sdk is not None else None

    @property
    def instructions(self) -> str:
        """What the server says, with its handshake, about how it wants to be used."""
        text = self.sdk.instructions if self.sdk is not None else None
        return text if isinstance(text, str) else ""

    @property
    def modern(self) -> bool:
        """Whether this is a connection of the 2026-07-28 era."""
        return self.protocol_version in MODERN_PROTOCOL_VERSIONS

    @property
    def announces_changes(self) -> bool:
        """Whether the server says that it tells when its tools change."""
        capabilities = self.sdk.server_capabilities if self.sdk is not None else None
        tools = capabilities.tools if capabilities is not None else None
        return bool(tools is not None and tools.list_changed)

    async def list_tools(self) -> Listing:
        """All pages of the list of tools.  Raises `MCPError`."""
        assert self.sdk is not None
        try:
            return await list_all_tools(self.sdk, self.transport.take_result)
        except MCPError as error:
            if error.code == types.METHOD_NOT_FOUND:
                return Listing()
            raise

    async def ping(self) -> float | None:
        """Ask the server whether it lives, in the way of its era; any answer will do, an error too.

        Returns the round trip in seconds, ``None`` when a call kept the server from answering.
        Raises `MCPError` when the connection is gone, `TimeoutError`.
        """
        assert self.sdk is not None
        started = time.perf_counter()
        try:
            if self.modern:
                await self.sdk.send_discover(str(self.protocol_version))
            else:
                await self.sdk.send_ping()
        except MCPError as error:
            if self.transport.closed.is_set():
                raise
            if error.code == types.REQUEST_TIMEOUT:
                if self.transport.exchanges:
                    return None
                raise TimeoutError from None
        return time.perf_counter() - started

    async def listen(self, on_open: Callable[[], None]) -> None:
        """Hold a ``subscriptions/listen`` stream open until it ends (2026-07-28 only).

        The notifications themselves are taken by the transport.  Raises `MCPError` when the server refuses,
        `SubscriptionLost` when the stream breaks.
        """
        assert self.sdk is not None
        async with listen(self.sdk, tools_list_changed=True) as subscription:
            on_open()
            async for _ in subscription:
                continue

    async def call(self, exchange: Exchange, name: str, arguments: dict[str, Any]) -> None:
        """Send a tool call; returns when the answer is in ``exchange``.

        Raises `TimeoutError` (a deadline of the exchange), `MCPError` (an error or a lost connection).
        """
        assert self.sdk is not None
        request = types.CallToolRequest(params=types.CallToolRequestParams(name=name, arguments=arguments))
        token = CURRENT.set(exchange)
        try:
            async with exchange.timeout:
                await self.sdk.send_request(request, _Acknowledged, progress_callback=_ignore)
        finally:
            CURRENT.reset(token)
            self.transport.forget(exchange, late=not exchange.answered)

    async def aclose(self, *, patient: bool) -> None:
        """Close the session, then the process group.  Immune to cancellation."""
        self.transport.end("it was stopped")
        try:
            await self._stack.aclose()
        finally:
            if patient:
                await self.process.aclose()
            else:
                await self.process.aclose(eof_grace=0.3, terminate_grace=1.0)


async def _ignore(progress: float, total: float | None, message: str | None) -> None:
    """Asks the SDK to request progress; the transport takes the reports."""
