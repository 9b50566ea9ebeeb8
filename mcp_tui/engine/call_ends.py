"""The ends of a call: each has exactly one, in the log and in what the model is given."""

from __future__ import annotations

import difflib

from mcp_tui.engine.call import Call, Record
from mcp_tui.engine.results import clip, denied_text, error_text, problems_text, result_text
from mcp_tui.engine.services import Services
from mcp_tui.engine.shielded import shielded
from mcp_tui.events import tools
from mcp_tui.events.base import ErrorInfo, EventBase
from mcp_tui.events.tools import ArgumentProblem, ToolDefinition, ToolOutcome
from mcp_tui.host.base import CallResult

RESULT_LIMIT = 30.0
"""Seconds that counting and writing a result may take; it is not thrown away because the turn was stopped."""

CHARACTERS_OF_A_TOKEN = 4
"""Roughly, for saying how large a result is that was not counted as a whole."""


class CallEnds:
    """Writes the ends of one turn's calls."""

    def __init__(self, services: Services, turn_id: str, record: Record) -> None:
        self._services = services
        self._turn_id = turn_id
        self._record = record

    async def returned(self, call: Call, tool: ToolDefinition, result: CallResult) -> None:
        """It ran, or may have; a result that the model is not given whole is the person's choice."""
        text = result_text(result)
        await shielded(self._end(call, result.outcome, text, result), RESULT_LIMIT)
        item = self._services.bus.folds.transcript.call(call.id)
        if item is not None and item.truncated:
            await self._offer_whole(call, tool, text, item.model_tokens)

    async def failed(self, call: Call, error: ErrorInfo, *before: EventBase) -> None:
        """It did not run."""
        await self._end(call, "error", error_text(error), CallResult("error", error=error), *before)

    async def arguments_refused(self, call: Call, problems: tuple[ArgumentProblem, ...]) -> None:
        """Its arguments are not what the tool takes, or not what was allowed."""
        call.problems = problems
        await self._end(call, "invalid_arguments", problems_text(problems))

    async def unknown_tool(self, call: Call) -> None:
        """No server has such a tool."""
        known = [tool.wire_name for tool in self._services.host.tools()]
        near = difflib.get_close_matches(call.asked.wire_name, known, n=3)
        message = f"There is no tool {call.asked.wire_name!r}."
        if near:
            message += f" Did you mean {', '.join(near)}?"
        await self.failed(call, ErrorInfo(kind="unknown_tool", message=message))

    async def denied(self, call: Call, decided: tools.ApprovalDecided) -> None:
        """A rule or the person said no."""
        message = decided.message if decided.by == "user" else f"Denied by {decided.rule}."
        await self._end(call, "denied", denied_text(decided.by, message), None, decided)

    async def cancelled(self, call: Call) -> None:
        """The turn was stopped: the call is closed as far as the log knows it."""
        item = self._services.bus.folds.transcript.call(call.id)
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

    async def _end(
        self, call: Call, outcome: ToolOutcome, text: str, result: CallResult | None = None, *before: EventBase
    ) -> None:
        """``text`` is for the model, which is given nothing of a call that the person runs again."""
        shown, tokens, truncated = "", 0, False
        if call.again is None:
            limit = self._services.settings.service.tools.max_result_tokens
            shown, tokens, truncated = await clip(text, limit, self._services.counter.count_async)
        result = result or CallResult(outcome)
        call.ended = True
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
        kind = result.error.kind if result.error is not None else ""
        call.log("tool call ended", "tool_call", call.timing.wire, outcome, kind)

    async def _offer_whole(self, call: Call, tool: ToolDefinition, text: str, given: int) -> None:
        """The model was given less than the whole result: that is the person's choice, not a silent cut."""
        whole = max(given + 1, len(text) // CHARACTERS_OF_A_TOKEN)
        message = f"The result of {tool.server}.{tool.name} has about {whole:,} tokens; the model is given {given:,}."
        agreed = await self._services.questions.ask(
            self._turn_id, "result_size", message, yes="give it all of it", no="leave it cut", call_id=call.id
        )
        if agreed:
            tokens = await self._services.counter.count_async(text)
            await self._record(tools.ToolResultExtended(call_id=call.id, model_text=text, model_tokens=tokens))
