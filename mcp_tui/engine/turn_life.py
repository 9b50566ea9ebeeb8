"""The life of a turn: taken up once, its one end on every path.

What happens in between is a subclass's: a model's answers and calls (`mcp_tui.engine.turn`), a call that the person
runs again (`mcp_tui.engine.rerun`), all calls of a conversation (`mcp_tui.engine.verification`).
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from asyncio import CancelledError
from collections.abc import Sequence
from dataclasses import dataclass, field

from mcp_tui.engine.recovery import closing_events, open_ends
from mcp_tui.engine.services import Services
from mcp_tui.engine.shielded import shielded
from mcp_tui.errors import GatewayError, HistoryError, McpTuiError
from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase, new_id
from mcp_tui.telemetry import logging as correlation

log = logging.getLogger(__name__)

CLOSING_LIMIT = 5.0
"""Seconds that the closing event may take when the turn is being cancelled."""

BEGIN_LIMIT = 30.0
"""Seconds that taking up a submission may take; waiting for another process's lock is part of it."""

MAX_TOOLS = 128
"""Most tools in a request: more make OpenAI-style providers refuse every request (requirement D8)."""


@dataclass(slots=True)
class Sums:
    """What a turn used up."""

    hops: int = 0
    refusals_in_a_row: int = 0
    usage: turns.Usage = field(default_factory=turns.Usage)
    cost: float | None = 0.0

    def add(self, message: turns.AssistantMessage) -> None:
        """Count one answer."""
        self.usage += message.usage
        self.cost = None if self.cost is None or message.cost is None else self.cost + message.cost


class TurnLife(ABC):
    """Runs one request of the person to its one end."""

    def __init__(self, services: Services, request_id: str) -> None:
        self.id = new_id()
        self.request_id = request_id
        self._services = services
        self._bus = services.bus
        self._sums = Sums()
        self._started = time.monotonic()
        self.finished: turns.TurnFinished | None = None
        """Its end, however it came; ``None`` while it runs, and where nothing began."""

    def before(self) -> Sequence[EventBase]:
        """What is recorded before the turn's start, with it or not at all."""
        return ()

    def after(self) -> Sequence[EventBase]:
        """What is recorded right after the turn's start, with it or not at all."""
        return ()

    @abstractmethod
    async def work(self) -> turns.TurnOutcome:
        """Everything between start and end."""

    @property
    def _begun(self) -> bool:
        return self._bus.folds.transcript.open_turn == self.id

    async def run(self) -> None:
        """Take up the request and work until the turn has ended.

        Raises `HistoryError` when the log could not even take its start: then nothing happened.
        A cancellation ends the turn in good order and is re-raised.
        """
        correlation.conversation_id.set(self._bus.conversation_id)
        correlation.turn_id.set(self.id)
        outcome: turns.TurnOutcome = "error"
        error: ErrorInfo | None = None
        try:
            await shielded(self._begin(), BEGIN_LIMIT)
            outcome = await self.work()
        except CancelledError:
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

    async def _begin(self) -> None:
        first: list[EventBase] = []
        left_open = self._bus.folds.transcript.open_turn
        if not self._bus.last_seq:
            first += self._creation()
        await self._record(
            *first, *self.before(), turns.TurnStarted(turn_id=self.id, request_id=self.request_id), *self.after()
        )
        log.info("turn started", extra={"operation": "turn", "request_id": self.request_id})
        if self._bus.behind or left_open:
            await self._catch_up()

    def _creation(self) -> list[EventBase]:
        """The first events of a new conversation."""
        beginning, settings = self._services.beginning, self._services.settings
        created = turns.ConversationCreated(
            app_version=settings.app_version, demo=self._services.gateway.demo, origin=beginning.origin
        )
        return [created, *([turns.ConversationTitled(title=beginning.title)] if beginning.title else [])]

    async def _catch_up(self) -> None:
        """Take in what another process added; it holds no lease, so what it left open will not be closed by it."""
        await self._bus.catch_up()
        left = closing_events(self._bus.recorded, besides=self.id)
        if left:
            await self._bus.record(*left)

    async def _end(self, outcome: turns.TurnOutcome, error: ErrorInfo | None) -> None:
        """Write the turn's end, after the ends of whatever a failure left open in it."""
        self.finished = finished = turns.TurnFinished(
            conversation_id=self._bus.conversation_id,
            turn_id=self.id,
            outcome=outcome,
            error=error,
            hops=self._sums.hops,
            usage=self._sums.usage,
            cost=self._sums.cost,
            duration_seconds=time.monotonic() - self._started,
        )
        self._log_end(finished)
        missing = open_ends(self._bus.events_of(self.id), "The turn ended")
        await shielded(self._bus.record(*missing, finished), CLOSING_LIMIT)

    def _log_end(self, finished: turns.TurnFinished) -> None:
        extra = {
            "operation": "turn",
            "outcome": finished.outcome,
            "duration": finished.duration_seconds,
            "error": finished.error.kind if finished.error is not None else "",
        }
        log.info("turn ended", extra=extra)

    async def _offer_tools(self) -> tuple[tools.ToolDefinition, ...]:
        """The tools that a model may call from here on; recorded where they are others than before.

        Calls name a tool only: what its definition was is read from this record.
        """
        listed = self._services.host.tools()
        offered = listed[:MAX_TOOLS]
        if {tool.wire_name: tool for tool in offered} != self._bus.folds.transcript.definitions:
            await self._record(tools.ToolsOffered(turn_id=self.id, tools=offered))
            if len(listed) > len(offered):
                self.too_many(listed)
        return offered

    def too_many(self, listed: Sequence[tools.ToolDefinition]) -> None:
        """Not all tools can be offered: nothing to say where no model is asked."""
        del listed

    async def _record(self, *events: EventBase) -> None:
        ids = {"conversation_id": self._bus.conversation_id}
        await self._bus.record(*(event.model_copy(update=ids) for event in events))


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
