"""An item of the conversation as an entry of the document: what all kinds of items share."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from mcp_tui.ui.widgets.blocks.chrome import Header, Parts
from mcp_tui.ui.widgets.blocks.flow import FlowSection
from mcp_tui.ui.widgets.document.section import Canvas, Entry, Section, Spot

if TYPE_CHECKING:
    from mcp_tui.conversation.items import Item

BUILD_SECONDS = 0.01
"""Time that opening an entry may take at once; a longer text goes on in the next frame."""

UNNUMBERED = len("  #812")
"""Cells of the number of an item in a conversation of which only the end is known: a long one."""


class ItemView(Entry):
    """An item as an entry.  Cheap until somebody looks at it: then `build` makes its sections."""

    def __init__(self, item: Item, canvas: Canvas) -> None:
        super().__init__()
        self.item = item
        self.canvas = canvas
        self.gap = 1
        """Blank rows before the item."""
        self.stale = False
        """Whether the item changed in a way that `refresh` has to see."""
        self._built = False
        self._height = -1

    # -- life --------------------------------------------------------------------------------------

    @property
    def height(self) -> int:
        """Rows: of the sections, or estimated before there are any."""
        if self._built:
            return super().height
        if self._height < 0:
            self._height = self.gap + self.estimate()
        return self._height

    @property
    def unfinished(self) -> bool:
        """Whether text waits to be taken in."""
        return any(isinstance(section, FlowSection) and section.unfinished for section in self.sections)

    def build(self) -> None:
        """Make the sections."""
        if not self._built:
            self._built = True
            self.sections = self.make()
            self.work(time.perf_counter() + BUILD_SECONDS)

    def dismantle(self) -> None:
        """Keep only the height; the item is the source."""
        if self._built and not self.live:
            self._height = self.height
            self._built = False
            self.sections = []

    def refresh(self) -> None:
        """The item changed in some way."""
        if self._built:
            self.update()
        else:
            self._height = -1

    def estimate_again(self) -> bool:
        """The width is another one; whether the height is, as far as it was only estimated."""
        if self._built or self._height < 0:
            return False
        before, self._height = self._height, -1
        return self.height != before

    def rebuild(self) -> None:
        """Make the sections again, if there are any."""
        self._height = -1
        if self._built:
            self.sections = self.make()
            self.work(time.perf_counter() + BUILD_SECONDS)

    def work(self, end: float) -> int:
        """Take waiting text in until the clock shows ``end``; returns the first row of the entry that changed."""
        first, top = 1 << 60, 0
        for section in self.sections:
            if isinstance(section, FlowSection) and section.unfinished:
                section.work(end)
                first = min(first, top + section.changed_row)
                section.changed_row = 1 << 60
            top += section.height
        return first

    # -- what a kind of item decides -----------------------------------------------------------------

    @property
    def live(self) -> bool:
        """Whether the item still changes with time."""
        return False

    @property
    def expandable(self) -> bool:
        """Whether `toggle` does something."""
        return False

    def estimate(self) -> int:
        """Rows before the item was built."""
        return 2

    def make(self) -> list[Section]:
        """The sections."""
        return [Section(self.canvas, [Header(self.describe, self.gap)])]

    def update(self) -> None:
        """Bring the sections up to date with the item."""
        self.sections = self.make()

    def describe(self) -> tuple[Parts, Parts]:
        """Left and right side of the header."""
        return [(type(self.item).__name__, "muted")], self.number()

    def toggle(self) -> bool:
        """Expand or collapse; whether anything changed."""
        return False

    def toggles_at(self, spot: Spot) -> bool:
        """Whether a click there expands or collapses."""
        return False

    def toggle_raw(self) -> bool:
        """Show the source, or the rendered text again; whether anything changed."""
        return False

    def source(self) -> str:
        """What copying the item gives."""
        return ""

    def code(self) -> list[tuple[str, str]]:
        """Language and text of each code block."""
        return []

    def number(self) -> Parts:
        """The number of the item, by which it is called elsewhere; room for it while nobody knows it yet."""
        number = self.item.number
        return [(f"  {f'#{number}':>3}" if number else " " * UNNUMBERED, "muted")]

    def redraw(self, section: int) -> None:
        """Draw a small section again: what it describes changed."""
        if section < len(self.sections):
            for block in self.sections[section].blocks:
                block.drop()
            self.sections[section].resync(0)
