"""What the person wants of one server, and waiting that ends when it changes."""

from __future__ import annotations

import asyncio
import contextlib


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
