"""Conversations, turns, messages and model requests."""

from __future__ import annotations

import operator
from typing import Any, ClassVar, Literal

from pydantic import Field

from mcp_tui.events.base import SCHEMA_VERSION, Durability, ErrorInfo, EventBase, Model

TurnOutcome = Literal["stop", "cancelled", "max_tool_hops", "max_cost", "error", "denied", "interrupted"]
"""How a turn ended.  ``denied``: refusals ended it; ``interrupted``: the program died, seen on resume."""


class Usage(Model):
    """Tokens of one model answer, in LiteLLM's words."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    """Part of ``prompt_tokens`` that the provider read from its cache."""
    cache_creation_tokens: int = 0
    estimated: bool = False
    """True when the provider reported nothing and the numbers are ours."""

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            cache_creation_tokens=self.cache_creation_tokens + other.cache_creation_tokens,
            estimated=self.estimated or other.estimated,
        )


class RequestedToolCall(Model):
    """A tool call as the model asked for it."""

    call_id: str
    """Unique in the conversation; ours where the model gave none or one twice."""
    wire_name: str
    """The name the model used, such as ``files__read_file``."""
    arguments: dict[str, Any] = Field(default_factory=dict)
    error: str | None = None
    """Why the call cannot run as asked: arguments that are no JSON object, or cut off."""
    raw_arguments: str | None = None
    """The model's own text, kept only where it is not the JSON of ``arguments``."""
    signature: str | None = None
    """Opaque provider data that must be sent back with the call (Gemini's thought signature)."""


OriginKind = Literal["fork", "verification", "offline_replay", "import"]
"""``fork``: its first events were copied from another conversation; ``verification``: it runs the calls of another one
again; ``offline_replay``: it asks another model, with the results recorded in another one; ``import``: from a file."""


class Origin(Model):
    """Where a conversation comes from that did not begin empty, or that is about another one."""

    kind: OriginKind
    conversation_id: str = ""
    """The other conversation; empty for an import of a foreign file."""
    event_id: str = ""
    """Id of the last event that was copied."""
    title: str = ""
    """Title of the other conversation at that time: it may be deleted later."""
    source: str = ""
    """For an import: the program that wrote it, such as ``chatgpt``."""
    copied: int = Field(default=0, exclude_if=operator.not_)
    """How many events after the first one were copied.  They say what happened elsewhere: no allow in them holds here,
    and none of their calls ran twice."""


class ConversationCreated(EventBase):
    """The first line of every conversation."""

    type: Literal["conversation_created"] = "conversation_created"
    schema_version: int = SCHEMA_VERSION
    app_version: str
    title: str = ""
    demo: bool = False
    """True when the offline demo model talks; shown wherever the conversation is shown."""
    origin: Origin | None = Field(default=None, exclude_if=lambda origin: origin is None)
    """``None`` for a conversation that began empty."""


class ConversationTitled(EventBase):
    """The conversation got a title, from its first input or from the person."""

    type: Literal["conversation_titled"] = "conversation_titled"
    title: str


class ConversationTagged(EventBase):
    """The person changed the tags; these replace the ones before."""

    type: Literal["conversation_tagged"] = "conversation_tagged"
    tags: tuple[str, ...]
    """Lower case, without blanks and commas, each once."""


class ModelSelected(EventBase):
    """From here on this provider entry of the configuration answers."""

    type: Literal["model_selected"] = "model_selected"
    provider: str
    """The key below ``llm.providers``."""
    model: str
    """LiteLLM's notation, such as ``anthropic/claude-sonnet-4-5``."""


class TurnStarted(EventBase):
    """A submission was taken up.  ``request_id`` makes it idempotent (requirement A7)."""

    type: Literal["turn_started"] = "turn_started"
    request_id: str


class UserMessage(EventBase):
    """What the person said."""

    type: Literal["user_message"] = "user_message"
    message_id: str
    text: str


class ModelRequestStarted(EventBase):
    """A request went to the model: one per hop."""

    type: Literal["model_request_started"] = "model_request_started"
    durability: ClassVar[Durability] = "flush"
    message_id: str
    """The answer that this request is for; ``assistant_message`` closes it."""
    hop: int
    """Counts the requests of a turn from 1."""
    provider: str
    model: str
    messages: int
    prompt_tokens: int
    """Estimate for the whole request: messages and tools."""
    tools_tokens: int
    """Part of ``prompt_tokens`` that tool definitions take."""
    context_window: int | None = None


class MessageFragment(EventBase):
    """Part of an answer, written for safety while it streams.

    Superseded by the ``assistant_message`` with the same ``message_id``: every reader
    ignores the fragments from then on, and compaction removes them (requirement A5).
    """

    type: Literal["message_fragment"] = "message_fragment"
    durability: ClassVar[Durability] = "flush"
    message_id: str
    text: str = ""
    reasoning: str = ""


class AssistantMessage(EventBase):
    """A model answer as a whole; closes its fragments and deltas, and replaces them."""

    type: Literal["assistant_message"] = "assistant_message"
    message_id: str
    hop: int
    provider: str
    model: str
    text: str = ""
    reasoning: str = ""
    thinking_blocks: tuple[dict[str, Any], ...] = ()
    """Anthropic's signed thinking, to be sent back unchanged."""
    tool_calls: tuple[RequestedToolCall, ...] = ()
    finish_reason: str | None = None
    """LiteLLM's word; ``None`` when the provider never finished."""
    complete: bool = True
    """False when the answer was cut: stopped by the person, by an error, or by the connection."""
    problem: ErrorInfo | None = None
    usage: Usage = Usage()
    cost: float | None = None
    """US dollars; ``None`` means unknown."""
    first_token_seconds: float | None = None
    duration_seconds: float = 0.0


class ContextTrimmed(EventBase):
    """Older messages were left out of a request to fit the model's window."""

    type: Literal["context_trimmed"] = "context_trimmed"
    durability: ClassVar[Durability] = "flush"
    dropped_messages: int
    dropped_tokens: int
    kept_tokens: int


QuestionKind = Literal["hops", "cost", "result_size"]
"""What a guard asks about: ``max_tool_hops`` reached, a cost limit reached, a result larger than the model is given."""


QuestionAnswer = Literal["yes", "no", "withdrawn"]


class QuestionAsked(EventBase):
    """A guard of the turn asks the person instead of cutting something off silently; the turn waits."""

    type: Literal["question_asked"] = "question_asked"
    durability: ClassVar[Durability] = "flush"
    question_id: str
    kind: QuestionKind
    message: str
    """What happened, and what "yes" means, in a sentence or two."""
    yes: str
    """What "yes" does, in a few words, such as ``8 more rounds``."""
    no: str
    call_id: str = ""
    """The call whose result it is about, for ``result_size``."""


class QuestionAnswered(EventBase):
    """The one answer to a question."""

    type: Literal["question_answered"] = "question_answered"
    question_id: str
    answer: QuestionAnswer
    by: Literal["user", "engine"]
    """``engine``: nobody could be asked, or the turn was stopped."""


class TurnFinished(EventBase):
    """The one end of a turn."""

    type: Literal["turn_finished"] = "turn_finished"
    outcome: TurnOutcome
    error: ErrorInfo | None = None
    hops: int = 0
    usage: Usage = Usage()
    cost: float | None = None
    duration_seconds: float = 0.0


class TextDelta(EventBase):
    """More of the answer's text."""

    type: Literal["text_delta"] = "text_delta"
    durability: ClassVar[Durability] = "passing"
    message_id: str
    text: str


class ReasoningDelta(EventBase):
    """More of the model's reasoning."""

    type: Literal["reasoning_delta"] = "reasoning_delta"
    durability: ClassVar[Durability] = "passing"
    message_id: str
    text: str


class ToolCallDelta(EventBase):
    """A tool call is being written by the model: its name is known, its arguments grow."""

    type: Literal["tool_call_delta"] = "tool_call_delta"
    durability: ClassVar[Durability] = "passing"
    message_id: str
    index: int
    wire_name: str
    arguments_length: int


class RetryScheduled(EventBase):
    """The model request failed before anything was shown; it will be made again."""

    type: Literal["retry_scheduled"] = "retry_scheduled"
    durability: ClassVar[Durability] = "passing"
    message_id: str
    attempt: int
    attempts: int
    delay_seconds: float
    reason: ErrorInfo


class QueueChanged(EventBase):
    """Inputs that wait for the running turn to end."""

    type: Literal["queue_changed"] = "queue_changed"
    durability: ClassVar[Durability] = "passing"
    inputs: tuple[str, ...]


class InputReturned(EventBase):
    """An input could not be taken up; its text goes back to the person."""

    type: Literal["input_returned"] = "input_returned"
    durability: ClassVar[Durability] = "passing"
    text: str
    reason: ErrorInfo


class ConversationOpened(EventBase):
    """Another conversation is on the screen now: views start afresh from its log."""

    type: Literal["conversation_opened"] = "conversation_opened"
    durability: ClassVar[Durability] = "passing"
    title: str = ""
    more_above: bool = Field(default=False, exclude_if=operator.not_)
    """The log that follows is only the end of the conversation; all of it follows when it is opened once more."""


class Notice(EventBase):
    """Something the person should know that belongs to no message, such as a failing disk."""

    type: Literal["notice"] = "notice"
    durability: ClassVar[Durability] = "passing"
    severity: Literal["information", "warning", "error"] = "information"
    message: str
    hint: str = ""
