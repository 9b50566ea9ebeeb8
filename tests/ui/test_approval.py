"""The approval card cannot be hit by accident (requirement F2), shows everything (F1), and answers as told."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual import events
from textual.pilot import Pilot
from textual.widgets import Static

from mcp_tui.events import tools, turns
from mcp_tui.events.tools import ArgumentProblem
from mcp_tui.permissions.base import Decision
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.widgets.approval import ApprovalCard
from mcp_tui.ui.widgets.argument_editor import ArgumentEditor
from tests.ui.support import Clock, ScriptedEngine, attach, make_app, proposal, status, turn_start, until

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
