"""Quotes and list items around a leaf of Markdown: which go on in a line, and what stands left of the leaf."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from mcp_tui.ui.widgets.blocks.leaves import Frame
from mcp_tui.ui.widgets.blocks.syntax import QUOTE, TASK

if TYPE_CHECKING:
    from re import Match

_BULLETS = ("•", "◦", "▪")


class Container(NamedTuple):
    """An open quote (``indent`` 0) or list item (``indent``: columns of its content)."""

    indent: int
    first: str
    """What stands left of its first leaf."""
    rest: str
    """What stands left of every other row."""


QUOTED = Container(0, "▎ ", "▎ ")


class Numbering(NamedTuple):
    """The last item of a list: its delimiter and its number, to count on from."""

    delimiter: str
    number: int


def matched(containers: tuple[Container, ...], line: str) -> tuple[int, str]:
    """How many open containers go on in this line, and what is left of it."""
    count, rest = 0, line
    for container in containers:
        if container.indent:
            if rest[: container.indent].strip():
                break
            rest = rest[container.indent :]
        else:
            quote = QUOTE.match(rest)
            if quote is None:
                break
            rest = rest[quote.end() :]
        count += 1
    return count, rest


def kept_by_blank(containers: tuple[Container, ...], count: int) -> tuple[Container, ...]:
    """Those still open after a blank line in which ``count`` go on: list items may, quotes end."""
    kept = count
    for container in containers[count:]:
        if not container.indent:
            break
        kept += 1
    return containers[:kept]


def list_item(
    item: Match[str], line: str, around: tuple[Container, ...], previous: Numbering | None
) -> tuple[Container, Numbering, str]:
    """The item that ``line`` begins (``item``: its mark), where its list has come to, and what is left of the line."""
    lead, mark, space = item.groups()
    content = line[item.end() :]
    width = len(space) if content and len(space) <= 4 else 1
    number = 0
    if mark[:-1].isdigit():
        number = previous.number + 1 if previous and previous.delimiter == mark[-1] else int(mark[:-1])
        shown = f"{number}{mark[-1]} "
    else:
        shown = _BULLETS[min(sum(1 for container in around if container.indent), 2)] + " "
    content = " " * max(0, len(space) - width) + content
    task = TASK.match(content)
    if task is not None:
        box = "☐ " if task[1] == " " else "☑ "
        shown = shown + box if number else box
        content = content[task.end() :]
    indent = len(lead) + len(mark) + width
    return Container(indent, shown, " " * len(shown)), Numbering(mark[-1], number), content


def frame_in(containers: tuple[Container, ...], fresh_from: int, gap: int) -> Frame:
    """The decorations of a leaf; marks of list items from ``fresh_from`` on stand before it, those around it do not."""
    first = "".join(
        container.first if index >= fresh_from or not container.indent else container.rest
        for index, container in enumerate(containers)
    )
    rest = "".join(container.rest for container in containers)
    return _frame(first, rest, gap, any(not container.indent for container in containers))


@lru_cache(maxsize=256)
def _frame(first: str, rest: str, gap: int, quoted: bool) -> Frame:
    """Frames are never changed, so that leaves share them."""
    return Frame(first, rest, gap=gap, quoted=quoted)
