"""The line that is shown of a hit: the text around its first match, harmless for a terminal."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mcp_tui.history.search.words import Matcher
from mcp_tui.safety.text import prose

BEFORE = 32
"""Characters before the first match."""
LONGEST = 160
"""Characters of a snippet, before blanks are drawn together."""
_BLANKS = re.compile(r"\s+")
_WORD_BREAK = 12
"""Characters within which a cut moves to the next blank."""


def snippet(text: str, folded: str, matchers: Sequence[Matcher]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """One line of ``text``, and where the matches are in it; ``folded`` is `words.fold` of the text."""
    firsts = [place for matcher in matchers if (place := matcher.first(folded)) is not None]
    start = max(0, min((place[0] for place in firsts), default=0) - BEFORE)
    if start:
        blank = text.find(" ", start, start + _WORD_BREAK)
        start = blank + 1 if blank >= 0 else start
    end = min(len(text), start + LONGEST)
    places = sorted(
        (max(first, start), min(last, end))
        for matcher in matchers
        for first, last in matcher.found(folded[: end + 1], start)
        if first < end and last > start
    )
    return _drawn(text, start, end, places)


def _drawn(text: str, start: int, end: int, places: list[tuple[int, int]]) -> tuple[str, tuple[tuple[int, int], ...]]:
    """Made harmless piece by piece, so that the marks stay where the matches are."""
    out = "…" if start else ""
    marks: list[tuple[int, int]] = []
    position = start
    for first, last in places:
        if first < position:
            continue
        out += _clean(text[position:first], after_blank=out.endswith((" ", "…")) or not out)
        begin = len(out)
        out += _clean(text[first:last], after_blank=True)
        marks.append((begin, len(out)))
        position = last
    out += _clean(text[position:end], after_blank=out.endswith(" ") or not out)
    return out.rstrip() + ("…" if end < len(text) else ""), tuple(marks)


def _clean(text: str, *, after_blank: bool) -> str:
    line = _BLANKS.sub(" ", prose(text))
    return line.lstrip() if after_blank else line
