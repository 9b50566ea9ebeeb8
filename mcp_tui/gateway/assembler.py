"""Chunks of one answer -> text, reasoning and complete tool calls.

Providers stream tool calls in every shape: equal indexes, no index, ids missing, repeated or used twice, arguments
as an object, names repeated.  The rules, each needed by a real provider:

1. A call's slot is its index, none meaning 0.  A new id that differs from the slot's opens a new slot.  A name that
   comes without an id on either side, when the slot's arguments already are complete JSON, opens a new slot.
2. The same id again, no id, or a repeated name continue the slot's call.
3. At the end a missing or used id is replaced by one of nine alphanumerics, which every provider accepts.
4. Arguments that are no JSON object, or were cut off, make a call that carries an error and is never run.
"""

from __future__ import annotations

import json
import secrets
import string
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

from mcp_tui.events.turns import RequestedToolCall, Usage
from mcp_tui.gateway.base import (
    Chunk,
    FinishChunk,
    ReasoningChunk,
    TextChunk,
    ThinkingBlockChunk,
    ToolCallChunk,
    UsageChunk,
)
from mcp_tui.gateway.surrogates import valid_unicode, valid_value

Problem = Literal["truncated", "length", "empty", "output_cap"]
"""``truncated``: no finish was seen; ``length``: cut by ``max_tokens``; ``empty``: neither text nor calls;
``output_cap``: more came than is kept."""

OUTPUT_CAP = 4_000_000
"""Characters of one answer that are kept."""

UNNAMED = "unnamed_tool"
"""Name of a call for which the model gave none; providers refuse an empty one in the history."""

_SIGNATURE_SEPARATOR = "__thought__"
_ALPHABET = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class Draft:
    """An answer as a whole."""

    text: str
    reasoning: str
    thinking_blocks: tuple[dict[str, Any], ...]
    """Anthropic's, whole and in order; one without a signature was cut and must not be sent back."""
    tool_calls: tuple[RequestedToolCall, ...]
    finish_reason: str | None
    usage: Usage | None
    cost: float | None
    problems: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class CallProgress:
    """A tool call while it is being written."""

    index: int
    """Position among the calls of the answer, from 0."""
    wire_name: str
    arguments_length: int


@dataclass(slots=True)
class _Call:
    index: int
    position: int
    id: str = ""
    name: str = ""
    parts: list[str] = field(default_factory=list)
    length: int = 0
    signature: str | None = None

    @property
    def arguments(self) -> str:
        return "".join(self.parts)


class Assembler:
    """Fed with the chunks of one answer; ``close`` may be called at any point, also of an answer that broke off.

    ``used_ids`` are call ids of the conversation so far: none of them is given out again.
    """

    def __init__(self, used_ids: Collection[str] = (), *, output_cap: int = OUTPUT_CAP) -> None:
        self._used = set(used_ids)
        self._room = output_cap
        self._capped = False
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._blocks: list[dict[str, Any]] = []
        self._open_block: dict[str, Any] | None = None
        self._calls: list[_Call] = []
        self._slots: dict[int, _Call] = {}
        self._finish: str | None = None
        self._usage: Usage | None = None
        self._cost: float | None = None

    @property
    def full(self) -> bool:
        """Whether the output cap was reached: what came since is not kept."""
        return self._capped

    def feed(self, chunk: Chunk) -> CallProgress | None:
        """Take one chunk; returns how far its call is when it belongs to one."""
        match chunk:
            case TextChunk(text):
                self._text.append(self._fit(text))
            case ReasoningChunk(text):
                self._reasoning.append(self._fit(text))
            case ThinkingBlockChunk(block):
                self._think(block)
            case ToolCallChunk():
                return self._progress(self._take_call(chunk))
            case UsageChunk(usage, cost):
                self._usage, self._cost = usage, cost
            case FinishChunk(reason):
                self._finish = reason
        return None

    def close(self) -> Draft:
        """The answer as far as it came."""
        text = valid_unicode("".join(self._text))
        return Draft(
            text=text,
            reasoning=valid_unicode("".join(self._reasoning)),
            thinking_blocks=tuple(self._blocks),
            tool_calls=self._tool_calls(),
            finish_reason=self._finish,
            usage=self._usage,
            cost=self._cost,
            problems=tuple(self._problems(text)),
        )

    def _problems(self, text: str) -> list[Problem]:
        found: list[Problem] = []
        if self._finish is None:
            found.append("truncated")
        if self._finish == "length":
            found.append("length")
        if not text.strip() and not self._calls:
            found.append("empty")
        if self._capped:
            found.append("output_cap")
        return found

    def _fit(self, text: str) -> str:
        """The part of ``text`` that the cap has room for."""
        if len(text) > self._room:
            self._capped = True
        text = text[: self._room]
        self._room -= len(text)
        return text

    def _think(self, block: dict[str, Any]) -> None:
        """Join the fragments of a block until one carries its signature; redacted blocks come whole."""
        if block.get("type") == "redacted_thinking":
            self._blocks.append({"type": "redacted_thinking", "data": block.get("data", "")})
            self._open_block = None
            return
        if self._open_block is None:
            self._open_block = {"type": "thinking", "thinking": ""}
            self._blocks.append(self._open_block)
        self._open_block["thinking"] += self._fit(block.get("thinking") or "")
        if signature := block.get("signature"):
            self._open_block["signature"] = signature
            self._open_block = None

    def _take_call(self, chunk: ToolCallChunk) -> _Call:
        call_id, _, suffix = (chunk.id or "").partition(_SIGNATURE_SEPARATOR)
        call = self._slot(chunk.index or 0, call_id, chunk.name or "")
        call.id = call.id or call_id
        call.name = call.name or chunk.name or ""
        call.signature = chunk.signature or call.signature or suffix or None
        arguments = chunk.arguments
        if arguments is not None and not isinstance(arguments, str):
            arguments = json.dumps(arguments)
        if arguments:
            arguments = self._fit(arguments)
            call.parts.append(arguments)
            call.length += len(arguments)
        return call

    def _slot(self, index: int, call_id: str, name: str) -> _Call:
        """The call that a fragment belongs to (rules 1 and 2)."""
        call = self._slots.get(index)
        if call is None or self._is_another(call, call_id, name):
            call = self._slots[index] = _Call(index, len(self._calls))
            self._calls.append(call)
        return call

    @staticmethod
    def _is_another(call: _Call, call_id: str, name: str) -> bool:
        if call_id and call.id:
            return call_id != call.id
        return bool(name and call.name and not call_id and not call.id) and _is_json(call.arguments or "{}")

    @staticmethod
    def _progress(call: _Call) -> CallProgress:
        return CallProgress(call.position, call.name, call.length)

    def _tool_calls(self) -> tuple[RequestedToolCall, ...]:
        calls = self._calls
        if len({call.index for call in calls}) == len(calls):
            calls = sorted(calls, key=lambda call: call.index)
        last = self._calls[-1] if self._calls else None
        return tuple(self._requested(call, call is last) for call in calls)

    def _requested(self, call: _Call, last: bool) -> RequestedToolCall:
        raw = valid_unicode(call.arguments)
        arguments, error = _parse(raw)
        if self._finish is None or self._capped:
            error = "The answer broke off, so the call may be incomplete; it was not run."
        elif self._finish == "length" and last and (error or not raw.strip()):
            error = "The answer reached its token limit in the middle of this call; it was not run."
        elif not call.name:
            error = "The call names no tool."
        return RequestedToolCall(
            call_id=self._unique(call.id),
            wire_name=valid_unicode(call.name) or UNNAMED,
            arguments=arguments,
            error=error,
            raw_arguments=raw if error else None,
            signature=call.signature,
        )

    def _unique(self, call_id: str) -> str:
        call_id = valid_unicode(call_id)
        while not call_id or call_id in self._used:
            call_id = "".join(secrets.choice(_ALPHABET) for _ in range(9))
        self._used.add(call_id)
        return call_id


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _parse(raw: str) -> tuple[dict[str, Any], str | None]:
    """The arguments, or none of them and why."""
    if not raw.strip():
        return {}, None
    try:
        value = json.loads(raw, parse_constant=_refuse_constant)
    except RecursionError:
        return {}, "The arguments are nested too deeply."
    except ValueError as error:
        return {}, f"The arguments are not valid JSON: {error}"
    if value is None:
        return {}, None
    if not isinstance(value, dict):
        return {}, "The arguments must be a JSON object."
    return valid_value(value), None
