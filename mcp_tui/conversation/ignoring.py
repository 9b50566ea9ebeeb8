"""Rules that say what a comparison of two results leaves out: a time, a request id, whatever is new each time.

A rule is a place (`mcp_tui.conversation.places`), for one tool if it begins with ``server.tool:``, or a pattern: a
regular expression whose matches are left out wherever a result has text.  `mcp_tui.conversation.result_mask` applies
them.  A pattern is the person's and the text a server's, so matching has a time limit.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mcp_tui.conversation.places import ROOTS, BadPlace, Place, parse_place
from mcp_tui.errors import UsageError
from mcp_tui.safety.text import shorten

IGNORED = "[ignored]"
"""Stands for what is left out."""
MOST_PATTERN = 1_000
"""Characters of a pattern."""
MOST_REPEATED = 100_000
"""Size of a pattern with its counted repetitions written out, as it is when it is compiled."""

_TOOL = re.compile(r":(?=(?:structured_content|" + "|".join(ROOTS) + r")(?:[.\[:]|\Z))")
_COUNT = re.compile(r"\{(\d*)(?:,(\d*))?\}")


@dataclass(frozen=True, slots=True)
class PlaceRule:
    """A place that is left out."""

    words: str
    """As the person wrote it."""
    place: Place
    tool: str = ""
    """``server.tool`` or ``server.*``; empty: of all tools."""

    def concerns(self, label: str) -> bool:
        """Whether it is about a tool."""
        return self.tool in ("", label) or (self.tool.endswith(".*") and label.startswith(self.tool[:-1]))


@dataclass(frozen=True, slots=True)
class PatternRule:
    """Text that is left out wherever it stands."""

    words: str
    """Between slashes."""
    masked: Callable[[str, float], tuple[str, int]]
    """A text without its matches, and how many there were; raises `TimeoutError` after so many seconds."""

    def concerns(self, label: str) -> bool:
        """Whether it is about a tool: about every one."""
        return True


Rule = PlaceRule | PatternRule


@dataclass(frozen=True, slots=True)
class Ignoring:
    """The rules of one verification."""

    rules: tuple[Rule, ...] = ()


NOTHING = Ignoring()


def parse_ignoring(places: Sequence[str], patterns: Sequence[str]) -> Ignoring:
    """Read rules as a person writes them.  Raises `UsageError`, which names the rule and the place in it."""
    return Ignoring((*map(_place_rule, places), *map(_pattern_rule, patterns)))


def _place_rule(text: str) -> PlaceRule:
    text = text.strip()
    colon = _TOOL.search(text)
    tool = text[: colon.start()] if colon else ""
    try:
        if colon and "." not in tool:
            raise BadPlace("before the colon stands SERVER.TOOL, or SERVER.* for all of a server", 0)
        return PlaceRule(text, parse_place(text, colon.end() if colon else 0), tool)
    except BadPlace as bad:
        at = f"at character {bad.at + 1}, {text[bad.at :][:20]!r}" if bad.at < len(text) else "at its end"
        raise UsageError(f"What to ignore cannot be read: {shorten(text, 200)!r}, {at}: {bad}.") from None


def _pattern_rule(source: str) -> PatternRule:
    import regex

    named = f"The pattern {shorten(source, 200)!r}"
    if len(source) > MOST_PATTERN:
        raise UsageError(f"{named} is longer than {MOST_PATTERN:,} characters.")
    if written_out(source) > MOST_REPEATED:
        raise UsageError(f"{named} repeats too much: its counted repetitions multiply.")
    try:
        compiled = regex.compile(source)
    except regex.error as error:
        at = f" at character {error.pos + 1}" if error.pos is not None else ""
        raise UsageError(f"{named} is no regular expression{at}: {error.msg}.") from None
    if compiled.fullmatch(""):
        raise UsageError(f"{named} matches no text at all, and so would match everywhere.")

    def masked(text: str, seconds: float) -> tuple[str, int]:
        found = 0

        def mask(match: regex.Match[str]) -> str:
            nonlocal found
            found += bool(match[0])
            return IGNORED if match[0] else ""

        return compiled.sub(mask, text, timeout=seconds, concurrent=True), found

    return PatternRule(f"/{source}/", masked)


def written_out(source: str) -> int:
    """How long a regular expression is with its counted repetitions written out; an estimate from above."""
    sizes, last, at = [0], 0, 0
    in_set = False
    while at < len(source):
        char, step = source[at], 1
        count = _COUNT.match(source, at) if char == "{" and not in_set else None
        if count:
            times = max(1, *(int(number or 0) for number in count.groups("0")))
            sizes[-1] += last * (min(times, MOST_REPEATED) - 1)
            last, step = last * times, len(count[0])
        elif char == "(" and not in_set:
            sizes.append(0)
        elif char == ")" and not in_set and len(sizes) > 1:
            last = sizes.pop() + 1
            sizes[-1] += last
        else:
            in_set = char == "[" or (in_set and char != "]")
            step = 2 if char == "\\" else 1
            last = 1
            sizes[-1] += 1
        at += step
    return sum(sizes)
