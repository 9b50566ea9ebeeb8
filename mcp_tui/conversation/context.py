"""Events folded into what a model is sent, within a token budget (requirement E3)."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
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


class _Group:
    """Messages that stay together: a user message, or an answer with the results of its calls.

    What is built and counted once is kept until a call or a result is added.
    """

    def __init__(self, first: ModelMessage) -> None:
        self._first = first
        self._proposed: set[str] = set()
        self._results: dict[str, ModelMessage] = {}
        self._built: dict[bool, tuple[ModelMessage, ...]] = {}
        self._basis: Hashable = None
        self.tokens = 0
        """As counted last."""

    def propose(self, call_id: str) -> None:
        """The call is in the log: only such calls go back to the model."""
        self._proposed.add(call_id)
        self._changed()

    def finish(self, result: ModelMessage) -> None:
        """The call has its result."""
        self._results[result.call_id] = result
        self._changed()

    def extend(self, call_id: str, text: str) -> None:
        """The model may have more of a result than it was given first."""
        result = self._results.get(call_id)
        if result is not None:
            self.finish(replace(result, text=text, key=f"{call_id}+"))

    def _changed(self) -> None:
        self._built.clear()
        self._basis = None

    @property
    def from_person(self) -> bool:
        """Whether it is what the person said."""
        return self._first.role == "user"

    def messages(self, images: bool) -> tuple[ModelMessage, ...]:
        """The messages in order; none for an answer without words and calls."""
        if images not in self._built:
            self._built[images] = self._build(images)
        return self._built[images]

    def counted(self, basis: Hashable) -> bool:
        """Whether `tokens` is a count on this basis."""
        return self._basis is not None and self._basis == basis

    def count(self, count: CountMessage, images: bool, basis: Hashable) -> None:
        """Bring `tokens` up to date."""
        if not self.counted(basis):
            self.tokens, self._basis = sum(count(message) for message in self.messages(images)), basis

    def _build(self, images: bool) -> tuple[ModelMessage, ...]:
        first = self._first
        if first.role == "user":
            return (first,)
        calls = tuple(call for call in first.tool_calls if call.call_id in self._proposed)
        if not calls and not first.text.strip():
            return ()
        answer = first if len(calls) == len(first.tool_calls) else replace(first, tool_calls=calls)
        return (answer, *(self._result(call.call_id, images) for call in calls))

    def _result(self, call_id: str, images: bool) -> ModelMessage:
        result = self._results.get(call_id) or ModelMessage("tool", NO_RESULT, call_id=call_id, key=f"{call_id}?")
        return result if images or not result.images else replace(result, images=())


class ModelContext:
    """The conversation as a model sees it; the work for a request grows with what is new, not with what is old."""

    def __init__(self) -> None:
        self._groups: list[_Group] = []
        self._of_call: dict[str, _Group] = {}

    def apply(self, event: EventBase) -> None:
        """Fold one event; deltas and fragments do not matter here."""
        match event:
            case turns.UserMessage():
                self._groups.append(_Group(ModelMessage("user", event.text, key=event.message_id)))
            case turns.AssistantMessage():
                group = _Group(_answer(event))
                self._groups.append(group)
                self._of_call.update((call.call_id, group) for call in event.tool_calls)
            case tools.ToolCallProposed() if event.call_id in self._of_call:
                self._of_call[event.call_id].propose(event.call_id)
            case tools.ToolCallFinished() if event.call_id in self._of_call:
                self._of_call[event.call_id].finish(_result_message(event))
            case tools.ToolResultExtended() if event.call_id in self._of_call:
                self._of_call[event.call_id].extend(event.call_id, event.model_text)
            case _:
                pass

    def uncounted(self, basis: Hashable, *, images: bool = False) -> list[ModelMessage]:
        """Messages that `build` would have to count on this basis, so that it can be done off the event loop."""
        return [
            message
            for group in self._groups
            if not group.counted((basis, images))
            for message in group.messages(images)
        ]

    def build(
        self,
        *,
        system_prompt: str | None,
        count: CountMessage,
        budget: int | None,
        preserve_recent: int,
        images: bool = False,
        basis: Hashable = None,
    ) -> BuiltContext:
        """The messages of the next request.

        ``budget`` is in tokens, without tools and answer; ``None`` means no limit.  The oldest groups go
        first; the system prompt, the last ``preserve_recent`` messages and everything from the latest user
        message on stay, and a call is never separated from its result.  Counts are kept while ``basis``, which
        says what they rest on, stays equal.
        """
        system = [ModelMessage("system", system_prompt, key="system")] if system_prompt else []
        groups = [group for group in self._groups if group.messages(images)]
        for group in groups:
            group.count(count, images, (basis, images))
        fixed = sum(count(message) for message in system)
        first = _droppable(groups, images, fixed, budget, preserve_recent)
        dropped, rest = groups[:first], groups[first:]
        return BuiltContext(
            messages=(*system, *(message for group in rest for message in group.messages(images))),
            tokens=fixed + sum(group.tokens for group in rest),
            dropped_messages=sum(len(group.messages(images)) for group in dropped),
            dropped_tokens=sum(group.tokens for group in dropped),
        )


def _result_message(event: tools.ToolCallFinished) -> ModelMessage:
    images = tuple(ImagePart(part.data, part.mime_type) for part in event.content if isinstance(part, ImageContent))
    return ModelMessage("tool", event.model_text, call_id=event.call_id, images=images, key=event.call_id)


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


def _droppable(groups: Sequence[_Group], images: bool, fixed: int, budget: int | None, preserve_recent: int) -> int:
    """How many of the oldest groups have to go; what is left begins with the person's words."""
    if budget is None:
        return 0
    starts = [index for index, group in enumerate(groups) if group.from_person]
    limit, recent = len(groups), 0
    while limit > 0 and recent < preserve_recent:
        limit -= 1
        recent += len(groups[limit].messages(images))
    total, dropped = fixed + sum(group.tokens for group in groups), 0
    for start in starts:
        if start > limit or total <= budget:
            break
        total -= sum(group.tokens for group in groups[dropped:start])
        dropped = start
    return dropped
