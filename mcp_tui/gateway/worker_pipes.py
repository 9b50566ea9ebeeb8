"""The worker's ends of the pipes to the app: protected, gathered into bursts, and the end of the process."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any

from mcp_tui.gateway import wire

BURST = 0.005
"""Seconds in which chunks are gathered into one line; the first of a burst goes at once."""


class Sender:
    """Writes lines to the app, one at a time, waiting where the app is slow."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def send(self, message: dict[str, Any]) -> None:
        """Queue one line."""
        self._writer.write(wire.encode(message))

    async def drain(self) -> None:
        """Wait until the app has read most of what was sent."""
        await self._writer.drain()


class Burst:
    """Gathers the items of one request: the first goes at once, more within `BURST` share a line."""

    def __init__(self, sender: Sender, request_id: int, hold: bool) -> None:
        self._sender, self._id, self._hold = sender, request_id, hold
        self._items: list[wire.Item] = []
        self._last = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, items: list[wire.Item]) -> None:
        """More of the answer."""
        for item in items:
            wire.append(self._items, item)
        if self._hold or not self._items or self._timer is not None:
            return
        loop = asyncio.get_running_loop()
        due = self._last + BURST
        if loop.time() >= due:
            self.flush()
        else:
            self._timer = loop.call_at(due, self.flush)

    def flush(self) -> None:
        """Send what has gathered."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._items:
            self._sender.send({"id": self._id, "chunks": self._items})
            self._items = []
            self._last = asyncio.get_running_loop().time()


class InputThread(threading.Thread):
    """Reads stdin; ends the process at once when it closes, even while the loop is blocked."""

    def __init__(self, fd: int, loop: asyncio.AbstractEventLoop, handle: Callable[[bytes], None]) -> None:
        super().__init__(daemon=True, name="stdin")
        self._fd, self._loop, self._handle = fd, loop, handle

    def run(self) -> None:
        """Hand every line to the loop."""
        try:
            with open(self._fd, "rb", closefd=False) as stream:
                for line in stream:
                    self._loop.call_soon_threadsafe(self._handle, line)
        finally:
            os._exit(0)


def protect_protocol() -> tuple[int, int]:
    """The pipes to the app, moved away from 0 and 1: what a library prints or reads cannot reach them."""
    incoming, outgoing = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.dup2(2, 1)
    os.close(null)
    return incoming, outgoing


async def open_sender(fd: int) -> Sender:
    """A sender that writes to ``fd``, a pipe."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.connect_write_pipe(
        lambda: asyncio.StreamReaderProtocol(asyncio.StreamReader()), os.fdopen(fd, "wb", 0)
    )
    return Sender(asyncio.StreamWriter(transport, protocol, None, loop))
