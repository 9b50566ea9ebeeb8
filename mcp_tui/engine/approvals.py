"""The person's answers to calls that wait: edited arguments are checked before anything is let go."""

from __future__ import annotations

from typing import Any

from mcp_tui.engine.services import Services
from mcp_tui.events.tools import ArgumentProblem
from mcp_tui.permissions.base import Decision


class Approvals:
    """Answers to the waiting calls of the open conversation."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def decide(self, approval_id: str, decision: Decision) -> bool:
        """Answer a waiting call; ``stop`` answers all that wait.

        False when it was answered or withdrawn already, or edited arguments do not fit.
        """
        pending = self._services.pending
        if not pending.waits(approval_id) or self._problems_of(approval_id, decision):
            return False
        if decision.action == "stop":
            pending.resolve_all(decision)
            return True
        return pending.resolve(approval_id, decision)

    def check(self, call_id: str, arguments: dict[str, Any]) -> tuple[ArgumentProblem, ...]:
        """Edited arguments against the tool's schema, one entry per field (requirement D7)."""
        item = self._services.bus.folds.transcript.call(call_id)
        tool = self._services.host.tool(item.wire_name) if item is not None else None
        if tool is None:
            return (ArgumentProblem(field="", message="the tool is not available any more", type="tool"),)
        return self._services.host.check(tool, arguments)

    def _problems_of(self, approval_id: str, decision: Decision) -> tuple[ArgumentProblem, ...]:
        """What is wrong with the arguments that a decision would let run."""
        if decision.action != "allow" or decision.arguments is None:
            return ()
        waiting = self._services.bus.folds.transcript.waiting()
        item = next((item for item in waiting if item.approval_id == approval_id), None)
        return self.check(item.key, decision.arguments) if item is not None else ()
