"""What of a stored event is searched, as text.

Works on the decoded object of a line, not on our event classes: the indexer imports no pydantic.  Left out are
base64 data, definitions of tools, messages as they crossed the wire, and what the model was given of a result: it
repeats the result.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from mcp_tui.history.search.hits import HitKind
from mcp_tui.safety.secrets import mask_keys

BOUND = 1024 * 1024
"""Characters of one text that are indexed; what comes after them is not found."""
TYPES = (
    "conversation_created", "conversation_titled", "conversation_tagged", "model_selected", "user_message",
    "message_fragment", "assistant_message", "tool_call_proposed", "approval_decided", "tool_call_finished",
)  # fmt: skip
"""Events that say something that is searched, or that filters need."""
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})")

LoadBlob = Callable[[dict[str, Any]], Any]
"""Gives the value that a reference to a side file stands for, or its beginning."""


def texts(value: dict[str, Any], load: LoadBlob) -> Iterator[tuple[HitKind, str]]:
    """The searched texts of an event's object, at most `BOUND` characters each; none of them is empty."""
    moved = {key: load(item) for key, item in value.items() if isinstance(item, dict) and "$blob" in item}
    value = {**value, **moved} if moved else value
    try:
        found = list(_texts(value, load))
    except RecursionError:
        return
    for kind, text in found:
        if value.get("sensitive") is True:
            text = mask_keys(text)
        if text := text[:BOUND].strip():
            yield kind, text


def tool_name(value: dict[str, Any]) -> str:
    """``server.tool`` of a proposed call; the name that the model used where no server has such a tool."""
    server, name = _text(value.get("server")), _text(value.get("name"))
    return f"{server}.{name}" if server else _text(value.get("wire_name"))


def _texts(value: dict[str, Any], load: LoadBlob) -> Iterator[tuple[HitKind, str]]:
    match value.get("type"):
        case "conversation_created" | "conversation_titled":
            yield "title", _text(value.get("title"))
        case "user_message":
            yield "user", _text(value.get("text"))
        case "message_fragment" | "assistant_message":
            problem = value.get("problem")
            words = _text(problem.get("message")) if isinstance(problem, dict) else ""
            yield "assistant", "\n".join(filter(None, (_text(value.get("text")), words)))
            yield "reasoning", _text(value.get("reasoning"))
        case "tool_call_proposed":
            yield "call", "\n".join([tool_name(value), *_flat(value.get("arguments"), load)])
        case "approval_decided":
            yield "call", "\n".join([_text(value.get("message")), *_flat(value.get("edited_arguments"), load)])
        case "tool_call_finished":
            yield "result", "\n".join(_result(value, load))


def _result(value: dict[str, Any], load: LoadBlob) -> Iterator[str]:
    said = [text for block in _items(value.get("content")) for text in _block(block, load)]
    yield from said
    structured = value.get("structured_content")
    if structured is not None and not (len(said) == 1 and _same(said[0], structured)):
        yield from _flat(structured, load)
    if isinstance(error := value.get("error"), dict):
        yield _text(error.get("message"))


def _block(block: Any, load: LoadBlob) -> Iterator[str]:
    """The readable part of a content block; ``data`` and ``blob`` are base64."""
    if isinstance(block, dict):
        for key in ("uri", "name", "title", "description", "text"):
            item = block.get(key)
            text = _text(load(item) if isinstance(item, dict) else item)
            if text:
                yield text


def _same(text: str, structured: Any) -> bool:
    """Whether a text repeats the structured content, as servers should for older clients."""
    if isinstance(structured, str):
        return text == structured
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        return bool(json.loads(text) == structured)
    except (ValueError, RecursionError):
        return False


def _flat(value: Any, load: LoadBlob, key: str = "") -> Iterator[str]:
    """A JSON value as lines: ``key=value`` for each text, number and truth value."""
    if isinstance(value, dict) and "$blob" in value:
        value = load(value)
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _flat(item, load, str(name))
    elif isinstance(value, list):
        if key and any(isinstance(item, (dict, list)) for item in value):
            yield key
        for item in value:
            yield from _flat(item, load, "" if isinstance(item, (dict, list)) else key)
    elif value is not None:
        text = value if isinstance(value, str) else json.dumps(value)
        yield f"{key}={text}" if key else text
    elif key:
        yield key


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def beginning(data: bytes, encoding: object, *, whole: bool) -> Any:
    """The value of a side file's first bytes: text, or JSON where it says so and all of it is there."""
    if encoding != "json":
        return data.decode("utf-8", "replace" if whole else "ignore")
    if whole:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            pass
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), data.decode("ascii", "replace").replace("\\n", "\n"))
