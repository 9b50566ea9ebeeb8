"""A guard's question: seen, counted, answered on its own, and never by accident."""

from __future__ import annotations

from typing import Any

from textual.widgets import Static

from mcp_tui.events import turns
from mcp_tui.events.base import EventBase
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.widgets.question import QuestionCard
from tests.ui.support import AT, Clock, ScriptedEngine, make_app, proposal, status, turn_start, until
from tests.ui.test_app import running, shown


def asked(number: int, **more: Any) -> EventBase:
    """A question of a guard."""
    fields: dict[str, Any] = {
        "kind": "hops",
        "message": f"The model has used tools for {number} rounds. Yes lets it go on.",
        "yes": "8 more rounds",
        "no": "answer with what there is",
    }
    return turns.QuestionAsked(at=AT, turn_id="t1", question_id=f"q{number}", **{**fields, **more})


def answered(number: int, answer: Any = "yes") -> EventBase:
    return turns.QuestionAnswered(at=AT, turn_id="t1", question_id=f"q{number}", answer=answer, by="user")


def card(app: McpTuiApp) -> QuestionCard:
    return app.chat.query_one(QuestionCard)


def engine() -> ScriptedEngine:
    return ScriptedEngine(servers=(status("jira"),), busy=True)


def made() -> tuple[McpTuiApp, Clock]:
    clock = Clock()
    return make_app(clock=clock), clock


async def test_a_question_is_shown_and_counted_and_takes_no_focus() -> None:
    app, clock = made()
    async with running(engine(), app=app, size=(80, 24)) as (_, scripted, pilot):
        scripted.emit(*turn_start(), asked(8))
        await until(lambda: bool(app.chat.query(QuestionCard)) and card(app).waking.drawn, pilot)
        assert "question waiting" in app.chat.line("header").plain
        assert "1 waiting" in app.chat.line("status").plain
        await until(lambda: "Tab to the question" in app.chat.line("hints").plain, pilot)
        text = shown(app)
        assert "The model has used tools for 8 rounds" in text
        assert "y yes: 8 more rounds" in text
        assert "n no: answer with what there is" in text
        clock.now += 5
        await pilot.press(*"yes", "enter")
        assert scripted.answers == []
        assert scripted.submitted == ["yes"]


async def test_keys_answer_only_after_the_dead_time() -> None:
    expected: dict[str, Any] = {"y": [("q8", True)], "n": [("q8", False)], "escape": [("q8", False)], "enter": []}
    for key, answers in expected.items():
        app, clock = made()
        async with running(engine(), app=app) as (_, scripted, pilot):
            scripted.emit(*turn_start(), asked(8))
            await until(lambda app=app: bool(app.chat.query(QuestionCard)) and card(app).waking.drawn, pilot)
            await pilot.press("tab")
            await until(lambda app=app: card(app).has_focus, pilot)
            clock.now += 0.4
            await pilot.press(key)
            assert scripted.answers == [], "asleep"
            clock.now += 0.6
            await pilot.press(key)
            assert scripted.answers == answers, key
            if answers:
                assert app.chat.composer.has_focus
                assert not card(app).display
                assert scripted.calls == [], "the turn goes on"


async def test_c_stops_the_turn() -> None:
    app, clock = made()
    async with running(engine(), app=app) as (_, scripted, pilot):
        scripted.emit(*turn_start(), asked(8))
        await until(lambda: bool(app.chat.query(QuestionCard)) and card(app).waking.drawn, pilot)
        app.action_jump()
        await pilot.press("a")
        await until(lambda: card(app).has_focus, pilot)
        clock.now += 1
        await pilot.press("c")
        assert scripted.calls == [("cancel", False)]
        scripted.emit(turns.QuestionAnswered(at=AT, turn_id="t1", question_id="q8", answer="withdrawn", by="engine"))
        await until(lambda: not card(app).display, pilot)
        assert app.chat.composer.has_focus


async def test_several_questions_are_answered_one_by_one() -> None:
    app, clock = made()
    async with running(engine(), app=app) as (_, scripted, pilot):
        scripted.emit(*turn_start(), asked(1), asked(2, kind="cost"), asked(3, kind="result_size"))
        await until(lambda: bool(app.chat.query(QuestionCard)) and "of 3" in str(card(app).border_title), pilot)
        assert "3 questions waiting" in app.chat.line("header").plain
        await pilot.press("tab")
        await until(lambda: card(app).has_focus and card(app).waking.drawn, pilot)
        await pilot.press("right")
        await until(lambda: "2 of 3: cost" in str(card(app).border_title) and card(app).waking.drawn, pilot)
        await pilot.press("y")
        assert scripted.answers == [], "another question is asleep again"
        clock.now += 1
        await pilot.press("y")
        assert scripted.answers == [("q2", True)]
        scripted.emit(answered(2))
        await until(lambda: "of 2" in str(card(app).border_title) and card(app).waking.drawn, pilot)
        clock.now += 1
        await pilot.press("n")
        assert scripted.answers == [("q2", True), ("q1", False)]


async def test_approvals_and_questions_take_turns_in_one_place() -> None:
    app, _ = made()
    async with running(engine(), app=app, size=(80, 24)) as (_, scripted, pilot):
        scripted.emit(*turn_start(), asked(1))
        await until(lambda: bool(app.chat.query(QuestionCard)) and card(app).display, pilot)
        scripted.emit(*proposal("c1", {"issue_id": "A"}), asked(2))
        await until(lambda: "approval, 2 questions waiting" in app.chat.line("header").plain, pilot)
        await until(lambda: "of 2" in str(card(app).border_title), pilot)
        assert app.view.card is None or not app.view.card.display
        scripted.emit(answered(1), answered(2))
        await until(lambda: app.view.card is not None and app.view.card.display, pilot)
        assert not card(app).display
        scripted.emit(asked(3))
        await until(lambda: "approval, question waiting" in app.chat.line("header").plain, pilot)
        assert not card(app).display
        assert app.view.card is not None
        assert app.view.card.display


async def test_a_question_of_a_stored_conversation_does_not_ask_again() -> None:
    scripted = ScriptedEngine()
    for event in [*turn_start(), asked(1)]:
        scripted.log.append(event.model_copy(update={"seq": len(scripted.log) + 1}))
    async with running(scripted) as (app, _, pilot):
        await until(lambda: "The model has used tools" in shown(app), pilot)
        assert not app.chat.query(QuestionCard)
        assert app.view.live.unanswered == 0


async def test_hostile_words_of_a_question_stay_words() -> None:
    app, _ = made()
    async with running(engine(), app=app) as (_, scripted, pilot):
        scripted.emit(*turn_start(), asked(1, message="[/nope] [@click=app.quit]x[/] \x1b[2J", yes="[b]y[/b]"))
        await until(lambda: bool(app.chat.query(QuestionCard)) and card(app).display, pilot)
        words = str(card(app).query_one("#question-text", Static).content)
        assert words == "[/nope] [@click=app.quit]x[/] \u241b[2J"
        assert "[b]y[/b]" in shown(app)
