"""Whether a call may run: the rules' word, else the person's; either is bound to exactly its arguments."""

from __future__ import annotations

import time
from dataclasses import replace

from mcp_tui.engine.call import Call, Record
from mcp_tui.engine.services import Services
from mcp_tui.events import tools
from mcp_tui.events.base import new_id
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.permissions.base import CallFacts, Decision, Verdict, arguments_digest
from mcp_tui.permissions.guards import RepeatedCalls
from mcp_tui.permissions.service import asked_words


class CallDecision:
    """Decides on the calls of one answer; of the events it makes it records the question only."""

    def __init__(self, services: Services, record: Record) -> None:
        self._services = services
        self._record = record

    def at_once(self, call: Call, tool: ToolDefinition, repeats: RepeatedCalls) -> tools.ApprovalDecided | None:
        """The rules' allow for a call that is about to be proposed; ``None`` where they say anything else.

        ``repeats`` counts its proposal already.
        """
        verdict = self._services.verdict(CallFacts(tool, call.arguments, call.id), repeats)
        return self._ruled(call, tool, verdict) if verdict.effect == "allow" else None

    async def decide(self, call: Call, tool: ToolDefinition) -> tools.ApprovalDecided:
        """The decision on a proposed call, however long a person takes for it."""
        verdict = self._services.verdict(CallFacts(tool, call.arguments, call.id))
        return await self._ask(call, tool, verdict) if verdict.effect == "ask" else self._ruled(call, tool, verdict)

    def _ruled(self, call: Call, tool: ToolDefinition, verdict: Verdict) -> tools.ApprovalDecided:
        decision = Decision("allow" if verdict.effect == "allow" else "deny", rule_id=verdict.rule_id)
        return self._decided(call, tool, decision, by="rule", rule=verdict.rule)

    async def _ask(self, call: Call, tool: ToolDefinition, verdict: Verdict) -> tools.ApprovalDecided:
        call.approval_id = new_id()
        answer = self._services.pending.open(call.approval_id)
        since = time.monotonic()
        try:
            reason = asked_words(verdict)
            await self._record(
                tools.ApprovalRequested(
                    approval_id=call.approval_id, call_id=call.id, reason=reason, guarded=verdict.guarded
                )
            )
            decision = await answer
        finally:
            self._services.pending.close(call.approval_id)
        waited = time.monotonic() - since
        call.timing = call.timing.model_copy(update={"approval": waited})
        if verdict.guarded:  # what a guard asks is never remembered
            decision = replace(decision, scope="once", rule_id="")
        if decision.action == "allow" and decision.arguments is not None:
            call.arguments = decision.arguments
            edited = self._services.verdict(CallFacts(tool, call.arguments, call.id))
            if edited.effect == "deny":  # a deny rule wins over the person who edits into it
                return self._ruled(call, tool, edited)
        return self._decided(call, tool, decision, by="user", waited=waited)

    def _decided(
        self,
        call: Call,
        tool: ToolDefinition,
        decision: Decision,
        *,
        by: str,
        rule: str = "",
        waited: float = 0.0,
    ) -> tools.ApprovalDecided:
        return tools.ApprovalDecided(
            approval_id=call.approval_id or new_id(),
            call_id=call.id,
            action=decision.action,
            scope=decision.scope,
            by="user" if by == "user" else "rule",
            rule=rule,
            rule_id=decision.rule_id,
            message=decision.message,
            edited_arguments=decision.arguments,
            tool_digest=tool.digest,
            tool_pin=tool.pin,
            arguments_digest=arguments_digest(call.arguments),
            waited_seconds=waited,
        )
