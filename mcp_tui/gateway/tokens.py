"""Token counts of messages and tools, remembered so that a growing conversation is counted once.

The counting itself is injected (`CountTexts`): the model layer's worker does it, since building a vocabulary stalls
its process.  Counts are estimates for models of other makers; what a provider reports is the truth.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence

from mcp_tui.conversation.messages import ModelMessage, ToolSpec
from mcp_tui.errors import GatewayError
from mcp_tui.gateway.vocabulary import count_texts, vocabulary_of

CountTexts = Callable[[str, Sequence[str]], Awaitable[list[int] | None]]
"""Takes the name of a vocabulary and texts; returns the tokens of each, or ``None`` where nobody can tell."""

IMAGE_TOKENS = 800
"""Flat number for an image: providers charge by its size in pixels, which base64 does not tell."""

MESSAGE_TOKENS = 4
"""What role and framing of a message take."""

CHARACTERS_PER_TOKEN = 4
"""For the estimate where there is no vocabulary."""

LONG = 200_000
"""Characters from which a text is judged by samples."""

_SAMPLE = 50_000
_CACHED_TEXTS = 20_000


async def count_in_thread(vocabulary: str, texts: Sequence[str]) -> list[int] | None:
    """A `CountTexts` within this process."""
    return await asyncio.to_thread(count_texts, vocabulary, texts)


class TokenCounter:
    """Counts for one model.  ``estimated`` is True where a count is characters divided by four.

    Without ``count`` everything is estimated.
    """

    def __init__(self, model: str = "", *, count: CountTexts | None = count_in_thread) -> None:
        self._name = vocabulary_of(model)
        self._count = count
        self._counts: OrderedDict[tuple[int, int], int] = OrderedDict()
        self.estimated = True

    def select(self, model: str) -> None:
        """Count for another model from now on."""
        name = vocabulary_of(model)
        if name != self._name:
            self._name, self.estimated = name, True
            self._counts.clear()

    def count(self, text: str) -> int:
        """Tokens of ``text`` at once: exact where an asynchronous method has counted it, else estimated."""
        known = self._counts.get(_key(text))
        return -(-len(text) // CHARACTERS_PER_TOKEN) if known is None else known

    async def count_async(self, text: str) -> int:
        """Tokens of ``text``; one above `LONG` characters is judged by three samples of it."""
        await self._learn([text])
        return self.count(text)

    def count_message(self, message: ModelMessage) -> int:
        """Tokens of one message: text, calls, reasoning that goes back, images at a flat number each."""
        return sum(self.count(text) for text in _texts(message)) + _fixed(message)

    async def count_messages(self, messages: Sequence[ModelMessage]) -> list[int]:
        """Tokens of each message; `count_message` then finds them remembered."""
        await self._learn([text for message in messages for text in _texts(message)])
        return [self.count_message(message) for message in messages]

    async def count_tools_async(self, tools: Sequence[ToolSpec]) -> int:
        """Tokens that tool definitions take in a request."""
        texts = [_tool_text(tool) for tool in tools]
        await self._learn(texts)
        return sum(MESSAGE_TOKENS + self.count(text) for text in texts)

    async def _learn(self, texts: Iterable[str]) -> None:
        """Have counted what is not known yet; a model layer that cannot leaves it at the estimate."""
        unknown = [text for text in dict.fromkeys(texts) if text and _key(text) not in self._counts]
        if self._count is None or not unknown:
            return
        name = self._name
        try:
            tokens = await self._count(name, [_sample(text) for text in unknown])
        except GatewayError:
            return
        if tokens is None or name != self._name:
            return
        self.estimated = False
        for text, count in zip(unknown, tokens, strict=True):
            self._remember(_key(text), -(-count * len(text) // len(_sample(text))))

    def _remember(self, key: tuple[int, int], tokens: int) -> None:
        self._counts[key] = tokens
        if len(self._counts) > _CACHED_TEXTS:
            self._counts.popitem(last=False)


def _key(text: str) -> tuple[int, int]:
    return hash(text), len(text)


def _sample(text: str) -> str:
    """The whole of an ordinary text, three places of a long one."""
    if len(text) <= LONG:
        return text
    middle = len(text) // 2
    return text[:_SAMPLE] + text[middle : middle + _SAMPLE] + text[-_SAMPLE:]


def _texts(message: ModelMessage) -> Iterable[str]:
    yield message.text
    for call in message.tool_calls:
        yield call.wire_name + json.dumps(call.arguments, ensure_ascii=False)
    for block in message.thinking_blocks:
        yield str(block.get("thinking") or block.get("data") or "")


def _fixed(message: ModelMessage) -> int:
    return MESSAGE_TOKENS * (1 + len(message.tool_calls)) + IMAGE_TOKENS * len(message.images)


def _tool_text(tool: ToolSpec) -> str:
    return f"{tool.wire_name}\n{tool.description}\n{json.dumps(tool.parameters, ensure_ascii=False)}"
