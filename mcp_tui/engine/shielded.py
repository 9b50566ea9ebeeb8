"""Closing work that a cancellation must not cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


async def shielded(work: Coroutine[Any, Any, object], limit: float) -> None:
    """Finish ``work`` whatever happens to the caller, within ``limit`` seconds.

    A cancellation that arrives meanwhile is raised afterwards.  Raises what ``work`` raises, and
    `TimeoutError` when the limit ends it.
    """
    task = asyncio.ensure_future(_limited(work, limit))
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        if not task.cancelled():
            task.exception()
        raise cancelled
    task.result()


async def _limited(work: Coroutine[Any, Any, object], limit: float) -> None:
    async with asyncio.timeout(limit):
        await work


async def held(work: Coroutine[Any, Any, None], patience: float) -> None:
    """Finish ``work``; a cancellation is held back until it is done, for at most ``patience`` seconds.

    Raises what ``work`` raises.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError as cancelled:
        await _settle(task, patience)
        raise cancelled from None


async def _settle(task: asyncio.Task[None], patience: float) -> None:
    """Let ``task`` end, whatever cancels us meanwhile; end it when time is up."""
    deadline = asyncio.get_running_loop().time() + patience
    while not task.done() and (left := deadline - asyncio.get_running_loop().time()) > 0:
        with suppress(asyncio.CancelledError):
            await asyncio.wait({task}, timeout=left)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait({task})
    if not task.cancelled():
        task.exception()
