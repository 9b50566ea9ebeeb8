"""JSON read one element of its outermost list at a time: an export of years has hundreds of megabytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

_TOKEN = re.compile(r'[][{}",]|\\')
MOST_ELEMENT = 256 * 1024 * 1024
"""Characters of one element."""


class NotJson(Exception):
    """The text is no JSON; the message says where."""


def elements(pieces: Iterable[str]) -> Iterator[Any]:
    """The elements of the list that is written in ``pieces``.  Raises `NotJson`, also in the middle."""
    cutter = _Cutter()
    for piece in pieces:
        for text in cutter.feed(piece):
            yield decoded(text, f"element {cutter.number}")
    cutter.close()


def decoded(text: str, place: str) -> Any:
    """JSON text as values.  Raises `NotJson`."""
    try:
        return json.loads(text)
    except RecursionError:
        raise NotJson(f"{place}: nested too deeply") from None
    except ValueError as error:
        raise NotJson(f"{place}: {error}") from None


class _Cutter:
    """Cuts a list into the texts of its elements, without reading them."""

    def __init__(self) -> None:
        self._held: list[str] = []
        self._length = 0
        self._depth = 0
        self._in_text = False
        self._escaped = False
        self._done = False
        self.number = 0

    def feed(self, piece: str) -> Iterator[str]:
        start = position = 0
        if self._escaped:
            position, self._escaped = 1, False
        while match := _TOKEN.search(piece, position):
            char, place, position = match[0], match.start(), match.end()
            if char == "\\":
                self._escaped = position >= len(piece)
                position += 1
            elif char == '"':
                self._in_text = not self._in_text
            elif self._in_text:
                continue
            elif self._depth == 0:
                if char != "[" or self._done or piece[start:place].strip("\ufeff \t\r\n"):
                    raise NotJson("it is no list")
                self._depth, start = 1, position
            elif char in "[{":
                self._depth += 1
            elif char in "]}":
                self._depth -= 1
                if self._depth == 0:
                    yield from self._cut(piece[start:place])
                    self._done, start = True, position
            elif self._depth == 1:
                yield from self._cut(piece[start:place])
                start = position
        self._hold(piece[start:])

    def _cut(self, rest: str) -> Iterator[str]:
        self._hold(rest)
        text = "".join(self._held)
        self._held.clear()
        self._length = 0
        if text.strip():
            self.number += 1
            yield text

    def _hold(self, text: str) -> None:
        self._length += len(text)
        if self._length > MOST_ELEMENT:
            raise NotJson(f"element {self.number + 1} is longer than {MOST_ELEMENT // 1024 // 1024} MB")
        self._held.append(text)

    def close(self) -> None:
        """Raise `NotJson` when the list has no end, or something follows it."""
        if not self._done:
            raise NotJson(f"it ends in the middle, after {self.number} elements")
        if "".join(self._held).strip():
            raise NotJson("something follows the list")
