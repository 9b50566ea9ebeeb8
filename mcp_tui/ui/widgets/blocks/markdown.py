"""A growing Markdown text to blocks, line by line.

CommonMark's block structure with tables and task lists, flattened: quotes and lists become decorations left of
their leaves, so that every block is small and only the last one ever changes.  What has been read decides alone,
never how it was cut into pieces: the unfinished last line is taken in on trial and taken back when more arrives.

With ``exact`` nothing is meant to be shown: code keeps the characters of the source, to be copied.

Two liberties, both because a stream cannot look ahead: link reference definitions stay visible text and resolve
nothing, and a list is as tight as its blank lines say, item by item.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from mcp_tui.safety.text import prose
from mcp_tui.ui.widgets.blocks.code import CodeBlock, Fence
from mcp_tui.ui.widgets.blocks.leaves import Frame, Heading, Leaf, Literal, Paragraph, Rule, TextLeaf
from mcp_tui.ui.widgets.blocks.syntax import (
    FENCE,
    HEADING,
    HTML,
    ITEM,
    QUOTE,
    RULE,
    SETEXT,
    TASK,
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

_BULLETS = ("•", "◦", "▪")
LeafT = TypeVar("LeafT", bound=Leaf)


class _Container(NamedTuple):
    """An open quote (``indent`` 0) or list item (``indent``: columns of its content)."""

    indent: int
    first: str
    rest: str


@dataclass(slots=True)
class _Numbering:
    """The last item of a list: its delimiter and its number, to count on from."""

    delimiter: str
    number: int


class _State(NamedTuple):
    """All that the next line depends on."""

    containers: tuple[_Container, ...]
    leaf: Leaf | None
    fence_mark: str
    fence_indent: int
    blank: bool
    lists: dict[int, _Numbering]


class _Trial(NamedTuple):
    """How to take back a line that was taken in on trial."""

    state: _State
    blocks: int
    last: Leaf | None
    size: int


class Markdown:
    """Feed it text with `append`, then `finish`; ``blocks`` is what it made of it so far."""

    def __init__(self, base: str = "text", *, exact: bool = False) -> None:
        self._exact = exact
        self._line_read = ("", "")
        self.blocks: list[Leaf] = []
        self._base = base
        self._carry = ""
        self._trial: _Trial | None = None
        self._state = _State((), None, "", 0, False, {})
        self._continued = False
        self._fresh_from = 0

    # -- input -------------------------------------------------------------------------------------

    def append(self, text: str) -> int:
        """Read more; returns the index of the first block that is new or changed."""
        changed = self._take_back()
        self._carry += text
        lines = self._carry.split("\n")
        self._carry = lines.pop()
        for line in lines:
            self._whole_line(line)
        while len(self._carry) > MAX_LINE:
            self._carry = self._piece(self._carry)
        if self._carry:
            self._try(self._carry)
        return min(changed, len(self.blocks))

    def finish(self) -> int:
        """The text is complete; returns the index of the first changed block."""
        changed = self._take_back()
        if self._carry:
            self._whole_line(self._carry)
            self._carry = ""
        self._close()
        return min(changed, len(self.blocks))

    def _whole_line(self, line: str) -> None:
        while len(line) > MAX_LINE:
            line = self._piece(line)
        self._lines(line)
        self._continued = False

    def _piece(self, line: str) -> str:
        """Take in the first part of an overlong line; returns the rest."""
        cut = line.rfind(" ", MAX_LINE // 2, MAX_LINE) + 1 or MAX_LINE
        self._lines(line[:cut])
        self._continued = True
        return line[cut:]

    def _lines(self, line: str) -> None:
        line = line.removesuffix("\r")
        harmless = prose(line)
        if self._exact:
            self._line_read = (line, harmless)
        for each in harmless.split("\n"):
            self._line(each)

    def _try(self, line: str) -> None:
        last = self.blocks[-1] if self.blocks else None
        continued = self._continued
        self._trial = _Trial(self._state, len(self.blocks), last, _size(self._state.leaf))
        self._lines(line)
        self._continued = continued

    def _take_back(self) -> int:
        """Undo the line on trial; returns the index of the first block that may change now."""
        trial, self._trial = self._trial, None
        if trial is None:
            return max(0, len(self.blocks) - 1)
        for block in self.blocks[trial.blocks - 1 :]:
            if isinstance(block, CodeBlock):
                block.fence.pieces = [piece for piece in block.fence.pieces if piece is not block]
        del self.blocks[max(0, trial.blocks - 1) :]
        if trial.last is not None:
            self.blocks.append(trial.last)
            if isinstance(trial.last, CodeBlock):
                trial.last.fence.pieces.append(trial.last)
        self._state = trial.state
        _restore(trial.state.leaf, trial.size)
        return max(0, trial.blocks - 1)

    # -- one line ----------------------------------------------------------------------------------

    def _line(self, line: str) -> None:
        if self._continued and self._continue(line):
            return
        matched, rest = self._match(line)
        state = self._state
        if isinstance(state.leaf, CodeBlock):
            if state.fence_mark and matched == len(state.containers):
                self._fence_line(rest)
                return
            if not state.fence_mark and matched == len(state.containers) and self._indented_line(rest):
                return
            self._close()
        if not rest.strip():
            self._blank(matched)
            return
        outer = matched
        matched, rest = self._open_containers(matched, rest)
        if outer == matched and outer < len(self._state.containers) and self._lazy(rest):
            return
        if matched < len(self._state.containers):
            self._leave(matched)
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

    def _match(self, line: str) -> tuple[int, str]:
        """How many open containers go on in this line, and what is left of it."""
        matched, rest = 0, line
        for container in self._state.containers:
            if container.indent:
                if rest[: container.indent].strip():
                    break
                rest = rest[container.indent :]
            else:
                quote = QUOTE.match(rest)
                if quote is None:
                    break
                rest = rest[quote.end() :]
            matched += 1
        return matched, rest

    def _blank(self, matched: int) -> None:
        kept = matched
        for container in self._state.containers[matched:]:
            if not container.indent:
                break
            kept += 1
        self._close()
        self._state = self._state._replace(blank=True, containers=self._state.containers[:kept])

    def _lazy(self, rest: str) -> bool:
        """Whether this is the rest of a paragraph whose quote or list marks were left out."""
        leaf = self._state.leaf
        if not isinstance(leaf, Paragraph) or not leaf.lines_of_source or starts_block(rest):
            return False
        self._paragraph_line(leaf, rest)
        return True

    def _leave(self, matched: int) -> None:
        self._close()
        self._state = self._state._replace(containers=self._state.containers[:matched])

    # -- containers --------------------------------------------------------------------------------

    def _open_containers(self, matched: int, rest: str) -> tuple[int, str]:
        while matched < MAX_DEPTH and not rest.startswith("    "):
            quote = QUOTE.match(rest)
            if quote is not None:
                self._push(matched, _Container(0, "▎ ", "▎ "))
                rest = rest[quote.end() :]
            elif RULE.match(rest) or self._underlines(matched, rest):
                break
            else:
                item = ITEM.match(rest)
                if item is None or not self._may_start(matched, item, rest):
                    break
                rest = self._push_item(matched, item, rest)
            matched += 1
        return matched, rest

    def _underlines(self, matched: int, rest: str) -> bool:
        leaf = self._state.leaf
        inside = matched == len(self._state.containers)
        return inside and isinstance(leaf, Paragraph) and bool(leaf.lines_of_source) and bool(SETEXT.match(rest))

    def _may_start(self, matched: int, item: Match[str], rest: str) -> bool:
        """A list interrupts a paragraph only with text in its item and, when numbered, from 1 (CommonMark 5.3)."""
        inside = matched == len(self._state.containers)
        if not inside or not isinstance(self._state.leaf, Paragraph) or not self._state.leaf.lines_of_source:
            return True
        return bool(rest[item.end() :].strip()) and item[2] in ("-", "+", "*", "1.", "1)")

    def _push_item(self, matched: int, item: Match[str], rest: str) -> str:
        lead, mark, space = item.groups()
        content = rest[item.end() :]
        width = len(space) if content and len(space) <= 4 else 1
        lists = {depth: each for depth, each in self._state.lists.items() if depth <= matched}
        previous = lists.get(matched)
        number = 0
        if mark[:-1].isdigit():
            number = previous.number + 1 if previous and previous.delimiter == mark[-1] else int(mark[:-1])
            shown = f"{number}{mark[-1]} "
        else:
            depth = sum(1 for container in self._state.containers[:matched] if container.indent)
            shown = _BULLETS[min(depth, 2)] + " "
        lists[matched] = _Numbering(mark[-1], number)
        content = " " * max(0, len(space) - width) + content
        task = TASK.match(content)
        if task is not None:
            shown = ("☐ " if task[1] == " " else "☑ ") if not number else shown + ("☐ " if task[1] == " " else "☑ ")
            content = content[task.end() :]
        indent = len(lead) + len(mark) + width
        self._push(matched, _Container(indent, shown, " " * len(shown)))
        self._state = self._state._replace(lists=lists)
        return content

    def _push(self, matched: int, container: _Container) -> None:
        self._close()
        containers = (*self._state.containers[:matched], container)
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

    # -- helpers -----------------------------------------------------------------------------------

    def _frame(self, gap: int | None = None) -> Frame:
        """The decorations of a leaf that starts now; list marks appear on the leaf that follows them."""
        containers = self._state.containers
        first = "".join(
            container.first if index >= self._fresh_from or not container.indent else container.rest
            for index, container in enumerate(containers)
        )
        if gap is None:
            gap = self._gap(len(containers) > self._fresh_from)
        rest = "".join(container.rest for container in containers)
        return _frame(first, rest, gap, any(not container.indent for container in containers))

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


@lru_cache(maxsize=256)
def _frame(first: str, rest: str, gap: int, quoted: bool) -> Frame:
    """Frames are never changed, so that leaves share them."""
    return Frame(first, rest, gap=gap, quoted=quoted)


def _size(leaf: Leaf | None) -> int:
    """How much a leaf holds, in what it grows by."""
    match leaf:
        case TextLeaf():
            return len(leaf.lines_of_source)
        case Table():
            return leaf.count
        case CodeBlock():
            return len(leaf.fence.lines)
        case _:
            return 0


def _restore(leaf: Leaf | None, size: int) -> None:
    """Bring a leaf back to ``size``."""
    match leaf:
        case TextLeaf():
            leaf.cut(size)
        case Table():
            leaf.cut(size)
        case CodeBlock():
            leaf.fence.cut(size)
            leaf.fence.closed = False
            leaf.drop()
        case _:
            pass


def code_of(source: str) -> list[tuple[str, str]]:
    """Language and text of each code block of a Markdown text, character by character as written."""
    parser = Markdown(exact=True)
    parser.append(source + "\n")
    parser.finish()
    fences = {id(block.fence): block.fence for block in parser.blocks if isinstance(block, CodeBlock)}
    return [(fence.language, fence.source) for fence in fences.values()]
