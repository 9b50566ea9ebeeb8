"""What must hold of every log and of every view of it, whatever went wrong on the way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from mcp_tui.conversation.items import AssistantItem, ToolCallItem, UserItem
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase


def facts(transcript: Transcript) -> list[list[Any]]:
    """What a reader sees, without what only the clock decides."""
    rows = []
    for item in transcript.items:
        row: list[Any] = [type(item).__name__, item.key, item.number]
        match item:
            case UserItem():
                row.append(item.text)
            case AssistantItem():
                row += [item.text, item.reasoning, item.streaming, item.complete, item.problem, item.finish_reason]
            case ToolCallItem():
                row += [item.label, item.arguments, item.state, item.decision, item.model_text, item.error]
            case _:
                row.append(getattr(item, "text", ""))
        rows.append(row)
    return rows


def folded(events: Iterable[EventBase]) -> Transcript:
    """The transcript of these events."""
    transcript = Transcript()
    for event in events:
        transcript.apply(event)
    return transcript


def latest(events: Sequence[EventBase]) -> list[EventBase]:
    """What a view shows of a subscriber's stream: everything since the last conversation was opened."""
    opened = [i for i, event in enumerate(events) if isinstance(event, turns.ConversationOpened)]
    return list(events[opened[-1] if opened else 0 :])


def assert_closed(events: Sequence[EventBase]) -> None:
    """Every start has exactly one end, none has an end without a start, and the numbers have no gap."""
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    _pairs(events, turns.TurnStarted, turns.TurnFinished, "turn_id")
    _pairs(events, turns.ModelRequestStarted, turns.AssistantMessage, "message_id")
    _pairs(events, tools.ToolCallProposed, tools.ToolCallFinished, "call_id")
    asked = Counter(e.approval_id for e in events if isinstance(e, tools.ApprovalRequested))
    decided = Counter(e.approval_id for e in events if isinstance(e, tools.ApprovalDecided))
    assert all(count == 1 for count in decided.values()), decided
    assert not asked - decided, asked - decided
    started = Counter(e.call_id for e in events if isinstance(e, tools.ToolCallStarted))
    assert all(count == 1 for count in started.values()), started


def _pairs(events: Sequence[EventBase], start: type[EventBase], end: type[EventBase], key: str) -> None:
    starts = Counter(getattr(event, key) for event in events if isinstance(event, start))
    ends = Counter(getattr(event, key) for event in events if isinstance(event, end))
    assert starts == ends, (start.__name__, starts, ends)
    assert all(count == 1 for count in starts.values()), starts
