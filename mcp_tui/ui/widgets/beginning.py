"""The older part of a conversation whose end is on the screen: it is made into views a slice at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mcp_tui.ui.widgets.blocks.chrome import Note
from mcp_tui.ui.widgets.document.section import Canvas, Entry, Section

if TYPE_CHECKING:
    from mcp_tui.conversation.items import Item
    from mcp_tui.ui.widgets.blocks.item import ItemView

SHOWN_AT_ONCE = 200
"""Items that are views before the first frame: more than any window shows."""

_SLICE = 16
"""Views that are made between two looks at the clock."""


class Beginning:
    """Items of which no views are in the document yet, oldest first."""

    def __init__(self, items: Sequence[Item], make: Callable[[Item, ItemView | None], ItemView]) -> None:
        """``make`` gets an item and the view before it."""
        self._items = list(items)
        self._make = make
        self._keys = {item.key for item in items}
        self.views: list[ItemView] = []
        """Those that were made, oldest first."""

    def __contains__(self, key: str) -> bool:
        return key in self._keys

    def work(self, end: float) -> bool:
        """Make views until the clock (`time.perf_counter`) shows ``end``; whether all are made.

        Their heights are estimated here too, so that putting them into the document is quick.
        """
        items, views = self._items, self.views
        while len(views) < len(items):
            for item in items[len(views) : len(views) + _SLICE]:
                view = self._make(item, views[-1] if views else None)
                assert view.height >= 0
                views.append(view)
            if time.perf_counter() >= end:
                break
        return len(views) == len(items)


class MoreAbove(Entry):
    """The first row of a conversation whose beginning is still being read."""

    def __init__(self, canvas: Canvas) -> None:
        super().__init__()
        words = "reading what came before"
        self.sections = [Section(canvas, [Note(lambda: [(".. ", "running"), (words, "muted")], indent=1)])]
