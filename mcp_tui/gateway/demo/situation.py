"""A request as the script sees it: the user's words, the tools, and the hops of this turn so far."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mcp_tui.conversation.messages import MessageToolCall, ModelMessage
from mcp_tui.gateway.base import ModelRequest
from mcp_tui.gateway.demo.catalogue import Catalogue
from mcp_tui.gateway.demo.outcome import Ending, ending


@dataclass(frozen=True, slots=True)
class DoneCall:
    """A call that was made and what the model was told about it."""

    call: MessageToolCall
    result: str

    @property
    def ending(self) -> Ending:
        """How it ended."""
        return ending(self.result)


@dataclass(frozen=True, slots=True)
class Situation:
    """Everything that the answer depends on."""

    text: str
    """What the user said last."""
    tools: Catalogue
    hops: tuple[tuple[DoneCall, ...], ...]
    """The calls of this turn, hop by hop."""


def read(request: ModelRequest) -> Situation:
    """Read a request.  Only what follows the last user message belongs to the turn."""
    last = max((place for place, message in enumerate(request.messages) if message.role == "user"), default=-1)
    text = request.messages[last].text if last >= 0 else ""
    return Situation(text, Catalogue(request.tools), _hops(request.messages[last + 1 :]))


def _hops(messages: Sequence[ModelMessage]) -> tuple[tuple[DoneCall, ...], ...]:
    results = {message.call_id: message.text for message in messages if message.role == "tool"}
    return tuple(
        tuple(DoneCall(call, results.get(call.call_id, "")) for call in message.tool_calls)
        for message in messages
        if message.role == "assistant" and message.tool_calls
    )
