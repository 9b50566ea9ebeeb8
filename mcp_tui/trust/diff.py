"""What changed in a tool's definition, field by field and word by word.

Pure data: a screen or a terminal gives it colours.  All text is in strict form, so that what a reader would not see
is spelled out and takes part in the comparison.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, Literal

from mcp_tui.conversation.alignment import common
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.safety.text import strict
from mcp_tui.trust.hidden import hidden_characters

MAX_FIELD = 64 << 10
"""Characters of one field that are compared and shown; how many more there are is said."""
MAX_WORDS = 1500
"""Words on either side up to which single words are compared; beyond it lines, then the whole."""

_WORD = re.compile(r"\s*(?:\w+|[^\w\s]+)|\s+")
_LINE = re.compile(r"[^\n]*\n|[^\n]+")

Kind = Literal["same", "removed", "added"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words that stayed, went or came."""

    kind: Kind
    text: str
    """With the space around the words."""


@dataclass(frozen=True, slots=True)
class FieldDiff:
    """One field of a definition, old against new."""

    field: str
    """Such as ``description``, or ``argument path`` for one property of the input schema."""
    pieces: tuple[Piece, ...]
    hidden: int = 0
    """Characters of the new text that a reader would not see."""
    hidden_names: tuple[str, ...] = ()
    """Which ones, such as ``U+202E RIGHT-TO-LEFT OVERRIDE (3)``."""


def diff_tools(before: ToolDefinition | None, now: ToolDefinition) -> tuple[FieldDiff, ...]:
    """The fields that differ; all fields, as added, when there was nothing ``before``."""
    old = _fields(before) if before is not None else {}
    new = _fields(now)
    names = [*new, *(name for name in old if name not in new)]
    found = tuple(
        _field(name, old.get(name, ""), new.get(name, "")) for name in names if old.get(name) != new.get(name)
    )
    if not found and before is not None and before.digest != now.digest:
        words = "The change lies in a part of the definition that is too long to be kept and shown."
        found = (FieldDiff("not shown", (Piece("added", words),)),)
    return found


def diff_words(before: str, now: str) -> tuple[Piece, ...]:
    """``before`` against ``now`` in runs of words; both are taken as they are."""
    for pattern in (_WORD, _LINE):
        old, new = pattern.findall(before), pattern.findall(now)
        head = common(old, new)
        tail = common(old[head:][::-1], new[head:][::-1])
        middle_old, middle_new = old[head : len(old) - tail], new[head : len(new) - tail]
        if len(middle_old) <= MAX_WORDS and len(middle_new) <= MAX_WORDS:
            pieces = [Piece("same", "".join(new[:head])), *_compared(middle_old, middle_new)]
            pieces.append(Piece("same", "".join(new[len(new) - tail :])))
            return _merged(pieces)
    return _merged([Piece("removed", before), Piece("added", now)])


def _fields(tool: ToolDefinition) -> dict[str, str]:
    """A definition as texts, empty ones left out."""
    fields: dict[str, str] = {"name": tool.name, "title": tool.title or "", "description": tool.description}
    fields |= _schema("input schema", "argument", tool.input_schema)
    if tool.output_schema is not None:
        fields |= _schema("output schema", "result", tool.output_schema)
    fields |= {f"annotation {name}": _json(value) for name, value in tool.annotations.items()}
    return {name: text for name, text in fields.items() if text}


def _schema(title: str, word: str, schema: Mapping[str, Any]) -> dict[str, str]:
    """A schema: each of its properties a field of its own, the rest together."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return {title: _json(schema)}
    rest = {key: value for key, value in schema.items() if key != "properties"}
    return {title: _json(rest), **{f"{word} {name}": _json(value) for name, value in properties.items()}}


def _json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False)


def _field(name: str, before: str, now: str) -> FieldDiff:
    counts: dict[str, int] = {}
    for text in (name, now):
        for character, count in hidden_characters(text).items():
            counts[character] = counts.get(character, 0) + count
    names = tuple(f"{character} ({count})" for character, count in sorted(counts.items()))
    return FieldDiff(strict(name), diff_words(_shown(before), _shown(now)), sum(counts.values()), names)


def _shown(text: str) -> str:
    head = strict(text[:MAX_FIELD], one_line=False)
    more = len(text) - MAX_FIELD
    return f"{head}\n({more:,} more characters are not shown)" if more > 0 else head


def _compared(old: list[str], new: list[str]) -> Iterator[Piece]:
    for tag, a, b, c, d in SequenceMatcher(a=old, b=new, autojunk=True).get_opcodes():
        if tag == "equal":
            yield Piece("same", "".join(new[c:d]))
        else:
            yield Piece("removed", "".join(old[a:b]))
            yield Piece("added", "".join(new[c:d]))


def _merged(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    """Neighbours of one kind together, empty ones left out."""
    merged: list[Piece] = []
    for piece in pieces:
        if merged and merged[-1].kind == piece.kind:
            merged[-1] = Piece(piece.kind, merged[-1].text + piece.text)
        elif piece.text:
            merged.append(piece)
    return tuple(merged)
