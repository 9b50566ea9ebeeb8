"""Limits of one turn at which the person is asked: rounds of tools, and money (requirement E2)."""

from __future__ import annotations

from mcp_tui.config.models import ServiceConfig
from mcp_tui.conversation.usage import Totals
from mcp_tui.engine.questions import Questions

STOP = "stop here"


class TurnLimits:
    """What one turn may use up before the person is asked; every "yes" grants the same amount again."""

    def __init__(self, service: ServiceConfig, questions: Questions, turn_id: str, totals: Totals) -> None:
        self._questions = questions
        self._turn_id = turn_id
        self._totals = totals
        self._cost_before = totals.cost
        self._hops = self._hops_step = service.max_tool_hops
        costs = service.cost_limits
        self._turn_cost = self._turn_step = costs.per_turn
        self._whole_cost = self._whole_step = costs.per_conversation

    async def another_hop(self, hop: int) -> bool:
        """Whether model request number ``hop`` may be made, as far as ``max_tool_hops`` goes."""
        if hop <= self._hops:
            return True
        message = f"The model used {hop - 1} rounds of tools in this turn and wants to go on."
        more = f"{self._hops_step} more rounds"
        if not await self._questions.ask(self._turn_id, "hops", message, yes=more, no=STOP):
            return False
        self._hops += self._hops_step
        return True

    async def affordable(self) -> bool:
        """Whether another model request may be made, as far as money goes; what has no known price counts nothing."""
        spent = self._totals.cost - self._cost_before
        if self._turn_cost is not None and self._turn_step is not None and spent >= self._turn_cost:
            if not await self._ask_money("This turn", spent, self._turn_cost, self._turn_step):
                return False
            self._turn_cost = spent + self._turn_step
        whole = self._totals.cost
        if self._whole_cost is not None and self._whole_step is not None and whole >= self._whole_cost:
            if not await self._ask_money("This conversation", whole, self._whole_cost, self._whole_step):
                return False
            self._whole_cost = whole + self._whole_step
        return True

    async def _ask_money(self, what: str, spent: float, limit: float, step: float) -> bool:
        message = f"{what} has cost {_dollars(spent)}; its limit is {_dollars(limit)}."
        return await self._questions.ask(self._turn_id, "cost", message, yes=f"{_dollars(step)} more", no=STOP)


def _dollars(amount: float) -> str:
    return f"${amount:.2f}" if amount >= 0.1 else f"${amount:.4f}"
