"""Places of a tool call's result, in the notation in which differences are named.

``structuredContent.items[2].id``, ``content[0].text``, ``content[0].text:3`` (a line), ``definition.description``.
A key that is no name stands in quotes: ``structuredContent["odd key"]``.  Written by a person, ``[*]`` is every item,
``.*`` every key, and ``structured_content`` is ``structuredContent``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

ROOTS = ("content", "structuredContent", "outcome", "error", "definition", "arguments")
"""What a place begins with."""

Step = str | int | None
"""A key, the number of an item, or every one of them."""

MOST_STEPS = 64
"""Keys and items in a place."""

_ALIASES = {"structured_content": "structuredContent"}
_WHOLE = frozenset({"outcome", "error"})
"""Places with nothing below them."""

_WORD = re.compile(r"[^.\[\]:\"\s]+")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_NUMBER = re.compile(r"\d{1,9}")


class BadPlace(ValueError):
    """A place that cannot be read; ``at`` is the index of the character that is wrong."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


@dataclass(frozen=True, slots=True)
class Place:
    """A place, and all that is below it; with a ``line`` (from 1) only that one of a text."""

    steps: tuple[Step, ...]
    line: int = 0

    def covers(self, steps: Sequence[Step]) -> bool:
        """Whether a place of a difference is this one or below it."""
        if self.line or len(steps) < len(self.steps):
            return False
        return all(mine is None or mine == step for mine, step in zip(self.steps, steps, strict=False))


def parse_place(text: str, start: int = 0) -> Place:
    """Read a place that begins at index ``start`` of ``text``.  Raises `BadPlace`."""
    word = _WORD.match(text, start)
    root = _ALIASES.get(word[0], word[0]) if word else ""
    if word is None or root not in ROOTS:
        raise BadPlace(f"a place begins with {_listed(ROOTS)}", start)
    steps: list[Step] = [root]
    at = word.end()
    while at < len(text) and text[at] != ":":
        if root in _WHOLE:
            raise BadPlace(f"there is nothing below {root}", at)
        step, at = _member(text, at) if text[at] == "." else _item(text, at)
        steps.append(step)
        if len(steps) > MOST_STEPS:
            raise BadPlace(f"a place has at most {MOST_STEPS} steps", at)
    if root == "content" and len(steps) > 1 and isinstance(steps[1], str):
        raise BadPlace("content is a list: write a number or * in brackets", start + len("content"))
    return Place(tuple(steps), _line(text, at))


def _member(text: str, dot: int) -> tuple[Step, int]:
    word = _WORD.match(text, dot + 1)
    if word is None:
        raise BadPlace("write a name or * after the dot", dot + 1)
    return (None if word[0] == "*" else word[0]), word.end()


def _item(text: str, bracket: int) -> tuple[Step, int]:
    if text[bracket] != "[":
        raise BadPlace("write . and a name, a number in brackets, or nothing more", bracket)
    inside = bracket + 1
    step: Step
    if quoted := _QUOTED.match(text, inside):
        try:
            step = str(json.loads(quoted[0]))
        except ValueError:
            raise BadPlace("this is no text as JSON writes it", inside) from None
        end = quoted.end()
    elif number := _NUMBER.match(text, inside):
        step, end = int(number[0]), number.end()
    elif text[inside : inside + 1] == "*":
        step, end = None, inside + 1
    else:
        raise BadPlace("write a number, * or a key in double quotes between the brackets", inside)
    if text[end : end + 1] != "]":
        raise BadPlace("a closing bracket is missing", end)
    return step, end + 1


def _line(text: str, colon: int) -> int:
    if colon == len(text):
        return 0
    number = _NUMBER.fullmatch(text, colon + 1)
    if number is None or not int(number[0]):
        raise BadPlace("after the colon stands the number of a line, from 1", colon + 1)
    return int(number[0])


def _listed(words: Sequence[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
