"""What waits and runs right now: a fold of live events, beside the transcript (which is what was said)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from mcp_tui.conversation.items import Change, ToolCallItem

if TYPE_CHECKING:
    from mcp_tui.events.base import EventBase
    from mcp_tui.events.turns import QuestionAsked


@dataclass(frozen=True, slots=True)
class Retry:
    """A model request that will be made again at ``due`` (on the live state's clock, seconds)."""

    due: float
    attempt: int
    attempts: int
    reason: str


def _anywhere(turn_id: str | None) -> bool:
    del turn_id
    return True


@dataclass(slots=True)
class LiveState:
    """State of the running turn, if one runs."""

    clock: Callable[[], float] = monotonic
    runs_here: Callable[[str | None], bool] = _anywhere
    """Whether a turn is one of this window: what another one's asks is answered there."""
    elsewhere: bool = False
    """Whether another window's turn runs in this conversation."""
    waiting: dict[str, ToolCallItem] = field(default_factory=dict)
    """Calls that wait for the person, in the order in which they were asked; by call id."""
    questions: dict[str, QuestionAsked] = field(default_factory=dict)
    """Questions of a guard that wait for the person, in the order in which they were asked; by id."""
    turn_calls: list[ToolCallItem] = field(default_factory=list)
    """Tool calls of the latest turn."""
    turn_id: str | None = None
    phase: str = ""
    """What the turn does: ``preparing``, ``tools``, or words to show; empty when none runs."""
    since: float = 0.0
    """When the phase began, on `clock`."""
    requests: int = 0
    """Model requests of the running turn so far."""
    stopping: bool = False
    """Whether the person asked the turn to stop and it has not ended yet."""
    retry: Retry | None = None
    latest_call: ToolCallItem | None = None

    @property
    def unanswered(self) -> int:
        """How many answers of the person are waited for."""
        return len(self.waiting) + len(self.questions)

    def apply(self, event: EventBase, changes: list[Change]) -> None:
        """Fold one event and what it did to the transcript."""
        for change in changes:
            if isinstance(change.item, ToolCallItem):
                self._call_changed(change.item)
        if event.turn_id is not None and not self.runs_here(event.turn_id):
            self.elsewhere = event.type != "turn_finished"
        elif (handler := _HANDLERS.get(event.type)) is not None:
            handler(self, event)

    def settle(self, *, busy: bool) -> None:
        """After a stored conversation was read: nothing of it waits unless its turn runs here."""
        if not busy:
            self.waiting.clear()
            self.questions.clear()
            self._enter("")

    def _enter(self, phase: str) -> None:
        if phase != self.phase:
            self.phase, self.since = phase, self.clock()
        self.retry = None

    def _call_changed(self, item: ToolCallItem) -> None:
        if item.turn_id != self.turn_id:
            self.turn_id, self.turn_calls = item.turn_id, []
        if not any(known is item for known in self.turn_calls):
            self.turn_calls.append(item)
        self.latest_call = item
        if item.state == "waiting" and self.runs_here(item.turn_id):
            self.waiting.setdefault(item.key, item)
        else:
            self.waiting.pop(item.key, None)

    def _turn_started(self, event: Any) -> None:
        self.turn_id, self.turn_calls = event.turn_id, []
        self.requests, self.stopping = 0, False
        self._enter("preparing")

    def _turn_finished(self, event: Any) -> None:
        self.waiting.clear()
        self.questions.clear()
        self.stopping = False
        self._enter("")

    def _question(self, event: Any) -> None:
        self.questions.setdefault(event.question_id, event)

    def _question_answered(self, event: Any) -> None:
        self.questions.pop(event.question_id, None)

    def _retry_scheduled(self, event: Any) -> None:
        self._enter("retrying")
        self.retry = Retry(self.clock() + event.delay_seconds, event.attempt, event.attempts, event.reason.message)

    def _requested(self, event: Any) -> None:
        self.requests += 1
        self._enter("waiting for the model")

    def _reasoning(self, event: Any) -> None:
        self._enter("reasoning")

    def _answering(self, event: Any) -> None:
        self._enter("answering")

    def _writing_call(self, event: Any) -> None:
        self._enter("writing a tool call")

    def _calls(self, event: Any) -> None:
        self._enter("tools")

    def _call_started(self, event: Any) -> None:
        """The time that counts is that of the oldest call that runs, not the person's before it."""
        self._enter("tools")
        if sum(call.state == "running" for call in self.turn_calls) <= 1:
            self.since = self.clock()

    def _call_ended(self, event: Any) -> None:
        if all(call.finished for call in self.turn_calls):
            self._enter("preparing")


_HANDLERS: dict[str, Callable[[LiveState, Any], None]] = {
    "turn_started": LiveState._turn_started,
    "turn_finished": LiveState._turn_finished,
    "question_asked": LiveState._question,
    "question_answered": LiveState._question_answered,
    "model_request_started": LiveState._requested,
    "retry_scheduled": LiveState._retry_scheduled,
    "reasoning_delta": LiveState._reasoning,
    "text_delta": LiveState._answering,
    "tool_call_delta": LiveState._writing_call,
    "tool_call_proposed": LiveState._calls,
    "tool_call_started": LiveState._call_started,
    "tool_call_finished": LiveState._call_ended,
}
