"""Lines of a server -> JSON-RPC messages, as tolerant as possible without guessing.

Nothing here raises for what a server wrote: a line is messages, or `Refused` with a reason.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

MAX_DEPTH = 100
"""Deepest nesting of a message; deeper ones could not be stored or shown."""

_ID = re.compile(rb'"id"\s*:\s*(-?\d{1,18}|"[^"\\]{1,64}")')
_ID_AT_END = re.compile(_ID.pattern + rb'\s*(?:,\s*"jsonrpc"\s*:\s*"2\.0"\s*)?\}\s*$')
_INNER = re.compile(rb'"(?:method|params|result|error)"')
_EDGE = 4096
_SURROGATE_ESCAPE = re.compile(r"\\u[dD][89a-fA-F]")


@dataclass(frozen=True, slots=True)
class Refused:
    """A line that is no message.  ``looks_like_message`` tells a broken message from other output."""

    reason: str
    looks_like_message: bool
    message_id: int | str | None = None


def parse(raw: bytes) -> list[dict[str, Any]] | Refused:
    """The messages of a line; a JSON-RPC batch is unpacked.

    Bytes that are not UTF-8 and lone surrogates become replacement characters.  ``NaN``, infinities, integers
    beyond Python's limit for text and nesting beyond `MAX_DEPTH` are refused: they could not be written again.
    """
    text = raw.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        looks = text.lstrip()[:1] == "{" and '"jsonrpc"' in text[:_EDGE] + text[-_EDGE:]
        found = find_id(raw)
        return Refused(_reason(error), looks, found if found is not None else find_id_at_end(raw))
    if _SURROGATE_ESCAPE.search(text):
        value = _without_surrogates(value)
    messages = value if isinstance(value, list) else [value]
    if not messages or not all(isinstance(item, dict) and item.get("jsonrpc") == "2.0" for item in messages):
        return Refused("it is no JSON-RPC 2.0 message", False)
    if raw.count(b"[") + raw.count(b"{") > MAX_DEPTH and _too_deep(value):
        return Refused(f"it is nested deeper than {MAX_DEPTH} levels", True, as_id(messages[0].get("id")))
    return messages


def find_id(head: bytes) -> int | str | None:
    """The id of an answer of which only the beginning can be read; an id inside the result does not count."""
    match = _ID.search(head[:_EDGE])
    if match is None or _INNER.search(head[: match.start()]):
        return None
    return as_id(json.loads(match[1]))


def find_id_at_end(tail: bytes) -> int | str | None:
    """The id of an answer of which only the end can be read: some servers write the result first."""
    match = _ID_AT_END.search(tail[-_EDGE:])
    return as_id(json.loads(match[1])) if match is not None else None


def as_id(value: Any) -> int | str | None:
    """A message id in the form in which requests are kept: numbers in strings count as numbers."""
    if isinstance(value, str):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 19 else value
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _no_constant(name: str) -> Any:
    raise ValueError(f"JSON does not allow {name}")


def _reason(error: BaseException) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    if "not allow" in str(error) or "digits" in str(error):
        return "it holds a number that JSON does not allow or that is too long"
    return "it is not valid JSON"


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode() if _has_surrogate(value) else value
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def _too_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for node in level
            for item in (node.values() if isinstance(node, dict) else node)
            if isinstance(item, (dict, list))
        ]
        if not level:
            return False
    return True
