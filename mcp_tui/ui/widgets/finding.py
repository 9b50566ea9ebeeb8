"""A document in which text can be found: every place is marked, one of them is where the person is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mcp_tui.ui.widgets.blocks.chrome import Note
from mcp_tui.ui.widgets.document.document import Position
from mcp_tui.ui.widgets.document.section import Spot
from mcp_tui.ui.widgets.document.view import DocumentView, painted
from mcp_tui.ui.widgets.find_text import Mark, Wanted, marks_of, source_of
from mcp_tui.ui.widgets.finder import Finder, Found, Place, reveal, section_of

if TYPE_CHECKING:
    from textual.strip import Strip

    from mcp_tui.ui.widgets.blocks.item import ItemView
    from mcp_tui.ui.widgets.document.block import Block

LEAST_WORK = 0.002
"""Seconds of a frame that go into looking, however much else there is to do."""

MOST_MARKED = 500
"""Blocks whose marks are kept."""

BEYOND = -1
"""Instead of the match in a block: the block says where the rest of a result is, and the match is in that."""


class FindingView(DocumentView):
    """A `DocumentView` with `find`.  A subclass calls `find_work` in each frame and `find_marks` for each row."""

    on_found: Callable[[Found], None] | None = None
    """Told whenever there is something new to say."""
    leave_find: Callable[[], None] | None = None
    """Ends it, for whoever began it."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._finder: Finder | None = None
        self._origin: ItemView | None = None
        """Where a search begins."""
        self._place: Place | None = None
        """Where the person is."""
        self._here: tuple[int, int, int, int] | None = None
        """That as serial, section, block, and the match in the block."""
        self._going: Place | None = None
        """Where the person wants to be, until it is on the screen."""
        self._seeking = False
        """Whether to go to the nearest place as soon as one is known."""
        self._marked = False
        """What is looked for was told by `mark`: it has no keys of its own."""
        self._seeking_in: ItemView | None = None
        """Where to go to the first place, if there is one."""
        self._marks: dict[int, tuple[list[Strip], list[Mark]]] = {}
        """Block -> its rows, and what is marked in them."""
        self.found = Found()
        """What there is to say."""

    # -- for the subclass --------------------------------------------------------------------------

    def first_in_sight(self) -> ItemView | None:
        """The item at the top of the window."""
        return None

    def is_here(self, view: ItemView) -> None:
        """The person was brought to a place in ``view``."""

    @property
    def all_there(self) -> bool:
        """Whether every item is in the document."""
        return True

    # -- finding -----------------------------------------------------------------------------------

    @property
    def finding(self) -> bool:
        """Whether the person looks for something."""
        return self._finder is not None and not self._marked

    @property
    def wanted(self) -> Wanted | None:
        """What is looked for, here or by `mark`."""
        return self._finder.wanted if self._finder is not None else None

    @property
    def find_busy(self) -> bool:
        """Whether items are still to be looked through."""
        finder = self._finder
        return finder is not None and not (finder.complete and self._going is None and self._seeking_in is None)

    def begin_find(self) -> None:
        """Searches begin at what is in sight now."""
        self._origin = self.first_in_sight()

    def find(self, text: str) -> None:
        """Mark every place of ``text``, and go to the nearest one; empty text takes the marks away.

        Without capitals in it, capitals do not count.  What is in closed calls and in reasoning is found too.
        """
        wanted = Wanted.of(text)
        self._look_for(wanted)
        self._seeking, self._marked = wanted is not None, False

    def mark(self, texts: Sequence[str]) -> None:
        """Mark every place of each of the texts, as a search elsewhere found them; `seek_in` goes to one."""
        self._look_for(Wanted.any_of(texts))
        self._marked = True

    def seek_in(self, view: ItemView) -> None:
        """Of what `mark` marked, bring the first place in ``view`` into sight."""
        if self._marked and self._finder is not None:
            self._seeking_in = view
            self._schedule(0.001)

    def _look_for(self, wanted: Wanted | None) -> None:
        origin = self._origin if self._origin is not None and self._is_there(self._origin) else self.first_in_sight()
        self._finder = Finder(self._document, wanted, origin) if wanted is not None else None
        self._place = self._going = self._here = self._seeking_in = None
        self._seeking = False
        self._marks.clear()
        self._tell()
        self.refresh()
        self._schedule(0.001)

    def find_step(self, step: int) -> None:
        """To the next place, or to the one before (-1), and around."""
        finder, place = self._finder, self._going or self._place
        if finder is None:
            return
        if place is not None and self._is_there(place.view):
            self._going = finder.place(finder.number_of(place) + step)
        else:
            self._seeking = True
        if self._going is not None:
            self._origin = self._going.view
        self._schedule(0.001)

    def end_find(self) -> None:
        """No more marks; the window stays where it is."""
        if self._finder is not None:
            self.find("")
        if self.scroll_offset.y >= self._document.height - self.size.height:
            self._anchor = None

    def find_again(self) -> None:
        """Other items are shown: look for the same in them."""
        self._origin = None
        if self._finder is not None:
            self._look_for(self._finder.wanted)

    def find_changed(self, view: ItemView) -> None:
        """The item of ``view`` changed."""
        if self._finder is not None:
            self._finder.changed(view)

    def find_work(self, end: float) -> bool:
        """Look through items until the clock shows ``end``; whether something is left to do."""
        finder = self._finder
        if finder is None:
            return False
        end = max(end, time.perf_counter() + LEAST_WORK)
        finder.work(end)
        if self._seeking and (place := finder.nearest()) is not None:
            self._seeking, self._going = False, place
        if self._seeking_in is not None:
            self._going, self._seeking_in = finder.first_in(self._seeking_in), None
        if self._going is not None:
            self._go(self._going, end)
        self._tell()
        return not finder.complete or self._going is not None

    def _tell(self) -> None:
        finder, place = self._finder, self._place
        if finder is None:
            found = Found()
        else:
            there = place is not None and finder.total and self._is_there(place.view)
            found = Found(
                text=finder.wanted.text,
                number=finder.number_of(place) + 1 if there and place is not None else 0,
                total=finder.total,
                complete=finder.complete and self.all_there,
                beyond=place is not None and place.part == "beyond",
            )
        if found != self.found:
            self.found = found
            if self.on_found is not None:
                self.on_found(found)

    def _is_there(self, view: ItemView) -> bool:
        index = self._document.index_of(view)
        return index < len(self._document.entries) and self._document.entries[index] is view

    # -- going there -------------------------------------------------------------------------------

    def _go(self, place: Place, end: float) -> None:
        """Bring a place into sight; a long text is taken in first, over several frames."""
        view = place.view
        if not self._is_there(view):
            self._going = None
            return
        reveal(place)
        view.build()
        view.work(end)
        self._document.changed(view)
        spot = self._spot(place)
        if spot is None and view.unfinished:
            self._document.unfinished[view.serial] = view
            return
        self._going, self._place = None, place
        number = spot[1] if spot is not None else 0
        where = spot[0] if spot is not None else Spot(0, 0, 0)
        self._here = (view.serial, where.section, where.block, number)
        self.is_here(view)
        self._show_row(Position(view.serial, where))
        self.refresh()

    def _spot(self, place: Place) -> tuple[Spot, int] | None:
        """Where a place is, and which match of its block that is; ``None`` while it is not there yet."""
        assert self._finder is not None
        wanted, section = self._finder.wanted, section_of(place)
        blocks = place.view.sections[section].blocks
        if place.part == "beyond":
            notes = [index for index, block in enumerate(blocks) if isinstance(block, Note)]
            cut = next((i for i in reversed(notes) if "inspector" in source_of(blocks[i])), len(blocks) - 1)
            return Spot(section, cut, 0), BEYOND
        left, last = place.number, None
        for index, block in enumerate(blocks):
            count = wanted.count(source_of(block))
            if not count:
                continue
            last = index, min(left, count - 1)
            if left < count:
                return self._in_block(place.view, section, *last)
            left -= count
        return self._in_block(place.view, section, *last) if last is not None and not place.view.unfinished else None

    def _in_block(self, view: ItemView, section: int, index: int, number: int) -> tuple[Spot, int]:
        block = view.sections[section].blocks[index]
        view.sections[section].measure(index, self._canvas.pen)
        self._document.changed(view)
        marks = self._marks_of(block)
        mark = next((mark for mark in marks if mark.number == number), marks[-1] if marks else None)
        return Spot(section, index, mark.line if mark else 0), mark.number if mark else 0

    def _show_row(self, position: Position) -> None:
        """Scroll as little as needed; what is found below or above is put into the upper third."""
        document, height = self._document, self.size.height
        self._settle()
        row, top = document.row_of(position), self.scroll_offset.y
        for margin in (height // 3, 1):
            if top <= row < top + height:
                break
            self._anchor = document.position_at(max(0, row - margin))
            self._settle()
            row, top = document.row_of(position), self.scroll_offset.y
        if self._anchor is None:
            self._anchor = document.position_at(top)
        self.changed_from(0)

    # -- drawing -----------------------------------------------------------------------------------

    def find_marks(self, strip: Strip, position: Position) -> Strip:
        """A row with its marks."""
        if self._finder is None:
            return strip
        entry, spot = self._document.entry_at(position), position.spot
        blocks = entry.sections[spot.section].blocks if entry and spot.section < len(entry.sections) else []
        if spot.block >= len(blocks):
            return strip
        palette, block = self._canvas.pen.palette, blocks[spot.block]
        if self._here == (position.serial, spot.section, spot.block, BEYOND) and isinstance(block, Note):
            return painted(strip, (block.left, -1), palette.found_here)
        for mark in self._marks_of(block):
            if mark.line == spot.line:
                here = self._here == (position.serial, spot.section, spot.block, mark.number)
                strip = painted(strip, (mark.start, mark.end), palette.found_here if here else palette.found)
        return strip

    def _marks_of(self, block: Block) -> list[Mark]:
        strips = block.strips
        if strips is None or self._finder is None:
            return []
        known = self._marks.get(id(block))
        if known is None or known[0] is not strips:
            if len(self._marks) > MOST_MARKED:
                self._marks.clear()
            known = strips, marks_of(block, strips, self._finder.wanted, self._canvas.pen)
            self._marks[id(block)] = known
        return known[1]
