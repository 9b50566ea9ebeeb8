"""All entries one below the other, and positions that survive any change of heights."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from mcp_tui.ui.widgets.document.heights import Heights
from mcp_tui.ui.widgets.document.section import Entry, Section, Spot

if TYPE_CHECKING:
    from textual.strip import Strip

    from mcp_tui.ui.widgets.document.block import Block
    from mcp_tui.ui.widgets.document.style import Pen

MAX_DRAWN_ROWS = 500
"""Rows of strips that are kept; the least recently seen blocks are dropped beyond.

A strip with its caches is some hundred objects, so that thousands of them make each collection of garbage a stall.
"""

MAX_BUILT_ENTRIES = 200
"""Entries whose blocks are kept; the least recently seen go back to their source beyond."""

NOWHERE = 1 << 60
"""A row after all others."""

FIRST_SERIAL = 1 << 40
"""Serial of the first entry that is put into a document: there is room before it."""

_LINE_BITS, _BLOCK_BITS, _SECTION_BITS = 20, 28, 4


class Position(NamedTuple):
    """A row of the document: which entry (by serial) and where in it."""

    serial: int
    spot: Spot

    def encode(self) -> int:
        """One number; numbers ascend as positions do and stay valid while heights change."""
        number = self.serial << _SECTION_BITS | self.spot.section
        number = number << _BLOCK_BITS | self.spot.block
        return number << _LINE_BITS | self.spot.line

    @classmethod
    def decode(cls, number: int) -> Position:
        """The position that `encode` made ``number`` of."""
        line = number & (1 << _LINE_BITS) - 1
        number >>= _LINE_BITS
        block = number & (1 << _BLOCK_BITS) - 1
        number >>= _BLOCK_BITS
        return cls(number >> _SECTION_BITS, Spot(number & (1 << _SECTION_BITS) - 1, block, line))


class Document:
    """Entries in order.  Nothing is drawn but what `measure` is asked for."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.heights = Heights()
        self._serials: list[int] = []
        self._drawn: OrderedDict[int, tuple[Block, int]] = OrderedDict()
        self._drawn_rows = 0
        self._built: OrderedDict[int, Entry] = OrderedDict()
        self.unfinished: dict[int, Entry] = {}
        """Entries seen by `measure` that still have to catch up with their source."""
        self.moved_row = NOWHERE
        """First row whose place changed in `measure` since somebody last reset this."""

    @property
    def height(self) -> int:
        """Rows of the whole document, partly estimated."""
        return self.heights.total

    def replace(self, entries: Iterable[Entry]) -> None:
        """Other entries altogether."""
        self._drawn.clear()
        self._built.clear()
        self.unfinished.clear()
        self._drawn_rows = 0
        self.entries = list(entries)
        self._serials = list(range(FIRST_SERIAL, FIRST_SERIAL + len(self.entries)))
        for serial, entry in zip(self._serials, self.entries, strict=True):
            entry.serial = serial
        self.heights = Heights([entry.height for entry in self.entries])

    def prepend(self, entries: Sequence[Entry]) -> None:
        """Entries before the first: linear.  Positions stay valid, rows move down."""
        first = self._serials[0] if self._serials else FIRST_SERIAL
        serials = range(first - len(entries), first)
        for serial, entry in zip(serials, entries, strict=True):
            entry.serial = serial
        self.entries[:0] = entries
        self._serials[:0] = serials
        self.heights.prepend(entry.height for entry in entries)

    def append(self, entry: Entry) -> None:
        """One more entry at the end."""
        entry.serial = self._serials[-1] + 1 if self._serials else FIRST_SERIAL
        self.entries.append(entry)
        self._serials.append(entry.serial)
        self.heights.append(entry.height)

    def remove(self, entry: Entry) -> None:
        """Take an entry out."""
        index = self.index_of(entry)
        del self.entries[index], self._serials[index]
        self.heights.remove(index)
        self._built.pop(entry.serial, None)
        self.unfinished.pop(entry.serial, None)

    def index_of(self, entry: Entry) -> int:
        """Where an entry stands; logarithmic."""
        return bisect_left(self._serials, entry.serial)

    def changed(self, entry: Entry) -> None:
        """The height of an entry may have changed."""
        self.heights.set(self.index_of(entry), entry.height)

    def top_of(self, entry: Entry) -> int:
        """First row of an entry."""
        return self.heights.offset(self.index_of(entry))

    # -- positions ---------------------------------------------------------------------------------

    def position_at(self, row: int) -> Position | None:
        """The position of a row, clamped to the document; ``None`` when it is empty."""
        try:
            index, inner = self.heights.find(row)
            entry = self.entries[index]
            entry.build()
            return Position(entry.serial, entry.find(inner))
        except IndexError:
            return None

    def row_of(self, position: Position) -> int:
        """Where a position is now; the nearest row before it when it is gone."""
        index = bisect_left(self._serials, position.serial)
        if index >= len(self.entries):
            return max(0, self.height - 1)
        row = self.heights.offset(index)
        return row if self._serials[index] != position.serial else row + self.entries[index].row_of(position.spot)

    def entry_at(self, position: Position) -> Entry | None:
        """The entry of a position, unless it was removed."""
        index = bisect_left(self._serials, position.serial)
        return self.entries[index] if index < len(self.entries) and self._serials[index] == position.serial else None

    # -- drawing -----------------------------------------------------------------------------------

    def measure(self, top: int, bottom: int, pen: Pen) -> bool:
        """Draw all blocks between two rows; whether any height changed (then rows moved: measure again)."""
        row, total = top, self.height
        while row < min(bottom, total):
            index, inner = self.heights.find(row)
            entry = self.entries[index]
            entry.build()
            self._built[entry.serial] = entry
            self._built.move_to_end(entry.serial)
            if entry.unfinished:
                self.unfinished[entry.serial] = entry
            grown = self._measure_entry(entry, inner, bottom - row, pen)
            if grown < NOWHERE:
                self.moved_row = min(self.moved_row, row - inner + grown)
            if self.heights.set(index, entry.height) or grown < NOWHERE:
                return True
            row += self.heights[index] - inner
        return False

    def _measure_entry(self, entry: Entry, first: int, rows: int, pen: Pen) -> int:
        """Draw the blocks between two rows of an entry; the first row of it that got another height."""
        changed = NOWHERE
        for section, top, begin, end in _windows(entry, first, rows):
            index, _line = section.heights.find(begin)  # its height is not 0
            row = section.heights.offset(index)
            while index < len(section.blocks) and row < end:
                if section.measure(index, pen):
                    changed = min(changed, top + row)
                self._note(section.blocks[index], section.heights[index])
                row += section.heights[index]
                index += 1
        return changed

    def _note(self, block: Block, rows: int) -> None:
        """Remember that a block was just seen, and drop those that were not seen for long."""
        known = self._drawn.pop(id(block), None)
        self._drawn_rows += rows - (known[1] if known else 0)
        self._drawn[id(block)] = (block, rows)
        while self._drawn_rows > MAX_DRAWN_ROWS and len(self._drawn) > 64:
            _key, (old, old_rows) = self._drawn.popitem(last=False)
            self._drawn_rows -= old_rows
            old.drop()

    def trim(self, top: int, bottom: int) -> None:
        """Let entries far from the rows between ``top`` and ``bottom`` go back to their source."""
        while len(self._built) > MAX_BUILT_ENTRIES:
            _serial, entry = self._built.popitem(last=False)
            row = self.top_of(entry)
            if row + entry.height <= top or row >= bottom:
                entry.dismantle()

    def settle(self, anchor: Position | None, height: int, pen: Pen) -> int:
        """Draw what a window of ``height`` rows shows and return its first row.

        The window starts at ``anchor``, or ends with the document when there is none.  Blocks that come
        into sight are measured, which moves others; that ends, as each is measured once.
        """
        while True:
            last = max(0, self.height - height)
            top = last if anchor is None else min(self.row_of(anchor), last)
            if not self.measure(top, top + height, pen):
                return top

    def above(self, position: Position, rows: int, pen: Pen) -> Position | None:
        """The position exactly so many rows above another: all between them is drawn."""
        while True:
            bottom = self.row_of(position)
            top = max(0, bottom - rows)
            if not self.measure(top, bottom, pen):
                return self.position_at(top)

    def strip(self, position: Position, pen: Pen) -> Strip | None:
        """The row at a position, drawn if need be; ``None`` when it is gone."""
        entry = self.entry_at(position)
        if entry is None:
            return None
        entry.build()
        return entry.strip(position.spot, pen)

    def entries_within(self, top: int, bottom: int) -> Iterator[Entry]:
        """The entries of the rows from ``top`` to the one above ``bottom``."""
        first = self.position_at(top)
        entry = self.entry_at(first) if first is not None else None
        start = self.index_of(entry) if entry is not None else 0
        for index in range(start, len(self.entries)):
            if self.heights.offset(index) >= bottom:
                return
            yield self.entries[index]

    def positions(self, first: Position, last: Position) -> Iterator[Position]:
        """Every row from ``first`` to ``last``, both included."""
        row, end = self.row_of(first), self.row_of(last)
        while row <= end:
            position = self.position_at(row)
            if position is None:
                return
            yield position
            row += 1


def _windows(entry: Entry, first: int, rows: int) -> list[tuple[Section, int, int, int]]:
    """The parts of an entry's sections between two of its rows: section, its top, first row, row after the last."""
    out = []
    end = first + rows
    begin = 0
    for section in entry.sections:
        height = section.height
        if height and begin < end and begin + height > first:
            out.append((section, begin, max(0, first - begin), min(height, end - begin)))
        begin += height
    return out
