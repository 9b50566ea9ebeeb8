"""Every call of a conversation again, in a conversation of its own: whether the servers still answer as they did."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mcp_tui.conversation.comparison import has_result
from mcp_tui.conversation.ignoring import NOTHING, Ignoring
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.engine.rerun import SERVER_WAIT, recorded_run, run_and_compare
from mcp_tui.engine.services import Beginning, Services
from mcp_tui.engine.turn_life import TurnLife
from mcp_tui.errors import UsageError
from mcp_tui.events import turns
from mcp_tui.events.base import EventBase, new_id


@dataclass(frozen=True, slots=True)
class Verification:
    """A request of the person to run the calls of a conversation again."""

    request_id: str
    conversation_id: str
    """The one that is verified."""
    title: str
    calls: tuple[ToolCallItem, ...]
    """Those with a recorded result, in the order in which they were asked for."""
    without_result: int = 0
    """Calls that ran, and whose result nobody knows: they are left out."""
    ignoring: Ignoring = NOTHING
    """What is left out of the comparisons."""

    @property
    def words(self) -> str:
        """How the queue shows it."""
        return self.beginning.title

    @property
    def beginning(self) -> Beginning:
        """How the verification's own conversation begins."""
        origin = turns.Origin(kind="verification", conversation_id=self.conversation_id, title=self.title)
        return Beginning(origin, f"verification of {self.title or self.conversation_id}")


def verification_of(conversation_id: str, events: Iterable[EventBase], ignoring: Ignoring = NOTHING) -> Verification:
    """What there is to verify in a conversation: the calls of its models.

    In a verification, which has none, those that were run again.  Raises `UsageError` when none has a result.
    """
    transcript = Transcript()
    for event in events:
        transcript.apply(event)
    ran = [item for item in transcript.items if isinstance(item, ToolCallItem) and item.started_at is not None]
    calls = [item for item in ran if item.rerun_of is None] or ran
    known = tuple(item for item in calls if has_result(item))
    if not known:
        raise UsageError("There is nothing to verify: no tool call of this conversation has a result.")
    return Verification(new_id(), conversation_id, transcript.title, known, len(calls) - len(known), ignoring)


class VerificationTurn(TurnLife):
    """Runs one call after the other: what they change, they change in the recorded order."""

    def __init__(self, services: Services, request: Verification) -> None:
        super().__init__(services, request.request_id)
        self._request = request

    async def work(self) -> turns.TurnOutcome:
        """All calls, until the person stops."""
        await self._services.host.settled(max(SERVER_WAIT, self._services.settings.server_wait))
        for item in self._request.calls:
            await self._offer_tools()
            again = recorded_run(self._request.conversation_id, item, new_id())
            outcome = await run_and_compare(self._services, self.id, item, again, self._request.ignoring)
            if outcome.stop:
                return "denied"
        return "stop"
