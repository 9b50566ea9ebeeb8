"""Two results of one call without what is ignored of them, and how often each rule applied.

Both are masked before they are compared, so that items of lists and lines of texts still find their counterparts.
All patterns together have `MOST_SECONDS` for one comparison; one that takes longer masks nothing in that text: it is
said, and the text differs rather than passes.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mcp_tui.conversation.differences import MOST_DEPTH, parsed_json
from mcp_tui.conversation.ignoring import IGNORED, PatternRule, PlaceRule, Rule
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.conversation.places import BadPlace, parse_place
from mcp_tui.events.content import Content, EmbeddedResource, TextContent
from mcp_tui.events.tools import Ignored

MOST_SECONDS = 2.0

_DEFINITION = frozenset({"title", "description", "input_schema", "output_schema", "annotations"})

_Below = list[tuple[PlaceRule, int]]
"""Rules whose place is at a value or below it, and how many of their steps lead to it."""


class ResultMask:
    """Rules at work on the two results of one comparison of a tool, ``server.tool``."""

    def __init__(self, given: Sequence[Rule] = (), label: str = "") -> None:
        self._given = given
        self._rules = [rule for rule in given if rule.concerns(label)]
        self._places = [rule for rule in self._rules if isinstance(rule, PlaceRule)]
        self._patterns = [rule for rule in self._rules if isinstance(rule, PatternRule)]
        self._met: Counter[Rule] = Counter()
        """What each rule met in the result at hand."""
        self._most: Counter[Rule] = Counter()
        """What it met in the result that has more of it."""
        self._gave_up: set[Rule] = set()
        self._left = MOST_SECONDS

    @property
    def applied(self) -> tuple[Ignored, ...]:
        """Each rule, with the number of places that it met in the result that has more of them."""
        return tuple(
            Ignored(rule=rule.words, places=self._most[rule], gave_up=rule in self._gave_up) for rule in self._given
        )

    def hides(self, path: str) -> bool:
        """Whether a difference is at an ignored place: one that only one of the two results has."""
        if not self._places:
            return False
        try:
            steps = parse_place(path).steps
        except BadPlace:
            return False
        return any(rule.place.covers(steps) for rule in self._places)

    def result(self, item: ToolCallItem) -> ToolCallItem:
        """The call without what is ignored of its result."""
        if not self._rules:
            return item
        self._met.clear()
        self._placed(item.state, self._below("outcome"))
        error = item.error
        if error is not None:
            self._placed(error.message, self._below("error"))
            error = error.model_copy(update={"message": self._text(error.message)})
        if item.definition is not None and (below := self._below("definition")):
            self._placed(item.definition.model_dump(mode="json", include=set(_DEFINITION), exclude_none=True), below)
        arguments = self._placed(item.arguments, self._below("arguments"))
        structured = item.structured_content
        if structured is not None:
            structured = self._leaves(self._placed(structured, self._below("structuredContent")))
        masked = replace(
            item,
            error=error,
            arguments=arguments if isinstance(arguments, dict) else {},
            structured_content=structured,
            content=self._content(item.content),
        )
        self._most |= self._met
        return masked

    def _content(self, content: tuple[Content, ...]) -> tuple[Content, ...]:
        below = self._below("content")
        if self._ends(below):
            return ()
        return tuple(self._block(block, _one_step(below, index)) for index, block in enumerate(content))

    def _block(self, block: Content, below: _Below) -> Content:
        """What is no text keeps its places: differences in it are left out by `hides`."""
        if self._ends(below):
            return TextContent(text=IGNORED)
        placed = self._placed(block.model_dump(mode="json", exclude_none=True), below) if below else {}
        if not isinstance(block, TextContent | EmbeddedResource) or block.text is None:
            return block
        text = placed.get("text", IGNORED) if below else block.text
        if self._patterns and text != IGNORED:
            parsed = parsed_json(text)
            text = self._text(text) if parsed is None else _written(text, parsed, self._leaves(parsed))
        return block.model_copy(update={"text": text})

    # -- places --------------------------------------------------------------------------------

    def _below(self, root: str) -> _Below:
        return [(rule, 1) for rule in self._places if rule.place.steps[0] == root]

    def _ends(self, below: _Below) -> bool:
        """Whether a value is left out as a whole; counts the rules that say so."""
        ended = [rule for rule, taken in below if taken == len(rule.place.steps) and not rule.place.line]
        self._met.update(ended)
        return bool(ended)

    def _placed(self, value: Any, below: _Below) -> Any:
        """A value without the places that rules name; texts that are JSON are gone into.

        Keys are taken out, so that objects in lists are told by what is left of them; items keep their number.
        """
        if not below:
            return value
        if self._ends(below):
            return IGNORED
        if isinstance(value, dict):
            placed = ((key, self._placed(item, _one_step(below, key))) for key, item in value.items())
            return {key: item for key, item in placed if item is not IGNORED}
        if isinstance(value, list | tuple):
            return [self._placed(item, _one_step(below, index)) for index, item in enumerate(value)]
        if not isinstance(value, str):
            return value
        deeper = [(rule, taken) for rule, taken in below if taken < len(rule.place.steps)]
        if deeper and (parsed := parsed_json(value)) is not None:
            return _written(value, parsed, self._placed(parsed, deeper))
        return self._lines(value, [rule for rule, taken in below if taken == len(rule.place.steps)])

    def _lines(self, text: str, rules: list[PlaceRule]) -> str:
        lines = text.split("\n") if rules else []
        for rule in rules:
            if rule.place.line <= len(lines):
                self._met[rule] += 1
                lines[rule.place.line - 1] = IGNORED
        return "\n".join(lines) if rules else text

    # -- patterns ------------------------------------------------------------------------------

    def _leaves(self, value: Any, depth: int = 0) -> Any:
        """A JSON value with the patterns at work on its texts and numbers."""
        if not self._patterns or value == IGNORED:
            return value
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _written(value, text := json.dumps(value), self._text(text))
        if depth < MOST_DEPTH and isinstance(value, dict):
            return {key: self._leaves(item, depth + 1) for key, item in value.items()}
        if depth < MOST_DEPTH and isinstance(value, list | tuple):
            return [self._leaves(item, depth + 1) for item in value]
        return value

    def _text(self, text: str) -> str:
        for rule in self._patterns:
            began = time.monotonic()
            try:
                if self._left <= 0:
                    raise TimeoutError
                text, found = rule.masked(text, self._left)
            except TimeoutError:
                self._gave_up.add(rule)
            else:
                self._met[rule] += found
            self._left -= time.monotonic() - began
        return text


def _one_step(below: _Below, step: str | int) -> _Below:
    return [
        (rule, taken + 1)
        for rule, taken in below
        if taken < len(rule.place.steps) and rule.place.steps[taken] in (None, step)
    ]


def _written(original: Any, parsed: Any, masked: Any) -> Any:
    """The original where nothing in it was masked, else what is left, as text."""
    if masked == parsed:
        return original
    return masked if isinstance(masked, str) else json.dumps(masked, ensure_ascii=False)
