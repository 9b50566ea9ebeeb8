"""The tool calls of one answer: validate, permit, run concurrently, finish in any order, count in the model's.

Nothing runs without a decision, the decision is bound to exact arguments, and the log holds
"started" before the request leaves.  A call is never repeated by itself.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mcp_tui.engine.availability import unavailable
from mcp_tui.engine.call import Call, RecordedRun, started
from mcp_tui.engine.call_decision import CallDecision
from mcp_tui.engine.call_ends import CallEnds
from mcp_tui.engine.redaction import redacted
from mcp_tui.engine.services import Services
from mcp_tui.engine.shielded import shielded
from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase
from mcp_tui.events.tools import ArgumentProblem, ToolDefinition
from mcp_tui.permissions.base import arguments_digest

__all__ = ["CallsOutcome", "RecordedRun", "ToolCalls"]

CLOSING_LIMIT = 5.0
"""Seconds that closing events may take when the turn is being cancelled."""

_NO_PROBLEMS: tuple[ArgumentProblem, ...] = ()


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
        self._decision = CallDecision(services, self._record)
        self._ends = CallEnds(services, turn_id, self._record)
        self._outcome = CallsOutcome()
        self._calls: list[Call] = []

    async def run(self, message_id: str, asked: Sequence[turns.RequestedToolCall]) -> CallsOutcome:
        """Propose all calls, then take each to its one end.  Returns when all have theirs."""
        return await self._run_all([self._prepare(call, index) for index, call in enumerate(asked)], message_id)

    async def run_again(self, again: RecordedRun) -> CallsOutcome:
        """Run a recorded call again, the way of every call; the model did not ask for it and is not told of it."""
        return await self._run_all([self._prepare_again(again)], "")

    async def _run_all(self, calls: list[Call], message_id: str) -> CallsOutcome:
        self._calls = calls
        proposed = [self._of_turn(self._proposal(call, message_id)) for call in calls]
        try:
            await self._bus.record(*proposed, *map(self._of_turn, self._begin_allowed(proposed)))
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

    def _prepare(self, asked: turns.RequestedToolCall, index: int) -> Call:
        tool = self._services.host.tool(asked.wire_name)
        arguments, problems = asked.arguments, _NO_PROBLEMS
        if tool is not None and asked.error is None:
            arguments = self._services.host.prepare(tool, asked.arguments)
            problems = self._services.host.check(tool, arguments)
        return Call(asked, index, tool, arguments, problems)

    def _prepare_again(self, again: RecordedRun) -> Call:
        """The same tool of the same server, whatever name a model knows it by today; its arguments are not adapted."""
        listed = self._services.host.tools()
        tool = next((tool for tool in listed if (tool.server, tool.name) == (again.server, again.name)), None)
        problems = self._services.host.check(tool, again.arguments) if tool is not None else _NO_PROBLEMS
        wire_name = tool.wire_name if tool is not None else again.wire_name
        asked = turns.RequestedToolCall(call_id=again.call_id, wire_name=wire_name, arguments=again.arguments)
        return Call(asked, 0, tool, again.arguments, problems, again)

    def _proposal(self, call: Call, message_id: str) -> tools.ToolCallProposed:
        return tools.ToolCallProposed(
            call_id=call.id,
            message_id=message_id,
            hop=self._hop,
            index=call.index,
            wire_name=call.asked.wire_name,
            server=call.server,
            name=call.name,
            arguments=call.arguments,
            validation_errors=call.problems,
            rerun_of=call.again.recorded if call.again else None,
        )

    def _begin_allowed(self, proposed: Sequence[EventBase]) -> Iterator[EventBase]:
        """Decision and start of calls that the rules allow: one write holds them and the proposals.

        No more than may run at once; each of them takes its slot as soon as its task begins, before any other can.
        """
        repeats = self._bus.folds.repeats.after(redacted(event, self._services.redactor) for event in proposed)
        free = self._services.settings.service.tools.max_concurrent
        for call in self._calls:
            tool = call.runnable
            decided = self._decision.at_once(call, tool, repeats) if tool is not None and free else None
            if tool is not None and decided is not None:
                free -= 1
                call.allowed = call.begun = True
                _log_decision(call, decided)
                yield decided
                yield started(call, tool)

    # -- one call ------------------------------------------------------------------------

    async def _run_to_its_end(self, call: Call) -> None:
        try:
            await self._steps(call)
        except asyncio.CancelledError:
            await shielded(self._ends.cancelled(call), CLOSING_LIMIT)
            raise

    async def _steps(self, call: Call) -> None:
        if call.asked.error is not None:
            problem = ArgumentProblem(field="", message=call.asked.error, type="json")
            await self._ends.arguments_refused(call, (problem,))
        elif call.again is not None and (call.tool is None or call.again.problem is not None):
            error = call.again.problem or unavailable(self._services.host, call.again.server, call.again.name)
            await self._ends.failed(call, error)
        elif call.tool is None:
            await self._ends.unknown_tool(call)
        elif call.problems:
            await self._ends.arguments_refused(call, call.problems)
        else:
            await self._decide_and_run(call, call.tool)

    async def _decide_and_run(self, call: Call, tool: ToolDefinition) -> None:
        if call.begun:
            await self._run(call, tool)
            return
        decided = await self._decision.decide(call, tool)
        _log_decision(call, decided)
        if decided.action == "allow":
            call.allowed = True
            await self._run(call, tool, decided)
        else:
            await self._refuse(call, decided)

    async def _run(self, call: Call, tool: ToolDefinition, decided: tools.ApprovalDecided | None = None) -> None:
        """``decided`` is recorded with the start; ``None`` where both are in the log already."""
        waiting_since = time.monotonic()
        async with self._slots:
            queued = time.monotonic() - waiting_since
            if decided is not None and not await self._begin(call, tool, decided):
                return
            call.sent = True
            self._outcome.ran += 1
            result = await self._services.host.call(
                tool, call.arguments, call_id=call.id, on_progress=lambda *progress: self._progress(call, *progress)
            )
        call.timing = call.timing.model_copy(update={"queued": queued, "wire": result.wire_seconds})
        await self._ends.returned(call, tool, result)

    async def _begin(self, call: Call, tool: ToolDefinition, decided: tools.ApprovalDecided) -> bool:
        """Record decision and start.  False for a call that ended instead: it is not what was decided on."""
        if arguments_digest(call.arguments) != decided.arguments_digest:
            await self._ends.arguments_refused(call, (_changed_arguments(),))
            return False
        if (changed := self._changed(call, tool)) is not None:
            await self._ends.failed(call, changed, decided)
            return False
        await self._record(decided, started(call, tool))
        return True

    def _changed(self, call: Call, tool: ToolDefinition) -> ErrorInfo | None:
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

    def _progress(self, call: Call, progress: float, total: float | None, message: str) -> None:
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

    # -- refusing and stopping -------------------------------------------------------------

    async def _refuse(self, call: Call, decided: tools.ApprovalDecided) -> None:
        if decided.by == "user":
            self._outcome.refused += 1
            self._outcome.stop = self._outcome.stop or decided.action == "stop"
        await self._ends.denied(call, decided)
        if decided.action == "stop":
            self._stop_the_allowed()

    def _stop_the_allowed(self) -> None:
        """The turn ends here: what was allowed does not start any more, and what runs is cancelled."""
        for call in self._calls:
            if call.allowed and not call.ended and call.task is not None:
                call.task.cancel()

    async def _end_all_cancelled(self) -> None:
        for call in self._calls:
            await self._ends.cancelled(call)

    async def _record(self, *events: EventBase) -> None:
        await self._bus.record(*map(self._of_turn, events))

    def _of_turn(self, event: EventBase) -> EventBase:
        return event.model_copy(update={"conversation_id": self._bus.conversation_id, "turn_id": self._turn_id})


def _log_decision(call: Call, decided: tools.ApprovalDecided) -> None:
    call.log("approval decided", "approval", decided.waited_seconds, f"{decided.action} by {decided.by}")


def _changed_arguments() -> ArgumentProblem:
    return ArgumentProblem(field="", message="the arguments changed after they were allowed", type="changed")
