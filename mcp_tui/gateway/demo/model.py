"""The gateway of the demo model: what it says and does next, streamed like a real model's answer."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import AsyncGenerator, Iterator, Sequence

from mcp_tui.conversation.messages import ModelMessage
from mcp_tui.events.turns import Usage
from mcp_tui.gateway.base import (
    Chunk,
    FinishChunk,
    ModelInfo,
    ModelRequest,
    ReasoningChunk,
    TextChunk,
    ToolCallChunk,
    UsageChunk,
)
from mcp_tui.gateway.demo import showcase
from mcp_tui.gateway.demo.script import Answer, next_answer
from mcp_tui.gateway.demo.situation import read

DEFAULT_WORDS_PER_SECOND = 45.0
_TOKENS_PER_WORD = 4 / 3


class DemoGateway:
    """The offline demo model (requirement B7), a `mcp_tui.gateway.base.ModelGateway`.

    ``words_per_second`` is the pace of the answer, 0 for no waiting at all; ``suggestions`` are the
    things to try that it mentions, as (title, prompt); ``context_window`` is in tokens.
    """

    def __init__(
        self,
        *,
        words_per_second: float = DEFAULT_WORDS_PER_SECOND,
        suggestions: showcase.Suggestions = (),
        context_window: int = 32_000,
    ) -> None:
        self._pause = 1 / words_per_second if words_per_second > 0 else 0.0
        self._suggestions = tuple(suggestions)
        self._context_window = context_window

    @property
    def demo(self) -> bool:
        """Always true: every screen labels this model."""
        return True

    async def start(self) -> None:
        """Nothing to get ready."""

    async def aclose(self) -> None:
        """Nothing to end."""

    async def model_info(self, provider: str) -> ModelInfo:
        """The demo model costs nothing and takes no images."""
        return ModelInfo(
            context_window=self._context_window,
            input_price=0.0,
            output_price=0.0,
            supports_tools=True,
            supports_images=False,
        )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """The answer, word by word; as one piece where the request does not stream."""
        answer = next_answer(read(request), self._suggestions)
        for chunk in _chunks(answer, request):
            yield chunk
            # Even without a pace the loop gets its turn, so that an answer can be stopped at any word.
            await asyncio.sleep(self._pause if request.stream else 0.0)
        yield FinishChunk("tool_calls" if answer.calls else "stop")
        yield UsageChunk(_usage(request, answer), cost=0.0)


def _chunks(answer: Answer, request: ModelRequest) -> Iterator[Chunk]:
    for piece in _pieces(answer.reasoning, request.stream):
        yield ReasoningChunk(piece)
    for piece in _pieces(answer.text, request.stream):
        yield TextChunk(piece)
    for index, call in enumerate(answer.calls):
        identity = _call_id(request, index)
        yield ToolCallChunk(index=index, id=identity, name=call.wire_name, arguments="")
        for piece in _pieces(json.dumps(call.arguments, ensure_ascii=False), request.stream):
            yield ToolCallChunk(index=index, arguments=piece)


def _pieces(text: str, stream: bool) -> Sequence[str]:
    if not stream:
        return [text] if text else []
    return re.findall(r"\s*\S+(?:\s+\Z)?|\s+\Z", text)


def _call_id(request: ModelRequest, index: int) -> str:
    """Unique in a conversation, the same whenever the same request is made."""
    seed = f"{request.request_id}/{len(request.messages)}/{index}"
    return f"call_{hashlib.sha256(seed.encode()).hexdigest()[:16]}"


def _usage(request: ModelRequest, answer: Answer) -> Usage:
    prompt = sum(_words_of(message) for message in request.messages)
    prompt += sum(_count(f"{tool.description} {json.dumps(tool.parameters)}") for tool in request.tools)
    said = _count(answer.text) + sum(_count(json.dumps(call.arguments)) + 1 for call in answer.calls)
    thought = _count(answer.reasoning)
    return Usage(
        prompt_tokens=_tokens(prompt),
        completion_tokens=_tokens(said + thought),
        reasoning_tokens=_tokens(thought),
        estimated=True,
    )


def _words_of(message: ModelMessage) -> int:
    return _count(message.text) + sum(_count(json.dumps(call.arguments)) for call in message.tool_calls)


def _count(text: str) -> int:
    return len(text.split())


def _tokens(words: int) -> int:
    return round(words * _TOKENS_PER_WORD)
