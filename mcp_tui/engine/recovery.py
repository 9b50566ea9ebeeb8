"""What a crash left open is closed when the conversation is opened again (law 3, catalogue 117 and 120)."""

from __future__ import annotations

from collections.abc import Sequence

from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase

_MAY_HAVE_RUN = ErrorInfo(
    kind="interrupted",
    message="The program ended while this call was running; it may have run.",
    hint="Check before you run it again.",
)
_NEVER_ANSWERED = ErrorInfo(
    kind="interrupted", message="The program ended before this call was decided; it did not run."
)


def closing_events(events: Sequence[EventBase]) -> list[EventBase]:
    """The ends that are missing from a log, in order; empty for a log that was closed properly."""
    turn_id = _open_turn(events)
    if turn_id is None:
        return []
    mine = [event for event in events if event.turn_id == turn_id]
    closing: list[EventBase] = [*_open_answers(mine), *_open_calls(mine)]
    closing.append(turns.TurnFinished(outcome="interrupted"))
    ids = {"conversation_id": events[0].conversation_id, "turn_id": turn_id}
    return [event.model_copy(update=ids) for event in closing]


def _open_turn(events: Sequence[EventBase]) -> str | None:
    open_turn: str | None = None
    for event in events:
        match event:
            case turns.TurnStarted():
                open_turn = event.turn_id
            case turns.TurnFinished() if event.turn_id == open_turn:
                open_turn = None
            case _:
                pass
    return open_turn


def _open_answers(events: Sequence[EventBase]) -> list[EventBase]:
    requests = {event.message_id: event for event in events if isinstance(event, turns.ModelRequestStarted)}
    for event in events:
        if isinstance(event, turns.AssistantMessage):
            requests.pop(event.message_id, None)
    return [_answer_so_far(request, events) for request in requests.values()]


def _answer_so_far(request: turns.ModelRequestStarted, events: Sequence[EventBase]) -> turns.AssistantMessage:
    fragments = [e for e in events if isinstance(e, turns.MessageFragment) and e.message_id == request.message_id]
    return turns.AssistantMessage(
        message_id=request.message_id,
        hop=request.hop,
        provider=request.provider,
        model=request.model,
        text="".join(fragment.text for fragment in fragments),
        reasoning="".join(fragment.reasoning for fragment in fragments),
        complete=False,
        problem=ErrorInfo(kind="interrupted", message="The program ended while this answer was streaming."),
    )


def _open_calls(events: Sequence[EventBase]) -> list[EventBase]:
    proposed: dict[str, bool] = {}
    approvals: dict[str, str] = {}
    for event in events:
        match event:
            case tools.ToolCallProposed():
                proposed[event.call_id] = False
            case tools.ApprovalRequested():
                approvals[event.call_id] = event.approval_id
            case tools.ApprovalDecided():
                approvals.pop(event.call_id, None)
            case tools.ToolCallStarted():
                proposed[event.call_id] = True
            case tools.ToolCallFinished():
                proposed.pop(event.call_id, None)
            case _:
                pass
    closing: list[EventBase] = [
        tools.ApprovalDecided(approval_id=approval_id, call_id=call_id, action="withdrawn", by="engine")
        for call_id, approval_id in approvals.items()
    ]
    for call_id, started in proposed.items():
        error = _MAY_HAVE_RUN if started else _NEVER_ANSWERED
        outcome: tools.ToolOutcome = "unknown" if started else "cancelled"
        closing.append(tools.ToolCallFinished(call_id=call_id, outcome=outcome, error=error, model_text=error.message))
    return closing
