"""Arguments of a call as typed rows: complete, in strict form, with padding made visible."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from textual.content import Content

from mcp_tui.safety.text import strict
from mcp_tui.ui import formats
from mcp_tui.ui.literal import json_content, to_json

Part = tuple[str, str]

UNKNOWN = "not in the schema"
BAR = "  | "
"""Before every line that is part of a value."""

_SPACES = re.compile(r" {12,}")
_EMPTY_LINES = re.compile(r"\n{5,}")


def argument_rows(
    arguments: Mapping[str, Any],
    schema: Mapping[str, Any],
    original: Mapping[str, Any] | None = None,
    unusual: Mapping[str, str] | None = None,
    width: int = 76,
) -> Content:
    """One row for each argument: name, type, value; a value that does not fit its row stands below it, behind a bar.

    ``original`` marks what the person changed, ``unusual`` says what is unusual about a value.  Nothing is left out
    and nothing is cut (requirement F1), and no value can pass for a row: rows alone begin in the first column.
    """
    properties = schema.get("properties")
    known: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    parts: list[Part | Content] = []
    column = min(max((len(strict(name)) for name in arguments), default=0), 24)
    for name, value in arguments.items():
        changed = original is not None and (name not in original or original[name] != value)
        parts += _name(strict(name), column, width)
        kind = _type_of(name, value, known)
        parts.append((f"{kind:<8} ", "$warning" if kind == UNKNOWN else "$muted"))
        room = width - max(column, min(len(strict(name)), width)) - max(len(kind), 8) - 3
        beside, below = _value(value, room, width)
        parts.append(beside)
        if changed:
            parts.append(("  edited", "$warning"))
        if words := (unusual or {}).get(name):
            parts.append((f"  ! {strict(words)}", "$warning bold"))
        parts += [*below, ("\n", "")]
    parts += _absent(arguments, schema, original)
    if not parts:
        return Content.styled("no arguments", "$muted")
    return Content.assemble(*parts).rstrip("\n")


def _name(name: str, column: int, width: int) -> list[Part | Content]:
    if len(name) <= width // 2:
        return [(f"{name:<{column}}  ", "$role-user bold")]
    return [(f"\n{BAR}".join(_folded(name, width - len(BAR))), "$role-user bold"), (f"\n{BAR}", "$role-user")]


def _type_of(name: str, value: Any, known: Mapping[str, Any]) -> str:
    """The type in the server's schema; what the value is where the schema does not say."""
    if known and name not in known:
        return UNKNOWN
    declared = known.get(name)
    kind = declared.get("type") if isinstance(declared, dict) else None
    if isinstance(kind, str):
        return strict(kind)[:12]
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _value(value: Any, room: int, width: int) -> tuple[Part | Content, list[Part | Content]]:
    """The value: what stands beside its name, in ``room`` columns, and what stands below."""
    if isinstance(value, str) and "\n" in value:
        lines = value.count("\n") + 1
        text = show_padding(strict(value, one_line=False))
        return (f"{lines:,} lines, {len(value):,} characters", "$muted"), behind_bar(text, width)
    if isinstance(value, dict | list) and value:
        return _entries(value), _below_json(show_padding(to_json(value)), width)
    text = show_padding(to_json(value))
    if Content(text).cell_length <= room:
        return json_content(text), []
    words = f"{len(value):,} characters" if isinstance(value, str) else f"{len(text):,} digits"
    return (words, "$muted"), behind_bar(text, width)


def behind_bar(text: str, width: int) -> list[Part | Content]:
    """Lines behind a bar, long ones folded behind one too."""
    return [(f"\n{BAR}{piece}", "$success") for line in text.split("\n") for piece in _folded(line, width - len(BAR))]


def json_lines(value: Any, width: int) -> Content:
    """``value`` as JSON, every line behind a bar."""
    return Content.assemble(*_below_json(show_padding(to_json(value)), width))[1:]


def _below_json(text: str, width: int) -> list[Part | Content]:
    parts: list[Part | Content] = []
    for line in json_content(text).split("\n"):
        pieces = [line] if line.cell_length <= width - len(BAR) else line.fold(width - len(BAR))
        for piece in pieces:
            parts += [(f"\n{BAR}", "$success"), piece]
    return parts


def _folded(line: str, width: int) -> list[str]:
    """A line in pieces of at most ``width`` columns."""
    width = max(8, width)
    if line.isascii():
        return [line[at : at + width] for at in range(0, len(line), width)] or [""]
    pieces, start, used = [], 0, 0
    for at, char in enumerate(line):
        columns = 2 if unicodedata.east_asian_width(char) in "WF" else 1
        if used + columns > width:
            pieces.append(line[start:at])
            start, used = at, 0
        used += columns
    return [*pieces, line[start:]]


def _entries(value: dict[str, Any] | list[Any]) -> Part:
    if isinstance(value, dict):
        return formats.plural(len(value), "field"), "$muted"
    return "1 entry" if len(value) == 1 else f"{len(value):,} entries", "$muted"


def _absent(
    arguments: Mapping[str, Any], schema: Mapping[str, Any], original: Mapping[str, Any] | None
) -> list[Part | Content]:
    parts: list[Part | Content] = []
    required = schema.get("required")
    for name in required if isinstance(required, list) else ():
        if name not in arguments:
            parts.append((f"{strict(str(name))}  required, but missing\n", "$warning"))
    for name in original or ():
        if name not in arguments:
            parts.append((f"{strict(name)}  removed by you\n", "$warning"))
    return parts


def show_padding(text: str) -> str:
    """Runs of spaces and of empty lines, which push text out of sight, replaced by how many they are."""
    text = _SPACES.sub(lambda match: f" <{len(match[0])} spaces> ", text)
    return _EMPTY_LINES.sub(lambda match: f"\n<{len(match[0]) - 1} empty lines>\n", text)


def annotation_words(annotations: Mapping[str, Any]) -> str:
    """What the server says of its tool, in a word or two; it is only a claim (requirement F5)."""
    words = []
    if annotations.get("readOnlyHint") is True:
        words.append("read-only")
    elif annotations.get("destructiveHint") is True:
        words.append("destructive")
    elif annotations.get("destructiveHint") is False:
        words.append("adds, destroys nothing")
    if annotations.get("openWorldHint") is True:
        words.append("reaches outside")
    return ", ".join(words)
