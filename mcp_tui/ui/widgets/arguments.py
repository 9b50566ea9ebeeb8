"""Arguments of a call as typed rows: complete, in strict form, with padding made visible."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from textual.content import Content

from mcp_tui.safety.text import strict
from mcp_tui.ui.literal import json_content, to_json

Part = tuple[str, str]

_SPACES = re.compile(r" {12,}")
_EMPTY_LINES = re.compile(r"\n{5,}")


def argument_rows(
    arguments: Mapping[str, Any], schema: Mapping[str, Any], original: Mapping[str, Any] | None = None
) -> Content:
    """One row for each argument: name, type, value.  ``original`` marks what the person changed.

    Nothing is left out and nothing is cut (requirement F1).
    """
    properties = schema.get("properties")
    known: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    parts: list[Part | Content] = []
    width = max((len(strict(name)) for name in arguments), default=0)
    for name, value in arguments.items():
        changed = original is not None and (name not in original or original[name] != value)
        parts.append((f"{strict(name):<{min(width, 24)}}  ", "$role-user bold"))
        parts.append((f"{_type_of(name, value, known):<8} ", "$muted"))
        parts += _value(value)
        if changed:
            parts.append(("  edited", "$warning"))
        parts.append(("\n", ""))
    parts += _absent(arguments, schema, original)
    if not parts:
        return Content.styled("no arguments", "$muted")
    return Content.assemble(*parts).rstrip("\n")


def _type_of(name: str, value: Any, known: Mapping[str, Any]) -> str:
    """The type in the server's schema; what the value is where the schema does not say."""
    if known and name not in known:
        return "not in the schema"
    declared = known.get(name)
    kind = declared.get("type") if isinstance(declared, dict) else None
    if isinstance(kind, str):
        return strict(kind)
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}
    return names.get(type(value), "null")


def _value(value: Any) -> list[Part | Content]:
    if isinstance(value, str) and "\n" in value:
        lines = value.count("\n") + 1
        head: list[Part | Content] = [(f"{lines:,} lines, {len(value):,} characters", "$muted")]
        text = show_padding(strict(value, one_line=False))
        return [*head, *((f"\n  | {line}", "$success") for line in text.split("\n"))]
    if isinstance(value, dict | list) and value:
        return [Content("\n  "), json_content(show_padding(to_json(value)).replace("\n", "\n  "))]
    text = show_padding(to_json(value))
    parts: list[Part | Content] = [json_content(text)]
    if len(text) > 200:
        parts.append((f"  ({len(value):,} characters)" if isinstance(value, str) else "", "$muted"))
    return parts


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
