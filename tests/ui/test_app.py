"""The app: before there is an engine, with one, and when it fails."""

from __future__ import annotations

import stat
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.app import ScreenStackError
from textual.pilot import Pilot
from textual.widgets import Input, Static
from textual.worker import WorkerFailed

from mcp_tui.config.theme_data import DEFAULT_THEME
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.conversation.usage import ContextShare, Totals
from mcp_tui.errors import ConfigError
from mcp_tui.events import servers, turns
from mcp_tui.events.base import ErrorInfo
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.commands import COMMANDS
from mcp_tui.ui.keymap import all_keys
from mcp_tui.ui.preferences import Preferences
from mcp_tui.ui.screens.chooser import Chooser
from mcp_tui.ui.screens.config_error import ConfigErrorScreen
from mcp_tui.ui.screens.confirm import ConfirmScreen
from mcp_tui.ui.screens.help import HelpScreen
from mcp_tui.ui.screens.history import HistoryScreen
from mcp_tui.ui.screens.jump import JumpScreen
from mcp_tui.ui.slash import Command
from tests.ui.support import AT, Clock, ScriptedEngine, answer, attach, make_app, proposal, status, turn_start, until


@asynccontextmanager
async def running(
    engine: ScriptedEngine | None = None,
    *,
    size: tuple[int, int] = (120, 40),
    app: McpTuiApp | None = None,
    **settings: Any,
) -> AsyncIterator[tuple[McpTuiApp, ScriptedEngine, Pilot[int]]]:
    app = app or make_app()
    engine = engine or ScriptedEngine(servers=(status("fs"), status("gh")))
    async with app.run_test(size=size) as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine, **settings)
        await until(lambda: app.view.bridge is not None and engine.subscriptions, pilot)
        yield app, engine, pilot


def toasts(app: McpTuiApp) -> list[str]:
    return [notification.message for notification in app._notifications]


def shown(app: McpTuiApp) -> str:
    """All text on the screen."""
    strips = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in strips)


async def test_typing_and_sending_work_before_there_is_an_engine() -> None:
    app = make_app()
    engine = ScriptedEngine()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(app.painted.is_set, pilot)
        await pilot.press(*"first", "enter", *"draft")
        assert "Queued" in toasts(app)[0]
        attach(app, engine)
        await until(lambda: engine.submitted, pilot)
        assert engine.submitted == ["first"]
        assert app.chat.composer.text == "draft"


async def test_a_submitted_input_appears_and_the_answer_follows() -> None:
    async with running() as (app, engine, pilot):
        await pilot.press(*"hello", "enter")
        await pilot.pause()
        assert engine.submitted == ["hello"]
        assert app.chat.composer.text == ""
        engine.emit(*turn_start("hello"), answer("a *streamed* answer"))
        await until(lambda: "streamed" in shown(app), pilot)


async def test_a_stored_conversation_is_shown_without_effects() -> None:
    engine = ScriptedEngine(title="login-timeouts")
    for event in [*turn_start("earlier question"), answer("earlier answer")]:
        engine.log.append(event.model_copy(update={"seq": len(engine.log) + 1}))
    engine.log.append(turns.Notice(message="should not pop up"))
    async with running(engine) as (app, _, pilot):
        await until(lambda: "earlier answer" in shown(app), pilot)
        assert "login-timeouts" in app.chat.line("header").plain
        assert toasts(app) == []


async def test_unknown_command_keeps_the_input_and_names_the_nearest() -> None:
    async with running() as (app, engine, pilot):
        app.chat.composer.load_text("/hepl me")
        await pilot.press("enter")
        await pilot.pause()
        assert app.chat.composer.text == "/hepl me"
        assert "Did you mean /help?" in toasts(app)[0]
        assert engine.submitted == []


async def test_call_and_doubled_slash_are_ordinary_inputs() -> None:
    async with running() as (app, engine, _):
        assert app.submit('/call fs.read {"path": "x"}')
        assert app.submit("//etc/hosts is odd")
        assert engine.submitted == ['/call fs.read {"path": "x"}', "/etc/hosts is odd"]


async def test_every_command_is_unique_and_has_help() -> None:
    names = [command.name for command in COMMANDS]
    assert len(set(names)) == len(names)
    ids = {binding.id for binding in all_keys()}
    assert all(command.help and (not command.key or command.key in ids) for command in COMMANDS)


async def test_server_commands() -> None:
    async with running() as (app, engine, pilot):
        assert app.submit("/restart gh")
        assert app.submit("/disable fs")
        assert app.submit("/enable fs")
        assert engine.calls[-3:] == [("restart", "gh"), ("enable", "fs", False), ("enable", "fs", True)]
        assert not app.submit("/restart hg")
        await until(lambda: any("There is no server 'hg'. Did you mean gh?" in toast for toast in toasts(app)), pilot)


async def test_escape_stops_and_again_drops_the_queue() -> None:
    clock = Clock()
    engine = ScriptedEngine(busy=True, queue=("next",))
    async with running(engine, app=make_app(clock=clock)) as (_, _, pilot):
        await pilot.press("escape")
        assert engine.calls == [("cancel", False)]
        clock.now += 0.5
        await pilot.press("escape")
        assert engine.calls[-1] == ("cancel", True)


async def test_ctrl_c_copies_a_selection_else_stops_else_offers_to_quit() -> None:
    clock = Clock()
    async with running(app=make_app(clock=clock)) as (app, engine, pilot):
        app.chat.composer.load_text("some text")
        app.chat.composer.select_all()
        await pilot.press("ctrl+c")
        assert app.clipboard == "some text"
        app.chat.composer.load_text("")
        engine.busy = True
        await pilot.press("ctrl+c")
        assert engine.calls == [("cancel", False)]
        clock.now += 0.5
        await pilot.press("ctrl+c")
        await until(lambda: isinstance(app.screen, ConfirmScreen), pilot)


async def test_quit_asks_while_a_turn_runs_and_enter_is_no_answer() -> None:
    clock = Clock()
    async with running(ScriptedEngine(busy=True), app=make_app(clock=clock)) as (app, _, pilot):
        await pilot.press("ctrl+q")
        await until(lambda: isinstance(app.screen, ConfirmScreen), pilot)
        await pilot.press("enter", "q")
        assert isinstance(app.screen, ConfirmScreen)
        await pilot.press("escape")
        assert app.screen is app.chat
        await pilot.press("ctrl+q")
        await until(lambda: isinstance(app.screen, ConfirmScreen), pilot)
        await pilot.pause()
        clock.now += 1
        await pilot.press("q")
        await until(lambda: app.return_code == 0 and not app.is_running, pilot)


async def test_take_back_puts_the_queued_input_before_the_draft() -> None:
    async with running(ScriptedEngine(busy=True, queue=("one", "two"))) as (app, engine, pilot):
        await pilot.press(*"draft", "alt+up")
        await pilot.pause()
        assert app.chat.composer.text == "two\ndraft"
        assert engine.queue == ("one",)


async def test_an_input_that_was_not_taken_comes_back() -> None:
    async with running() as (app, engine, pilot):
        reason = ErrorInfo(kind="StoreFailed", message="The disk is full.")
        engine.emit(turns.InputReturned(text="precious", reason=reason))
        await until(lambda: app.chat.composer.text == "precious", pilot)
        assert "disk is full" in toasts(app)[-1]


async def test_an_input_that_comes_back_stands_before_the_draft_and_undo_brings_the_draft_back() -> None:
    async with running() as (app, engine, pilot):
        await pilot.press(*"draft")
        reason = ErrorInfo(kind="StoreFailed", message="The disk is full.", hint="Free some space.")
        engine.emit(turns.InputReturned(text="precious", reason=reason))
        await until(lambda: app.chat.composer.text == "precious\ndraft", pilot)
        assert toasts(app)[-1] == "Not sent: The disk is full.\nFree some space."
        await pilot.press("!")
        assert app.chat.composer.text == "precious\ndraft!"
        await pilot.press("ctrl+z", "ctrl+z")
        assert app.chat.composer.text == "draft"


async def test_an_input_that_comes_back_does_not_mix_with_an_earlier_prompt() -> None:
    async with running() as (app, engine, pilot):
        await pilot.press(*"old", "enter", *"draft", "up")
        assert app.chat.composer.text == "old"
        reason = ErrorInfo(kind="StoreFailed", message="The disk is full.")
        long = "x" * 60_000
        engine.emit(turns.InputReturned(text=long, reason=reason))
        await until(lambda: app.chat.composer.draft == f"{long}\ndraft", pilot)
        assert len(app.chat.composer.text) < 200


async def test_a_turn_of_another_window_is_shown_and_asks_nothing_here() -> None:
    engine = ScriptedEngine(elsewhere={"t1"}, title="Shared")
    async with running(engine) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {}))
        await until(lambda: "turn in another window" in shown(app), pilot)
        assert app.focused is app.chat.composer
        assert app.view.live.unanswered == 0
        assert app.view.card is None or not app.view.card.display
        engine.emit(turns.TurnFinished(at=AT, turn_id="t1", outcome="stop"))
        await until(lambda: "another window" not in shown(app), pilot)


async def test_what_can_only_be_read_says_so() -> None:
    async with running(ScriptedEngine(read_only="newer", title="From tomorrow")) as (app, _, pilot):
        await until(lambda: "From tomorrow  read only" in shown(app), pilot)


async def test_a_notice_is_a_toast_with_its_hint() -> None:
    async with running() as (app, engine, pilot):
        engine.emit(turns.Notice(severity="warning", message="The disk is slow.", hint="Move the data directory."))
        await until(lambda: toasts(app), pilot)
        [shown_notice] = app._notifications
        assert shown_notice.message == "The disk is slow.\nMove the data directory."
        assert shown_notice.severity == "warning"


async def test_status_line_says_what_is_up_what_it_costs_and_what_failed() -> None:
    failure = servers.ServerFailure(step="spawn", message="role [me] unknown", exit_code=1)
    engine = ScriptedEngine(
        servers=(status("fs"), status("[pg]", "failed", failure=failure)),
        context=ContextShare(18200, 9100, 128000, False),
        totals=Totals(cost=0.031, model_requests=2),
        demo=True,
        queue=("later",),
    )
    async with running(engine) as (app, _, pilot):
        await until(lambda: "ctx" in app.chat.line("status").plain, pilot)
        line = app.chat.line("status").plain
        for part in (
            "1/2 servers",
            "![pg]",
            "openai/gpt-x",
            "ctx 18.2k/128k 14%",
            "(tools 9.1k)",
            "$0.031",
            "1 queued",
        ):
            assert part in line
        assert "offline demo, not an AI" in app.chat.line("header").plain


async def test_retry_counts_down() -> None:
    clock = Clock()
    async with running(ScriptedEngine(busy=True), app=make_app(clock=clock)) as (app, engine, pilot):
        reason = ErrorInfo(kind="rate_limit", message="Too many requests")
        engine.emit(
            *turn_start(),
            turns.RetryScheduled(turn_id="t1", message_id="m", attempt=1, attempts=3, delay_seconds=8, reason=reason),
        )
        await until(lambda: "retry 1 of 3 in 8 s" in app.chat.line("header").plain, pilot)
        clock.now += 3
        await until(lambda: "in 5 s" in app.chat.line("header").plain, pilot)


async def test_width_rules() -> None:
    async with running(size=(80, 24)) as (app, _, pilot):
        await pilot.press("f2")
        await until(lambda: app.chat.is_open("sidebar"), pilot)
        await pilot.pause()
        assert not app.chat.query_one("#centre").display
        await pilot.press("f3")
        await until(lambda: app.chat.is_open("inspector"), pilot)
        assert not app.chat.is_open("sidebar")
        await pilot.resize_terminal(160, 45)
        await pilot.press("f2")
        await until(lambda: app.chat.is_open("sidebar") and app.chat.is_open("inspector"), pilot)
        await pilot.pause()
        assert app.chat.query_one("#centre").display
        await pilot.resize_terminal(120, 40)
        await pilot.pause()
        assert app.chat.is_open("sidebar") != app.chat.is_open("inspector")
        await pilot.resize_terminal(50, 14)
        await pilot.pause()
        assert not app.chat.line("status").display
        assert app.chat.composer.display
        await pilot.resize_terminal(1, 1)
        await pilot.pause()
        await pilot.resize_terminal(80, 24)
        await pilot.pause()
        assert app.chat.line("status").display


async def test_f2_opens_focuses_closes() -> None:
    async with running(app=make_app(Preferences(sidebar=False))) as (app, _, pilot):
        await pilot.press("f2")
        await until(lambda: app.chat.is_open("sidebar"), pilot)
        assert app.chat.composer.has_focus
        await pilot.press("f2")
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        assert app.focused_pane() == "servers"
        await pilot.press("f2")
        await until(lambda: not app.chat.is_open("sidebar"), pilot)
        assert app.chat.composer.has_focus


async def test_palette_lists_every_command_and_runs_the_chosen_one() -> None:
    async with running() as (app, _, pilot):
        await pilot.press("ctrl+p")
        await until(lambda: isinstance(app.screen, Chooser), pilot)
        await pilot.press(*"mouse capture", "enter")
        await until(lambda: app.screen is app.chat, pilot)
        await until(lambda: any("Mouse capture off" in toast for toast in toasts(app)), pilot)


async def test_commands_are_those_that_the_app_was_given() -> None:
    said: list[str] = []
    shout: Command[McpTuiApp] = Command("shout", "Say it aloud", lambda app, words: said.append(words))
    async with running(app=McpTuiApp(Preferences(), lambda: (shout,))) as (app, _, pilot):
        await pilot.press("/")
        await until(lambda: "/shout" in shown(app) and "Say it aloud" in shown(app), pilot)
        assert "/history" not in shown(app)
        await pilot.press(*"shout now", "enter")
        await until(lambda: said == ["now"], pilot)
        await pilot.press("ctrl+p")
        await until(lambda: isinstance(app.screen, Chooser) and "Say it aloud" in shown(app), pilot)
        assert "Choose the model" not in shown(app)
        await pilot.press("escape", "f1")
        await until(lambda: isinstance(app.screen, HelpScreen) and "/shout" in app.screen.content().plain, pilot)
        assert isinstance(app.screen, HelpScreen)
        assert "/history" not in app.screen.content().plain


async def test_help_of_the_focused_pane_toggles() -> None:
    async with running() as (app, _, pilot):
        await pilot.press("f1")
        await until(lambda: isinstance(app.screen, HelpScreen), pilot)
        assert isinstance(app.screen, HelpScreen)
        text = app.screen.content().plain
        assert "Search earlier prompts" in text
        assert "/restart SERVER" in text
        await pilot.press("f1")
        await until(lambda: app.screen is app.chat, pilot)


async def test_jump_to_a_pane() -> None:
    async with running() as (app, _, pilot):
        await pilot.press("ctrl+o")
        await until(lambda: isinstance(app.screen, JumpScreen), pilot)
        await pilot.press("s")
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        await pilot.press("ctrl+o")
        await until(lambda: isinstance(app.screen, JumpScreen), pilot)
        await pilot.press("p")
        await until(lambda: app.chat.composer.has_focus, pilot)


@pytest.mark.parametrize(
    ("keys", "pane", "draft"),
    [
        (("ctrl+o", "s"), "sidebar", ""),
        (("ctrl+o", "i", "3"), "inspector", ""),
        (("ctrl+o", "c", "g", "n"), "conversation", ""),
        (("ctrl+o", "s", "ctrl+o", "i", "ctrl+o", "p", "y"), "composer", "y"),
        (("ctrl+o", "x", "z"), "composer", "z"),
        (("ctrl+o", "escape", "z"), "composer", "z"),
    ],
)
async def test_keys_behind_a_jump_belong_to_the_overlay_and_then_to_where_it_leads(
    keys: tuple[str, ...], pane: str, draft: str
) -> None:
    """All of them are there before the first one is looked at, as when a busy machine reads what was typed."""
    async with running() as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"a": 1}), answer("a1", "Done."))
        await until(lambda: app.chat.talking, pilot)
        app.chat.composer.focus()
        await until(lambda: app.chat.composer.has_focus, pilot)
        for key in keys:
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(lambda: app.screen is app.chat and app.chat.focused_in(pane), pilot)
        await until(lambda: app.chat.composer.text == draft, pilot)
        if pane == "inspector":
            assert app.view.inspector is not None
            await until(lambda: app.view.inspector._facet == "raw", pilot)
        if pane == "conversation":
            await until(lambda: app.view.conversation.cursor_item is not None, pilot)


@pytest.mark.parametrize("pane", ["i", "s"])
async def test_the_conversation_can_be_jumped_to_where_another_pane_stands_in_its_place(pane: str) -> None:
    async with running(size=(80, 24)) as (app, engine, pilot):
        engine.emit(*turn_start(), *proposal("c1", {"a": 1}), answer("Done."))
        await until(lambda: app.chat.talking, pilot)
        for key in ("ctrl+o", pane, "ctrl+o", "c", "g"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))
        await until(lambda: app.chat.focused_in("conversation"), pilot)
        await until(lambda: app.view.conversation.cursor_item is not None, pilot)
        await pilot.pause()
        assert app.chat.focused_in("conversation")
        assert app.view.conversation.size.width == 80
        assert not app.chat.composer.text


async def test_model_chooser_shows_what_is_not_ready() -> None:
    async with running() as (app, engine, pilot):
        await pilot.press("ctrl+l")
        await until(lambda: isinstance(app.screen, Chooser), pilot)
        await until(lambda: "OPENAI_API_KEY is not set" in shown(app), pilot)
        await pilot.press("down", "enter")
        await until(lambda: engine.provider == "local", pilot)


async def test_theme_is_tried_on_and_given_back() -> None:
    from dataclasses import replace

    light = replace(DEFAULT_THEME, name="paper", dark=False, background="#ffffff", foreground="#111111")
    async with running(themes=(DEFAULT_THEME, light)) as (app, _, pilot):
        app.submit("/theme")
        await until(lambda: isinstance(app.screen, Chooser), pilot)
        await pilot.press("down")
        await until(lambda: app.theme == "paper", pilot)
        await pilot.press("escape")
        await until(lambda: app.theme == DEFAULT_THEME.name, pilot)
        assert app.submit("/theme paper")
        assert app.preferences.theme.name == "paper"


async def test_history_lists_newest_first_and_continues() -> None:
    stored = tuple(
        ConversationSummary(
            id=f"c{number}", title=f"[b]talk {number}", created_at=AT, updated_at=AT + timedelta(days=number), events=9,
            user_messages=number, tool_calls=2, model="openai/gpt-x", demo=False, size=1000,
        )
        for number in range(3)
    )  # fmt: skip
    async with running(ScriptedEngine(stored=stored)) as (app, engine, pilot):
        await pilot.press("f4")
        await until(lambda: isinstance(app.screen, HistoryScreen) and app.screen.entries, pilot)
        await pilot.pause()
        text = shown(app)
        assert text.index("[b]talk 2") < text.index("[b]talk 0")
        await pilot.press("down", "c")
        await until(lambda: ("open", "c1") in engine.calls, pilot)


async def test_startup_problem_lists_everything_and_quits_with_2() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(app.painted.is_set, pilot)
        problems = ("config.yaml:3 llm.active: missing", "config.yaml:9 ui.[theme]: unknown")
        app.show_problem(ConfigError("2 problems in the configuration.", problems=problems))
        await until(lambda: isinstance(app.screen, ConfigErrorScreen), pilot)
        await pilot.pause()
        text = shown(app)
        assert "ui.[theme]: unknown" in text
        assert "mcp-tui init" in text
        await pilot.press("q")
        await until(lambda: not app.is_running, pilot)
    assert app.return_code == 2


async def test_keys_of_the_configuration_take_effect() -> None:
    async with running(keys={"app.palette": "ctrl+k", "composer.send": "ctrl+s"}) as (app, engine, pilot):
        await pilot.press("ctrl+k")
        await until(lambda: isinstance(app.screen, Chooser), pilot)
        await pilot.press("escape")
        await until(lambda: app.screen is app.chat, pilot)
        await pilot.press("a", "enter", "b", "ctrl+s")
        await pilot.pause()
        assert engine.submitted == ["a\nb"]


async def test_case_093_crash_report_has_no_locals_and_no_key(tmp_path: Path) -> None:
    app = make_app()
    secret = "sk-" + "a1b2c3d4" * 5

    def fail() -> None:
        held_in_a_local = secret
        raise RuntimeError(f"broke with {held_in_a_local}")

    async def run() -> None:
        async with app.run_test(size=(80, 24)) as pilot:
            await until(app.painted.is_set, pilot)
            app.data_dir = tmp_path
            app.call_later(fail)
            await pilot.pause()
            await pilot.pause()

    with pytest.raises(RuntimeError):
        await run()
    assert app.return_code == 1
    [report] = tmp_path.glob("crash-*.txt")
    assert stat.S_IMODE(report.stat().st_mode) == 0o600
    text = report.read_text()
    assert "RuntimeError" in text
    assert secret not in text
    assert secret not in app.crash


async def test_keys_behind_the_one_that_leaves_a_screen() -> None:
    """They were forwarded to the screen already: no second answer, no screen taken away, no letter lost."""
    async with running() as (app, _, pilot):
        await pilot.press("ctrl+o")
        await until(lambda: isinstance(app.screen, JumpScreen), pilot)
        jump = app.screen
        for key in "pxy":
            jump.post_message(events.Key(key, key))
        await until(lambda: app.chat.composer.text == "xy", pilot)
        assert app.screen is app.chat


async def test_a_confirmed_screen_answers_once() -> None:
    answers: list[bool | None] = []
    async with running() as (app, _, pilot):
        screen = ConfirmScreen("Sure?", "q", "quit", clock=app.clock)
        app.push_screen(screen, answers.append)
        await until(lambda: screen.is_active, pilot)
        screen.dismiss(True)
        screen.dismiss(True)
        await pilot.pause()
        assert answers == [True]
        assert app.screen is app.chat


async def test_a_screen_asked_for_after_the_end_is_no_crash(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as (app, _, pilot):
        late = ScreenStackError("No screens on stack")
        app.exit(0)
        app._handle_exception(late)
        app._handle_exception(WorkerFailed(late))
        await pilot.pause()
    assert app.return_code == 0
    assert app.crash == ""
    assert [record.exc_info[1] for record in caplog.records if record.exc_info] == [late, late]


async def test_a_screen_missing_before_the_end_is_a_crash() -> None:
    with pytest.raises(ScreenStackError):
        async with running() as (app, _, _pilot):
            app._handle_exception(ScreenStackError("No screens on stack"))
    assert app.return_code == 1
    assert "No screens on stack" in app.crash


async def test_case_082_outside_text_is_never_markup() -> None:
    hostile = "[@click=app.quit]x[/] [/nope] \x1b]52;c;AAAA\x07"
    engine = ScriptedEngine(
        title=hostile,
        servers=(status(hostile, "failed", failure=servers.ServerFailure(step="spawn", message=hostile)),),
        queue=(hostile,),
    )
    async with running(engine, size=(160, 45)) as (app, _, pilot):
        engine.emit(*turn_start(hostile), turns.Notice(message=hostile))
        await until(lambda: "app.quit" in shown(app), pilot)
        app.submit("/tools")
        await until(lambda: isinstance(app.screen, Chooser), pilot)
        await pilot.press(*"[b]")
        assert app.screen.query_one(Input).value == "[b]"
        assert "\x1b" not in shown(app)
        await pilot.press("escape")
        await until(lambda: app.screen is app.chat, pilot)
        app.open_servers()
        await until(lambda: app.chat.focused_in("sidebar"), pilot)
        await pilot.press("enter")
        await until(lambda: "nothing on standard error" in shown(app), pilot)
        assert app.is_running
        assert app.screen.query(Static)


async def test_case_094_copy_survives_lone_surrogates() -> None:
    async with running() as (app, _, _):
        app.copy_to_clipboard("a\ud83d b")
        assert app.clipboard == "a\ufffd b"


async def test_a_timer_that_comes_late_still_fires() -> None:
    """Textual would drop it, and with it the resize that waits behind one."""
    async with running() as (app, _, pilot):
        fired: list[int] = []
        app.set_timer(0.001, lambda: fired.append(1))
        time.sleep(0.05)  # noqa: ASYNC251 - the loop is held up before the timer's task has begun
        await until(lambda: fired, pilot)


async def test_a_turn_that_is_over_a_moment_after_its_last_event_is_shown_as_over() -> None:
    """The engine is busy until its task has ended; no event comes after that."""
    engine = ScriptedEngine(busy=True)
    async with running(engine) as (app, _, pilot):
        engine.emit(*turn_start(), turns.TurnFinished(turn_id="t1", outcome="stop"))
        await until(lambda: "Esc stops" in app.chat.line("header").plain, pilot)
        await pilot.pause(0.1)
        engine.busy = False
        await until(lambda: "Esc stops" not in app.chat.line("header").plain, pilot)
