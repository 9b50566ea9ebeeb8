"""Claude's ``conversations.json``: messages with content blocks, tool calls and their results among them.

The format is not documented; what is read here is what exports of 2024 to 2026 hold.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

from mcp_tui.events.content import Content, TextContent, UnknownContent
from mcp_tui.importing.base import Imported, Malformed
from mcp_tui.importing.builder import EARLIEST, Builder, Call, left_out, mapping, moment, sequence, words

SOURCE = "claude"
_SILENT = frozenset({"token_budget", "flag", "redacted_thinking"})
_ROOT = "00000000-0000-4000-8000-000000000000"


def is_conversation(value: Any) -> bool:
    """Whether it looks like one."""
    return isinstance(value, dict) and "chat_messages" in value


def read(value: dict[str, Any]) -> Imported:
    """One conversation.  Raises `Malformed`."""
    messages = value.get("chat_messages")
    if not isinstance(messages, list):
        raise Malformed("`chat_messages` is no list")
    given = [message for message in messages if isinstance(message, dict)]
    created = moment(value.get("created_at")) or moment(value.get("updated_at")) or EARLIEST
    source_id = words(value.get("uuid")) or " ".join(words(message.get("uuid")) for message in given[:3])
    builder = Builder(SOURCE, source_id, words(value.get("name")), created)
    path = _path(given, words(value.get("current_leaf_message_uuid")))
    reader = _Reader(builder, words(value.get("model")) or SOURCE)
    for message in path:
        reader.take(message)
    if len(path) < len(given):
        builder.notes.append(left_out(len(given) - len(path), "messages of other branches"))
    builder.notes += [f"Content of the kind {kind} was left out." for kind in sorted(reader.unknown)]
    return builder.build()


def _path(messages: list[dict[str, Any]], leaf: str) -> list[dict[str, Any]]:
    """The branch that was open last; all messages where they do not say what they follow."""
    by_id = {words(message.get("uuid")): message for message in messages}
    if not messages or not all(words(message.get("parent_message_uuid")) for message in messages):
        return messages
    at = leaf if leaf in by_id else words(messages[-1].get("uuid"))
    path: list[dict[str, Any]] = []
    while at in by_id:
        path.append(by_id.pop(at))
        at = words(path[-1].get("parent_message_uuid"))
    return path[::-1]


class _Reader:
    def __init__(self, builder: Builder, model: str) -> None:
        self._builder, self._model = builder, model
        self._text: list[str] = []
        self._reasoning: list[str] = []
        self._calls: list[tuple[str, Call]] = []
        self._ids: dict[str, str] = {}
        """Claude's id of a call -> ours."""
        self.unknown: set[str] = set()

    def take(self, message: dict[str, Any]) -> None:
        """One message: what a person said, or an answer with what it did on its way."""
        at = moment(message.get("created_at"))
        blocks = [block for block in sequence(message.get("content")) if isinstance(block, dict)]
        if message.get("sender") == "human":
            if text := _said(message, blocks):
                self._builder.user(text, at)
            return
        for block in blocks:
            self._block(block, moment(block.get("start_timestamp")) or at)
        if not blocks and words(message.get("text")).strip():
            self._text.append(words(message.get("text")))
        self._flush(moment(message.get("updated_at")) or at)

    def _block(self, block: dict[str, Any], at: datetime | None) -> None:
        match words(block.get("type")):
            case "text":
                self._between_rounds(at)
                self._text.append(words(block.get("text")))
            case "thinking":
                self._between_rounds(at)
                self._reasoning.append(words(block.get("thinking")))
            case "tool_use":
                arguments = block.get("input")
                call = Call(words(block.get("name")), arguments if isinstance(arguments, dict) else {})
                self._calls.append((words(block.get("id")), call))
            case "tool_result":
                self._flush(at)
                self._result(block, at)
            case kind if kind not in _SILENT:
                self.unknown.add(kind or "unknown")

    def _between_rounds(self, at: datetime | None) -> None:
        """Words after calls are the next answer."""
        if self._calls:
            self._flush(at)

    def _flush(self, at: datetime | None) -> None:
        text, reasoning = (
            "\n\n".join(part for part in parts if part.strip()) for parts in (self._text, self._reasoning)
        )
        if text or reasoning or self._calls:
            ids = self._builder.answer(
                text, at, model=self._model, reasoning=reasoning, calls=[call for _, call in self._calls]
            )
            self._ids.update(zip((key for key, _ in self._calls if key), ids, strict=False))
        for parts in (self._text, self._reasoning, self._calls):
            parts.clear()

    def _result(self, block: dict[str, Any], at: datetime | None) -> None:
        name = words(block.get("name"))
        call_id = self._ids.get(words(block.get("tool_use_id"))) or self._builder.open_call(name)
        if call_id is None:
            (call_id,) = self._builder.answer("", at, model=self._model, calls=[Call(name or "tool")])
        given = block.get("content")
        parts = [_content(part) for part in given] if isinstance(given, list) else [_content(given)]
        text = "\n".join(part.text for part in parts if isinstance(part, TextContent))
        self._builder.result(call_id, parts, text, at, failed=block.get("is_error") is True)


def _joined(parts: list[str]) -> str:
    return "\n\n".join(part for part in parts if part.strip())


def _said(message: dict[str, Any], blocks: list[dict[str, Any]]) -> str:
    """What a person said, with what was attached to it."""
    found = [words(block.get("text")) for block in blocks if block.get("type") == "text"]
    if not any(part.strip() for part in found):
        found = [words(message.get("text"))]
    for attachment in map(mapping, sequence(message.get("attachments"))):
        name = words(attachment.get("file_name")) or "a file"
        text = words(attachment.get("extracted_content"))
        found.append(f"[{name}]\n{text}" if text else f"[{name}, which is not in the export]")
    for file in map(mapping, sequence(message.get("files"))):
        found.append(f"[{words(file.get('file_name')) or 'a file'}, which is not in the export]")
    return _joined(found)


def _content(part: Any) -> Content:
    if isinstance(part, str):
        return TextContent(text=part)
    values = mapping(part)
    kind = words(values.get("type"))
    if kind == "text":
        return TextContent(text=words(values.get("text")))
    if kind == "knowledge":
        named = [words(values.get(key)) for key in ("title", "url", "text")]
        return TextContent(text="\n".join(part for part in named if part))
    if part is None:
        return TextContent(text="")
    return UnknownContent(kind=kind or "unknown", raw=values or {"value": json.loads(json.dumps(part, default=str))})
