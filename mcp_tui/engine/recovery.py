"""Ends that a log lacks: a crash, a full disk or a lock that nobody gave back left something open.

They are written when the conversation is opened again (law 3, catalogue 117 and 120), and at the end of every turn.
"""

from __future__ import annotations

from collections.abc import Sequence

from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase

PROGRAM_ENDED = "The program ended"


def closing_events(events: Sequence[EventBase], *, besides: str = "") -> list[EventBase]:
    """The ends that are missing from a log, in order; empty for a log that was closed properly.

    The turn ``besides`` is left alone: it is running.
    """
    closing: list[EventBase] = []
    for turn_id in open_turns(events):
        if turn_id == besides:
            continue
        mine = [event for event in events if event.turn_id == turn_id]
        missing = open_ends(mine, PROGRAM_ENDED)
        if not any(isinstance(event, turns.TurnFinished) for event in mine):
            missing.append(_of(mine[0], turns.TurnFinished(outcome="interrupted")))
        closing += missing
    return closing


def open_ends(events: Sequence[EventBase], cause: str) -> list[EventBase]:
    """Ends of the answers and calls in one turn's ``events`` that have none; ``cause`` begins their explanation."""
    missing = [*_open_answers(events, cause), *_open_calls(events, cause), *_open_questions(events)]
    return [_of(events[0], event) for event in missing]


def open_turns(events: Sequence[EventBase]) -> list[str]:
    """Turns that may lack an end: those that did not finish, and those with a start that none followed."""
    open_turns: dict[str, set[str]] = {}
    for event in events:
        match event:
            case turns.TurnStarted() if event.turn_id:
                open_turns.setdefault(event.turn_id, set()).add(event.turn_id)
            case turns.TurnFinished() if event.turn_id:
                open_turns.get(event.turn_id, set()).discard(event.turn_id)
            case turns.ModelRequestStarted() if event.turn_id in open_turns:
                open_turns[event.turn_id].add(event.message_id)
            case turns.AssistantMessage() if event.turn_id in open_turns:
                open_turns[event.turn_id].discard(event.message_id)
            case tools.ToolCallProposed() if event.turn_id in open_turns:
                open_turns[event.turn_id].add(event.call_id)
            case tools.ToolCallFinished() if event.turn_id in open_turns:
                open_turns[event.turn_id].discard(event.call_id)
            case turns.QuestionAsked() if event.turn_id in open_turns:
                open_turns[event.turn_id].add(event.question_id)
            case turns.QuestionAnswered() if event.turn_id in open_turns:
                open_turns[event.turn_id].discard(event.question_id)
            case _:
                pass
    return [turn_id for turn_id, starts in open_turns.items() if starts]


def _of(first: EventBase, event: EventBase) -> EventBase:
    return event.model_copy(update={"conversation_id": first.conversation_id, "turn_id": first.turn_id})


def _open_answers(events: Sequence[EventBase], cause: str) -> list[EventBase]:
    requests = {event.message_id: event for event in events if isinstance(event, turns.ModelRequestStarted)}
    for event in events:
        if isinstance(event, turns.AssistantMessage):
            requests.pop(event.message_id, None)
    return [_answer_so_far(request, events, cause) for request in requests.values()]


def _answer_so_far(
    request: turns.ModelRequestStarted, events: Sequence[EventBase], cause: str
) -> turns.AssistantMessage:
    fragments = [e for e in events if isinstance(e, turns.MessageFragment) and e.message_id == request.message_id]
    return turns.AssistantMessage(
        message_id=request.message_id,
        hop=request.hop,
        provider=request.provider,
        model=request.model,
        text="".join(fragment.text for fragment in fragments),
        reasoning="".join(fragment.reasoning for fragment in fragments),
        complete=False,
        problem=ErrorInfo(kind="interrupted", message=f"{cause} while this answer was streaming."),
    )


def _open_calls(events: Sequence[EventBase], cause: str) -> list[EventBase]:
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
        error = _may_have_run(cause) if started else _never_ran(cause)
        outcome: tools.ToolOutcome = "unknown" if started else "cancelled"
        closing.append(tools.ToolCallFinished(call_id=call_id, outcome=outcome, error=error, model_text=error.message))
    return closing


def _open_questions(events: Sequence[EventBase]) -> list[EventBase]:
    asked: dict[str, None] = {}
    for event in events:
        match event:
            case turns.QuestionAsked():
                asked[event.question_id] = None
            case turns.QuestionAnswered():
                asked.pop(event.question_id, None)
            case _:
                pass
    return [turns.QuestionAnswered(question_id=key, answer="withdrawn", by="engine") for key in asked]


def _may_have_run(cause: str) -> ErrorInfo:
    return ErrorInfo(
        kind="interrupted",
        message=f"{cause} while this call was running; it may have run.",
        hint="Check before you run it again.",
    )


def _never_ran(cause: str) -> ErrorInfo:
    return ErrorInfo(kind="interrupted", message=f"{cause} before this call was decided; it did not run.")
