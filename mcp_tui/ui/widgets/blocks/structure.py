"""The block structure of Markdown, line by line: quotes and lists become decorations, leaves become blocks.

What has been read decides alone, so that a line can be taken back (`Structure.mark`, `Structure.back_to`).
With ``exact`` nothing is meant to be shown: code keeps the characters of the source, to be copied.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeVar

from mcp_tui.safety.text import prose
from mcp_tui.ui.widgets.blocks.code import CodeBlock, Fence
from mcp_tui.ui.widgets.blocks.containers import (
    QUOTED,
    Container,
    Numbering,
    frame_in,
    kept_by_blank,
    list_item,
    matched,
)
from mcp_tui.ui.widgets.blocks.leaves import Frame, Heading, Leaf, Literal, Paragraph, Rule
from mcp_tui.ui.widgets.blocks.syntax import (
    FENCE,
    HEADING,
    HTML,
    ITEM,
    QUOTE,
    RULE,
    SETEXT,
    alignment,
    cells,
    heading_text,
    is_table,
    starts_block,
)
from mcp_tui.ui.widgets.blocks.table import Table

if TYPE_CHECKING:
    from re import Match

MAX_LINE = 4_096
"""A longer line, or paragraph, goes on in another block: no block costs more than this to draw again."""

MAX_DEPTH = 12
"""Quotes and lists inside each other; deeper ones are text."""

LITERAL_LINES = 64
"""Lines of one literal block."""

LeafT = TypeVar("LeafT", bound=Leaf)


class _State(NamedTuple):
    """All that the next line depends on."""

    containers: tuple[Container, ...]
    leaf: Leaf | None
    fence_mark: str
    fence_indent: int
    blank: bool
    lists: dict[int, Numbering]


class Mark(NamedTuple):
    """How to take back what is read after it."""

    state: _State
    blocks: int
    last: Leaf | None
    grown: int


class Structure:
    """Feed it lines with `read`, then `finish`; ``blocks`` is what it made of them so far."""

    def __init__(self, base: str = "text", *, exact: bool = False) -> None:
        self.blocks: list[Leaf] = []
        self._base = base
        self._exact = exact
        self._line_read = ("", "")
        self._state = _State((), None, "", 0, False, {})
        self._fresh_from = 0

    def read(self, line: str, *, continued: bool = False) -> None:
        """Take in a line, or, ``continued``, more of an overlong one."""
        line = line.removesuffix("\r")
        harmless = prose(line)
        if self._exact:
            self._line_read = (line, harmless)
        for each in harmless.split("\n"):
            if not (continued and self._continue(each)):
                self._line(each)

    def finish(self) -> None:
        """There are no more lines."""
        self._close()

    # -- taking back -------------------------------------------------------------------------------

    def mark(self) -> Mark:
        """Where it is now."""
        last, leaf = self.blocks[-1] if self.blocks else None, self._state.leaf
        return Mark(self._state, len(self.blocks), last, leaf.grown if leaf is not None else 0)

    def back_to(self, mark: Mark) -> int:
        """Undo what was read since; returns the index of the first block that may change now."""
        for block in self.blocks[mark.blocks - 1 :]:
            if isinstance(block, CodeBlock):
                block.fence.pieces = [piece for piece in block.fence.pieces if piece is not block]
        del self.blocks[max(0, mark.blocks - 1) :]
        if mark.last is not None:
            self.blocks.append(mark.last)
            if isinstance(mark.last, CodeBlock):
                mark.last.fence.pieces.append(mark.last)
        self._state = mark.state
        if mark.state.leaf is not None:
            mark.state.leaf.cut(mark.grown)
        return max(0, mark.blocks - 1)

    # -- one line ----------------------------------------------------------------------------------

    def _line(self, line: str) -> None:
        depth, rest = matched(self._state.containers, line)
        state = self._state
        if isinstance(state.leaf, CodeBlock):
            if state.fence_mark and depth == len(state.containers):
                self._fence_line(rest)
                return
            if not state.fence_mark and depth == len(state.containers) and self._indented_line(rest):
                return
            self._close()
        if not rest.strip():
            self._blank(depth)
            return
        outer = depth
        depth, rest = self._open_containers(depth, rest)
        if outer == depth and outer < len(self._state.containers) and self._lazy(rest):
            return
        if depth < len(self._state.containers):
            self._leave(depth)
        self._fresh_from = outer
        self._leaf(rest)
        self._state = self._state._replace(blank=False)

    def _continue(self, rest: str) -> bool:
        """More of an overlong line: its own block after the one before, inside the same containers."""
        leaf = self._state.leaf
        if isinstance(leaf, CodeBlock):
            if self._exact:
                leaf.fence.lines[-1] += self._as_written(rest)
            else:
                self._code_line(rest)
            return True
        self._close()
        self._fresh_from = len(self._state.containers)
        if rest.strip():
            self._start(Paragraph(self._frame(0), self._base)).add(rest)
        return True

    def _blank(self, count: int) -> None:
        self._close()
        containers = kept_by_blank(self._state.containers, count)
        self._state = self._state._replace(blank=True, containers=containers)

    def _lazy(self, rest: str) -> bool:
        """Whether this is the rest of a paragraph whose quote or list marks were left out."""
        leaf = self._state.leaf
        if not isinstance(leaf, Paragraph) or not leaf.lines_of_source or starts_block(rest):
            return False
        self._paragraph_line(leaf, rest)
        return True

    def _leave(self, depth: int) -> None:
        self._close()
        self._state = self._state._replace(containers=self._state.containers[:depth])

    # -- containers --------------------------------------------------------------------------------

    def _open_containers(self, depth: int, rest: str) -> tuple[int, str]:
        while depth < MAX_DEPTH and not rest.startswith("    "):
            quote = QUOTE.match(rest)
            if quote is not None:
                self._push(depth, QUOTED)
                rest = rest[quote.end() :]
            elif RULE.match(rest) or self._underlines(depth, rest):
                break
            else:
                item = ITEM.match(rest)
                if item is None or not self._may_start(depth, item, rest):
                    break
                rest = self._push_item(depth, item, rest)
            depth += 1
        return depth, rest

    def _underlines(self, depth: int, rest: str) -> bool:
        leaf = self._state.leaf
        inside = depth == len(self._state.containers)
        return inside and isinstance(leaf, Paragraph) and bool(leaf.lines_of_source) and bool(SETEXT.match(rest))

    def _may_start(self, depth: int, item: Match[str], rest: str) -> bool:
        """A list interrupts a paragraph only with text in its item and, when numbered, from 1 (CommonMark 5.3)."""
        inside = depth == len(self._state.containers)
        if not inside or not isinstance(self._state.leaf, Paragraph) or not self._state.leaf.lines_of_source:
            return True
        return bool(rest[item.end() :].strip()) and item[2] in ("-", "+", "*", "1.", "1)")

    def _push_item(self, depth: int, item: Match[str], rest: str) -> str:
        lists = {each: numbering for each, numbering in self._state.lists.items() if each <= depth}
        around = self._state.containers[:depth]
        container, lists[depth], content = list_item(item, rest, around, lists.get(depth))
        self._push(depth, container)
        self._state = self._state._replace(lists=lists)
        return content

    def _push(self, depth: int, container: Container) -> None:
        self._close()
        containers = (*self._state.containers[:depth], container)
        self._state = self._state._replace(containers=containers)

    # -- leaves ------------------------------------------------------------------------------------

    def _leaf(self, rest: str) -> None:
        leaf = self._state.leaf
        if isinstance(leaf, Literal):
            if len(leaf.lines_of_source) < LITERAL_LINES:
                leaf.add(rest)
            else:
                self._start(Literal(self._frame(0), self._base)).add(rest)
        elif isinstance(leaf, Table) and not starts_block(rest):
            leaf.add(cells(rest))
        elif isinstance(leaf, Paragraph):
            self._after_paragraph(leaf, rest)
        elif rest.startswith("    ") and rest.strip():
            self._start_code(Fence(), "", 0)
            self._code_line(rest[4:])
        else:
            self._begin(rest)

    def _after_paragraph(self, leaf: Paragraph, rest: str) -> None:
        setext = SETEXT.match(rest) if leaf.lines_of_source else None
        if setext is not None:
            text = "\n".join(leaf.lines_of_source)
            self.blocks[-1] = Heading(leaf.frame, 1 if setext[1][0] == "=" else 2, text, self._base)
            self._close()
        elif leaf.lines_of_source and is_table(leaf.lines_of_source[-1], rest):
            self._turn_into_table(leaf, rest)
        elif starts_block(rest):
            self._close()
            self._begin(rest)
        else:
            self._paragraph_line(leaf, rest)

    def _begin(self, rest: str) -> None:
        """A leaf that starts with this line."""
        fence, heading = FENCE.match(rest), HEADING.match(rest)
        if fence is not None and not (fence[1][0] == "`" and "`" in fence[2]):
            self._start_code(Fence(fence[2].strip()), fence[1], len(rest) - len(rest.lstrip(" ")))
        elif heading is not None:
            self._close()
            self._start(Heading(self._frame(), len(heading[1]), heading_text(heading[2] or ""), self._base))
            self._close()
        elif RULE.match(rest):
            self._close()
            self._start(Rule(self._frame(), self._base))
            self._close()
        elif HTML.match(rest):
            self._start(Literal(self._frame(), self._base)).add(rest)
        else:
            paragraph = self._start(Paragraph(self._frame(), self._base))
            if rest.strip():
                self._paragraph_line(paragraph, rest)

    def _paragraph_line(self, leaf: Paragraph, rest: str) -> None:
        if leaf.size + len(rest) > MAX_LINE and leaf.lines_of_source:
            self._close()
            self._fresh_from = len(self._state.containers)
            leaf = self._start(Paragraph(self._frame(0), self._base))
        hard = rest.endswith("  ")
        leaf.add(rest.strip() + ("  " if hard else ""))

    def _turn_into_table(self, leaf: Paragraph, rest: str) -> None:
        header = leaf.lines_of_source[-1]
        if len(leaf.lines_of_source) > 1:
            shorter = Paragraph(leaf.frame, self._base)
            for line in leaf.lines_of_source[:-1]:
                shorter.add(line)
            self.blocks[-1] = shorter
            self._fresh_from = len(self._state.containers)
            frame = self._frame(1)
        else:
            self.blocks.pop()
            frame = leaf.frame
        self._start(Table(frame, cells(header), [alignment(cell) for cell in cells(rest)], self._base))

    def _start_code(self, fence: Fence, mark: str, indent: int) -> None:
        self._close()
        piece = CodeBlock(self._frame(), fence, 0, self._base)
        fence.pieces.append(piece)
        self._start(piece)
        self._state = self._state._replace(fence_mark=mark, fence_indent=indent)

    def _fence_line(self, rest: str) -> None:
        mark = self._state.fence_mark
        bare = rest.strip(" ")
        indent = len(rest) - len(rest.lstrip(" "))
        if indent < 4 and len(bare) >= len(mark) and not bare.strip(mark[0]):
            self._close()
            return
        self._code_line(rest[min(indent, self._state.fence_indent) :])

    def _indented_line(self, rest: str) -> bool:
        """Go on with indented code; blank lines belong to it only when more code follows, so they wait as ``blank``."""
        leaf = self._state.leaf
        if not rest.strip() or not rest.startswith("    ") or not isinstance(leaf, CodeBlock):
            return False
        self._code_line(rest[4:])
        return True

    def _code_line(self, text: str) -> None:
        leaf = self._state.leaf
        if not isinstance(leaf, CodeBlock):
            raise TypeError("no code is open")
        if leaf.full:
            self._fresh_from = len(self._state.containers)
            piece = CodeBlock(self._frame(0), leaf.fence, len(leaf.fence.lines), self._base)
            leaf.fence.pieces.append(piece)
            self.blocks.append(piece)
            self._state = self._state._replace(leaf=piece)
            leaf = piece
        leaf.fence.lines.append(self._as_written(text) if self._exact else text)
        leaf.fence.size += len(text) + 1
        leaf.drop()

    def _as_written(self, text: str) -> str:
        """The code of the line being read with its tabs and all else, as far as its indent lets it be found."""
        line, harmless = self._line_read
        cut = len(harmless) - len(text)
        return line[cut:] if cut >= 0 and line[:cut] == harmless[:cut] else text

    # -- starting and ending -----------------------------------------------------------------------------------

    def _frame(self, gap: int | None = None) -> Frame:
        """The decorations of a leaf that starts now; list marks appear on the leaf that follows them."""
        containers = self._state.containers
        if gap is None:
            gap = self._gap(len(containers) > self._fresh_from)
        return frame_in(containers, self._fresh_from, gap)

    def _gap(self, opened: bool) -> int:
        """A blank row before the leaf: where the source has one, and around code, tables and headings."""
        if not self.blocks:
            return 0
        if self._state.blank:
            return 1
        last = self.blocks[-1]
        return int(not isinstance(last, Heading if not opened else (Heading, Paragraph)))

    def _start(self, leaf: LeafT) -> LeafT:
        """Add a leaf and keep it open; lists that it does not belong to end."""
        self.blocks.append(leaf)
        depth = len(self._state.containers)
        lists = self._state.lists
        if any(each >= depth for each in lists):
            lists = {each: numbering for each, numbering in lists.items() if each < depth}
        self._state = self._state._replace(leaf=leaf, lists=lists)
        return leaf

    def _close(self) -> None:
        leaf = self._state.leaf
        if isinstance(leaf, CodeBlock):
            leaf.fence.closed = True
            for piece in leaf.fence.pieces:
                piece.drop()
        self._state = self._state._replace(leaf=None, fence_mark="", fence_indent=0)
