"""Neutral messages and tools -> what LiteLLM is given, with each provider's rules applied.

Providers refuse a history that others accept: ids of another shape, a call without its result, blank texts,
another model's thinking.  Everything here is a pure function of its arguments.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from mcp_tui.conversation.messages import ImagePart, MessageToolCall, ModelMessage, ToolSpec

Family = Literal["openai", "claude", "gemini", "mistral", "deepseek", "kimi", "ollama", "other"]

NO_RESULT = "No result: the call was interrupted before it finished."
"""Stands in for a result that the history lacks: providers refuse a call without one."""

EMPTY_RESULT = "(no output)"

_ROUTES: dict[str, Family] = {
    "openai": "openai",
    "azure": "openai",
    "text-completion-openai": "openai",
    "anthropic": "claude",
    "gemini": "gemini",
    "mistral": "mistral",
    "codestral": "mistral",
    "deepseek": "deepseek",
    "moonshot": "kimi",
    "ollama": "ollama",
    "ollama_chat": "ollama",
}
_CLOUD_ROUTES = frozenset({"bedrock", "vertex_ai", "azure_ai", ""})
"""Routes that lead to models of several makers; the empty one stands for a model without a route."""

_NAMES: tuple[tuple[str, Family], ...] = (
    ("claude", "claude"),
    ("gemini", "gemini"),
    ("mistral", "mistral"),
    ("codestral", "mistral"),
    ("gpt", "openai"),
)

_IDS: dict[Family, re.Pattern[str]] = {
    "mistral": re.compile(r"[A-Za-z0-9]{9}"),
    "openai": re.compile(r"[A-Za-z0-9_-]{1,40}"),
    "claude": re.compile(r"[A-Za-z0-9_-]{1,64}"),
}
"""Call ids that a provider accepts; others are mapped, the same way each time."""

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def family_of(model: str) -> Family:
    """Whose rules and whose signatures apply to a model in LiteLLM's notation."""
    route, _, name = model.partition("/") if "/" in model else ("", "", model)
    if route in _ROUTES:
        return _ROUTES[route]
    if route in _CLOUD_ROUTES:
        return next((family for word, family in _NAMES if word in name.lower()), "other")
    return "other"


def to_litellm_messages(messages: Sequence[ModelMessage], model: str) -> list[dict[str, Any]]:
    """``messages`` as LiteLLM's, for ``model``; nothing of the arguments is shared with the result."""
    return _Normaliser(model).run(messages)


def to_litellm_tools(tools: Iterable[ToolSpec]) -> list[dict[str, Any]] | None:
    """``tools`` as LiteLLM's; ``None`` for none, because an empty list is sent as such and refused."""
    return [_tool(tool) for tool in tools] or None


def _tool(tool: ToolSpec) -> dict[str, Any]:
    parameters = tool.parameters or {"type": "object", "properties": {}}
    return {
        "type": "function",
        "function": {"name": tool.wire_name, "description": tool.description, "parameters": parameters},
    }


def provider_id(call_id: str, family: Family) -> str:
    """``call_id`` in a shape that ``family`` accepts: itself, or nine characters derived from it."""
    pattern = _IDS.get(family)
    if call_id and (pattern is None or pattern.fullmatch(call_id)):
        return call_id
    number = int.from_bytes(hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest()[:16])
    digits = []
    for _ in range(9):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(digits)


def provider_name(name: str) -> str:
    """A tool's name that every provider accepts in a history: a model may have made up one of another shape."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64] or "unnamed_tool"


class _Normaliser:
    """One pass over a history."""

    def __init__(self, model: str) -> None:
        self._model, self._family = model, family_of(model)
        self._results: dict[str, deque[ModelMessage]] = defaultdict(deque)

    def run(self, messages: Sequence[ModelMessage]) -> list[dict[str, Any]]:
        for message in messages:
            if message.role == "tool":
                self._results[message.call_id].append(message)
        system = "\n\n".join(m.text for m in messages if m.role == "system" and m.text.strip())
        out: list[dict[str, Any]] = [{"role": "system", "content": system}] if system else []
        for message in messages:
            if message.role == "user":
                _add_user(out, _content(message.text, message.images))
            elif message.role == "assistant":
                out += self._assistant(message)
        if self._family == "claude":
            _mark_for_cache(out)
        return out

    def _assistant(self, message: ModelMessage) -> list[dict[str, Any]]:
        text = message.text if message.text.strip() else None
        if text is None and not message.tool_calls:
            return []
        same = bool(message.model) and self._same_family(message.model)
        entry: dict[str, Any] = {"role": "assistant", "content": text}
        if same:
            entry |= self._thinking(message)
        if message.tool_calls:
            entry["tool_calls"] = [self._call(call, same) for call in message.tool_calls]
        return [entry, *(self._result(call) for call in message.tool_calls)]

    def _same_family(self, writer: str) -> bool:
        """Signatures and reasoning are only understood by the family that wrote them."""
        return family_of(writer) == self._family and (self._family != "other" or writer == self._model)

    def _thinking(self, message: ModelMessage) -> dict[str, Any]:
        if self._family == "claude":
            blocks = [dict(block) for block in message.thinking_blocks if _signed(block)]
            return {"thinking_blocks": blocks} if blocks else {}
        if self._family in ("deepseek", "kimi") and message.reasoning and message.tool_calls:
            return {"reasoning_content": message.reasoning}
        return {}

    def _call(self, call: MessageToolCall, same: bool) -> dict[str, Any]:
        entry: dict[str, Any] = {
            "id": provider_id(call.call_id, self._family),
            "type": "function",
            "function": {
                "name": provider_name(call.wire_name),
                "arguments": json.dumps(call.arguments, ensure_ascii=False),
            },
        }
        if same and call.signature and self._family == "gemini":
            entry["provider_specific_fields"] = {"thought_signature": call.signature}
        return entry

    def _result(self, call: MessageToolCall) -> dict[str, Any]:
        """The one result of ``call``, wherever the history has it; a synthetic one where it has none."""
        waiting = self._results[call.call_id]
        content: Any = NO_RESULT
        if waiting:
            message = waiting.popleft()
            content = _content(message.text, message.images) or EMPTY_RESULT
        return {
            "role": "tool",
            "tool_call_id": provider_id(call.call_id, self._family),
            "name": provider_name(call.wire_name),
            "content": content,
        }


def _add_user(out: list[dict[str, Any]], content: str | list[dict[str, Any]]) -> None:
    """Add what the person said, to the message before where that was theirs too: some models demand alternation."""
    if not content:
        return
    if not out or out[-1]["role"] != "user":
        out.append({"role": "user", "content": content})
    elif isinstance(out[-1]["content"], str) and isinstance(content, str):
        out[-1]["content"] += f"\n\n{content}"
    else:
        out[-1]["content"] = _parts(out[-1]["content"]) + _parts(content)


def _parts(content: str | list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else content


def _mark_for_cache(messages: list[dict[str, Any]]) -> None:
    """Ask Anthropic to keep the system text, and everything up to the last message, for the next hop or turn.

    Reading from its cache costs a tenth; without a mark nothing is cached.  Short prompts are ignored by the provider.
    """
    for message in {id(m): m for m in (messages[0], messages[-1])}.values() if messages else ():
        content = message["content"]
        if message["role"] == "assistant" or not content:
            continue
        parts = _parts(content)
        parts[-1]["cache_control"] = {"type": "ephemeral"}
        message["content"] = parts


def _signed(block: dict[str, Any]) -> bool:
    """Whether Anthropic would take the block back: a cut stream leaves one without its signature."""
    return block.get("type") == "redacted_thinking" or bool(block.get("signature"))


def _content(text: str, images: Sequence[ImagePart]) -> str | list[dict[str, Any]]:
    """Plain text, or parts where there are images; empty when there is nothing."""
    text = text if text.strip() else ""
    if not images:
        return text
    parts: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    for image in images:
        parts.append({"type": "image_url", "image_url": {"url": f"data:{image.mime_type};base64,{image.data}"}})
    return parts
