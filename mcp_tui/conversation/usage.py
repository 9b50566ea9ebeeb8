"""Token and cost totals of a conversation, folded from its events (requirement E5)."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase


@dataclass(slots=True)
class Totals:
    """Sums over all answers; ``cost`` leaves out what nobody could price, ``unknown_cost`` says so."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cost: float = 0.0
    unknown_cost: bool = False
    estimated: bool = False
    model_requests: int = 0
    tool_calls: int = 0

    def apply(self, event: EventBase) -> None:
        """Add what the event tells."""
        match event:
            case turns.AssistantMessage():
                self.model_requests += 1
                self.prompt_tokens += event.usage.prompt_tokens
                self.completion_tokens += event.usage.completion_tokens
                self.cached_tokens += event.usage.cached_tokens
                self.estimated = self.estimated or event.usage.estimated
                if event.cost is None:
                    self.unknown_cost = self.unknown_cost or event.usage.prompt_tokens > 0
                else:
                    self.cost += event.cost
            case tools.ToolCallStarted():
                self.tool_calls += 1
            case _:
                pass


@dataclass(frozen=True, slots=True)
class ContextShare:
    """How full the model's window is, in tokens; ``tools`` is the part that tool definitions take."""

    used: int
    tools: int
    window: int | None
    estimated: bool = True
