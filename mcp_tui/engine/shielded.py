"""Closing work that a cancellation must not cut short."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def shielded(work: Coroutine[Any, Any, object], limit: float) -> None:
    """Finish ``work`` whatever happens to the caller, within ``limit`` seconds.

    A cancellation that arrives meanwhile is raised afterwards.  Raises what ``work`` raises, and
    `TimeoutError` when the limit ends it.
    """
    task = asyncio.ensure_future(asyncio.wait_for(work, limit))
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
