"""The tool calls of one answer: validate, permit, run concurrently, finish in any order, count in the model's.

Nothing runs without a decision, the decision is bound to exact arguments, and the log holds
"started" before the request leaves.  A call is never repeated by itself.
"""

from __future__ import annotations

import asyncio
import difflib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mcp_tui.engine.availability import unavailable
from mcp_tui.engine.results import clip, denied_text, error_text, problems_text, result_text
from mcp_tui.engine.services import Services
from mcp_tui.engine.shielded import shielded
from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase, new_id
from mcp_tui.events.tools import ArgumentProblem, CallTiming, ToolDefinition, ToolOutcome
from mcp_tui.host.base import CallResult
from mcp_tui.permissions.base import CallFacts, Decision, Verdict, arguments_digest
from mcp_tui.permissions.service import asked_words

log = logging.getLogger(__name__)

CLOSING_LIMIT = 5.0
"""Seconds that closing events may take when the turn is being cancelled."""

RESULT_LIMIT = 30.0
"""Seconds that counting and writing a result may take; it is not thrown away because the turn was stopped."""

CHARACTERS_OF_A_TOKEN = 4
"""Roughly, for saying how large a result is that was not counted as a whole."""

_NO_PROBLEMS: tuple[ArgumentProblem, ...] = ()


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A recorded call that the person runs again: the same tool with exactly these arguments, today."""

    recorded: tools.RecordedCall
    call_id: str
    """Of the new call."""
    server: str
    name: str
    wire_name: str
    """Under which the model knew the tool; another tool may have this name today."""
    arguments: dict[str, Any]
    problem: ErrorInfo | None = None
    """Why it must not run as it was recorded."""


@dataclass(slots=True)
class _Call:
    """One call on its way."""

    asked: turns.RequestedToolCall
    index: int
    tool: ToolDefinition | None
    arguments: dict[str, Any]
    problems: tuple[ArgumentProblem, ...]
    again: RecordedRun | None = None
    """Where the person runs a recorded call again."""
    timing: CallTiming = field(default_factory=CallTiming)
    approval_id: str = ""
    task: asyncio.Task[None] | None = None
    allowed: bool = False
    sent: bool = False
    ended: bool = False

    @property
    def id(self) -> str:
        return self.asked.call_id


@dataclass(slots=True)
class CallsOutcome:
    """What the calls of one answer mean for the turn."""

    stop: bool = False
    """The person stopped the turn on a card."""
    refused: int = 0
    """Refusals by the person."""
    ran: int = 0
    """Calls that were sent to a server."""


class ToolCalls:
    """Runs the calls of one answer."""

    def __init__(self, services: Services, turn_id: str, hop: int) -> None:
        self._services = services
        self._bus = services.bus
        self._turn_id = turn_id
        self._hop = hop
        self._slots = asyncio.Semaphore(services.settings.service.tools.max_concurrent)
        self._outcome = CallsOutcome()
        self._calls: list[_Call] = []

    async def run(self, message_id: str, asked: Sequence[turns.RequestedToolCall]) -> CallsOutcome:
        """Propose all calls, then take each to its one end.  Returns when all have theirs."""
        return await self._run_all([self._prepare(call, index) for index, call in enumerate(asked)], message_id)

    async def run_again(self, again: RecordedRun) -> CallsOutcome:
        """Run a recorded call again, the way of every call; the model did not ask for it and is not told of it."""
        return await self._run_all([self._prepare_again(again)], "")

    async def _run_all(self, calls: list[_Call], message_id: str) -> CallsOutcome:
        self._calls = calls
        try:
            await self._record(*(self._proposal(call, message_id) for call in self._calls))
        except asyncio.CancelledError:
            await shielded(self._end_all_cancelled(), CLOSING_LIMIT)
            raise
        try:
            async with asyncio.TaskGroup() as group:
                for call in self._calls:
                    call.task = group.create_task(self._run_to_its_end(call), name=f"call {call.id}")
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None
        return self._outcome

    # -- before anything runs ------------------------------------------------------------

    def _prepare(self, asked: turns.RequestedToolCall, index: int) -> _Call:
        tool = self._services.host.tool(asked.wire_name)
        arguments, problems = asked.arguments, _NO_PROBLEMS
        if tool is not None and asked.error is None:
            arguments = self._services.host.prepare(tool, asked.arguments)
            problems = self._services.host.check(tool, arguments)
        return _Call(asked, index, tool, arguments, problems)

    def _prepare_again(self, again: RecordedRun) -> _Call:
        """The same tool of the same server, whatever name a model knows it by today; its arguments are not adapted."""
        listed = self._services.host.tools()
        tool = next((tool for tool in listed if (tool.server, tool.name) == (again.server, again.name)), None)
        problems = self._services.host.check(tool, again.arguments) if tool is not None else _NO_PROBLEMS
        wire_name = tool.wire_name if tool is not None else again.wire_name
        asked = turns.RequestedToolCall(call_id=again.call_id, wire_name=wire_name, arguments=again.arguments)
        return _Call(asked, 0, tool, again.arguments, problems, again)

    def _proposal(self, call: _Call, message_id: str) -> tools.ToolCallProposed:
        return tools.ToolCallProposed(
            call_id=call.id,
            message_id=message_id,
            hop=self._hop,
            index=call.index,
            wire_name=call.asked.wire_name,
            server=call.tool.server if call.tool else call.again.server if call.again else "",
            name=call.tool.name if call.tool else call.again.name if call.again else "",
            arguments=call.arguments,
            validation_errors=call.problems,
            rerun_of=call.again.recorded if call.again else None,
        )

    async def _run_to_its_end(self, call: _Call) -> None:
        try:
            await self._steps(call)
        except asyncio.CancelledError:
            await shielded(self._end_cancelled(call), CLOSING_LIMIT)
            raise

    async def _steps(self, call: _Call) -> None:
        if call.asked.error is not None:
            problem = ArgumentProblem(field="", message=call.asked.error, type="json")
            await self._refuse_arguments(call, (problem,))
        elif call.again is not None and (call.tool is None or call.again.problem is not None):
            error = call.again.problem or unavailable(self._services.host, call.again.server, call.again.name)
            await self._end(call, "error", error_text(error), CallResult("error", error=error))
        elif call.tool is None:
            await self._end_unknown_tool(call)
        elif call.problems:
            await self._refuse_arguments(call, call.problems)
        else:
            await self._decide_and_run(call, call.tool)

    # -- deciding ------------------------------------------------------------------------

    async def _decide_and_run(self, call: _Call, tool: ToolDefinition) -> None:
        verdict = self._services.verdict(CallFacts(tool, call.arguments, call.id))
        if verdict.effect == "ask":
            decision, decided = await self._ask(call, tool, verdict)
        else:
            decision, decided = self._ruled(call, tool, verdict)
        self._log("approval decided", call, "approval", decided.waited_seconds, f"{decided.action} by {decided.by}")
        if decision.action == "allow":
            call.allowed = True
            await self._run(call, tool, decided)
        else:
            await self._end_denied(call, decision, decided)

    def _ruled(self, call: _Call, tool: ToolDefinition, verdict: Verdict) -> tuple[Decision, tools.ApprovalDecided]:
        decision = Decision("allow" if verdict.effect == "allow" else "deny", rule_id=verdict.rule_id)
        return decision, self._decided(call, tool, decision, by="rule", rule=verdict.rule)

    async def _ask(self, call: _Call, tool: ToolDefinition, verdict: Verdict) -> tuple[Decision, tools.ApprovalDecided]:
        call.approval_id = new_id()
        answer = self._services.pending.open(call.approval_id)
        started = time.monotonic()
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
        waited = time.monotonic() - started
        call.timing = call.timing.model_copy(update={"approval": waited})
        if verdict.guarded:  # what a guard asks is never remembered
            decision = replace(decision, scope="once", rule_id="")
        if decision.action == "allow" and decision.arguments is not None:
            call.arguments = decision.arguments
            edited = self._services.verdict(CallFacts(tool, call.arguments, call.id))
            if edited.effect == "deny":  # a deny rule wins over the person who edits into it
                return self._ruled(call, tool, edited)
        return decision, self._decided(call, tool, decision, by="user", waited=waited)

    def _decided(
        self,
        call: _Call,
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

    # -- running -------------------------------------------------------------------------

    async def _run(self, call: _Call, tool: ToolDefinition, decided: tools.ApprovalDecided) -> None:
        waiting_since = time.monotonic()
        async with self._slots:
            queued = time.monotonic() - waiting_since
            if arguments_digest(call.arguments) != decided.arguments_digest:
                await self._refuse_arguments(call, (_changed_arguments(),))
                return
            if (changed := self._changed(call, tool)) is not None:
                await self._end(call, "error", error_text(changed), CallResult("error", error=changed), decided)
                return
            started = tools.ToolCallStarted(
                call_id=call.id, server=tool.server, name=tool.name, arguments=call.arguments
            )
            await self._record(decided, started)
            call.sent = True
            self._outcome.ran += 1
            result = await self._services.host.call(
                tool, call.arguments, call_id=call.id, on_progress=lambda *progress: self._progress(call, *progress)
            )
        call.timing = call.timing.model_copy(update={"queued": queued, "wire": result.wire_seconds})
        text = result_text(result)
        await shielded(self._end(call, result.outcome, text, result), RESULT_LIMIT)
        item = self._bus.folds.transcript.call(call.id)
        if item is not None and item.truncated:
            await self._offer_whole(call, tool, text, item.model_tokens)

    async def _offer_whole(self, call: _Call, tool: ToolDefinition, text: str, given: int) -> None:
        """The model was given less than the whole result: that is the person's choice, not a silent cut."""
        whole = max(given + 1, len(text) // CHARACTERS_OF_A_TOKEN)
        message = f"The result of {tool.server}.{tool.name} has about {whole:,} tokens; the model is given {given:,}."
        agreed = await self._services.questions.ask(
            self._turn_id, "result_size", message, yes="give it all of it", no="leave it cut", call_id=call.id
        )
        if agreed:
            tokens = await self._services.counter.count_async(text)
            await self._record(tools.ToolResultExtended(call_id=call.id, model_text=text, model_tokens=tokens))

    def _changed(self, call: _Call, tool: ToolDefinition) -> ErrorInfo | None:
        """Why what would run now is not what was decided on; ``None`` while it still is.

        A server that is down is left to the host, which knows the reason.
        """
        now = self._services.host.tool(call.asked.wire_name)
        if now is None:
            reason = unavailable(self._services.host, tool.server, tool.name)
            return reason if reason.kind in ("tool_held", "tool_gone") else None
        if (now.server, now.name, now.digest, now.pin) == (tool.server, tool.name, tool.digest, tool.pin):
            return None
        words = f"The definition of {tool.server}.{tool.name} changed after the call was allowed; it did not run."
        return ErrorInfo(kind="tool_changed", message=words, hint="Look at the new definition and ask again.")

    def _progress(self, call: _Call, progress: float, total: float | None, message: str) -> None:
        self._bus.publish(
            tools.ToolCallProgress(
                conversation_id=self._bus.conversation_id,
                turn_id=self._turn_id,
                call_id=call.id,
                progress=progress,
                total=total,
                message=message,
            )
        )

    # -- ends ----------------------------------------------------------------------------

    async def _end(
        self, call: _Call, outcome: ToolOutcome, text: str, result: CallResult | None = None, *before: EventBase
    ) -> None:
        """``text`` is for the model, which is given nothing of a call that the person runs again."""
        shown, tokens, truncated = "", 0, False
        if call.again is None:
            limit = self._services.settings.service.tools.max_result_tokens
            shown, tokens, truncated = await clip(text, limit, self._services.counter.count_async)
        result = result or CallResult(outcome)
        call.ended = True
        kind = result.error.kind if result.error is not None else ""
        self._log("tool call ended", call, "tool_call", call.timing.wire, outcome, kind)
        await self._record(
            *before,
            tools.ToolCallFinished(
                call_id=call.id,
                outcome=outcome,
                content=result.content,
                structured_content=result.structured_content,
                validation_errors=call.problems if outcome == "invalid_arguments" else (),
                error=result.error,
                model_text=shown,
                model_tokens=tokens,
                truncated=truncated,
                timing=call.timing,
                wire=result.wire,
            ),
        )

    def _log(self, words: str, call: _Call, operation: str, duration: float, outcome: str, error: str = "") -> None:
        extra = {
            "operation": operation,
            "call_id": call.id,
            "server": call.tool.server if call.tool else call.again.server if call.again else "",
            "tool": call.asked.wire_name,
            "outcome": outcome,
            "duration": duration,
            "error": error,
        }
        log.info(words, extra=extra)

    async def _refuse_arguments(self, call: _Call, problems: tuple[ArgumentProblem, ...]) -> None:
        call.problems = problems
        await self._end(call, "invalid_arguments", problems_text(problems))

    async def _end_unknown_tool(self, call: _Call) -> None:
        known = [tool.wire_name for tool in self._services.host.tools()]
        near = difflib.get_close_matches(call.asked.wire_name, known, n=3)
        message = f"There is no tool {call.asked.wire_name!r}."
        if near:
            message += f" Did you mean {', '.join(near)}?"
        error = ErrorInfo(kind="unknown_tool", message=message)
        await self._end(call, "error", error_text(error), CallResult("error", error=error))

    async def _end_denied(self, call: _Call, decision: Decision, decided: tools.ApprovalDecided) -> None:
        if decided.by == "user":
            self._outcome.refused += 1
            self._outcome.stop = self._outcome.stop or decision.action == "stop"
        message = decision.message if decided.by == "user" else f"Denied by {decided.rule}."
        await self._end(call, "denied", denied_text(decided.by, message), None, decided)
        if decision.action == "stop":
            self._stop_the_allowed()

    def _stop_the_allowed(self) -> None:
        """The turn ends here: what was allowed does not start any more, and what runs is cancelled."""
        for call in self._calls:
            if call.allowed and not call.ended and call.task is not None:
                call.task.cancel()

    async def _end_all_cancelled(self) -> None:
        for call in self._calls:
            await self._end_cancelled(call)

    async def _end_cancelled(self, call: _Call) -> None:
        """Close a call as far as the log knows it."""
        item = self._bus.folds.transcript.call(call.id)
        if call.ended or item is None:
            return
        before: tuple[EventBase, ...] = ()
        if item.state == "waiting":
            before = (
                tools.ApprovalDecided(approval_id=call.approval_id, call_id=call.id, action="withdrawn", by="engine"),
            )
        words = "The person stopped the turn; the call may have run." if call.sent else "The person stopped the turn."
        error = ErrorInfo(kind="cancelled", message=words)
        await self._end(call, "cancelled", error_text(error), CallResult("cancelled", error=error), *before)

    async def _record(self, *events: EventBase) -> None:
        ids = {"conversation_id": self._bus.conversation_id, "turn_id": self._turn_id}
        await self._bus.record(*(event.model_copy(update=ids) for event in events))


def _changed_arguments() -> ArgumentProblem:
    return ArgumentProblem(field="", message="the arguments changed after they were allowed", type="changed")
