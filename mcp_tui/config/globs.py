"""Wildcards of permission rules: anchored, no regular expressions, linear in the length of the text.

``?`` is one character, ``*`` any number of them, ``[abc]``, ``[a-z]`` and ``[!abc]`` one of a set; ``[*]`` is a star
itself.  Matched *narrowly* (allow rules) neither ``*`` nor ``?`` nor a set goes across a ``/``; ``**`` does.  None
then takes a character with which a shell begins another command (`SHELL`): ``git log *`` is no ``git log; rm x``.
Matched *widely* (deny and ask rules) every wildcard takes every character, and case and spelling variants count
as equal: what a person wanted stopped is not got round by a capital letter.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field

SHELL = frozenset(";|&<>$`\\\n\r")
"""Characters that an allow takes only where its pattern has them itself."""

MAX_PATTERN = 1000
"""Longest pattern; its matching costs one step of a number of this many bits for each character."""


class BadGlob(ValueError):
    """The pattern cannot be read; the message says why."""


@dataclass(frozen=True, slots=True)
class _Token:
    """One step of a pattern: a literal, a set of characters, or a wildcard."""

    kind: str
    """``text``, ``set``, ``one`` (``?``), ``star`` or ``deep`` (``**``)."""
    char: str = ""
    ranges: tuple[tuple[str, str], ...] = ()
    negated: bool = False

    def accepts(self, char: str, wide: bool) -> bool:
        if self.kind == "text":
            return char == self.char
        if not wide and char == "/":
            return self.kind == "deep"
        if not wide and char in SHELL and (self.kind != "set" or self.negated):
            return False
        if self.kind != "set":
            return True
        forms = {char, char.upper(), char.lower()} if wide else {char}
        return any(any(low <= form <= high for low, high in self.ranges) != self.negated for form in forms)


def fold(text: str) -> str:
    """Text without differences of case, width and composition, and without what a reader would not see."""
    if text.isascii() and text.isprintable():
        return text.lower()
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return "".join(char for char in folded if unicodedata.category(char) not in ("Cf", "Cc", "Cs", "Cn", "Co", "Mn")
                   or char in "\n\t")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Glob:
    """A parsed pattern."""

    tokens: tuple[_Token, ...]
    wide: bool
    _masks: dict[str, tuple[int, int]] = field(default_factory=dict, compare=False)

    def matches(self, text: str) -> bool:
        """Whether the whole of ``text`` is of this form."""
        text = fold(text) if self.wide else unicodedata.normalize("NFC", text)
        stars = sum(1 << index for index, token in enumerate(self.tokens) if token.kind in ("star", "deep"))
        states = 1 | (stars & 1) << 1
        for char in text:
            step, stay = self._mask(char)
            states = (states & step) << 1 | states & stay
            if not states:
                return False
            states |= (states & stars) << 1
        return bool(states >> len(self.tokens) & 1)

    def _mask(self, char: str) -> tuple[int, int]:
        """The tokens that this character goes past, and the wildcards in which it stays."""
        known = self._masks.get(char)
        if known is None:
            step = stay = 0
            for index, token in enumerate(self.tokens):
                if token.accepts(char, self.wide):
                    if token.kind in ("star", "deep"):
                        stay |= 1 << index
                    else:
                        step |= 1 << index
            if len(self._masks) > 4096:
                self._masks.clear()
            known = self._masks[char] = step, stay
        return known


def parse_glob(pattern: str, *, wide: bool = False) -> Glob:
    """Read a pattern.  Raises `BadGlob`."""
    if len(pattern) > MAX_PATTERN:
        raise BadGlob(f"is longer than {MAX_PATTERN} characters")
    tokens: list[_Token] = []
    for token in _tokens(unicodedata.normalize("NFC", pattern)):
        if token.kind in ("star", "deep") and tokens and tokens[-1].kind in ("star", "deep"):
            if token.kind == "deep":
                tokens[-1] = token
        elif token.kind == "text" and wide:
            tokens += [_Token("text", char) for char in fold(token.char)]
        else:
            tokens.append(token)
    return Glob(tuple(tokens), wide)


def _tokens(pattern: str) -> Iterator[_Token]:
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "[":
            token, at = _set(pattern, at)
            yield token
            continue
        run = len(pattern[at:]) - len(pattern[at:].lstrip("*"))
        if run > 2:
            raise BadGlob("has more than two stars in a row")
        if run:
            yield _Token("deep" if run == 2 else "star")
        else:
            yield _Token("one") if char == "?" else _Token("text", char)
        at += run or 1


def _set(pattern: str, start: int) -> tuple[_Token, int]:
    """The set that begins at ``start``, and where it ends."""
    negated = pattern[start + 1 : start + 2] in ("!", "^")
    first = start + 2 if negated else start + 1
    end = pattern.find("]", first + 1)
    if end < 0:
        raise BadGlob("has a `[` without its `]`")
    inside, ranges, at = pattern[first:end], [], 0
    while at < len(inside):
        if inside[at + 1 : at + 2] == "-" and at + 2 < len(inside):
            low, high = inside[at], inside[at + 2]
            if low > high:
                raise BadGlob(f"has the empty range `{low}-{high}`")
            ranges.append((low, high))
            at += 3
        else:
            ranges.append((inside[at], inside[at]))
            at += 1
    return _Token("set", ranges=tuple(ranges), negated=negated), end + 1
