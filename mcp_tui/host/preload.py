"""Load what a first connection would load, so that it can happen in a thread before the screen needs its loop."""

from __future__ import annotations

import anyio


def preload() -> None:
    """Import the SDK's lazily loaded parts by running a few of them, in the calling thread's own event loop."""
    anyio.run(_exercise)


async def _exercise() -> None:
    send, receive = anyio.create_memory_object_stream[int](1)
    async with send, receive, anyio.create_task_group() as group:
        with anyio.fail_after(1):
            group.start_soon(send.send, 1)
            await receive.receive()
        with anyio.CancelScope(shield=True):
            await anyio.lowlevel.checkpoint()
