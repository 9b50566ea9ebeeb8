"""What waits and runs right now: a fold of live events, beside the transcript (which is what was said)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TYPE_CHECKING, Any

from mcp_tui.conversation.items import Change, ToolCallItem

if TYPE_CHECKING:
    from mcp_tui.events.base import EventBase


@dataclass(frozen=True, slots=True)
class Retry:
    """A model request that will be made again at ``due`` (on the live state's clock, seconds)."""

    due: float
    attempt: int
    attempts: int
    reason: str


@dataclass(slots=True)
class LiveState:
    """State of the running turn, if one runs."""

    clock: Callable[[], float] = monotonic
    waiting: dict[str, ToolCallItem] = field(default_factory=dict)
    """Calls that wait for the person, in the order in which they were asked; by call id."""
    turn_calls: list[ToolCallItem] = field(default_factory=list)
    """Tool calls of the latest turn."""
    turn_id: str | None = None
    phase: str = ""
    """What the turn does, in a word or two; empty when none runs."""
    retry: Retry | None = None
    latest_call: ToolCallItem | None = None

    def apply(self, event: EventBase, changes: list[Change]) -> None:
        """Fold one event and what it did to the transcript."""
        for change in changes:
            if isinstance(change.item, ToolCallItem):
                self._call_changed(change.item)
        handler = _HANDLERS.get(event.type)
        if handler is not None:
            handler(self, event)

    def settle(self, *, busy: bool) -> None:
        """After a stored conversation was read: nothing of it waits unless its turn runs here."""
        if not busy:
            self.waiting.clear()
            self.phase, self.retry = "", None

    def _call_changed(self, item: ToolCallItem) -> None:
        if item.turn_id != self.turn_id:
            self.turn_id, self.turn_calls = item.turn_id, []
        if not any(known is item for known in self.turn_calls):
            self.turn_calls.append(item)
        self.latest_call = item
        if item.state == "waiting":
            self.waiting.setdefault(item.key, item)
        else:
            self.waiting.pop(item.key, None)

    def _turn_started(self, event: Any) -> None:
        self.turn_id, self.turn_calls = event.turn_id, []
        self.phase, self.retry = "thinking", None

    def _turn_finished(self, event: Any) -> None:
        self.waiting.clear()
        self.phase, self.retry = "", None

    def _retry_scheduled(self, event: Any) -> None:
        due = self.clock() + event.delay_seconds
        self.retry = Retry(due, event.attempt, event.attempts, event.reason.message)
        self.phase = "retrying"

    def _thinking(self, event: Any) -> None:
        self.phase, self.retry = "thinking", None

    def _reasoning(self, event: Any) -> None:
        self.phase, self.retry = "reasoning", None

    def _streaming(self, event: Any) -> None:
        self.phase, self.retry = "answering", None

    def _tools(self, event: Any) -> None:
        self.phase, self.retry = "running tools", None


_HANDLERS: dict[str, Callable[[LiveState, Any], None]] = {
    "turn_started": LiveState._turn_started,
    "turn_finished": LiveState._turn_finished,
    "model_request_started": LiveState._thinking,
    "retry_scheduled": LiveState._retry_scheduled,
    "reasoning_delta": LiveState._reasoning,
    "text_delta": LiveState._streaming,
    "tool_call_delta": LiveState._streaming,
    "tool_call_proposed": LiveState._tools,
    "tool_call_started": LiveState._tools,
}
