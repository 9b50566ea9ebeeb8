"""What is looked for, and where it stands in the text of an item and in the rows that were drawn of it."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from mcp_tui.ui.widgets.blocks.chrome import Header, Note
from mcp_tui.ui.widgets.blocks.code import CodeBlock
from mcp_tui.ui.widgets.blocks.leaves import Heading, Leaf, TextLeaf
from mcp_tui.ui.widgets.blocks.table import Table

if TYPE_CHECKING:
    from textual.strip import Strip

    from mcp_tui.ui.widgets.document.block import Block
    from mcp_tui.ui.widgets.document.style import Pen

_FOLD = "\x00"
"""Between two rows of which the first is full: what is cut there may be one word."""

_MARKUP = r"[*_`~\\]{0,3}"
"""Markdown between two characters of a word."""


_SPACE = r"(?:[^\S\n]{1,8}\n?|\n)[^\S\n]{0,8}"
"""White space with no more than one line break: words of two paragraphs are not beside each other."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Text that is looked for: white space stands for any, capitals count once there is one."""

    text: str
    words: tuple[str, ...]
    source: re.Pattern[str]
    """Finds it in Markdown and in plain text."""
    rows: re.Pattern[str]
    """Finds it in rows that `Rows` joined."""
    exact: bool
    """Whether capitals count."""
    every: bool = True
    """Whether all the words make it; else each of them does."""

    @classmethod
    def of(cls, text: str) -> Wanted | None:
        """``None`` where there is nothing to look for."""
        words = tuple(text.split())
        if not words:
            return None
        exact = any(char.isupper() for char in text)
        flags = re.NOFLAG if exact else re.IGNORECASE
        source = f"{_MARKUP}{_SPACE}{_MARKUP}".join(_MARKUP.join(map(re.escape, word)) for word in words)
        rows = rf"[\s{_FOLD}]{{1,8}}".join(f"{_FOLD}?".join(map(re.escape, word)) for word in words)
        kept = words if exact else tuple(word.lower() for word in words)
        return cls(text, kept, re.compile(source, flags), re.compile(rows, flags), exact)

    @classmethod
    def any_of(cls, texts: Sequence[str]) -> Wanted | None:
        """Each of several texts; capitals do not count.  ``None`` where there is nothing to look for."""
        found = [wanted for text in sorted(texts, key=len, reverse=True) if (wanted := cls.of(text.lower()))]
        if not found:
            return None
        source, rows = (
            "|".join(f"(?:{text})" for text in texts)
            for texts in zip(*((wanted.source.pattern, wanted.rows.pattern) for wanted in found), strict=True)
        )
        words = tuple(wanted.words[0] for wanted in found)
        source_pattern, rows_pattern = re.compile(source, re.IGNORECASE), re.compile(rows, re.IGNORECASE)
        return cls(" ".join(texts), words, source_pattern, rows_pattern, exact=False, every=False)

    def may_be_in(self, text: str) -> bool:
        """Whether it can be in ``text``: quick, also where that is long."""
        text = text if self.exact else text.lower()
        return (all if self.every else any)(word in text for word in self.words)

    def count(self, text: str) -> int:
        """How often it is in ``text``."""
        return sum(1 for _ in self.source.finditer(text)) if self.may_be_in(text) else 0


def source_of(block: Block) -> str:
    """The text that a block draws, without what decorates it."""
    match block:
        case TextLeaf():
            return "\n".join(block.lines_of_source)
        case Heading():
            return block.text
        case CodeBlock():
            return "\n".join(block.source_lines)
        case Table():
            return "\n".join(" | ".join(row) for row in [block.header, *block.rows])
        case Note():
            return block.text
        case Header():
            return block.text
        case _:
            return ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A part of a row, in characters, that belongs to the match ``number`` of its block."""

    line: int
    start: int
    end: int
    number: int


def marks_of(block: Block, strips: list[Strip], wanted: Wanted, pen: Pen) -> list[Mark]:
    """Where a block's rows show what is looked for, top down."""
    first, lefts, width = _layout(block, len(strips), pen)
    pieces: list[str] = []
    starts: list[int] = []
    at = 0
    for line in range(first, len(strips)):
        content = strips[line].text[lefts(line - first) :].rstrip()
        starts.append(at)
        full = cell_len(content) >= width
        pieces.append(content + (_FOLD if full else "\n"))
        at += len(content) + 1
    joined = "".join(pieces)
    marks: list[Mark] = []
    for number, match in enumerate(wanted.rows.finditer(joined)):
        begin, end = match.span()
        row = bisect_right(starts, begin) - 1
        while row < len(starts) and starts[row] < end:
            stop = min(end, starts[row] + len(pieces[row]) - 1)
            left = lefts(row)
            start = max(begin, starts[row])
            if stop > start:
                marks.append(Mark(first + row, left + start - starts[row], left + stop - starts[row], number))
            row += 1
    return marks


def _layout(block: Block, rows: int, pen: Pen) -> tuple[int, _Lefts, int]:
    """The first row of the text, where each row of it begins, in characters, and how wide it may be, in cells."""
    match block:
        case CodeBlock():
            first = block.frame.gap + (1 if block.labelled else 0)
            return first, _Lefts(block, pen, 1), block.frame.text_width(pen.width) - 2
        case Leaf():
            return block.frame.gap, _Lefts(block, pen, 0), block.frame.text_width(pen.width)
        case Header():
            return max(0, rows - 1), _Lefts(None, pen, 0), pen.width
        case Note():
            return block.gap, _Lefts(None, pen, block.left), pen.width - block.left - 1
        case _:
            return 0, _Lefts(None, pen, 0), pen.width


class _Lefts:
    """Characters left of the text of a row."""

    __slots__ = ("_block", "_more", "_pen")

    def __init__(self, block: Leaf | None, pen: Pen, more: int) -> None:
        self._block, self._pen, self._more = block, pen, more

    def __call__(self, row: int) -> int:
        if self._block is None:
            return self._more
        return self._more + sum(len(text) for text, _style in self._block.frame.left(row, self._pen))
