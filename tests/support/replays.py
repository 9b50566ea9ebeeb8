"""An example conversation for tests of the replay."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.content import TextContent
from tests.ui.support import AT, TOOL

Add = Callable[[EventBase, float], None]
"""Record an event so many seconds after the one before."""

QUESTIONS = (
    "Which open issues mention the login timeout?",
    "Close the duplicate, and say why.",
    "Thanks. What would you look at first?",
)
ANSWERS = (
    "Two issues look related: **#812** and **#790**. Both report that the first request after idle waits for the "
    "full 30 s timeout, so I would start with the proxy keep-alive.\n\n1. `proxy_timeout`\n2. the pool\n",
    "Closed **#790** as a duplicate of #812.",
    "The pool: it hands out sockets that the proxy has closed.\n\n```python\npool.recycle(seconds=25)\n```\n",
)


def conversation() -> list[EventBase]:
    """Three turns, two calls, of which the second one waits for the person; numbered as a store would."""
    out: list[EventBase] = []

    def add(event: EventBase, after: float) -> None:
        at = (out[-1].at if out else AT) + timedelta(seconds=after)
        out.append(event.model_copy(update={"at": at, "seq": len(out) + 1, "conversation_id": "c"}))

    add(turns.ConversationCreated(app_version="1.0"), 0)
    add(turns.ModelSelected(provider="work", model="openai/gpt-x"), 0)
    add(turns.ConversationTitled(title="login-timeouts"), 0)
    add(tools.ToolsOffered(tools=(TOOL,)), 0)
    for number, (question, answer) in enumerate(zip(QUESTIONS, ANSWERS, strict=True), 1):
        turn = f"t{number}"
        add(turns.TurnStarted(turn_id=turn, request_id=f"r{number}"), 30)
        add(turns.UserMessage(turn_id=turn, message_id=f"u{number}", text=question), 0.01)
        if number < 3:
            _call(add, turn, number)
        _answer(add, turn, f"m{number}", answer, 2 if number < 3 else 1)
        add(turns.TurnFinished(turn_id=turn, outcome="stop"), 0.01)
    return out


def _call(add: Add, turn: str, number: int) -> None:
    call = f"c{number}"
    _answer(add, turn, f"m{number}-0", "", 1, call)
    arguments = {"issue_id": f"PROJ-79{number}", "comment": "Duplicate of PROJ-812."}
    add(
        tools.ToolCallProposed(
            turn_id=turn, call_id=call, message_id=f"m{number}-0", hop=1, index=0,
            wire_name=TOOL.wire_name, server=TOOL.server, name=TOOL.name, arguments=arguments,
        ),
        0.01,
    )  # fmt: skip
    if number == 2:
        asked = tools.ApprovalRequested(turn_id=turn, approval_id="a2", call_id=call, reason="no rule allows it")
        add(asked, 0.01)
    by = "user" if number == 2 else "rule"
    add(
        tools.ApprovalDecided(
            turn_id=turn, approval_id="a2" if number == 2 else "", call_id=call, action="allow", by=by,
            rule="" if number == 2 else "jira.close_issue of this project", rule_id="" if number == 2 else "jira",
        ),
        8,
    )  # fmt: skip
    add(
        tools.ToolCallStarted(turn_id=turn, call_id=call, server=TOOL.server, name=TOOL.name, arguments=arguments), 0.01
    )
    add(
        tools.ToolCallFinished(
            turn_id=turn, call_id=call, outcome="success", model_text="closed", model_tokens=12,
            content=(TextContent(text=f"PROJ-79{number}: closed as a duplicate"),),
            timing=tools.CallTiming(queued=0.002, approval=4.1, wire=1.9),
        ),
        1.9,
    )  # fmt: skip


def _answer(add: Add, turn: str, message: str, text: str, hop: int, call: str = "") -> None:
    add(
        turns.ModelRequestStarted(
            turn_id=turn, message_id=message, hop=hop, provider="work", model="openai/gpt-x",
            messages=2, prompt_tokens=900, tools_tokens=120,
        ),
        0.01,
    )  # fmt: skip
    asked = turns.RequestedToolCall(call_id=call, wire_name=TOOL.wire_name, arguments={})
    add(
        turns.AssistantMessage(
            turn_id=turn, message_id=message, hop=hop, provider="work", model="openai/gpt-x", text=text,
            usage=turns.Usage(prompt_tokens=1200, completion_tokens=80), finish_reason="stop", cost=0.004,
            duration_seconds=1.4, first_token_seconds=0.6, tool_calls=(asked,) if call else (),
        ),
        1.4,
    )  # fmt: skip


def long_conversation(turn_count: int) -> list[EventBase]:
    """Turns of four messages each: input, answer, call, answer."""
    out: list[EventBase] = [turns.ConversationCreated(app_version="1.0", at=AT, seq=1)]

    def add(event: EventBase, after: float) -> None:
        out.append(event.model_copy(update={"at": AT + timedelta(seconds=len(out)), "seq": len(out) + 1}))

    for number in range(turn_count):
        turn = f"t{number}"
        add(turns.TurnStarted(turn_id=turn, request_id=f"r{number}"), 0)
        add(turns.UserMessage(turn_id=turn, message_id=f"u{number}", text=f"Question {number}: what else?"), 0)
        _answer(add, turn, f"m{number}-0", f"I look at **{number}**.", 1, f"c{number}")
        call = {"turn_id": turn, "call_id": f"c{number}"}
        arguments = {"issue_id": f"PROJ-{number}"}
        add(
            tools.ToolCallProposed(
                **call, message_id=f"m{number}-0", hop=1, index=0, wire_name=TOOL.wire_name, server=TOOL.server,
                name=TOOL.name, arguments=arguments,
            ),
            0,
        )  # fmt: skip
        add(tools.ToolCallFinished(**call, outcome="success", content=(TextContent(text="closed " * 20),)), 0)
        _answer(add, turn, f"m{number}", f"Answer {number}.\n\n- one\n- two\n", 2)
        add(turns.TurnFinished(turn_id=turn, outcome="stop"), 0)
    return out
