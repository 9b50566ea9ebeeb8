"""Text that grows, taken in a slice at a time."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from mcp_tui.ui.widgets.blocks.leaves import Frame, Leaf, Literal
from mcp_tui.ui.widgets.document.section import Canvas, Section

if TYPE_CHECKING:
    from mcp_tui.ui.widgets.document.block import Block

SLICE = 2_000
"""Characters taken in between two looks at the clock."""

_LITERAL_LINES = 64
_MAX_LINE = 4_096


class Flow(Protocol):
    """Turns a growing text into blocks."""

    @property
    def blocks(self) -> Sequence[Leaf]:
        """What became of the text so far."""

    def append(self, text: str) -> int:
        """Read more; returns the index of the first block that is new or changed."""

    def finish(self) -> int:
        """The text is complete; returns the index of the first block that changed."""


class PlainText:
    """Text shown as it stands, line by line."""

    def __init__(self, base: str = "text", purpose: str = "", bar: str = "") -> None:
        self.blocks: list[Literal] = []
        self._make = (base, purpose, bar)
        self._partial = False

    def append(self, text: str) -> int:
        """Read more."""
        changed = max(0, len(self.blocks) - 1)
        first, *others = text.split("\n")
        self._extend(first)
        for line in others:
            self._partial = False
            self._extend(line)
        return changed

    def _extend(self, text: str) -> None:
        """More of the last line, or a new one."""
        block = self.blocks[-1] if self.blocks else None
        if self._partial and block is not None:
            text = block.lines_of_source[-1] + text
            block.cut(len(block.lines_of_source) - 1)
        self._partial = True
        for start in range(0, max(1, len(text)), _MAX_LINE):
            if block is None or len(block.lines_of_source) >= _LITERAL_LINES or block.size > _MAX_LINE:
                base, purpose, bar = self._make
                block = Literal(Frame(bar=bar), base, purpose=purpose, raw=True)
                self.blocks.append(block)
            block.add(text[start : start + _MAX_LINE])

    def finish(self) -> int:
        """Nothing is pending: every line is shown already."""
        return len(self.blocks)


class FlowSection(Section):
    """A section whose blocks a flow makes, as far as there was time."""

    def __init__(self, canvas: Canvas, flow: Flow) -> None:
        super().__init__(canvas)
        self.flow = flow
        self.blocks: Sequence[Block] = flow.blocks
        self.taken = 0
        """Characters of the source that were fed, waiting ones included."""
        self._waiting: deque[str] = deque()
        self._ends = False
        self.changed_row = 1 << 60
        """First row that changed since somebody last reset this."""

    @property
    def unfinished(self) -> bool:
        """Whether text waits to be taken in."""
        return bool(self._waiting) or self._ends

    def feed(self, text: str) -> None:
        """More text, taken in by `work`."""
        if text:
            self.taken += len(text)
            self._waiting.append(text)

    def finish(self) -> None:
        """No more text will come."""
        self._ends = True

    def work(self, end: float) -> None:
        """Take text in until the clock (`time.perf_counter`) shows ``end``; at least one slice."""
        waiting = self._waiting
        while waiting:
            text = waiting.popleft()
            while len(text) < SLICE and waiting:
                text += waiting.popleft()
            if len(text) > SLICE:
                waiting.appendleft(text[SLICE:])
                text = text[:SLICE]
            self._changed(self.flow.append(text))
            if time.perf_counter() >= end:
                return
        if self._ends:
            self._ends = False
            self._changed(self.flow.finish())

    def _changed(self, first: int) -> None:
        first = min(first, len(self.heights))
        self.changed_row = min(self.changed_row, self.heights.offset(first))
        self.resync(first)
