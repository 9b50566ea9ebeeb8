"""Textual's line of input, without two faults of its own."""

from __future__ import annotations

from textual import events
from textual.widgets import Input

from mcp_tui.ui.widgets import key_order


class SteadyInput(Input):
    """A line that does what keys say in their order, and takes all that is pasted."""

    async def on_event(self, event: events.Event) -> None:
        """A key of this line acts before the next one is taken."""
        if not await key_order.acted(self, event):
            await super().on_event(event)

    def _on_paste(self, event: events.Paste) -> None:
        """Several lines become one, before Textual takes the first and drops the others without a word."""
        lines = [line.strip() for line in event.text.splitlines() if line.strip()]
        if len(lines) > 1:
            event.text = " ".join(lines)
