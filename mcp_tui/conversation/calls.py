"""Tool calls that were recorded, as a fold of events: what a tool was asked before, and how that ended.

The approval card says what is unusual about a call, and a proposed rule shows what it would have matched:
both look at these records.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from mcp_tui.events import tools
from mcp_tui.events.base import EventBase


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


class CallHistory:
    """All calls of one or more logs, oldest first.  Applying an event twice changes nothing."""

    def __init__(self) -> None:
        self._records: dict[str, CallRecord] = {}
        self._by_tool: dict[tuple[str, str], list[CallRecord]] = {}

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
            case tools.ToolCallProposed() if event.server and event.call_id not in self._records:
                self._add(event)
            case tools.ApprovalDecided():
                self._decided(event)
            case tools.ToolCallStarted() if (record := self._records.get(event.call_id)) is not None:
                record.ran, record.arguments = True, event.arguments
            case tools.ToolCallFinished() if (record := self._records.get(event.call_id)) is not None:
                record.outcome = event.outcome
            case _:
                pass

    def _add(self, event: tools.ToolCallProposed) -> None:
        record = CallRecord(
            conversation_id=event.conversation_id or "",
            call_id=event.call_id,
            at=event.at,
            server=event.server,
            name=event.name,
            arguments=event.arguments,
        )
        self._records[event.call_id] = record
        self._by_tool.setdefault((event.server, event.name), []).append(record)

    def _decided(self, event: tools.ApprovalDecided) -> None:
        record = self._records.get(event.call_id)
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
        return self._by_tool.get((server, name), [])


def by_time(records: Iterable[CallRecord]) -> list[CallRecord]:
    """Records of several conversations in one order."""
    return sorted(records, key=lambda record: (record.at, record.call_id))
