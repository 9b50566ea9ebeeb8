"""Events folded into what a model is sent, within a token budget (requirement E3)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mcp_tui.conversation.messages import ImagePart, MessageToolCall, ModelMessage
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.content import ImageContent

NO_RESULT = "The call was interrupted; it may or may not have run."
"""What the model is told of a call whose result nobody knows."""

CountMessage = Callable[[ModelMessage], int]


@dataclass(frozen=True, slots=True)
class BuiltContext:
    """The messages of one request, and what had to be left out."""

    messages: tuple[ModelMessage, ...]
    tokens: int
    dropped_messages: int = 0
    dropped_tokens: int = 0


@dataclass(slots=True)
class _Group:
    """Messages that stay together: a user message, or an answer with the results of its calls."""

    messages: list[ModelMessage]
    tokens: int = 0


class ModelContext:
    """The conversation as a model sees it."""

    def __init__(self) -> None:
        self._messages: list[ModelMessage] = []
        self._results: dict[str, ModelMessage] = {}
        self._proposed: set[str] = set()

    def apply(self, event: EventBase) -> None:
        """Fold one event; deltas and fragments do not matter here."""
        match event:
            case turns.UserMessage():
                self._messages.append(ModelMessage("user", event.text, key=event.message_id))
            case turns.AssistantMessage():
                self._messages.append(_answer(event))
            case tools.ToolCallProposed():
                self._proposed.add(event.call_id)
            case tools.ToolCallFinished():
                images = tuple(
                    ImagePart(part.data, part.mime_type) for part in event.content if isinstance(part, ImageContent)
                )
                self._results[event.call_id] = ModelMessage(
                    "tool", event.model_text, call_id=event.call_id, images=images, key=event.call_id
                )
            case _:
                pass

    def messages(self) -> list[ModelMessage]:
        """Everything that a request may carry, so that a long conversation can be counted beforehand."""
        return [message for group in self._groups(images=True) for message in group.messages]

    def build(
        self,
        *,
        system_prompt: str | None,
        count: CountMessage,
        budget: int | None,
        preserve_recent: int,
        images: bool = False,
    ) -> BuiltContext:
        """The messages of the next request.

        ``budget`` is in tokens, without tools and answer; ``None`` means no limit.  The oldest groups go
        first; the system prompt, the last ``preserve_recent`` messages and everything from the latest user
        message on stay, and a call is never separated from its result.
        """
        system = [ModelMessage("system", system_prompt, key="system")] if system_prompt else []
        groups = self._groups(images)
        for group in groups:
            group.tokens = sum(count(message) for message in group.messages)
        fixed = sum(count(message) for message in system)
        kept = len(groups) - _droppable(groups, fixed, budget, preserve_recent)
        dropped, rest = groups[: len(groups) - kept], groups[len(groups) - kept :]
        return BuiltContext(
            messages=(*system, *(message for group in rest for message in group.messages)),
            tokens=fixed + sum(group.tokens for group in rest),
            dropped_messages=sum(len(group.messages) for group in dropped),
            dropped_tokens=sum(group.tokens for group in dropped),
        )

    def _groups(self, images: bool) -> list[_Group]:
        groups: list[_Group] = []
        for message in self._messages:
            if message.role == "user":
                groups.append(_Group([message]))
                continue
            calls = tuple(call for call in message.tool_calls if call.call_id in self._proposed)
            if not calls and not message.text.strip():
                continue
            answer = message if len(calls) == len(message.tool_calls) else replace(message, tool_calls=calls)
            groups.append(_Group([answer, *(self._result(call.call_id, images) for call in calls)]))
        return groups

    def _result(self, call_id: str, images: bool) -> ModelMessage:
        result = self._results.get(call_id) or ModelMessage("tool", NO_RESULT, call_id=call_id, key=f"{call_id}?")
        return result if images or not result.images else replace(result, images=())


def _answer(event: turns.AssistantMessage) -> ModelMessage:
    calls = tuple(
        MessageToolCall(call.call_id, call.wire_name, call.arguments, call.signature) for call in event.tool_calls
    )
    return ModelMessage(
        "assistant",
        event.text,
        tool_calls=calls,
        reasoning=event.reasoning,
        thinking_blocks=event.thinking_blocks,
        model=event.model,
        key=event.message_id,
    )


def _droppable(groups: Sequence[_Group], fixed: int, budget: int | None, preserve_recent: int) -> int:
    """How many of the oldest groups have to go; what is left begins with the person's words."""
    if budget is None:
        return 0
    starts = [i for i, group in enumerate(groups) if group.messages[0].role == "user"]
    limit, recent = len(groups), 0
    while limit > 0 and recent < preserve_recent:
        limit -= 1
        recent += len(groups[limit].messages)
    total, dropped = fixed + sum(group.tokens for group in groups), 0
    for start in starts:
        if start > limit or total <= budget:
            break
        total -= sum(group.tokens for group in groups[dropped:start])
        dropped = start
    return dropped
