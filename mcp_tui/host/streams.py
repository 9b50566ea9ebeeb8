"""The two ends that the SDK holds of our transport (its ``ReadStream`` and ``WriteStream`` protocols)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self

import anyio
from mcp.shared.message import SessionMessage


class Reading:
    """The SDK's read end: ends when the connection does."""

    def __init__(self) -> None:
        self._send, self._receive = anyio.create_memory_object_stream[SessionMessage | Exception](64)

    async def deliver(self, message: SessionMessage) -> None:
        """Hand a message to the SDK; waits while it is busy."""
        try:
            self._send.send_nowait(message)
        except anyio.WouldBlock:
            await self._send.send(message)

    def close(self) -> None:
        """No more messages: the SDK answers every waiting request with "connection closed"."""
        self._send.close()

    async def receive(self) -> SessionMessage | Exception:
        """The next message."""
        return await self._receive.receive()

    async def aclose(self) -> None:
        """Close both ends."""
        self._send.close()
        self._receive.close()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> SessionMessage | Exception:
        return await self._receive.__anext__()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> bool | None:
        await self.aclose()
        return None


class Writing:
    """The SDK's write end: runs in the task of the caller, so that a call is known by its context."""

    def __init__(self, write: Callable[[SessionMessage], Awaitable[None]]) -> None:
        self._write = write

    async def send(self, item: SessionMessage, /) -> None:
        """Write one message."""
        await self._write(item)

    async def aclose(self) -> None:
        """Nothing to do: the process owns the pipe."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> bool | None:
        return None
