"""F4: the list, its filter and search, and what is done with a conversation."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from textual import events
from textual.pilot import Pilot
from textual.widgets import Input
from textual.widgets._toast import Toast

from mcp_tui.conversation.summary import Amounts, ConversationSummary
from mcp_tui.errors import ConfigError, StoreFailed, UsageError
from mcp_tui.events.turns import Origin
from mcp_tui.history.base import ListedSoFar
from mcp_tui.history.search import IndexState
from mcp_tui.ui import history_rows, history_words
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.history_search import HistorySearch
from mcp_tui.ui.screens.ask_text import AskTextScreen
from mcp_tui.ui.screens.chooser import Chooser
from mcp_tui.ui.screens.confirm import ConfirmScreen
from mcp_tui.ui.screens.history import HistoryScreen
from mcp_tui.ui.screens.replay import ReplayChoice, ReplayScreen
from mcp_tui.ui.screens.trash import TrashScreen
from mcp_tui.ui.widgets import history_text
from tests.ui.history_scene import conversations, history_engine, summary
from tests.ui.support import AT, Clock, ScriptedEngine, attach, make_app, turn_start, until
from tests.ui.test_app import running, shown, toasts


@asynccontextmanager
async def opened(
    engine: ScriptedEngine | None = None, size: tuple[int, int] = (120, 40)
) -> AsyncIterator[tuple[McpTuiApp, ScriptedEngine, Pilot[int], HistoryScreen]]:
    made = make_app(clock=Clock())
    async with running(engine or history_engine(), size=size, app=made) as (app, scripted, pilot):
        await pilot.press("f4")
        await until(lambda: isinstance(app.screen, HistoryScreen) and app.screen.entries, pilot)
        screen = app.screen
        assert isinstance(screen, HistoryScreen)
        yield app, scripted, pilot, screen


def ids(screen: HistoryScreen) -> list[str]:
    return [entry.stored.id for entry in screen.entries]


async def answer(app: McpTuiApp, pilot: Pilot[int], letter: str) -> None:
    """Answer the question on the screen once its keys are awake."""
    await until(lambda: isinstance(app.screen, ConfirmScreen), pilot)
    await pilot.pause()
    app.clock.now += 1  # type: ignore[attr-defined]
    await pilot.press(letter)
    await until(lambda: not isinstance(app.screen, ConfirmScreen), pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (160, 45)])
async def test_rows_tell_what_there_is_room_for(size: tuple[int, int]) -> None:
    async with opened(size=size) as (app, _, _pilot, _screen):
        text = shown(app)
        assert "8 conversations" in text
        assert all(word in text for word in ("login-timeouts", "claude-x", "$0.41", "-> " if False else "fs"))
        assert "#work" in text
        assert "open" in text
        if size[0] >= 115:
            assert "claude-x-large" in text
            assert "fs gh jira" in text
        first = next(line for line in text.splitlines() if "proxy keep-alive" in line)
        assert first.split()[-4:] != []
        assert "32" in first
        assert "21" in first


async def test_the_filter_narrows_as_it_is_typed_and_escape_gives_all_back() -> None:
    async with opened() as (app, _, pilot, screen):
        await pilot.press("down", "tab", *"night local")
        await until(lambda: ids(screen) == ["c-fork"], pilot)
        assert "1 of 8 conversations" in shown(app)
        for query, found in (("#later", ["c-demo"]), ("CI", ["c-fork", "c-nightly"]), ("claude", ["c-proxy"])):
            screen.line.value = query
            await until(lambda found=found: ids(screen) == found, pilot)
        screen.line.value = "nothing is called so"
        await until(lambda: not screen.entries, pilot)
        await pilot.pause()
        assert "No title, tag, model or server matches nothing is called so" in shown(app)
        await pilot.press("escape")
        await until(lambda: len(screen.entries) == 8, pilot)
        assert screen.rows.has_focus


async def test_typing_c_or_x_into_the_filter_acts_on_nothing() -> None:
    async with opened() as (app, engine, pilot, screen):
        await pilot.press("tab", *"cxfptrnyoTD")
        await until(lambda: screen.line.value == "cxfptrnyoTD", pilot)
        assert app.screen is screen
        assert not {call[0] for call in engine.history.calls} - {"list"}


async def test_a_search_shows_hits_in_context_and_enter_opens_the_place() -> None:
    async with opened() as (app, engine, pilot, screen):
        await pilot.press("slash", *"timeout")
        await until(lambda: screen.search.asked and ids(screen) == ["c-login", "c-proxy"], pilot)
        await until(lambda: ("search", "in:c-login timeout") in engine.history.calls, pilot)
        await until(lambda: "3 hits in login-timeouts" in shown(app), pilot)
        assert [hit.seq for hit in screen.hits] == [3, 5, 31]
        await pilot.press("enter")
        await until(lambda: screen.hit_list.has_focus, pilot)
        await pilot.press("n")
        assert screen.current_hit is not None
        assert screen.current_hit.seq == 5
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, ReplayScreen), pilot)
        replay = app.screen
        assert isinstance(replay, ReplayScreen)
        assert (replay._event_id, replay._hits) == ("e5", ("e3", "e5", "e31"))
        assert "timeout" in replay._matches
        await pilot.press("escape")
        await until(lambda: app.screen is screen, pilot)
        await pilot.press("n", "n")
        await until(lambda: screen.current is not None and screen.current.id == "c-proxy", pilot)
        await until(lambda: bool(screen.hits) and screen.hits[0].seq == 12, pilot)
        await pilot.press("N")
        await until(lambda: screen.current is not None and screen.current.id == "c-login", pilot)
        await until(lambda: screen.current_hit is not None and screen.current_hit.seq == 31, pilot)


async def test_the_hit_before_the_first_is_the_last_of_the_conversation_before_at_once() -> None:
    """Whatever the lists tell of their cursors afterwards: the key after this one may already be on its way."""
    async with opened() as (_, _engine, pilot, screen):
        await pilot.press("slash", *"timeout")
        await until(lambda: screen.current is not None and len(screen.hits) == 3, pilot)
        for step, conversation, seq in ((1, "c-login", 5), (1, "c-login", 31), (1, "c-proxy", 12), (-1, "c-login", 31)):
            screen.action_hit(step)
            assert screen.current is not None
            assert screen.current_hit is not None
            assert (screen.current.id, screen.current_hit.seq) == (conversation, seq)
        await pilot.pause()
        assert screen.current_hit is not None
        assert screen.current_hit.seq == 31


async def test_a_search_that_cannot_be_understood_says_what_to_write() -> None:
    async with opened() as (app, engine, pilot, screen):
        await pilot.press("slash")
        engine.history.failure = UsageError("There is no filter tol:.", hint="Did you mean tool:?")
        await pilot.press(*"tol:x")
        await until(lambda: "Did you mean tool:?" in shown(app), pilot)
        engine.history.failure = None
        await pilot.press("escape", "escape")
        await until(lambda: len(screen.entries) == 8, pilot)


@pytest.mark.parametrize("size", [(80, 24), (40, 12)])
async def test_what_stands_instead_of_a_list_is_wrapped_and_never_cut(size: tuple[int, int]) -> None:
    async with opened(size=size) as (app, engine, pilot, _):
        await pilot.press("slash")
        engine.history.failure = UsageError(
            "before:yesterdy is no day.", hint="Write a day as 2026-08-01, or how long ago as 7d; yesterday works too."
        )
        await pilot.press(*"before:yesterdy")
        words = "Write a day as 2026-08-01, or how long ago as 7d; yesterday works too."
        await until(lambda: words in " ".join(shown(app).split()), pilot)


async def test_a_warning_leaves_the_number_of_conversations_whole() -> None:
    async with opened(size=(80, 24)) as (app, _, pilot, screen):
        screen.warn(ConfigError("x", problems=("a", "b")))
        await pilot.press("tab", *"nightly")
        await until(lambda: "2 of 8 conversations" in shown(app), pilot)
        assert "! browsing only: 2 problems in the con" in shown(app)


async def test_an_index_that_grows_says_so_and_brings_more_hits() -> None:
    async with opened() as (app, engine, pilot, screen):
        everything = engine.history.hits
        engine.history.hits = everything[-1:]
        engine.history.index_state = IndexState(done_bytes=42_000_000, total_bytes=100_000_000, running=True)
        await pilot.press("slash", *"timeout")
        await until(lambda: ids(screen) == ["c-proxy"], pilot)
        assert "index 42%, 42.0 MB of 100.0 MB" in shown(app)
        engine.history.hits = everything
        engine.history.index_state = IndexState(done_bytes=1, total_bytes=1)
        await until(lambda: len(screen.entries) == 2, pilot)
        await pilot.pause()
        assert "index" not in shown(app)
        assert screen.current is not None
        assert screen.current.id == "c-proxy"


def test_a_search_that_was_given_up_does_not_say_that_there_is_nothing() -> None:
    search = HistorySearch(lambda: None)
    search.query, search.asked = "the_q", True

    def said() -> str:
        return history_words.explanation(search, "", problem="", reading=False, empty=False).plain

    assert "Only the latest" not in said()
    search.more = True
    assert "Only the latest places that might match were looked at; another word narrows them down." in said()


async def test_rename_and_tag() -> None:
    async with opened() as (app, engine, pilot, screen):
        await pilot.press("down", "r")
        await until(lambda: isinstance(app.screen, AskTextScreen), pilot)
        await pilot.press("ctrl+u", "enter")
        await pilot.pause()
        assert "A title needs at least one character." in shown(app)
        await pilot.press(*"better", "enter")
        await until(lambda: ("rename", "c-proxy", "better") in engine.history.calls, pilot)
        await until(lambda: "better" in shown(app), pilot)
        await pilot.press("t")
        await until(lambda: isinstance(app.screen, AskTextScreen), pilot)
        await pilot.press(*"work #late", "enter")
        await until(lambda: ("tag", "c-proxy", ("work", "late")) in engine.history.calls, pilot)
        await until(lambda: "#work #late" in shown(app), pilot)
        assert screen.current is not None
        assert screen.current.id == "c-proxy"


async def test_delete_asks_goes_to_the_trash_and_comes_back() -> None:
    async with opened() as (app, engine, pilot, screen):
        await pilot.press("down", "delete")
        await until(lambda: isinstance(app.screen, ConfirmScreen), pilot)
        await pilot.press("escape")
        await until(lambda: app.screen is screen, pilot)
        await pilot.press("delete")
        await answer(app, pilot, "d")
        await until(lambda: "c-proxy" not in ids(screen), pilot)
        await until(lambda: screen.current is not None and screen.current.id == "c-verify", pilot)
        await pilot.press("T")
        await until(lambda: isinstance(app.screen, TrashScreen), pilot)
        await until(lambda: "2 conversations" in shown(app) and "proxy keep-alive" in shown(app), pilot)
        await pilot.press("end", "home")
        trash = app.screen
        assert isinstance(trash, TrashScreen)
        assert trash.current is not None
        name = trash.current.summary.id
        await pilot.press("enter")
        await until(lambda: ("restore", name) in engine.history.calls, pilot)
        await until(lambda: "1 conversation" in shown(app), pilot)
        await pilot.press("E")
        await answer(app, pilot, "d")
        await until(lambda: "The trash is empty." in shown(app), pilot)
        await pilot.press("escape")
        await until(lambda: app.screen is screen and len(screen.entries) == 8, pilot)


async def test_an_export_that_fails_asks_again_with_what_was_written(tmp_path: Path) -> None:
    async with opened(size=(80, 24)) as (app, engine, pilot, screen):
        await pilot.press("x")
        await until(lambda: isinstance(app.screen, Chooser), pilot)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, AskTextScreen), pilot)
        engine.history.failure = UsageError("/tmp/x.md cannot be written: No space left on device.")
        await pilot.press("ctrl+u", *"/tmp/x.md", "enter")
        await until(lambda: "No space left on device." in shown(app).replace("│", " "), pilot)
        assert isinstance(app.screen, AskTextScreen)
        assert app.screen.query_one(Input).value == "/tmp/x.md"
        engine.history.failure = None
        await pilot.press("ctrl+u", *str(tmp_path / "x.md"), "enter")
        await until(lambda: app.screen is screen, pilot)
        await until(lambda: ("export", "c-login", "markdown", tmp_path / "x.md", False) in engine.history.calls, pilot)


async def test_what_was_taken_back_from_the_trash_is_under_the_cursor() -> None:
    async with opened() as (app, _, pilot, screen):
        await pilot.press("T")
        await until(lambda: isinstance(app.screen, TrashScreen) and app.screen.current, pilot)
        await pilot.press("enter")
        await until(lambda: "The trash is empty." in shown(app), pilot)
        await pilot.press("escape")
        await until(lambda: screen.current is not None and screen.current.id == "c-gone", pilot)


async def test_of_several_lines_that_are_pasted_none_is_dropped() -> None:
    async with opened() as (app, engine, pilot, screen):
        await pilot.press("slash")
        await until(lambda: screen.line.has_focus, pilot)
        app.post_message(events.Paste("login timeout\r\n\r\n  behind the proxy\n"))
        await until(lambda: ("search", "login timeout behind the proxy") in engine.history.calls, pilot)
        await pilot.press("ctrl+u")
        await until(lambda: not screen.line.value, pilot)
        app.post_message(events.Paste("one line "))
        await until(lambda: screen.line.value == "one line ", pilot)


async def test_a_quotation_mark_alone_looks_for_nothing() -> None:
    async with opened() as (_, engine, pilot, screen):
        await pilot.press("slash", "quotation_mark")
        await until(lambda: screen.line.value == '"', pilot)
        assert not screen.search.active
        assert len(screen.entries) == 8
        await pilot.press(*"timeout")
        await until(lambda: ("search", '"timeout') in engine.history.calls, pilot)


@pytest.mark.parametrize(("width", "label"), [(80, "claude-x-l… thinks"), (120, "claude-x-large-w… (thinking)")])
def test_a_hit_in_reasoning_says_so_beside_the_model(width: int, label: str) -> None:
    found = replace(history_engine().history.hits[3], kind="reasoning", label="anthropic/claude-x-large-with-a-name")
    assert label in history_text.hit(found, width).plain


async def test_a_toast_is_shown_once_also_over_a_dialog() -> None:
    app, engine = make_app(clock=Clock()), history_engine()
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: engine.subscriptions, pilot)
        await pilot.press("f4")
        await until(lambda: "8 conversations" in shown(app), pilot)
        app.notify("this was done", timeout=60)
        await until(lambda: shown(app).count("this was done") == 1, pilot)
        await pilot.press("x")
        await until(lambda: isinstance(app.screen, Chooser) and app.screen.query(Toast), pilot)
        await until(lambda: shown(app).count("this was done") == 1, pilot)
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, HistoryScreen), pilot)
        await until(lambda: shown(app).count("this was done") == 1, pilot)


async def test_export_asks_for_format_and_file_and_never_overwrites_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.html").write_text("x")
    async with opened() as (app, engine, pilot, screen):
        for name, replaced in (("gone/x.html", None), ("new.html", False), ("there.html", True)):
            await pilot.press("x")
            await until(lambda: isinstance(app.screen, Chooser), pilot)
            await pilot.press("down", "enter")
            await until(lambda: isinstance(app.screen, AskTextScreen), pilot)
            assert "login-timeouts.html" in shown(app)
            await pilot.press("ctrl+u", *name, "enter")
            if replaced is None:
                await until(lambda: "There is no folder gone." in shown(app), pilot)
                await pilot.press("escape")
                continue
            if replaced:
                await answer(app, pilot, "w")
            call = ("export", "c-login", "html", Path(name), replaced)
            await until(lambda call=call: call in engine.history.calls, pilot)
            await until(lambda: app.screen is screen, pilot)


@pytest.mark.parametrize(
    ("key", "call"), [("c", ("open", "c-proxy")), ("f", ("open", "forked")), ("p", None), ("enter", None)]
)
async def test_going_on_reading_and_playing(key: str, call: tuple[str, str] | None) -> None:
    async with opened() as (app, engine, pilot, _screen):
        await pilot.press("down", key)
        if call is None:
            await until(lambda: isinstance(app.screen, ReplayScreen), pilot)
            assert isinstance(app.screen, ReplayScreen)
            assert app.screen._play_first is (key == "p")
            app.screen.dismiss(ReplayChoice("continue", "e1"))
            call = ("open", "c-proxy")
        await until(lambda: call in engine.calls, pilot)
        await until(lambda: app.screen is app.chat, pilot)


async def test_the_tree_puts_forks_below_their_originals_and_the_cursor_stays() -> None:
    async with opened() as (_app, _, pilot, screen):
        await pilot.press("down", "down", "down")
        assert screen.current is not None
        assert screen.current.id == "c-fork"
        await pilot.press("o")
        families = ["c-login", "c-verify", "c-proxy", "c-nightly", "c-fork", "c-again", "c-demo", "c-new"]
        await until(lambda: ids(screen) == families, pilot)
        assert screen.current.id == "c-fork"
        assert [entry.branch for entry in screen.entries] == ["", "└ ", "", "", "└ ", "  └ ", "", ""]
        await pilot.press("o")
        await until(lambda: ids(screen)[1] == "c-proxy", pilot)


async def test_the_list_follows_what_other_windows_write() -> None:
    async with opened() as (app, engine, pilot, screen):
        await pilot.press("down", "down")
        newer = summary("c-other", "written elsewhere", -1)
        engine.history.stored = (*engine.history.stored, newer)
        await until(lambda: ids(screen)[0] == "c-other", pilot)
        assert screen.current is not None
        assert screen.current.id == "c-verify"
        await until(lambda: "written elsewhere" in shown(app), pilot)


async def test_what_is_done_without_success_says_why() -> None:
    async with opened() as (app, engine, pilot, screen):
        engine.history.failure = StoreFailed("The disk is full.")
        for key in ("f", "enter"):
            await pilot.press(key)
            await until(lambda: any("The disk is full." in text for text in toasts(app)), pilot)
            app.clear_notifications()
        assert app.screen is screen


async def test_an_empty_history_and_one_that_cannot_be_read_teach() -> None:
    async with running(ScriptedEngine()) as (app, engine, pilot):
        await pilot.press("f4")
        await until(lambda: "There are no conversations yet." in shown(app), pilot)
        for key in ("enter", "c", "f", "p", "x", "t", "r", "delete", "n", "o", "y"):
            await pilot.press(key)
        assert isinstance(app.screen, HistoryScreen)
        engine.history.failure = StoreFailed("The folder cannot be read: Permission denied.")
        await until(lambda: "Permission denied" in shown(app), pilot)
        await pilot.press("escape")
        await until(lambda: app.screen is app.chat, pilot)


async def test_ten_thousand_rows_draw_only_what_is_in_sight() -> None:
    many = tuple(summary(f"c{number}", f"talk {number}", number / 100) for number in range(10_000))
    async with opened(ScriptedEngine(stored=many), size=(80, 24)) as (app, _, pilot, screen):
        drawn: list[int] = []
        draw = screen.rows._draw_row
        screen.rows._draw_row = lambda row, width: drawn.append(row) or draw(row, width)  # type: ignore[func-returns-value]
        await pilot.press("end")
        await until(lambda: "talk 9999" in shown(app), pilot)
        assert len(set(drawn)) <= 40
        drawn.clear()
        await pilot.press(*["up"] * 40)
        await until(lambda: screen.rows.cursor == 9_959, pilot)
        await until(lambda: "talk 9959" in shown(app), pilot)
        assert len(drawn) <= 150
        await pilot.press("tab", *"9998")
        await until(lambda: ids(screen) == ["c9998"], pilot)


async def test_commands_rename_tag_and_search() -> None:
    async with running(history_engine()) as (app, engine, pilot):
        app.submit("/rename something")
        await until(lambda: any("has not begun yet" in text for text in toasts(app)), pilot)
        engine.emit(*turn_start("hello"))
        await until(lambda: bool(engine.transcript.items), pilot)
        assert app.submit("/rename a better title")
        await until(lambda: ("rename", "c-login", "a better title") in engine.history.calls, pilot)
        engine.transcript.tags = ("old", "kept")
        assert app.submit("/tag New -old")
        await until(lambda: ("tag", "c-login", ("kept", "New")) in engine.history.calls, pilot)
        assert app.submit("/history timeout")
        await until(lambda: isinstance(app.screen, HistoryScreen) and len(app.screen.entries) == 2, pilot)
        assert ("search", "timeout") in engine.history.calls


# -- pure functions ----------------------------------------------------------------------------


def test_a_tree_of_any_shape_holds_every_conversation_once() -> None:
    def fork(key: str, of: str, age: int) -> ConversationSummary:
        return summary(key, key, age, origin=Origin(kind="fork", conversation_id=of))

    circle = [fork("a", "b", 1), fork("b", "a", 2), fork("below", "a", 3), fork("self", "self", 4)]
    entries = history_rows.as_tree(circle)
    assert sorted(entry.stored.id for entry in entries) == ["a", "b", "below", "self"]
    assert next(entry.branch for entry in entries if entry.stored.id == "below")
    chain = [fork(f"c{number}", f"c{number + 1}", number) for number in range(5_000)]
    entries = history_rows.as_tree(chain)
    assert [entry.stored.id for entry in entries] == [f"c{number}" for number in reversed(range(5_000))]
    assert max(len(entry.branch) for entry in entries) < 20
    orphan = history_rows.as_tree([fork("x", "not there", 1)])
    assert [(entry.stored.id, entry.branch) for entry in orphan] == [("x", "")]


def test_the_filter_sees_a_change_of_a_conversation() -> None:
    haystacks = history_rows.Haystacks()
    stored = conversations()[0]
    assert haystacks.matching([stored], "login") == [stored]
    renamed = replace(stored, title="other", updated_at=AT + timedelta(days=1))
    assert haystacks.matching([renamed], "login") == []
    assert haystacks.matching([renamed], "OTHER gpt-x #urgent") == [renamed]


async def test_a_first_look_that_takes_long_shows_rows_as_they_come_and_says_how_far_it_is() -> None:
    engine = history_engine()
    newest = sorted(conversations(), key=lambda stored: stored.updated_at, reverse=True)[:2]
    engine.history.parts = [ListedSoFar(tuple(newest), 2, 8)]
    async with opened(engine) as (app, _, pilot, screen):
        assert ids(screen) == [stored.id for stored in newest]
        assert "reading 2 of 8…" in shown(app)
        await pilot.press("down")
        under = screen.current
        engine.history.whole.set()
        await until(lambda: len(screen.entries) == 8, pilot)
        assert screen.current == under
        await pilot.pause()
        assert "reading" not in shown(app)
        assert "8 conversations" in shown(app)


async def test_totals_count_what_a_fork_copied_once_and_its_row_tells_its_own() -> None:
    original = summary("c-one", "one", 1)
    origin = Origin(kind="fork", conversation_id="c-one", event_id="e", title="one", copied=5)
    first = replace(original, cost=0.4, messages=4)
    fork = replace(summary("c-two", "two", 0), cost=0.5, messages=6, origin=origin, copied=Amounts(4, 0, 0.4))
    async with opened(ScriptedEngine(stored=(first, fork))) as (app, _, _pilot, _screen):
        assert "$0.50" in shown(app).splitlines()[0]
        assert "$0.10 here, $0.40 came with it" in shown(app)
