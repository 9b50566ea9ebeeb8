"""Textual's line of input, without a fault of its own."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from mcp_tui.ui.widgets import key_order


class SteadyInput(Input):
    """A line that does what keys say in their order."""

    async def on_event(self, event: events.Event) -> None:
        """A key of this line acts before the next one is taken."""
        if not await key_order.acted(self, event):
            await super().on_event(event)
