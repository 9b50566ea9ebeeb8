"""Which items of two lists belong together, such as the lines of two texts; and which runs of them differ.

The time is bounded: long lists are first cut at items that stand once in each, and what is still long is one run.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Literal, NamedTuple

MOST_ITEMS = 1_000
"""Items that are aligned with each other between two cuts; with more, this part is one run."""

Kind = Literal["added", "removed", "changed"]


class Run(NamedTuple):
    """Items ``a`` to ``b`` of the one list, in whose place items ``c`` to ``d`` of the other stand."""

    kind: Kind
    a: int
    b: int
    c: int
    d: int


def differing(old: Sequence[str], new: Sequence[str]) -> Iterator[Run]:
    """The runs that differ, in order."""
    if max(len(old), len(new)) <= MOST_ITEMS:
        yield from _between(old, new, 0, 0)
        return
    head = common(old, new)
    tail = common(old[head:][::-1], new[head:][::-1])
    end = len(old) - tail, len(new) - tail
    a, c = head, head
    left = MOST_ITEMS**2
    for at, its in (*_cuts(old, new, head, *end), end):
        part_old, part_new = old[a:at], new[c:its]
        if part_old != part_new:
            left -= len(part_old) * len(part_new)
            if left >= 0:
                yield from _between(part_old, part_new, a, c)
            else:
                yield Run("changed" if part_old and part_new else "removed" if part_old else "added", a, at, c, its)
        a, c = at, its


def common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many items at the beginning are the same."""
    count = 0
    for one, other in zip(old, new, strict=False):
        if one != other:
            break
        count += 1
    return count


def _between(old: Sequence[str], new: Sequence[str], first_old: int, first_new: int) -> Iterator[Run]:
    """The runs of a part that begins at these places."""
    head = common(old, new)
    old, new = old[head:], new[head:]
    tail = common(old[::-1], new[::-1])
    old, new = old[: len(old) - tail], new[: len(new) - tail]
    for tag, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag != "equal":
            kind: Kind = "added" if a == b else "removed" if c == d else "changed"
            yield Run(kind, *(first_old + head + n for n in (a, b)), *(first_new + head + n for n in (c, d)))


def _cuts(old: Sequence[str], new: Sequence[str], head: int, end_old: int, end_new: int) -> list[tuple[int, int]]:
    """Places of items that stand once in each, in the order of both: as many of them as there can be."""
    once_old, once_new = ({item for item, n in Counter(each).items() if n == 1} for each in (old, new))
    places = {new[at]: at for at in range(head, end_new) if new[at] in once_new}
    pairs = [(at, places[old[at]]) for at in range(head, end_old) if old[at] in once_old and old[at] in places]
    ends: list[int] = []
    """Of the increasing sequences of each length, the smallest last place."""
    whose: list[int] = []
    """Which pair that place is of."""
    before: list[int] = []
    """Which pair stands before each one in its sequence."""
    for index, (_, place) in enumerate(pairs):
        length = bisect_left(ends, place)
        before.append(whose[length - 1] if length else -1)
        ends[length : length + 1] = [place]
        whose[length : length + 1] = [index]
    found: list[tuple[int, int]] = []
    last = whose[-1] if whose else -1
    while last >= 0:
        found.append(pairs[last])
        last = before[last]
    return found[::-1]
