"""Characters in a text that its reader would not see, and that may speak to a model."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import Any

from mcp_tui.events.tools import ToolDefinition
from mcp_tui.safety.text import hidden_report

_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
_JOINERS_TOGETHER = 2
"""Emoji need a selector and a joiner in a row at most; longer runs carry something else."""


def hidden_characters(text: str) -> dict[str, int]:
    """``U+XXXX NAME`` -> how often, of everything invisible in ``text``.

    Joiners and selectors count where no script or emoji needs them: after ASCII, or in a run.
    """
    if text.isascii() and text.isprintable():
        return {}
    found: Counter[str] = Counter()
    before, run = "", 0
    for char in text:
        if char in _JOINERS:
            run += 1
            if not before or before.isascii() or run > _JOINERS_TOGETHER:
                found[_name(char)] += 1
            continue
        before, run = char, 0
        if hidden_report(char):
            found[_name(char)] += 1
    return dict(found)


def hidden_in_tool(tool: ToolDefinition) -> int:
    """How many invisible characters a definition holds, names and schemas included."""
    return sum(sum(hidden_characters(text).values()) for text in texts_of(tool))


def texts_of(tool: ToolDefinition) -> Iterator[str]:
    """Every text of a definition that its server wrote."""
    yield from (tool.name, tool.title or "", tool.description)
    for value in (tool.input_schema, tool.output_schema, tool.annotations):
        yield from _strings(value)


def _strings(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            yield item
        elif isinstance(item, dict):
            waiting.extend(item.keys())
            waiting.extend(item.values())
        elif isinstance(item, (list, tuple)):
            waiting.extend(item)


def _name(char: str) -> str:
    return f"U+{ord(char):04X} {unicodedata.name(char, '')}".rstrip()
