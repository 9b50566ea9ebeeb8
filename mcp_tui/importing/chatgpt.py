"""ChatGPT's ``conversations.json``: a tree of messages per conversation, of which the current path is taken.

The format is not documented; what is read here is what exports of 2023 to 2026 hold.
"""

from __future__ import annotations

import json
import re
from typing import Any

from mcp_tui.events.content import Content, TextContent
from mcp_tui.importing.base import Imported, Malformed
from mcp_tui.importing.builder import EARLIEST, Builder, Call, left_out, mapping, moment, sequence, words

SOURCE = "chatgpt"
_CITATION = re.compile("\ue200.*?\ue201", re.DOTALL)
"""References that only ChatGPT's own page can show."""
_PAGES = frozenset({"tether_quote", "sonic_webpage"})
"""Contents that name the page their text comes from."""
_HIDDEN = frozenset({"user_editable_context", "model_editable_context", "reasoning_recap"})


def is_conversation(value: Any) -> bool:
    """Whether it looks like one."""
    return isinstance(value, dict) and "mapping" in value


def read(value: dict[str, Any]) -> Imported:
    """One conversation.  Raises `Malformed`."""
    nodes = value.get("mapping")
    if not isinstance(nodes, dict):
        raise Malformed("`mapping` is no object")
    created = moment(value.get("create_time")) or moment(value.get("update_time")) or EARLIEST
    source_id = words(value.get("conversation_id")) or words(value.get("id"))
    builder = Builder(SOURCE, source_id or _fingerprint(nodes), words(value.get("title")), created)
    reader = _Reader(builder, words(value.get("default_model_slug")))
    for message in _path(nodes, value.get("current_node")):
        reader.take(message)
    reader.finish()
    if len(nodes) > reader.taken + 1 and (others := _others(nodes, value.get("current_node"))):
        builder.notes.append(left_out(others, "messages of other branches"))
    return builder.build()


def _fingerprint(nodes: dict[str, Any]) -> str:
    return " ".join(sorted(nodes)[:3])


def _ids(nodes: dict[str, Any], current: Any) -> list[str]:
    """Ids of the nodes from the root to the current one."""
    node_id = current if isinstance(current, str) and current in nodes else _latest(nodes)
    path: list[str] = []
    seen: set[str] = set()
    while isinstance(node_id, str) and node_id in nodes and node_id not in seen:
        seen.add(node_id)
        path.append(node_id)
        node_id = mapping(nodes[node_id]).get("parent")
    return path[::-1]


def _path(nodes: dict[str, Any], current: Any) -> list[dict[str, Any]]:
    messages = (mapping(nodes[node_id]).get("message") for node_id in _ids(nodes, current))
    return [message for message in messages if isinstance(message, dict)]


def _others(nodes: dict[str, Any], current: Any) -> int:
    """Messages with something to read that are not on the path."""
    on_path = set(_ids(nodes, current))
    left = [mapping(mapping(node).get("message")) for key, node in nodes.items() if key not in on_path]
    return sum(_role(message) in ("user", "assistant") and bool(_text(message).strip()) for message in left)


def _latest(nodes: dict[str, Any]) -> str | None:
    """Where the file does not say which node is the current one: the leaf that was written last."""
    leaves = [key for key, node in nodes.items() if not sequence(mapping(node).get("children"))]

    def written(key: str) -> float:
        at = mapping(mapping(nodes[key]).get("message")).get("create_time")
        return float(at) if isinstance(at, int | float) else 0.0

    return max(leaves, key=written, default=None)


class _Reader:
    def __init__(self, builder: Builder, model: str) -> None:
        self._builder = builder
        self._model = model or "chatgpt"
        self._reasoning: list[str] = []
        self._system = 0
        self.taken = 0

    def take(self, message: dict[str, Any]) -> None:
        """One message of the path."""
        self.taken += 1
        metadata = mapping(message.get("metadata"))
        kind = words(mapping(message.get("content")).get("content_type"))
        text = _text(message)
        at = moment(message.get("create_time"))
        if kind in _HIDDEN or metadata.get("is_visually_hidden_from_conversation") is True:
            self._system += bool(text.strip()) and kind != "reasoning_recap"
            return
        match _role(message):
            case "user" if said := "\n\n".join(part for part in (text, *_attached(message)) if part.strip()):
                self._builder.user(said, at)
            case "assistant":
                self._model = words(metadata.get("model_slug")) or self._model
                self._answer(message, kind, text)
            case "tool":
                self._result(message, kind, text)
            case "system" if text.strip():
                self._system += 1
            case _:
                pass

    def finish(self) -> None:
        """Say what was left out."""
        if self._reasoning:
            self._builder.answer("", None, model=self._model, reasoning="\n\n".join(self._reasoning))
        if self._system:
            self._builder.notes.append(left_out(self._system, "system messages"))

    def _answer(self, message: dict[str, Any], kind: str, text: str) -> None:
        at = moment(message.get("create_time"))
        if kind == "thoughts":
            self._reasoning.append(text)
            return
        recipient = words(message.get("recipient")) or "all"
        calls = [Call(recipient, _arguments(text))] if recipient != "all" else []
        if kind == "code" and not calls:
            text = f"```\n{text}\n```"
        if not calls and not text.strip():
            return
        reasoning = "\n\n".join(self._reasoning)
        self._reasoning.clear()
        self._builder.answer("" if calls else text, at, model=self._model, reasoning=reasoning, calls=calls)

    def _result(self, message: dict[str, Any], kind: str, text: str) -> None:
        at = moment(message.get("create_time"))
        name = words(mapping(message.get("author")).get("name"))
        call_id = self._builder.open_call(name)
        if call_id is None:
            if not text.strip():
                return
            (call_id,) = self._builder.answer("", at, model=self._model, calls=[Call(name or "tool")])
        content: list[Content] = [TextContent(text=text)] if text else []
        self._builder.result(call_id, content, text, at, failed=kind == "system_error" or _went_wrong(message))


def _role(message: dict[str, Any]) -> str:
    return words(mapping(message.get("author")).get("role"))


def _arguments(text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"input": text}


def _text(message: dict[str, Any]) -> str:
    """All that a reader can read of a message's content."""
    content = mapping(message.get("content"))
    found: list[str] = []
    named = content if content.get("content_type") in _PAGES else mapping(content.get("state"))
    found += [words(named.get(key)) for key in ("title", "url")]
    found += [_part(part) for part in sequence(content.get("parts"))]
    for thought in sequence(content.get("thoughts")):
        found += [words(mapping(thought).get("summary")), words(mapping(thought).get("content"))]
    found += [words(content.get(key)) for key in ("text", "result", "content")]
    found.append(_part(content.get("screenshot")))
    return _CITATION.sub("", "\n\n".join(part for part in found if part.strip()))


def _part(part: Any) -> str:
    if isinstance(part, str):
        return part
    values = mapping(part)
    if text := words(values.get("text")):
        return text
    kind = words(values.get("content_type")).replace("_asset_pointer", "").replace("_", " ")
    return _missing(kind or "file") if values else ""


def _missing(what: str) -> str:
    return f"[{what}, which is not in the export]"


def _attached(message: dict[str, Any]) -> list[str]:
    """Names of a message's files, but of those that stand among its parts."""
    pointers = [
        words(mapping(part).get("asset_pointer")) for part in sequence(mapping(message.get("content")).get("parts"))
    ]
    files = map(mapping, sequence(mapping(message.get("metadata")).get("attachments")))
    shown = {pointer.rpartition("/")[2] for pointer in pointers if pointer}
    return [_missing(words(file.get("name")) or "a file") for file in files if words(file.get("id")) not in shown]


def _went_wrong(message: dict[str, Any]) -> bool:
    """Whether the code that the tool ran raised, or was stopped."""
    run = mapping(mapping(message.get("metadata")).get("aggregate_result"))
    ended = words(run.get("status"))
    return bool(
        run.get("in_kernel_exception") or run.get("system_exception") or "fail" in ended or ended == "cancelled"
    )
