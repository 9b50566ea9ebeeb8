"""The smallest unit of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.strip import Strip

if TYPE_CHECKING:
    from mcp_tui.ui.widgets.document.style import Pen


class Block:
    """Something a few rows high.  It keeps its source; strips are drawn when it is looked at and may be dropped.

    Subclasses implement `estimate` and `render`.
    """

    __slots__ = ("_generation", "strips")

    def __init__(self) -> None:
        self.strips: list[Strip] | None = None
        self._generation = -1

    def estimate(self, width: int) -> int:
        """A cheap guess at the number of rows when drawn ``width`` cells wide."""
        raise NotImplementedError

    def render(self, pen: Pen) -> list[Strip]:
        """Every row, each ``pen.width`` cells wide."""
        raise NotImplementedError

    def lines(self, pen: Pen) -> list[Strip]:
        """The rows for ``pen``, drawn now unless they already are."""
        if self.strips is None or self._generation != pen.generation:
            self.strips = self.render(pen)
            self._generation = pen.generation
        return self.strips

    def fresh(self, pen: Pen) -> bool:
        """Whether `lines` would answer without drawing."""
        return self.strips is not None and self._generation == pen.generation

    def drop(self) -> None:
        """Forget the strips; the next `lines` draws again."""
        self.strips = None
