"""A growing Markdown text to blocks.

CommonMark's block structure with tables and task lists, flattened: quotes and lists become decorations left of
their leaves, so that every block is small and only the last one ever changes.  What has been read decides alone,
never how it was cut into pieces: the unfinished last line is taken in on trial and taken back when more arrives.

With ``exact`` nothing is meant to be shown: code keeps the characters of the source, to be copied.

Two liberties, both because a stream cannot look ahead: link reference definitions stay visible text and resolve
nothing, and a list is as tight as its blank lines say, item by item.
"""

from __future__ import annotations

from mcp_tui.ui.widgets.blocks.code import CodeBlock
from mcp_tui.ui.widgets.blocks.structure import MAX_LINE, Mark, Structure


class Markdown:
    """Feed it text with `append`, then `finish`; ``blocks`` is what it made of it so far."""

    def __init__(self, base: str = "text", *, exact: bool = False) -> None:
        self._structure = Structure(base, exact=exact)
        self.blocks = self._structure.blocks
        self._carry = ""
        """The unfinished last line."""
        self._trial: Mark | None = None
        """Before it was taken in on trial."""
        self._continued = False
        """Whether it is the rest of an overlong line."""

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
            self._trial = self._structure.mark()
            self._structure.read(self._carry, continued=self._continued)
        return min(changed, len(self.blocks))

    def finish(self) -> int:
        """The text is complete; returns the index of the first changed block."""
        changed = self._take_back()
        if self._carry:
            self._whole_line(self._carry)
            self._carry = ""
        self._structure.finish()
        return min(changed, len(self.blocks))

    def _whole_line(self, line: str) -> None:
        while len(line) > MAX_LINE:
            line = self._piece(line)
        self._structure.read(line, continued=self._continued)
        self._continued = False

    def _piece(self, line: str) -> str:
        """Take in the first part of an overlong line; returns the rest."""
        cut = line.rfind(" ", MAX_LINE // 2, MAX_LINE) + 1 or MAX_LINE
        self._structure.read(line[:cut], continued=self._continued)
        self._continued = True
        return line[cut:]

    def _take_back(self) -> int:
        """Undo the line on trial; returns the index of the first block that may change now."""
        mark, self._trial = self._trial, None
        return self._structure.back_to(mark) if mark is not None else max(0, len(self.blocks) - 1)


def code_of(source: str) -> list[tuple[str, str]]:
    """Language and text of each code block of a Markdown text, character by character as written."""
    parser = Markdown(exact=True)
    parser.append(source + "\n")
    parser.finish()
    fences = {id(block.fence): block.fence for block in parser.blocks if isinstance(block, CodeBlock)}
    return [(fence.language, fence.source) for fence in fences.values()]
