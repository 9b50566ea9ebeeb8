"""Tasks that go on while nobody waits for them, until the engine ends."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from mcp_tui.errors import McpTuiError

log = logging.getLogger(__name__)

_T = TypeVar("_T")


class Background:
    """Keeps the tasks alive, says when one failed in an unexpected way, and cancels all in the end."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
        """Begin ``work``; an `McpTuiError` of it is its own affair, anything else is logged."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, McpTuiError):
            log.error("a task of the engine failed", exc_info=error, extra={"operation": task.get_name()})

    async def aclose(self) -> None:
        """Cancel whatever still runs, and wait for it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
