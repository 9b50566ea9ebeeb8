"""Blocks in order, and the entries of a document that are made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from mcp_tui.ui.widgets.document.heights import Heights

if TYPE_CHECKING:
    from textual.strip import Strip

    from mcp_tui.ui.widgets.document.block import Block
    from mcp_tui.ui.widgets.document.style import Pen


@dataclass(slots=True)
class Canvas:
    """The pen that everything is drawn with now, what time it is on the picture, and whose turns are on it."""

    pen: Pen
    now: Callable[[], datetime] = field(default=partial(datetime.now, UTC))
    runs_here: Callable[[str | None], bool] = field(default=lambda _turn_id: True)
    """Whether a turn is answered in this window; by the turn's id."""


class Section:
    """A list of blocks with their heights: measured where drawn, estimated elsewhere."""

    def __init__(self, canvas: Canvas, blocks: Iterable[Block] = ()) -> None:
        self.canvas = canvas
        self.blocks: Sequence[Block] = []
        self.heights = Heights()
        self.replace(blocks)

    @property
    def height(self) -> int:
        """Rows of all blocks."""
        return self.heights.total

    def replace(self, blocks: Iterable[Block]) -> None:
        """Other blocks altogether."""
        self.blocks = blocks if isinstance(blocks, list) else list(blocks)
        self.heights = Heights([block.estimate(self.canvas.pen.width) for block in self.blocks])

    def resync(self, first: int) -> None:
        """Blocks from ``first`` on were changed, added or removed: estimate them again."""
        self.heights.truncate(first)
        for block in self.blocks[first:]:
            strips = block.strips
            self.heights.append(block.estimate(self.canvas.pen.width) if strips is None else len(strips))

    def measure(self, index: int, pen: Pen) -> int:
        """Draw block ``index`` if need be; returns by how many rows the section grew."""
        return self.heights.set(index, len(self.blocks[index].lines(pen)))


class Spot(NamedTuple):
    """A row inside an entry, in a form that survives changes of height elsewhere."""

    section: int
    block: int
    line: int


class Entry:
    """One entry of a document: a few sections one below the other."""

    def __init__(self) -> None:
        self.serial = 0
        """Ascends through the document; set by it."""
        self.sections: list[Section] = []

    @property
    def height(self) -> int:
        """Rows of all sections."""
        return sum(section.height for section in self.sections)

    @property
    def unfinished(self) -> bool:
        """Whether there is source that no block holds yet."""
        return False

    def build(self) -> None:
        """Make the sections, if that was put off until somebody looks."""

    def dismantle(self) -> None:
        """Go back to the source, keeping the height, if the entry can be built again from it."""

    def find(self, row: int) -> Spot:
        """The spot at ``row``; raises `IndexError` when the entry has no rows."""
        last = None
        for index, section in enumerate(self.sections):
            height = section.height
            if not height:
                continue
            last = index
            if row < height:
                return Spot(index, *section.heights.find(row))
            row -= height
        if last is None:
            raise IndexError("an empty entry")
        return Spot(last, *self.sections[last].heights.find(1 << 60))

    def row_of(self, spot: Spot) -> int:
        """Where ``spot`` is now; a spot that is gone gives the nearest row before it."""
        row = sum(section.height for section in self.sections[: spot.section])
        if spot.section >= len(self.sections):
            return max(0, self.height - 1)
        heights = self.sections[spot.section].heights
        if spot.block >= len(heights):
            return row + max(0, heights.total - 1)
        return row + heights.offset(spot.block) + min(spot.line, max(0, heights[spot.block] - 1))

    def strip(self, spot: Spot, pen: Pen) -> Strip | None:
        """The row at ``spot``, drawn if need be."""
        blocks = self.sections[spot.section].blocks if spot.section < len(self.sections) else []
        if spot.block >= len(blocks):
            return None
        lines = blocks[spot.block].lines(pen)
        return lines[spot.line] if spot.line < len(lines) else None
