"""One turn: hops until the model is done, ``max_tool_hops`` is reached, or the person stops it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import count

from mcp_tui.conversation.messages import ToolSpec
from mcp_tui.engine.answer import Answer, AnswerPlan
from mcp_tui.engine.limits import TurnLimits
from mcp_tui.engine.recovery import closing_events, open_ends
from mcp_tui.engine.results import without_hidden
from mcp_tui.engine.services import Services
from mcp_tui.engine.shielded import shielded
from mcp_tui.engine.tool_calls import CallsOutcome, ToolCalls
from mcp_tui.errors import GatewayError, HistoryError, McpTuiError
from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase, new_id
from mcp_tui.gateway.base import ModelInfo
from mcp_tui.safety.text import for_model
from mcp_tui.telemetry import logging as correlation

log = logging.getLogger(__name__)

CLOSING_LIMIT = 5.0
"""Seconds that the closing event may take when the turn is being cancelled."""

BEGIN_LIMIT = 30.0
"""Seconds that taking up a submission may take; waiting for another process's lock is part of it."""

TITLE_LENGTH = 60

MAX_TOOLS = 128
"""Most tools in a request: more make OpenAI-style providers refuse every request (requirement D8)."""


@dataclass(frozen=True, slots=True)
class Submission:
    """An input of the person, to be taken up once."""

    request_id: str
    text: str


@dataclass(slots=True)
class _Sums:
    hops: int = 0
    refusals_in_a_row: int = 0
    usage: turns.Usage = field(default_factory=turns.Usage)
    cost: float | None = 0.0

    def add(self, message: turns.AssistantMessage) -> None:
        self.usage += message.usage
        self.cost = None if self.cost is None or message.cost is None else self.cost + message.cost


class Turn:
    """Runs one submission to its one end."""

    def __init__(self, services: Services, provider: str, model: str) -> None:
        self.id = new_id()
        self._services = services
        self._bus = services.bus
        self._provider = provider
        self._model = model
        self._sums = _Sums()
        self._started = time.monotonic()
        self._trimmed = 0
        self.finished: turns.TurnFinished | None = None
        """Its end, however it came; ``None`` while it runs, and where nothing began."""

    @property
    def _begun(self) -> bool:
        return self._bus.folds.transcript.open_turn == self.id

    async def run(self, submission: Submission) -> None:
        """Take up the submission and work until the turn has ended.

        Raises `HistoryError` when the log could not even take the submission: then nothing happened.
        A cancellation ends the turn in good order and is re-raised.
        """
        correlation.conversation_id.set(self._bus.conversation_id)
        correlation.turn_id.set(self.id)
        outcome: turns.TurnOutcome = "error"
        error: ErrorInfo | None = None
        try:
            await shielded(self._begin(submission), BEGIN_LIMIT)
            outcome = await self._hops()
        except asyncio.CancelledError:
            outcome = "cancelled"
            raise
        except McpTuiError as failure:
            if not self._begun:
                raise
            error = _info(failure)
        except Exception as failure:
            if not self._begun:
                raise
            log.exception("turn failed", extra={"operation": "turn"})
            error = _unexpected(failure)
        finally:
            if self._begun:
                await self._end(outcome, error)

    async def _end(self, outcome: turns.TurnOutcome, error: ErrorInfo | None) -> None:
        """Write the turn's end, after the ends of whatever a failure left open in it."""
        self.finished = finished = self._closing_event(outcome, error)
        self._log_end(finished)
        missing = open_ends(self._bus.events_of(self.id), "The turn ended")
        await shielded(self._bus.record(*missing, finished), CLOSING_LIMIT)

    async def _begin(self, submission: Submission) -> None:
        transcript = self._bus.folds.transcript
        first: list[EventBase] = []
        if not self._bus.last_seq:
            first.append(
                turns.ConversationCreated(
                    app_version=self._services.settings.app_version, demo=self._services.gateway.demo
                )
            )
        if transcript.provider != self._provider or transcript.model != self._model:
            first.append(turns.ModelSelected(provider=self._provider, model=self._model))
        if not transcript.title:
            first.append(turns.ConversationTitled(title=_title(submission.text)))
        await self._record(
            *first,
            turns.TurnStarted(turn_id=self.id, request_id=submission.request_id),
            turns.UserMessage(turn_id=self.id, message_id=new_id(), text=submission.text),
        )
        log.info("turn started", extra={"operation": "turn", "request_id": submission.request_id})
        if self._bus.behind:
            await self._catch_up()

    async def _catch_up(self) -> None:
        """Take in what another process added; it holds no lease, so what it left open will not be closed by it."""
        await self._bus.catch_up()
        left = closing_events(self._bus.recorded, besides=self.id)
        if left:
            await self._bus.record(*left)

    async def _hops(self) -> turns.TurnOutcome:
        await self._services.host.settled(self._services.settings.server_wait)
        info = await self._services.gateway.model_info(self._provider)
        service, totals = self._services.settings.service, self._bus.folds.totals
        limits = TurnLimits(service, self._services.questions, self.id, totals)
        for hop in count(1):
            if not await limits.another_hop(hop):
                return "max_tool_hops"
            if not await limits.affordable():
                return "max_cost"
            self._sums.hops = hop
            message = await self._answer(hop, info)
            if not message.tool_calls:
                return "stop"
            outcome = await ToolCalls(self._services, self.id, hop).run(message.message_id, message.tool_calls)
            if self._refused(outcome):
                return "denied"
        raise AssertionError("a turn has its end")

    def _refused(self, outcome: CallsOutcome) -> bool:
        sums = self._sums
        sums.refusals_in_a_row = 0 if outcome.ran else sums.refusals_in_a_row + outcome.refused
        return outcome.stop or sums.refusals_in_a_row >= self._services.settings.refusals_to_stop

    async def _answer(self, hop: int, info: ModelInfo) -> turns.AssistantMessage:
        answer = Answer(self._services, await self._plan(hop, info))
        try:
            return await answer.run()
        finally:
            if answer.message is not None:
                self._sums.add(answer.message)

    async def _plan(self, hop: int, info: ModelInfo) -> AnswerPlan:
        specs = await self._offer_tools()
        counter, context = self._services.counter, self._services.settings.service.context
        tools_tokens = await counter.count_tools_async(specs)
        limits = [limit for limit in (context.max_tokens, info.context_window) if limit is not None]
        budget = max(0, min(limits) - context.reserve_tokens - tools_tokens) if limits else None
        images, conversation = info.supports_images is True, self._bus.folds.context
        await counter.count_messages(conversation.uncounted((self._model, counter.estimated), images=images))
        built = conversation.build(
            system_prompt=self._services.settings.service.system_prompt,
            count=counter.count_message,
            budget=budget,
            preserve_recent=context.preserve_recent,
            images=images,
            basis=(self._model, counter.estimated),
        )
        if built.dropped_messages > self._trimmed:
            self._trimmed = built.dropped_messages
            await self._record(
                turns.ContextTrimmed(
                    turn_id=self.id,
                    dropped_messages=built.dropped_messages,
                    dropped_tokens=built.dropped_tokens,
                    kept_tokens=built.tokens,
                )
            )
        return AnswerPlan(
            turn_id=self.id,
            hop=hop,
            provider=self._provider,
            model=self._model,
            context=built,
            tools=specs,
            tools_tokens=tools_tokens,
            context_window=info.context_window,
        )

    async def _offer_tools(self) -> tuple[ToolSpec, ...]:
        listed = self._services.host.tools()
        offered = listed[:MAX_TOOLS]
        if {tool.wire_name: tool for tool in offered} != self._bus.folds.transcript.definitions:
            await self._record(tools.ToolsOffered(turn_id=self.id, tools=offered))
            if len(listed) > len(offered):
                self._bus.publish(_too_many(listed))
        return tuple(
            ToolSpec(tool.wire_name, for_model(tool.description), without_hidden(tool.parameters)) for tool in offered
        )

    def _closing_event(self, outcome: turns.TurnOutcome, error: ErrorInfo | None) -> turns.TurnFinished:
        return turns.TurnFinished(
            conversation_id=self._bus.conversation_id,
            turn_id=self.id,
            outcome=outcome,
            error=error,
            hops=self._sums.hops,
            usage=self._sums.usage,
            cost=self._sums.cost,
            duration_seconds=time.monotonic() - self._started,
        )

    def _log_end(self, finished: turns.TurnFinished) -> None:
        extra = {
            "operation": "turn",
            "outcome": finished.outcome,
            "duration": finished.duration_seconds,
            "error": finished.error.kind if finished.error is not None else "",
        }
        log.info("turn ended", extra=extra)

    async def _record(self, *events: EventBase) -> None:
        ids = {"conversation_id": self._bus.conversation_id}
        await self._bus.record(*(event.model_copy(update=ids) for event in events))


def _too_many(listed: Sequence[tools.ToolDefinition]) -> turns.Notice:
    left_out = Counter(tool.server for tool in listed[MAX_TOOLS:])
    servers = ", ".join(f"{count} of {server}" for server, count in left_out.items())
    return turns.Notice(
        severity="warning",
        message=f"The model is offered {MAX_TOOLS} of {len(listed)} tools; left out: {servers}.",
        hint="Disable servers that this conversation does not need.",
    )


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"


def _unexpected(failure: Exception) -> ErrorInfo:
    if isinstance(failure, TimeoutError):
        return ErrorInfo(kind="history", message="The history could not be written in time.")
    return ErrorInfo(
        kind="internal",
        message=f"An internal error ended the turn: {type(failure).__name__}.",
        hint="The log file has the details.",
    )


def _info(failure: McpTuiError) -> ErrorInfo:
    kind = (
        failure.kind
        if isinstance(failure, GatewayError)
        else "history"
        if isinstance(failure, HistoryError)
        else "host"
    )
    return ErrorInfo(kind=kind, message=failure.message, hint=failure.hint)
