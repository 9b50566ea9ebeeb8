"""A text that knows what of it was painted: what is laid out is only a plan, and a plan can be out of date."""

from __future__ import annotations

from collections.abc import Callable

from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.widgets import Static


class PaintedText(Static):
    """Whoever decides by what a person can see asks this widget, never the layout.

    Nothing counts while another screen is on top.  ``on_painted`` is called, soon after, when something was
    painted for the first time, or its last line.
    """

    def __init__(self, on_painted: Callable[[], None], *, widget_id: str) -> None:
        super().__init__(id=widget_id)
        self._on_painted = on_painted
        self.painted = False
        """Whether any of the text was painted since it was put."""
        self.end_painted = False
        """Whether its last line was."""

    def put(self, text: Content) -> None:
        """Show another text; nothing of it was painted yet."""
        self.update(text)
        self.forget()

    def forget(self) -> None:
        """Count from the next painting on."""
        self.painted = self.end_painted = False
        self.refresh()

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines that are painted now."""
        strips = super().render_lines(crop)
        if crop and self.screen.is_active:
            before = self.painted, self.end_painted
            self.painted = True
            self.end_painted |= crop.y <= self._last_line < crop.bottom
            if before != (self.painted, self.end_painted):
                self.call_later(self._on_painted)
        return strips

    @property
    def _last_line(self) -> int:
        """Index of the text's last line in the width that it is painted in."""
        return self.get_content_height(self.size, self.size, self.content_size.width) - 1
