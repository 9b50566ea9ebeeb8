"""Lines of JSON between the app and its worker process.

To the worker: ``{"op": "configure" | "request" | "cancel" | "info", ...}``.
From the worker: ``{"ready": ...}``, ``{"id": n, "chunks": [...]}`` with one line for a burst,
``{"id": n, "end": true}``, ``{"id": n, "error": {...}}`` and ``{"id": n, "info": {...}}``.
Every request ends in exactly one ``end`` or ``error``.

A chunk travels as a short list whose first element is its kind.  Lines are ASCII, so lone
surrogates and line separators of a model cannot break the framing.
"""

from __future__ import annotations

import json
from typing import Any

from mcp_tui.events.turns import Usage
from mcp_tui.gateway.base import (
    Chunk,
    FinishChunk,
    ReasoningChunk,
    TextChunk,
    ThinkingBlockChunk,
    ToolCallChunk,
    UsageChunk,
)

Item = list[Any]
"""A chunk on the wire: kind and fields."""

TEXT, REASONING, THINKING, CALL, USAGE, FINISH = "text", "reasoning", "thinking", "call", "usage", "finish"

MAX_LINE = 64 * 1024 * 1024
"""Bytes of one line; a longer one ends the worker."""


def encode(message: dict[str, Any]) -> bytes:
    """``message`` as one line."""
    return json.dumps(message, separators=(",", ":")).encode("ascii") + b"\n"


def decode(line: bytes) -> dict[str, Any]:
    """The message of one line; `ValueError` when it is none."""
    message = json.loads(line)
    if not isinstance(message, dict):
        raise ValueError("a line must hold an object")
    return message


def to_chunk(item: Item) -> Chunk:
    """The chunk that ``item`` stands for."""
    kind = item[0]
    if kind == TEXT:
        return TextChunk(item[1])
    if kind == REASONING:
        return ReasoningChunk(item[1])
    if kind == THINKING:
        return ThinkingBlockChunk(item[1])
    if kind == CALL:
        return ToolCallChunk(*item[1:])
    if kind == USAGE:
        return UsageChunk(Usage(**item[1]), item[2])
    if kind == FINISH:
        return FinishChunk(item[1])
    raise ValueError(f"unknown kind of chunk: {kind!r}")


def append(items: list[Item], item: Item) -> None:
    """Add ``item`` to a burst, joined with the last one where both continue the same text."""
    if items and _continues(items[-1], item):
        position = 4 if item[0] == CALL else 1
        items[-1][position] += item[position]
    else:
        items.append(item)


def _continues(last: Item, item: Item) -> bool:
    if last[0] != item[0]:
        return False
    if item[0] in (TEXT, REASONING):
        return True
    if item[0] != CALL:
        return False
    _, index, call_id, name, arguments, signature = item
    bare = not call_id and not name and not signature
    return bare and last[1] == index and isinstance(arguments, str) and isinstance(last[4], str)
