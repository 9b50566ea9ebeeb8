"""Textual's text area, without faults of its own."""

from __future__ import annotations

from textual import events
from textual.widgets import TextArea

from mcp_tui.ui.widgets import key_order


class SteadyTextArea(TextArea):
    """A text area that does what keys say in their order, and in which undoing a long paste does not end the app.

    When an edit removes lines, the scroll bar goes before the cursor is moved; the cursor's old line does not
    exist any more just then, and bringing it into sight raises `ValueError`.
    """

    def _watch_show_vertical_scrollbar(self) -> None:
        if self.cursor_location[0] < self.document.line_count:
            super()._watch_show_vertical_scrollbar()
        else:
            self.call_after_refresh(self._watch_show_vertical_scrollbar)

    async def on_event(self, event: events.Event) -> None:
        """A key of this text area acts before the next one is taken."""
        if not await key_order.acted(self, event):
            await super().on_event(event)
