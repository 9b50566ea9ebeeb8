"""What the person wants of one server, and waiting that ends when it changes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any


class Wishes:
    """Set from anywhere, read by the owner task.  The last wish counts, also in the middle of a start."""

    def __init__(self, enabled: bool) -> None:
        self.enabled = enabled
        self.restart = False
        self.close = False
        self.wake = asyncio.Event()
        """Set whenever the owner has a reason to look up."""

    def changed(self) -> bool:
        """Whether a server that starts or runs must stop now."""
        return self.close or self.restart or not self.enabled

    async def wait(self, timeout: float | None) -> None:
        """Wait until there is a reason to look up, or ``timeout`` seconds passed."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.wake.wait(), timeout)
        self.wake.clear()

    async def wait_with(self, futures: set[asyncio.Future[Any]], timeout: float | None = None) -> None:
        """As `wait`, and until one of ``futures`` is done."""
        wake = asyncio.ensure_future(self.wake.wait())
        try:
            await asyncio.wait({*futures, wake}, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        finally:
            wake.cancel()
        self.wake.clear()
