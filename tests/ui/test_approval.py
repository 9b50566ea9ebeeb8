"""The approval card cannot be hit by accident (requirement F2), shows everything (F1), and answers as told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from mcp_tui.config.rule_models import ArgumentPattern, RuleEntry
from mcp_tui.conversation.calls import CallRecord
from mcp_tui.engine.assessment import Assessment
from mcp_tui.events import tools, turns
from mcp_tui.events.tools import ArgumentProblem
from mcp_tui.permissions.base import Decision
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.screens.jump import JumpScreen
from mcp_tui.ui.widgets.approval import ApprovalCard
from mcp_tui.ui.widgets.argument_editor import ArgumentEditor
from tests.ui.support import AT, TOOL, Clock, ScriptedEngine, attach, make_app, proposal, status, turn_start, until

ARGUMENTS = {"issue_id": "PROJ-790", "comment": "Duplicate of PROJ-812.\nSee the trace below:", "notify": True}


class Bench:
    """An app with a card on it, and a clock in the test's hand."""

    def __init__(self, app: McpTuiApp, engine: ScriptedEngine, clock: Clock, pilot: Pilot[int]) -> None:
        self.app, self.engine, self.clock, self.pilot = app, engine, clock, pilot

    @property
    def card(self) -> ApprovalCard:
        return self.app.chat.query_one(ApprovalCard)

    def text(self, name: str) -> str:
        content = self.card.query_one(f"#card-{name}", Static).content
        return str(content)

    async def reach(self) -> None:
        """Tab to the card and let its keys wake up."""
        await self.pilot.press("tab")
        await until(lambda: self.card.has_focus, self.pilot)
        self.clock.now += 1

    async def press(self, key: str) -> None:
        await self.pilot.press(key)
        await self.pilot.pause()


@asynccontextmanager
async def bench(
    *calls: dict[str, Any], size: tuple[int, int] = (80, 24), tool: tools.ToolDefinition | None = None
) -> AsyncIterator[Bench]:
    clock = Clock()
    app = make_app(clock=clock)
    engine = ScriptedEngine(servers=(status("jira"),), busy=True)
    async with app.run_test(size=size) as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: engine.subscriptions, pilot)
        engine.emit(*turn_start())
        for number, arguments in enumerate(calls or (ARGUMENTS,), 1):
            engine.emit(*(proposal(f"c{number}", arguments, tool=tool) if tool else proposal(f"c{number}", arguments)))
        count = len(calls) or 1
        await until(lambda: bool(app.chat.query(ApprovalCard)), pilot)
        this = Bench(app, engine, clock, pilot)
        await until(lambda: this.card.display and this.card.waking.drawn, pilot)
        await until(lambda: f"of {count}" in str(this.card.border_title), pilot)
        yield this


async def test_case_108_card_shows_all_arguments_and_marks_claims() -> None:
    async with bench() as b:
        assert "jira.close_issue" in b.text("head")
        assert "server says: destructive (unverified)" in b.text("head")
        body = b.text("body")
        assert '"PROJ-790"' in body
        assert "Duplicate of PROJ-812." in body
        assert "See the trace below:" in body
        assert "2 lines" in body
        assert "true" in body


async def test_case_089_focus_stays_with_typing_and_the_draft_stays() -> None:
    async with bench() as b:
        await b.pilot.press(*"yes")
        assert b.app.chat.composer.has_focus
        assert b.app.chat.composer.text == "yes"
        assert b.engine.decisions == []
        await b.reach()
        await b.press("n")
        assert b.app.chat.composer.text == "yes"


async def test_each_key_decides_as_it_says() -> None:
    expected = {
        "y": Decision("allow"),
        "s": Decision("allow", scope="conversation"),
        "n": Decision("deny"),
        "escape": Decision("deny"),
        "c": Decision("stop"),
    }
    for key, decision in expected.items():
        async with bench() as b:
            await b.reach()
            await b.press(key)
            assert b.engine.decisions == [("a-c1", decision)], key
            assert b.app.chat.composer.has_focus
            assert not b.card.display


async def test_case_089_keys_sleep_after_drawing_and_after_the_last_key() -> None:
    async with bench() as b:
        await b.pilot.press("tab")
        await until(lambda: b.card.has_focus, b.pilot)
        b.clock.now += 0.4
        await b.press("y")
        assert b.engine.decisions == []
        b.card.draw_state()
        assert "keys wake up in 0.5 s" in b.text("wake")
        b.clock.now += 0.4
        await b.press("y")
        assert b.engine.decisions == []
        b.clock.now += 0.6
        b.card.draw_state()
        assert "keys are awake" in b.text("wake")
        await b.press("y")
        assert len(b.engine.decisions) == 1


async def test_case_089_enter_does_nothing() -> None:
    async with bench() as b:
        await b.reach()
        await b.press("enter")
        assert b.engine.decisions == []
        assert b.engine.submitted == []


async def test_case_090_a_paste_never_counts_and_puts_keys_to_sleep() -> None:
    async with bench() as b:
        await b.reach()
        b.app.post_message(events.Paste("yyyy"))
        await b.pilot.pause()
        await b.press("y")
        assert b.engine.decisions == []


async def test_case_089_113_the_second_of_two_quick_keys_never_hits_the_next_card() -> None:
    async with bench(ARGUMENTS, {"issue_id": "PROJ-791"}) as b:
        await b.reach()
        await b.press("y")
        await b.press("y")
        assert [approval for approval, _ in b.engine.decisions] == ["a-c1"]
        assert "PROJ-791" in b.text("body")


async def test_case_113_left_and_right_answer_each_on_its_own() -> None:
    async with bench(ARGUMENTS, {"issue_id": "PROJ-791"}) as b:
        await b.reach()
        await b.press("right")
        await until(lambda: b.card.waking.drawn, b.pilot)
        assert str(b.card.border_title) == "approval 2 of 2: jira (stdio, local)"
        b.clock.now += 1
        await b.press("n")
        assert b.engine.decisions == [("a-c2", Decision("deny"))]
        assert "PROJ-790" in b.text("body")


async def test_case_119_allow_is_locked_until_long_arguments_were_seen_to_the_end() -> None:
    comment = "\n".join(f"line {number}" for number in range(200)) + "\nrm -rf"
    async with bench({"issue_id": "P", "comment": comment}) as b:
        await b.reach()
        b.card.draw_state()
        assert "locked until you have scrolled to the end" in b.text("wake")
        await b.press("y")
        await b.press("s")
        assert b.engine.decisions == []
        await b.press("end")
        await until(lambda: b.card.seen_to_end, b.pilot)
        b.clock.now += 1
        await b.press("y")
        assert len(b.engine.decisions) == 1


async def test_case_089_119_a_card_that_comes_under_another_screen_is_neither_drawn_nor_read() -> None:
    """Its place is that of the card before, its length too: it counts once it is on the screen itself."""
    async with bench({"x": 1}) as b:
        await b.reach()
        await b.press("n")
        await b.press("ctrl+o")
        await until(lambda: isinstance(b.app.screen, JumpScreen), b.pilot)
        b.engine.emit(*proposal("c2", {"comment": "\n".join(f"line {n}" for n in range(200))}))
        await until(lambda: b.card.item is not None and b.card.drawn is not None, b.pilot)
        for _ in range(5):
            await b.pilot.pause(0.05)
        b.clock.now += 5
        assert not b.card.waking.drawn
        assert not b.card.seen_to_end
        await b.press("escape")
        await until(lambda: b.card.waking.drawn, b.pilot)
        assert not b.card.seen_to_end
        await b.reach()
        await b.press("y")
        assert [approval for approval, _ in b.engine.decisions] == ["a-c1"]
        await b.press("end")
        await until(lambda: b.card.seen_to_end, b.pilot)


async def test_case_089_119_a_screen_that_comes_and_goes_with_a_card_does_not_read_it() -> None:
    async with bench({"x": 1}) as b:
        await b.reach()
        await b.press("n")
        b.engine.emit(*proposal("c2", {"comment": "\n".join(f"line {n}" for n in range(200))}))
        for key in ("ctrl+o", "escape"):
            b.app.post_message(events.Key(key, None))
        await until(lambda: b.card.item is not None and b.card.waking.drawn, b.pilot)
        assert not b.card.seen_to_end
        await b.reach()
        await b.press("y")
        assert [approval for approval, _ in b.engine.decisions] == ["a-c1"]


async def test_denying_is_never_locked() -> None:
    async with bench({"comment": "x\n" * 300}) as b:
        await b.reach()
        await b.press("n")
        assert b.engine.decisions == [("a-c1", Decision("deny"))]


async def test_deny_with_a_message() -> None:
    async with bench() as b:
        await b.reach()
        await b.press("d")
        await b.pilot.press(*"wrong one", "enter")
        await b.pilot.pause()
        assert b.engine.decisions == [("a-c1", Decision("deny", message="wrong one"))]


async def test_escape_in_the_message_decides_nothing() -> None:
    async with bench() as b:
        await b.reach()
        await b.press("d")
        await b.pilot.press("x")
        await b.press("escape")
        assert b.engine.decisions == []
        assert b.card.has_focus


async def test_edited_arguments_are_checked_shown_and_run_exactly() -> None:
    async with bench() as b:
        await b.reach()
        await b.press("e")
        editor = b.card.query_one(ArgumentEditor)
        await until(lambda: editor.has_focus, b.pilot)
        editor.load_text('{"issue_id": "PROJ-1"}')
        await b.press("ctrl+s")
        assert ("check", "c1", {"issue_id": "PROJ-1"}) in b.engine.calls
        await until(lambda: b.card.has_focus and b.card.waking.drawn, b.pilot)
        assert b.engine.decisions == []
        assert "arguments edited by you" in b.text("head")
        assert "removed by you" in b.text("body")
        b.clock.now += 1
        await b.press("y")
        assert b.engine.decisions == [("a-c1", Decision("allow", arguments={"issue_id": "PROJ-1"}))]


async def test_faults_of_edited_arguments_are_named_field_by_field() -> None:
    async with bench() as b:
        b.engine.problems = (ArgumentProblem(field="issue_id", message="is required", type="required"),)
        await b.reach()
        await b.press("e")
        editor = b.card.query_one(ArgumentEditor)
        await until(lambda: editor.has_focus, b.pilot)
        for text, problem in (
            ("{", "Line 1"),
            ("[1]", "one JSON object"),
            ('{"a": 1, "a": 2}', "given twice"),
            ('{"a": NaN}', "NaN is not JSON"),
            ("{}", "issue_id: is required"),
        ):
            editor.load_text(text)
            await b.press("ctrl+s")
            assert problem in b.text("problems")
        await b.press("escape")
        await until(lambda: b.card.has_focus, b.pilot)
        assert "edited" not in b.text("head")


async def test_case_084_119_hidden_characters_and_padding_are_spelled_out() -> None:
    async with bench({"path": "a\u202etxt.exe" + " " * 400 + "; rm -rf /", "note": "[@click=app.quit]x[/]"}) as b:
        body = b.text("body")
        assert "<400 spaces>" in body
        assert "\u202e" not in body
        assert "u202e" in body
        assert "[@click=app.quit]x[/]" in body
        assert "the arguments contain 1 hidden character, spelled out below" in b.text("head")


async def test_whole_json_and_full_screen() -> None:
    async with bench() as b:
        await b.reach()
        await b.press("v")
        assert '"issue_id": "PROJ-790"' in b.text("body")
        await b.press("f")
        assert b.card.size.height > 15
        await b.press("f")
        assert b.card.size.height <= 24 * 6 // 10


async def test_at_most_sixty_percent_of_the_height() -> None:
    for size in ((80, 24), (120, 40), (60, 16)):
        async with bench({"comment": "x\n" * 300}, size=size) as b:
            assert b.card.outer_size.height <= max(10, size[1] * 6 // 10)


async def test_a_withdrawn_call_leaves_the_screen() -> None:
    async with bench() as b:
        await b.reach()
        b.engine.busy = False
        b.engine.emit(turns.TurnFinished(turn_id="t1", outcome="cancelled"))
        await until(lambda: not b.card.display, b.pilot)
        assert b.app.chat.composer.has_focus


async def test_escape_elsewhere_stops_the_turn() -> None:
    async with bench() as b:
        await b.press("escape")
        assert b.engine.calls == [("cancel", False)]
        assert b.engine.decisions == []


async def test_on_a_tiny_terminal_card_and_composer_are_both_there() -> None:
    async with bench({"comment": "x\n" * 300}, size=(50, 14)) as b:
        await b.pilot.press(*"draft")
        screen = b.app.chat.region
        assert b.card.region.height >= 6
        assert b.app.chat.composer.region.height >= 2
        assert screen.contains_region(b.app.chat.composer.region)
        await b.reach()
        await b.press("y")
        assert b.engine.decisions == []
        await b.press("end")
        await until(lambda: b.card.seen_to_end, b.pilot)
        b.clock.now += 1
        await b.press("y")
        assert len(b.engine.decisions) == 1


async def test_case_088_119_half_a_megabyte_of_arguments_is_shown_without_a_freeze() -> None:
    started = time.monotonic()
    async with bench({"comment": "word " * 100_000, "path": "é" * 20_000}) as b:
        assert time.monotonic() - started < 15
        assert "500,000 characters" in b.text("body")


async def test_case_106_arguments_that_changed_under_the_card_are_not_allowed() -> None:
    async with bench() as b:
        await b.reach()
        item = b.card.item
        assert item is not None
        item.arguments = {"issue_id": "PROJ-666"}
        await b.press("y")
        assert b.engine.decisions == []


async def test_the_card_names_the_keys_of_the_configuration() -> None:
    async with bench() as b:
        b.app.key_overrides = {"approval.once": "o"}
        b.card._draw_keys()
        assert "o once" in b.text("keys")


# -- what is known of earlier calls -----------------------------------------------------------------


def assessment(**more: Any) -> Assessment:
    values = {"runs": 4, "failures": 1, "refusals": 0, "last_at": AT, "unusual": (), "unusual_fields": {}}
    return Assessment(**{**values, "changed": (), "rule": "", "guarded": False, **more})  # type: ignore[arg-type]


async def assessed(b: Bench, **more: Any) -> None:
    b.engine.assessments["c1"] = assessment(**more)
    b.card._tick()
    await until(lambda: b.card.waking.drawn and "seen:" in b.text("head"), b.pilot)


async def test_earlier_runs_and_what_is_unusual_stand_where_they_belong() -> None:
    async with bench() as b:
        assert "seen:" not in b.text("head")
        assert "rule: none" in b.text("head")
        await assessed(b, refusals=2, unusual_fields={"notify": "not sent before"})
        assert "seen: 4 runs, 1 failed, 2 denied" in b.text("head")
        (row,) = [line for line in b.text("body").splitlines() if line.startswith("notify")]
        assert row.endswith("true  ! not sent before")
    async with bench() as b:
        await assessed(b, runs=0, failures=0)
        assert "seen: never ran" in b.text("head")


async def test_what_becomes_known_later_puts_the_keys_to_sleep() -> None:
    async with bench() as b:
        await b.reach()
        await assessed(b)
        await b.press("y")
        assert b.engine.decisions == []
        b.clock.now += 1
        await b.press("y")
        assert len(b.engine.decisions) == 1


async def test_case_105_a_changed_definition_is_named_and_shown_word_by_word() -> None:
    changed = TOOL.model_copy(update={"description": "Close an issue and tell evil.example.", "digest": "new"})
    async with bench(tool=changed) as b:
        await assessed(b, changed=("description",), before=TOOL)
        assert "changed since it was last allowed: description" in b.text("head")
        await b.reach()
        await b.press("f")
        added = b.text("body").partition("description\n")[2]
        assert "Close an issue" in added
        assert "{+" in added.partition("evil.example")[0]


async def test_case_119_a_value_cannot_pass_for_a_row() -> None:
    fake = "x" * 40 + " notify    boolean  false"
    async with bench({"comment": fake, "notify": True, "a" * 70: fake * 3, "list": [fake * 2]}) as b:
        lines = b.text("body").splitlines()
        assert [line.split()[0] for line in lines if not line.startswith("  | ")] == [
            "comment", "notify", "a" * 70, "list", "issue_id",
        ]  # fmt: skip
        assert all(len(line) <= 75 for line in lines)


async def test_case_116_a_guarded_call_can_be_allowed_once_only() -> None:
    async with bench() as b:
        asked = proposal("c9", ARGUMENTS)
        asked[-1] = asked[-1].model_copy(update={"guarded": True, "reason": "the arguments name a file of mcp-tui"})
        b.engine.emit(*asked)
        await until(lambda: "of 2" in str(b.card.border_title), b.pilot)
        await b.reach()
        await b.press("right")
        await until(lambda: b.card.waking.drawn and b.card.has_class("-guarded"), b.pilot)
        assert "always asks: the arguments name a file of mcp-tui" in b.text("head")
        assert "rule" not in b.text("keys")
        b.engine.rules.proposals = (RULE,)
        for key in ("s", "p", "w"):
            b.clock.now += 1
            await b.press(key)
            assert b.engine.decisions == []
            assert not b.card.has_class("-ruling")
        b.clock.now += 1
        await b.press("y")
        assert b.engine.decisions == [("a-c9", Decision("allow"))]


# -- a rule -----------------------------------------------------------------------------------------

RULE = RuleEntry(
    id="close-790",
    effect="allow",
    server="jira",
    tool="close_issue",
    arguments={"issue_id": ArgumentPattern(equals="PROJ-790")},
)
WIDE = RuleEntry(id="close-any", effect="allow", server="jira", tool="close_issue")


def record(number: int, **more: Any) -> CallRecord:
    values = {"arguments": {"issue_id": f"PROJ-{number}"}, "ran": True, "outcome": "success", **more}
    return CallRecord("conversation", f"r{number}", AT, "jira", "close_issue", **values)


@asynccontextmanager
async def page(*calls: dict[str, Any], size: tuple[int, int] = (100, 40)) -> AsyncIterator[Bench]:
    """The page of a rule, drawn, its keys still asleep."""
    async with bench(*calls, size=size) as b:
        b.engine.rules.proposals = (RULE, WIDE)
        b.engine.rules.matches = {WIDE.id: (record(1), record(2, decision="deny", decided_by="user", ran=False))}
        await b.reach()
        await b.press("p")
        await until(lambda: b.card.waking.drawn and "matches none" in b.text("body"), b.pilot)
        yield b


async def test_a_rule_is_shown_first_and_saved_by_a_second_key() -> None:
    async with page() as b:
        text = b.text("body")
        assert "jira.close_issue with exactly these arguments" in text
        assert "written to /home/me/.config/mcp-tui/permissions.yaml" in text
        assert all(f"  | {line}" in text for line in b.engine.rules.text(RULE).splitlines())
        b.clock.now += 1
        await b.press("down")
        await until(lambda: b.card.waking.drawn and "close-any" in b.text("body"), b.pilot)
        text = b.text("body")
        assert "would have allowed 2 recorded calls, newest first" in text
        assert "PROJ-1" in text
        assert "denied by you" in text
        assert b.engine.rules.added == []
        b.clock.now += 1
        await b.press("w")
        assert b.engine.rules.added == [WIDE]
        assert b.engine.decisions == [("a-c1", Decision("allow", scope="rule", rule_id="close-any"))]
        assert not b.card.display


async def test_no_other_key_saves_a_rule_and_the_right_one_sleeps_first() -> None:
    async with page() as b:
        await b.press("w")
        assert b.engine.rules.added == []
        for key in ("p", "enter", "y", "s", "e", "d", "v"):
            b.clock.now += 1
            await b.press(key)
            assert (b.engine.rules.added, b.engine.decisions) == ([], []), key
            assert b.card.has_class("-ruling"), key
        b.clock.now += 1
        await b.press("escape")
        assert not b.card.has_class("-ruling")
        assert not b.card.has_class("-full")
        await until(lambda: b.card.waking.drawn and "PROJ-790" in b.text("body"), b.pilot)
        await b.press("y")
        assert b.engine.decisions == []
        b.clock.now += 1
        await b.press("w")
        assert (b.engine.rules.added, b.engine.decisions) == ([], [])
        await b.press("n")
        b.clock.now += 1
        await b.press("n")
        assert b.engine.decisions == [("a-c1", Decision("deny"))]


async def test_a_long_page_must_be_seen_to_its_end() -> None:
    async with bench(size=(80, 24)) as b:
        b.engine.rules.proposals = (WIDE,)
        b.engine.rules.matches = {WIDE.id: tuple(record(n) for n in range(60))}
        await b.reach()
        await b.press("p")
        await until(lambda: b.card.waking.drawn and "60 recorded calls" in b.text("body"), b.pilot)
        b.clock.now += 1
        await b.press("w")
        assert b.engine.rules.added == []
        b.clock.now += 1
        b.card.draw_state()
        assert "w is locked" in b.text("wake")
        await b.press("end")
        await until(lambda: b.card.read, b.pilot)
        b.clock.now += 1
        await b.press("w")
        assert b.engine.rules.added == [WIDE]


async def test_a_rule_that_cannot_be_written_lets_nothing_run() -> None:
    async with page() as b:
        b.engine.rules.refusal = "permissions.yaml cannot be written."
        b.clock.now += 1
        await b.press("w")
        assert b.engine.decisions == []
        assert b.card.has_class("-ruling")


async def test_a_page_goes_away_with_its_call() -> None:
    async with page(ARGUMENTS, {"issue_id": "PROJ-791"}) as b:
        b.engine.emit(
            tools.ApprovalDecided(turn_id="t1", approval_id="a-c1", call_id="c1", action="withdrawn", by="engine")
        )
        await until(lambda: b.card.waking.drawn and "PROJ-791" in b.text("body"), b.pilot)
        assert not b.card.has_class("-ruling")
        b.clock.now += 1
        await b.press("w")
        assert (b.engine.rules.added, b.engine.decisions) == ([], [])


async def test_case_112_what_was_answered_on_the_card_cannot_be_answered_again() -> None:
    async with bench() as b:
        await b.reach()
        await b.press("n")
        b.card.show(list(b.engine.transcript.waiting()))
        assert not b.card.display
        b.clock.now += 1
        b.card.action_allow_once()
        assert b.engine.decisions == [("a-c1", Decision("deny"))]


async def test_a_rule_says_that_it_waits_for_the_recorded_calls() -> None:
    async with bench({"x": 1}) as b:
        found = asyncio.Event()

        async def preview(entry: RuleEntry) -> tuple[()]:
            await found.wait()
            return ()

        b.engine.rules.proposals = (RULE,)
        b.engine.rules.preview = preview  # type: ignore[method-assign]
        await b.reach()
        await b.press("p")
        await until(lambda: b.card.waking.drawn and "written to" in b.text("body"), b.pilot)
        b.clock.now += 1
        await until(lambda: "looking through the recorded calls" in b.text("wake"), b.pilot)
        await b.press("w")
        assert b.engine.decisions == []
        found.set()
        await until(lambda: b.card.waking.drawn and "would match this one" in b.text("body"), b.pilot)
        b.clock.now += 1
        await until(lambda: "keys are awake" in b.text("wake"), b.pilot)
