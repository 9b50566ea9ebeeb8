"""What a reader of a conversation sees, in order.

Items are mutable, owned by the `Transcript` that folds events into them; a view reads them
and is told which ones changed.  Nothing heavy is imported here: the first paint needs this module.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from datetime import datetime

    from mcp_tui.events.base import ErrorInfo
    from mcp_tui.events.content import Content
    from mcp_tui.events.tools import (
        ArgumentProblem,
        CallTiming,
        RecordedCall,
        ToolCallCompared,
        ToolDefinition,
        WireMessage,
    )
    from mcp_tui.events.turns import Usage

CallState = Literal[
    "proposed", "waiting", "running",
    "success", "error", "timeout", "cancelled", "denied", "invalid_arguments", "invalid_result", "unknown",
]  # fmt: skip
"""State of a tool call: before it runs, while it runs, then its outcome."""

Severity = Literal["information", "warning", "error"]


@dataclass(slots=True)
class Item:
    """One entry of the conversation.  ``key`` is stable; ``number`` counts from 1 in order of appearance."""

    key: str
    at: datetime
    turn_id: str | None
    number: int = 0
    event_id: str = ""
    """The stored event that changed it last; empty before the first."""


@dataclass(slots=True)
class UserItem(Item):
    """What the person said."""

    text: str = ""


@dataclass(slots=True)
class AssistantItem(Item):
    """A model answer, growing while ``streaming``.

    Text arrives in pieces; ``text`` joins them on demand so that a delta costs the same in a long answer.
    """

    model: str = ""
    pieces: list[str] = field(default_factory=list)
    reasoning_pieces: list[str] = field(default_factory=list)
    streaming: bool = True
    complete: bool = True
    """False when the answer was cut."""
    problem: ErrorInfo | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    cost: float | None = None
    duration_seconds: float = 0.0
    first_token_seconds: float | None = None
    writing_call: str = ""
    """Name of the tool whose arguments are being written right now."""
    retry_at: datetime | None = None
    """When the request is made again, while it waits for that."""
    retry_reason: str = ""

    @property
    def text(self) -> str:
        """The answer so far."""
        if len(self.pieces) > 1:
            self.pieces[:] = ["".join(self.pieces)]
        return self.pieces[0] if self.pieces else ""

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        if len(self.reasoning_pieces) > 1:
            self.reasoning_pieces[:] = ["".join(self.reasoning_pieces)]
        return self.reasoning_pieces[0] if self.reasoning_pieces else ""


@dataclass(slots=True)
class ToolCallItem(Item):
    """A tool call from proposal to result.  ``key`` is its call id."""

    wire_name: str = ""
    server: str = ""
    name: str = ""
    hop: int = 0
    asked_arguments: dict[str, Any] = field(default_factory=dict)
    """What the model asked for."""
    arguments: dict[str, Any] = field(default_factory=dict)
    """What ran, or would run: edited by the person, perhaps."""
    edited: bool = False
    state: CallState = "proposed"
    approval_id: str = ""
    """The open question, while ``state`` is ``waiting``."""
    approval_reason: str = ""
    guarded: bool = False
    """A built-in guard asks: no rule can answer instead of the person."""
    decided_by: str = ""
    """``user``, ``rule`` or ``engine``; empty before a decision."""
    decision: str = ""
    """Such as "allowed once", "denied: wrong file" or "allowed by rule 3fa1: fs.read under /srv"."""
    rule: str = ""
    """Which rule decided, in words; empty where the person did."""
    rule_id: str = ""
    """Its id in ``permissions.yaml``; empty for what is not written there, such as a grant of the conversation."""
    started_at: datetime | None = None
    progress: float | None = None
    progress_total: float | None = None
    progress_message: str = ""
    content: tuple[Content, ...] = ()
    structured_content: Any = None
    validation_errors: tuple[ArgumentProblem, ...] = ()
    error: ErrorInfo | None = None
    model_text: str = ""
    model_tokens: int = 0
    truncated: bool = False
    sensitive: bool = False
    """The result holds what looks like a key: it is masked wherever it is shown."""
    timing: CallTiming | None = None
    wire: tuple[WireMessage, ...] = ()
    definition: ToolDefinition | None = None
    """The tool as it was offered to the model."""
    rerun_of: RecordedCall | None = None
    """The recorded call that this one runs again; ``None`` for a call of the model."""
    rerun_number: int = 0
    """Number of that call in this conversation; 0 where it is in another one."""
    comparison: ToolCallCompared | None = None
    """Its result beside the recorded one, once both are there."""

    @property
    def label(self) -> str:
        """``server.tool``, or the name the model used where no server has such a tool."""
        return f"{self.server}.{self.name}" if self.server else self.wire_name

    @property
    def finished(self) -> bool:
        """Whether the call has its end."""
        return self.state not in ("proposed", "waiting", "running")


@dataclass(slots=True)
class NoticeItem(Item):
    """A line of our own: how a turn ended, what was left out, an event of a newer release."""

    text: str = ""
    severity: Severity = "information"
    hint: str = ""
    kind: str = ""
    """The event type it came from."""


@dataclass(slots=True)
class Change:
    """One thing that `Transcript.apply` did.

    ``appended`` and ``reasoning`` hold the text that a delta added; on ``updated`` the item may have
    changed in any way (its text too, when a closing event replaced the pieces).
    """

    kind: Literal["added", "updated", "appended", "removed"]
    item: Item
    appended: str = ""
    reasoning: str = ""
