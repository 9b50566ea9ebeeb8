"""Tool calls that were recorded, as a fold of events: what a tool was asked before, and how that ended.

The approval card says what is unusual about a call, and a proposed rule shows what it would have matched:
both look at these records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase

_CallEvent = tools.ToolCallProposed | tools.ApprovalDecided | tools.ToolCallStarted | tools.ToolCallFinished


@dataclass(slots=True)
class CallRecord:
    """One recorded call, whether it ran or not."""

    conversation_id: str
    call_id: str
    at: datetime
    server: str
    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    """What ran, or would have run: edited by the person, perhaps."""
    tool_digest: str = ""
    """Definition that was decided on; empty before a decision."""
    decision: str = ""
    """``allow``, ``deny``, ``stop`` or ``withdrawn``; empty before a decision."""
    decided_by: str = ""
    """``user``, ``rule`` or ``engine``."""
    rule_id: str = ""
    ran: bool = False
    outcome: str = ""
    """As in `tools.ToolOutcome`; empty while it has no end."""

    @property
    def key(self) -> tuple[str, str]:
        """Ids of the conversation and of the call: the latter come from providers and repeat."""
        return self.conversation_id, self.call_id


class CallHistory:
    """All calls of one or more logs, oldest first.  Applying an event twice changes nothing.

    Calls that a fork copied are left out: they were made once, in the original.
    """

    def __init__(self) -> None:
        self._records: dict[tuple[str, str], CallRecord] = {}
        self._by_tool: dict[tuple[str, str], dict[tuple[str, str], CallRecord]] = {}
        self.definitions: dict[str, tools.ToolDefinition] = {}
        """Every definition that the model was offered, by digest."""
        self._copied_until: dict[str, int] = {}
        """Conversation -> position of the last event that was copied from elsewhere."""

    @classmethod
    def of(cls, events: Iterable[EventBase]) -> CallHistory:
        """The calls in ``events``."""
        history = cls()
        for event in events:
            history.apply(event)
        return history

    def apply(self, event: EventBase) -> None:
        """Fold one event."""
        match event:
            case turns.ConversationCreated(origin=turns.Origin(copied=copied)) if copied:
                self._copied_until[event.conversation_id] = event.seq + copied
            case tools.ToolsOffered():
                self.definitions.update((tool.digest, tool) for tool in event.tools)
            case tools.ToolCallProposed() if event.server and self._record(event) is None:
                self._add(event)
            case tools.ApprovalDecided():
                self._decided(event)
            case tools.ToolCallStarted() if (record := self._record(event)) is not None:
                record.ran, record.arguments = True, event.arguments
            case tools.ToolCallFinished() if (record := self._record(event)) is not None:
                record.outcome = event.outcome
            case _:
                pass

    def _add(self, event: tools.ToolCallProposed) -> None:
        if 0 < event.seq <= self._copied_until.get(event.conversation_id, 0):
            return
        record = CallRecord(
            conversation_id=event.conversation_id,
            call_id=event.call_id,
            at=event.at,
            server=event.server,
            name=event.name,
            arguments=event.arguments,
        )
        self.add((record,))

    def add(self, records: Iterable[CallRecord], *, replace: bool = False) -> None:
        """Take in records that were folded elsewhere; calls that are known already stay, unless ``replace``."""
        for record in records:
            if replace or record.key not in self._records:
                self._records[record.key] = record
                self._by_tool.setdefault((record.server, record.name), {})[record.key] = record

    def _record(self, event: _CallEvent) -> CallRecord | None:
        return self._records.get((event.conversation_id, event.call_id))

    def _decided(self, event: tools.ApprovalDecided) -> None:
        record = self._record(event)
        if record is None:
            return
        record.decision, record.decided_by = event.action, event.by
        record.rule_id, record.tool_digest = event.rule_id, event.tool_digest
        if event.edited_arguments is not None:
            record.arguments = event.edited_arguments

    @property
    def records(self) -> Sequence[CallRecord]:
        """Every call, in the order of its proposal."""
        return list(self._records.values())

    def of_tool(self, server: str, name: str) -> Sequence[CallRecord]:
        """The calls of one tool, oldest first."""
        return list(self._by_tool.get((server, name), {}).values())


def by_time(records: Iterable[CallRecord]) -> list[CallRecord]:
    """Records of several conversations in one order."""
    return sorted(records, key=lambda record: (record.at, record.call_id))
