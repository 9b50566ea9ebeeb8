"""Tool definitions, tool calls and approvals."""

from __future__ import annotations

import operator
from typing import Any, ClassVar, Literal

from pydantic import Field

from mcp_tui.events.base import Durability, ErrorInfo, EventBase, Model, Moment
from mcp_tui.events.content import Content

ToolOutcome = Literal[
    "success", "error", "timeout", "cancelled", "denied", "invalid_arguments", "invalid_result", "unknown"
]
"""How a call ended.  ``error``: the tool or the server said so; ``invalid_result``: it ran, its result does not
match its schema; ``unknown``: it may have run (the server or the program died under it)."""

DecisionAction = Literal["allow", "deny", "stop", "withdrawn"]
"""``stop`` denies everything that waits and ends the turn; ``withdrawn``: nobody was asked any more."""

DecisionScope = Literal["once", "conversation", "rule"]
"""How far an allow reaches; ``rule``: the person also wrote a rule that allows it from now on."""


class ToolDefinition(Model):
    """A tool as its server lists it, and the name under which the model knows it."""

    wire_name: str
    server: str
    """The configured name of the server, never what the server calls itself."""
    name: str
    title: str | None = None
    description: str = ""
    input_schema: dict[str, Any] = Field(default_factory=dict)
    """As the server sent it; arguments are checked against this one."""
    output_schema: dict[str, Any] | None = None
    annotations: dict[str, Any] = Field(default_factory=dict)
    """Hints of the server, in MCP's names; never trusted."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """The schema given to the model: ``input_schema`` in the form that every provider accepts."""
    argument_names: dict[str, str] = Field(default_factory=dict)
    """Argument names that had to change for the model: changed name -> the server's name."""
    notes: tuple[str, ...] = ()
    """What was repaired or adapted, for the person."""
    digest: str = ""
    """SHA-256 over name, title, description, schemas and annotations as the server sent them."""
    pin: str = Field(default="", exclude_if=operator.not_)
    """Id of its acceptance by the person, a new one each time: an allow holds for this one only."""


class HeldTool(Model):
    """A tool that waits for a review: neither offered to the model nor callable."""

    definition: ToolDefinition
    reason: Literal["new", "changed"]
    accepted: ToolDefinition | None = None
    """As it was accepted, where ``reason`` is ``changed``: what the new definition is compared with."""


class ArgumentProblem(Model):
    """One entry of ``validation_errors`` (requirement D7)."""

    field: str
    """Path of the argument, such as ``items[2].name``; empty for the arguments as a whole."""
    message: str
    type: str
    """The schema keyword that failed, such as ``required`` or ``enum``."""


class WireMessage(Model):
    """One JSON-RPC message of a call, as it crossed the pipe."""

    direction: Literal["sent", "received"]
    at: Moment
    message: dict[str, Any]


class RecordedCall(Model):
    """A tool call in a log."""

    conversation_id: str
    call_id: str


class Difference(Model):
    """One place where two results differ."""

    path: str
    """Such as ``content[0].text`` or ``structuredContent.items[2].id``; ``outcome`` for how the calls ended."""
    kind: Literal["added", "removed", "changed"]
    before: str = ""
    """Compact JSON, or text; cut where it is long."""
    after: str = ""


class Ignored(Model):
    """A rule by which a comparison left something out."""

    rule: str
    """As the person wrote it: a place such as ``structuredContent.time``, or a pattern between slashes."""
    places: int = 0
    """How many places or matches it left out of the result that has more of them."""
    gave_up: bool = Field(default=False, exclude_if=operator.not_)
    """A pattern took too long for a text, which was compared as it is."""


class CallTiming(Model):
    """Where the time of a call went, in seconds."""

    queued: float = 0.0
    approval: float = 0.0
    wire: float = 0.0


class ToolsOffered(EventBase):
    """The tools that the model sees from here on; written when the set changes."""

    type: Literal["tools_offered"] = "tools_offered"
    durability: ClassVar[Durability] = "flush"
    tools: tuple[ToolDefinition, ...]


class ToolCallProposed(EventBase):
    """The model asked for a call; nothing has run."""

    type: Literal["tool_call_proposed"] = "tool_call_proposed"
    durability: ClassVar[Durability] = "flush"
    call_id: str
    message_id: str
    hop: int
    index: int
    """Position in the model's answer; results go back in this order."""
    wire_name: str
    server: str = ""
    """Empty when no server has such a tool."""
    name: str = ""
    arguments: dict[str, Any] = Field(default_factory=dict)
    validation_errors: tuple[ArgumentProblem, ...] = ()
    rerun_of: RecordedCall | None = Field(default=None, exclude_if=lambda recorded: recorded is None)
    """The recorded call that the person runs again; the model did not ask for this one and is not told of it."""


class ApprovalRequested(EventBase):
    """The person is asked; the call waits."""

    type: Literal["approval_requested"] = "approval_requested"
    durability: ClassVar[Durability] = "flush"
    approval_id: str
    call_id: str
    reason: str
    """Why it asks, such as "no rule allows it"."""
    guarded: bool = False
    """True when a built-in guard asks: no rule can answer instead of the person."""


class ApprovalDecided(EventBase):
    """The one answer to a request, or an automatic decision that names its rule."""

    type: Literal["approval_decided"] = "approval_decided"
    approval_id: str
    call_id: str
    action: DecisionAction
    scope: DecisionScope = "once"
    by: Literal["user", "rule", "engine"]
    rule: str = ""
    """Which rule decided, in words; empty for the person."""
    rule_id: str = ""
    """Id of the entry of ``permissions.yaml`` that decided, or that the person wrote with this decision."""
    message: str = ""
    """What the person tells the model about a refusal."""
    edited_arguments: dict[str, Any] | None = None
    """What the person changed the arguments to; ``tool_call_proposed`` keeps the model's."""
    tool_digest: str = ""
    """Definition of the tool that was decided on (`ToolDefinition.digest`)."""
    tool_pin: str = ""
    """Its acceptance (`ToolDefinition.pin`)."""
    arguments_digest: str = ""
    """SHA-256 of the canonical JSON of exactly the arguments that may run."""
    waited_seconds: float = 0.0


class ToolCallStarted(EventBase):
    """Written, and on disk, before the request leaves: the call may have run from here on."""

    type: Literal["tool_call_started"] = "tool_call_started"
    call_id: str
    server: str
    name: str
    arguments: dict[str, Any]
    """What is sent to the server."""


class ToolCallProgress(EventBase):
    """The server reported progress; ``total`` may be unknown."""

    type: Literal["tool_call_progress"] = "tool_call_progress"
    durability: ClassVar[Durability] = "passing"
    call_id: str
    progress: float
    total: float | None = None
    message: str = ""


class ToolCallFinished(EventBase):
    """The one end of a call, whether it ran or not."""

    type: Literal["tool_call_finished"] = "tool_call_finished"
    call_id: str
    outcome: ToolOutcome
    content: tuple[Content, ...] = ()
    structured_content: Any = None
    validation_errors: tuple[ArgumentProblem, ...] = ()
    error: ErrorInfo | None = None
    model_text: str = ""
    """What the model was given for this call."""
    model_tokens: int = 0
    truncated: bool = False
    """True when the model was given less than the whole result."""
    sensitive: bool = False
    """The result holds what looks like a key: kept whole here, masked wherever it is shown."""
    timing: CallTiming = CallTiming()
    wire: tuple[WireMessage, ...] = ()


class ToolResultExtended(EventBase):
    """The person let the model have more of a result than `ToolCallFinished` gave it; replaces that text."""

    type: Literal["tool_result_extended"] = "tool_result_extended"
    call_id: str
    model_text: str
    model_tokens: int


class ToolCallCompared(EventBase):
    """A call that was run again ended; its result beside the recorded one."""

    type: Literal["tool_call_compared"] = "tool_call_compared"
    durability: ClassVar[Durability] = "flush"
    call_id: str
    """The new call."""
    recorded: RecordedCall
    same: bool
    differences: tuple[Difference, ...] = ()
    """Empty where they are the same, and where the new call did not run."""
    ignored: tuple[Ignored, ...] = Field(default=(), exclude_if=operator.not_)
    """Each rule that was given for this comparison, also where it left nothing out."""
