"""A recorded call again, against today's server: a turn without a model.

The call goes the way of every call - schema, rules, guards, the person, a start that is on disk before the request
leaves - and then its result is recorded beside the one from before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mcp_tui.conversation.comparison import compare, ran
from mcp_tui.conversation.ignoring import NOTHING, Ignoring
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.conversation.result_mask import ResultMask
from mcp_tui.engine.services import Services
from mcp_tui.engine.tool_calls import CallsOutcome, RecordedRun, ToolCalls
from mcp_tui.engine.turn_life import TurnLife
from mcp_tui.errors import UsageError
from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, new_id
from mcp_tui.safety.secrets import MASK

SERVER_WAIT = 30.0
"""Seconds that a call waits for servers that start for the first time: longer than a model's turn, which can go on
without them."""


@dataclass(frozen=True, slots=True)
class Rerun:
    """A request of the person to run one call again."""

    request_id: str
    """Also the id of the new call."""
    item: ToolCallItem
    """As it was recorded."""
    again: RecordedRun

    @property
    def words(self) -> str:
        """How the queue shows it."""
        return f"re-run of {self.item.label}"


def rerun_of(conversation_id: str, item: ToolCallItem | None, arguments: dict[str, Any] | None) -> Rerun:
    """What there is to run again of a call; ``arguments`` are what the person changed the recorded ones to.

    Raises `UsageError` for a call that cannot be run again.
    """
    if item is None:
        raise UsageError("There is no such call in the open conversation.")
    if not item.server:
        raise UsageError(f"{item.wire_name} was never a tool of any server.")
    if not item.finished:
        raise UsageError("This call has not ended yet.")
    again = recorded_run(conversation_id, item, new_id(), arguments)
    if again.problem is not None:
        raise UsageError(again.problem.message, hint=again.problem.hint)
    return Rerun(again.call_id, item, again)


def recorded_run(
    conversation_id: str, item: ToolCallItem, call_id: str, arguments: dict[str, Any] | None = None
) -> RecordedRun:
    """``item`` of a conversation, to be run again, with ``arguments`` where the person changed them."""
    return RecordedRun(
        recorded=tools.RecordedCall(conversation_id=conversation_id, call_id=item.key),
        call_id=call_id,
        server=item.server,
        name=item.name,
        wire_name=item.wire_name,
        arguments=item.arguments if arguments is None else arguments,
        problem=_secret_is_gone(item) if arguments is None else None,
    )


def _secret_is_gone(item: ToolCallItem) -> ErrorInfo | None:
    if not any(MASK in text for text in _texts(item.arguments)):
        return None
    words = f"Its arguments hold {MASK}, which stands for a secret that no conversation keeps; it did not run."
    return ErrorInfo(kind="secret_not_kept", message=words, hint="Edit the arguments and run it then.")


async def run_and_compare(
    services: Services, turn_id: str, recorded: ToolCallItem, again: RecordedRun, ignoring: Ignoring = NOTHING
) -> CallsOutcome:
    """Take the call to its end, and record how its result compares with the recorded one but for what is ignored."""
    outcome = await ToolCalls(services, turn_id, 0).run_again(again)
    item = services.bus.folds.transcript.call(again.call_id)
    if item is not None:
        mask = ResultMask(ignoring.rules, item.label)
        differences = await asyncio.to_thread(compare, recorded, item, mask) if ran(item) else ()
        await services.bus.record(
            tools.ToolCallCompared(
                conversation_id=services.bus.conversation_id,
                turn_id=turn_id,
                call_id=item.key,
                recorded=again.recorded,
                same=ran(item) and not differences,
                differences=differences,
                ignored=mask.applied if ran(item) else (),
            )
        )
    return outcome


class RerunTurn(TurnLife):
    """Runs one recorded call again."""

    def __init__(self, services: Services, request: Rerun) -> None:
        super().__init__(services, request.request_id)
        self._request = request

    async def work(self) -> turns.TurnOutcome:
        """The one call."""
        await self._services.host.settled(max(SERVER_WAIT, self._services.settings.server_wait))
        await self._offer_tools()
        again = self._request.again
        recorded = self._bus.folds.transcript.call(again.recorded.call_id) or self._request.item
        outcome = await run_and_compare(self._services, self.id, recorded, again)
        return "denied" if outcome.stop else "stop"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)
