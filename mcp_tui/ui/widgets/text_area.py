"""Textual's text area, without a fault of its own."""

from __future__ import annotations

from textual.widgets import TextArea


class SteadyTextArea(TextArea):
    """A text area in which undoing a long paste does not end the app (Textual 8.2.8).

    When an edit removes lines, the scroll bar goes before the cursor is moved; the cursor's old line does not
    exist any more just then, and bringing it into sight raises `ValueError`.
    """

    def _watch_show_vertical_scrollbar(self) -> None:
        if self.cursor_location[0] < self.document.line_count:
            super()._watch_show_vertical_scrollbar()
        else:
            self.call_after_refresh(self._watch_show_vertical_scrollbar)
