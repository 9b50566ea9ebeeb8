"""LiteLLM's stream chunks read into wire items, by shape only: nothing of LiteLLM is imported."""

from __future__ import annotations

from typing import Any

from mcp_tui.gateway import wire
from mcp_tui.gateway.surrogates import SurrogateJoiner


class DeltaReader:
    """Reads the chunks of one answer.  ``spoke`` tells whether text or a call has arrived."""

    def __init__(self) -> None:
        self.spoke = False
        self.reasoned = False
        self.finish_reason: str | None = None
        self.size = 0
        """Characters so far, for the cap on endless answers."""
        self._joiners = {wire.TEXT: SurrogateJoiner(), wire.REASONING: SurrogateJoiner()}

    def read(self, chunk: Any) -> list[wire.Item]:
        """The items of one chunk; the finish reason is only remembered, since it may be LiteLLM's invention."""
        items: list[wire.Item] = []
        for choice in getattr(chunk, "choices", None) or ():
            delta = getattr(choice, "delta", None)
            if delta is not None:
                self._read_delta(delta, items)
            if reason := getattr(choice, "finish_reason", None):
                self.finish_reason = str(reason)
        return items

    def close(self) -> list[wire.Item]:
        """Items for halves of characters that never became whole."""
        return [[kind, rest] for kind, joiner in self._joiners.items() if (rest := joiner.close())]

    def _read_delta(self, delta: Any, items: list[wire.Item]) -> None:
        if reasoning := getattr(delta, "reasoning_content", None):
            self.reasoned = True
            self._text(wire.REASONING, reasoning, items)
        for block in getattr(delta, "thinking_blocks", None) or ():
            items.append([wire.THINKING, _as_dict(block)])
        if content := getattr(delta, "content", None):
            self.spoke = self.spoke or not content.isspace()
            self._text(wire.TEXT, content, items)
        for call in getattr(delta, "tool_calls", None) or ():
            self._call(call, items)
        if (function := getattr(delta, "function_call", None)) is not None:
            self._add_call([wire.CALL, 0, None, *_function(function), None], items)

    def _text(self, kind: str, text: str, items: list[wire.Item]) -> None:
        self.size += len(text)
        if joined := self._joiners[kind].feed(text):
            items.append([kind, joined])

    def _call(self, call: Any, items: list[wire.Item]) -> None:
        function = getattr(call, "function", None)
        signature = _signature(call) or _signature(function)
        name, arguments = _function(function)
        self._add_call([wire.CALL, getattr(call, "index", None), call.id or None, name, arguments, signature], items)

    def _add_call(self, item: wire.Item, items: list[wire.Item]) -> None:
        self.spoke = True
        self.size += len(item[4]) if isinstance(item[4], str) else 0
        items.append(item)


def _function(function: Any) -> tuple[str | None, Any]:
    return getattr(function, "name", None) or None, getattr(function, "arguments", None)


def _signature(owner: Any) -> str | None:
    fields = getattr(owner, "provider_specific_fields", None)
    return fields.get("thought_signature") if isinstance(fields, dict) else None


def _as_dict(block: Any) -> dict[str, Any]:
    return dict(block) if isinstance(block, dict) else dict(block.model_dump(exclude_none=True))


def read_usage(usage: Any) -> dict[str, Any]:
    """LiteLLM's usage as the fields of `mcp_tui.events.turns.Usage`."""
    completion = getattr(usage, "completion_tokens_details", None)
    prompt = getattr(usage, "prompt_tokens_details", None)
    cached = getattr(usage, "cache_read_input_tokens", None) or getattr(prompt, "cached_tokens", None)
    return {
        "prompt_tokens": getattr(usage, "prompt_tokens", None) or 0,
        "completion_tokens": getattr(usage, "completion_tokens", None) or 0,
        "reasoning_tokens": getattr(completion, "reasoning_tokens", None) or 0,
        "cached_tokens": cached or 0,
        "cache_creation_tokens": getattr(usage, "cache_creation_input_tokens", None) or 0,
    }
