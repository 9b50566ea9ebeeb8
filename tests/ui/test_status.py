"""What the lines say: each phase of a turn by its name, and the status and hint lines at every width."""

from __future__ import annotations

from typing import Any

import pytest

from mcp_tui.conversation.transcript import Transcript
from mcp_tui.conversation.usage import ContextShare, Totals
from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase
from mcp_tui.ui import status
from mcp_tui.ui.live import LiveState
from tests.ui.support import AT, Clock, ScriptedEngine, answer, finished, proposal, turn_start
from tests.ui.support import status as server


class Watcher:
    """A live state fed with events, and what the header says of it."""

    def __init__(self, **options: Any) -> None:
        self.clock = Clock()
        self.live = LiveState(self.clock)
        self.engine = ScriptedEngine(busy=True, **options)
        self.transcript = Transcript()
        self.model_up = False

    def take(self, *events: EventBase) -> str:
        for event in events:
            self.live.apply(event, self.transcript.apply(event))
        return self.says

    @property
    def says(self) -> str:
        parts = status.activity(self.engine, self.live, self.clock(), model_up=self.model_up)  # type: ignore[arg-type]
        return "".join(text for text, _ in parts).removesuffix("  Esc stops")


def requested(hop: int = 1) -> EventBase:
    return turns.ModelRequestStarted(
        at=AT, turn_id="t1", message_id=f"m{hop}", hop=hop, provider="work", model="m", messages=2, prompt_tokens=9,
        tools_tokens=1,
    )  # fmt: skip


def test_every_phase_of_a_turn_has_its_name() -> None:
    watch = Watcher(servers=(server("fs"), server("gh", "starting"), server("pg", "starting", enabled=False)))
    assert watch.says == "preparing"
    assert watch.take(*turn_start()) == "waiting for gh to start"
    watch.engine.servers = (server("fs"),)
    assert watch.says == "starting the model layer"
    watch.model_up = True
    assert watch.says == "preparing"
    assert watch.take(requested()) == "waiting for the model"
    assert watch.take(turns.ReasoningDelta(turn_id="t1", message_id="m1", text="hm")) == "reasoning"
    assert watch.take(turns.TextDelta(turn_id="t1", message_id="m1", text="I ")) == "answering"
    delta = turns.ToolCallDelta(turn_id="t1", message_id="m1", index=0, wire_name="x", arguments_length=3)
    assert watch.take(delta) == "writing a tool call"
    first, second = proposal("c1", {"issue_id": "A"}), proposal("c2", {"issue_id": "B"})
    assert watch.take(*first) == "! approval waiting"
    assert watch.take(*second) == "! 2 approvals waiting"
    for call in ("c1", "c2"):
        watch.take(
            tools.ApprovalDecided(at=AT, turn_id="t1", approval_id=f"a-{call}", call_id=call, action="allow", by="user")
        )
    assert watch.says == "checking tool calls"
    started = [
        tools.ToolCallStarted(at=AT, turn_id="t1", call_id=call, server="jira", name="close_issue", arguments={})
        for call in ("c1", "c2")
    ]
    assert watch.take(started[0]) == "running jira.close_issue"
    assert watch.take(started[1]) == "running 2 tools"
    assert watch.take(finished("c1")) == "running jira.close_issue"
    assert watch.take(finished("c2")) == "preparing the next request"
    assert watch.take(requested(2)) == "waiting for the model"
    watch.live.stopping = True
    assert watch.says == "stopping"
    assert watch.take(answer("done", message_id="m2"), turns.TurnFinished(turn_id="t1", outcome="stop")) == "preparing"
    watch.engine.busy = False
    assert watch.says == ""


def test_a_long_phase_says_how_long_it_takes() -> None:
    watch = Watcher()
    watch.take(*turn_start(), requested())
    watch.clock.now += 2.9
    assert watch.says == "waiting for the model"
    watch.clock.now += 1.2
    assert watch.says == "waiting for the model 4 s"
    assert watch.take(turns.TextDelta(turn_id="t1", message_id="m1", text="I ")) == "answering"


def test_the_time_of_a_tool_begins_when_it_runs() -> None:
    watch = Watcher()
    watch.take(*turn_start(), *proposal("c1", {"issue_id": "A"}))
    watch.clock.now += 60
    started = tools.ToolCallStarted(at=AT, turn_id="t1", call_id="c1", server="jira", name="close_issue", arguments={})
    assert watch.take(started) == "running jira.close_issue"
    watch.clock.now += 5
    assert watch.says == "running jira.close_issue 5 s"


def test_a_retry_counts_down_and_then_waits_for_the_model() -> None:
    watch = Watcher()
    reason = ErrorInfo(kind="rate_limit", message="too many requests")
    retry = turns.RetryScheduled(turn_id="t1", message_id="m1", attempt=2, attempts=3, delay_seconds=4.0, reason=reason)
    assert watch.take(*turn_start(), requested(), retry) == "retry 2 of 3 in 4 s: too many requests"
    watch.clock.now += 3.5
    assert watch.says == "retry 2 of 3 in 1 s: too many requests"
    watch.clock.now += 1
    assert watch.says == "waiting for the model, retry 2 of 3"


def test_the_demo_has_no_model_layer_to_wait_for() -> None:
    watch = Watcher(demo=True)
    assert watch.take(*turn_start()) == "preparing"


@pytest.mark.parametrize("width", [120, 78, 58, 38])
def test_the_status_line_keeps_its_parts_at_every_width(width: int) -> None:
    engine = ScriptedEngine(
        servers=(server("fs"), server("pg", "failed")),
        context=ContextShare(used=18_200, window=128_000, tools=9_100, estimated=True),
        totals=Totals(cost=0.031, model_requests=3),
    )
    left, right = status.status_parts(engine, 2, width)  # type: ignore[arg-type]
    text = "".join(part for part, _ in (*left, *right))
    assert len(text) < width or width == 38
    assert text.startswith("1/2")
    for part in ("!pg", "14%", "$0.031", "2 waiting"):
        assert part in text


@pytest.mark.parametrize("width", [200, 118, 78, 58, 30])
@pytest.mark.parametrize("pane", ["composer", "conversation", "approval", "inspector", "servers", "list", "app"])
def test_hints_are_whole_and_fit(pane: str, width: int) -> None:
    parts = status.hints(pane, {}, width, waiting="approvals")
    text = "".join(part for part, _ in parts)
    assert len(text) <= width
    assert "…" not in text
    assert text.strip()


def test_keys_that_belong_together_share_a_hint() -> None:
    text = "".join(part for part, _ in status.hints("inspector", {}, 200, waiting=""))
    assert "Left/Right tab" in text
    assert "p/n call" in text


def test_what_waits_for_the_person_is_said_when_nothing_runs() -> None:
    waits = (
        server("fs"),
        server("jira", "untrusted"),
        server("wiki", held=2),
        server("off", "untrusted", enabled=False),
    )
    watch = Watcher(servers=waits)
    watch.engine.busy = False
    assert watch.says == "~ 1 server to accept: /trust"
    watch.engine.servers = waits[::2]
    assert watch.says == "! 2 tools held: /review"
    watch.engine.servers = waits[:1]
    assert watch.says == ""


def test_approvals_and_questions_are_counted_together() -> None:
    def asked(number: int) -> EventBase:
        return turns.QuestionAsked(
            at=AT, turn_id="t1", question_id=f"q{number}", kind="cost", message="m", yes="y", no="n"
        )

    watch = Watcher()
    assert watch.take(*turn_start(), asked(1)) == "! question waiting"
    assert watch.take(asked(2)) == "! 2 questions waiting"
    assert watch.take(*proposal("c1", {})) == "! approval, 2 questions waiting"
    assert watch.live.unanswered == 3
    watch.take(turns.QuestionAnswered(at=AT, turn_id="t1", question_id="q1", answer="yes", by="user"))
    assert watch.live.unanswered == 2
    watch.take(turns.TurnFinished(at=AT, turn_id="t1", outcome="cancelled"))
    assert watch.live.unanswered == 0


def test_what_another_windows_turn_asks_does_not_wait_here() -> None:
    watch = Watcher()
    watch.engine.busy = False
    watch.engine.elsewhere.add("t1")
    watch.live.runs_here = watch.engine.runs_here
    assert watch.take(*turn_start()) == status.ELSEWHERE
    question = turns.QuestionAsked(at=AT, turn_id="t1", question_id="q", kind="cost", message="m", yes="y", no="n")
    assert watch.take(requested(), *proposal("c1", {}), question) == status.ELSEWHERE
    assert watch.live.unanswered == 0
    assert watch.take(turns.TurnFinished(at=AT, turn_id="t1", outcome="stop")) == ""


def test_a_guarded_call_is_not_offered_a_rule() -> None:
    guarded = status.hints("approval", {}, 200, waiting="", without=("approval.conversation", "approval.rule"))
    text = "".join(part for part, _ in guarded)
    assert "once" in text
    assert "rule" not in text
    assert "this tool" not in text


@pytest.mark.parametrize("what", ["approvals", "the question"])
def test_tab_is_said_to_lead_to_what_waits(what: str) -> None:
    parts = status.hints("composer", {}, 200, waiting=what)
    assert parts[0][0].strip() == f"Tab to {what}"


@pytest.mark.parametrize("pane", ["conversation", "inspector", "servers", "find", "app"])
def test_from_elsewhere_the_jump_leads_to_what_waits(pane: str) -> None:
    """There Tab goes to the next pane, which is another one."""
    assert status.hints(pane, {}, 200, waiting="approvals")[0][0].strip() == "^O a to approvals"
    moved = status.hints(pane, {"app.jump": "f6"}, 200, waiting="approvals")
    assert moved[0][0].strip() == "F6 a to approvals"


def test_while_the_beginning_of_a_conversation_is_read_no_sum_is_shown_for_all_of_it() -> None:
    engine = ScriptedEngine(loading=True, totals=Totals(cost=0.25))
    left, _right = status.status_parts(engine, 0, 100)  # type: ignore[arg-type]
    assert "0.25" not in "".join(text for text, _ in left)
    words = "".join(text for text, _ in status.activity(engine, LiveState(), 0.0, model_up=True))  # type: ignore[arg-type]
    assert words == "reading what came before"
    engine.busy = True
    words = "".join(text for text, _ in status.activity(engine, LiveState(), 0.0, model_up=True))  # type: ignore[arg-type]
    assert words.endswith("Esc stops")
    engine.loading = False
    left, _right = status.status_parts(engine, 0, 100)  # type: ignore[arg-type]
    assert "0.25" in "".join(text for text, _ in left)
