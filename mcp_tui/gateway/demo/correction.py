"""Arguments that were refused -> arguments that fit the schema."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mcp_tui.conversation.messages import ToolSpec
from mcp_tui.gateway.demo.catalogue import properties
from mcp_tui.gateway.demo.words import NUMBER_WORDS


@dataclass(frozen=True, slots=True)
class Correction:
    """New arguments and one line for each that changed."""

    arguments: dict[str, Any]
    changes: tuple[str, ...]


def corrected(tool: ToolSpec, arguments: Mapping[str, Any], problems: Sequence[Mapping[str, Any]]) -> Correction | None:
    """Correct the fields named in ``validation_errors``; ``None`` when nothing better is known."""
    better, changes = dict(arguments), []
    for name in dict.fromkeys(_field(problem) for problem in problems):
        if not name:
            continue
        schema = properties(tool).get(name)
        if schema is None:
            if better.pop(name, None) is not None:
                changes.append(f"`{name}` is left out: the tool does not know it")
            continue
        value = fitted(better[name], schema) if name in better else _invented(schema)
        if value is None or (name in better and value == better[name] and type(value) is type(better[name])):
            continue
        before = f"`{better[name]!r}`" if name in better else "nothing"
        changes.append(f"`{name}`: {before} becomes `{value!r}`")
        better[name] = value
    return Correction(better, tuple(changes)) if changes else None


def _field(problem: Mapping[str, Any]) -> str:
    """First part of the path; a missing argument may be named only in the message."""
    path = str(problem.get("field") or "")
    if path:
        return re.split(r"[.\[]", path, maxsplit=1)[0]
    named = re.search(r"[\"'`]([^\"'`]+)[\"'`]", str(problem.get("message") or ""))
    return named.group(1) if named else ""


def fitted(value: Any, schema: Mapping[str, Any]) -> Any:
    """``value`` in the type, the choice and the range that the schema asks for, as near as can be."""
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return _choice(value, options)
    match schema.get("type"):
        case "integer":
            return _in_range(_number(value, whole=True), schema)
        case "number":
            return _in_range(_number(value, whole=False), schema)
        case "boolean":
            return value if isinstance(value, bool) else str(value).strip().lower() in ("true", "yes", "on", "1")
        case "string":
            return _text(value, schema)
        case "array":
            return value if isinstance(value, list) else [fitted(value, schema.get("items") or {})]
    return value


def _choice(value: Any, options: list[Any]) -> Any:
    if value in options:
        return value
    near = difflib.get_close_matches(str(value).lower(), [str(option).lower() for option in options], n=1, cutoff=0.3)
    return next((option for option in options if near and str(option).lower() == near[0]), options[0])


def _number(value: Any, *, whole: bool) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        text = str(value).strip().lower()
        match = re.search(r"-?\d+(?:\.\d+)?", text)
        value = float(match.group()) if match else NUMBER_WORDS.get(text, 1)
    return round(value) if whole or float(value).is_integer() else float(value)


def _in_range(value: int | float, schema: Mapping[str, Any]) -> int | float:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(low, int | float):
        value = max(value, low)
    if isinstance(high, int | float):
        value = min(value, high)
    return value


def _text(value: Any, schema: Mapping[str, Any]) -> str:
    text = value if isinstance(value, str) else str(value)
    longest = schema.get("maxLength")
    return text[:longest] if isinstance(longest, int) else text


def _invented(schema: Mapping[str, Any]) -> Any:
    """A value for an argument that is required and was not given: its default or first choice, else a number."""
    if "default" in schema:
        return schema["default"]
    options = schema.get("enum")
    if isinstance(options, list) and options:
        return options[0]
    if schema.get("type") in ("integer", "number"):
        return fitted(1, schema)
    return None
