"""``/export``: the open conversation as a file, asked for or said at once; ``/import``."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.widgets import Input

from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.engine.history import ImportResult
from mcp_tui.errors import UsageError
from mcp_tui.events import turns
from mcp_tui.ui.imports import import_words
from mcp_tui.ui.screens.ask_text import AskTextScreen
from mcp_tui.ui.screens.chooser import Chooser
from mcp_tui.ui.screens.confirm import ConfirmScreen
from tests.ui.support import AT, ScriptedEngine, answer, attach, make_app, turn_start, until
from tests.ui.test_app import shown

OPEN = ConversationSummary(
    id="01open", title="Close: the duplicate", created_at=AT, updated_at=AT, events=9, user_messages=1, tool_calls=0,
    model="m", demo=False, size=1, messages=2,
)  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def exports(engine: ScriptedEngine) -> list[tuple[object, ...]]:
    return [call for call in engine.history.calls if call[0] == "export"]


async def test_format_and_file_are_said_at_once_and_a_file_that_is_there_asks(tmp_path: Path) -> None:
    engine, app = ScriptedEngine(stored=(OPEN,)), make_app()
    async with app.run_test() as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: app.view.bridge is not None and engine.subscriptions, pilot)
        engine.emit(*turn_start(), answer("done"))
        assert app.submit("/export html out.html")
        await until(lambda: exports(engine), pilot)
        assert exports(engine) == [("export", "01open", "html", Path("out.html"), False)]
        await until(lambda: any("Written to" in toast.message for toast in app._notifications), pilot)
        (tmp_path / "out.html").write_text("mine")
        app.submit("/export html out.html")
        await until(lambda: isinstance(app.screen, ConfirmScreen), pilot)
        await pilot.press("escape")
        await until(lambda: not isinstance(app.screen, ConfirmScreen), pilot)
        assert len(exports(engine)) == 1
        assert not app.submit("/export pdf")
        assert not app.submit("/export markdwn x")


async def test_what_is_not_said_is_asked_with_a_name_from_the_title() -> None:
    engine, app = ScriptedEngine(stored=(OPEN,)), make_app()
    async with app.run_test() as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: app.view.bridge is not None and engine.subscriptions, pilot)
        engine.emit(*turn_start(), answer("done"))
        app.submit("/export")
        await until(lambda: isinstance(app.screen, Chooser), pilot)
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, AskTextScreen), pilot)
        await pilot.press("enter")
        await until(lambda: exports(engine), pilot)
        assert exports(engine) == [("export", "01open", "markdown", Path("close-the-duplicate.md"), False)]


async def test_a_conversation_that_has_not_begun_cannot_be_exported() -> None:
    engine, app = ScriptedEngine(), make_app()
    async with app.run_test() as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: app.view.bridge is not None and engine.subscriptions, pilot)
        with pytest.raises(UsageError, match="has not begun"):
            app.export_conversation()
        assert not app.submit("/export")


async def test_import_says_what_became_of_each_conversation() -> None:
    engine, app = ScriptedEngine(), make_app()
    async with app.run_test() as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: app.view.bridge is not None and engine.subscriptions, pilot)
        engine.history.imports = (
            ImportResult("imported", "1", "a", ("2 system messages were left out.",)),
            ImportResult("changed", "2", "b"),
            ImportResult("present", "3", "c"),
            ImportResult("failed", title="conversation 4", notes=("`mapping` is no object",)),
        )
        assert app.submit("/import ~/conversations.json")
        await until(lambda: app._notifications, pilot)
        assert ("import", Path("~/conversations.json")) in engine.history.calls
        assert [toast.message for toast in app._notifications] == [
            "2 conversations imported: F4 shows them. 1 of them stands beside another version that was here. "
            "1 conversation was here already. conversation 4 could not be read: `mapping` is no object."
        ]


async def test_import_asks_until_a_file_is_named(tmp_path: Path) -> None:
    engine, app = ScriptedEngine(), make_app()
    async with app.run_test() as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: app.view.bridge is not None and engine.subscriptions, pilot)
        app.submit("/import")
        await until(lambda: isinstance(app.screen, AskTextScreen) and app.screen.query(Input), pilot)
        line = app.screen.query_one(Input)
        for wrong, says in ((tmp_path, "is a folder: name a file in it."), (tmp_path / "x", "is not there.")):
            line.value = str(wrong)
            await pilot.press("enter")
            await until(lambda says=says: says in " ".join(shown(app).replace("│", " ").split()), pilot)
            assert isinstance(app.screen, AskTextScreen)
        (tmp_path / "x").write_text("x")
        engine.history.failure = UsageError("x is nothing that can be imported.")
        await pilot.press("enter")
        await until(lambda: app._notifications, pilot)
        assert ("import", tmp_path / "x") in engine.history.calls


async def test_an_import_that_takes_long_says_that_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, app, read = ScriptedEngine(), make_app(), asyncio.Event()

    async def slow(path: Path) -> tuple[ImportResult, ...]:
        await read.wait()
        return (ImportResult("imported", "1", "a"),)

    monkeypatch.setattr(engine.history, "import_file", slow)
    async with app.run_test() as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: app.view.bridge is not None and engine.subscriptions, pilot)
        assert app.submit("/import ~/conversations.json")
        await until(lambda: app._notifications, pilot)
        assert [toast.message for toast in app._notifications] == [
            "Importing conversations.json… F4 shows what has come."
        ]
        read.set()
        await until(lambda: len(app._notifications) > 1, pilot)
        assert [toast.message for toast in app._notifications][1:] == ["1 conversation imported: F4 shows it."]


def test_the_words_for_one_conversation_are_sentences() -> None:
    masked = "What looked like a key in 1 tool result was masked when it was exported."
    assert import_words([ImportResult("changed", "1", "a", (masked,))]) == (
        f"1 conversation imported: F4 shows it. It stands beside another version that was here. {masked}"
    )
    assert import_words([ImportResult("present", "1", "a", (masked,))]) == "1 conversation was here already."


async def test_an_imported_conversation_says_so_unless_its_title_would_have_no_room() -> None:
    origin = turns.Origin(kind="import", source="claude", title="Notes on tea")
    created = turns.ConversationCreated(app_version="1", title="Notes on tea", origin=origin)
    engine, app = ScriptedEngine(title="Notes on tea", demo=True), make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(app.painted.is_set, pilot)
        attach(app, engine)
        await until(lambda: app.view.bridge is not None and engine.subscriptions, pilot)
        engine.emit(created, *turn_start(), answer("done"))
        await until(lambda: "imported from claude" in app.chat.line("header").plain, pilot)
        engine.busy = True
        engine.emit(*turn_start("more", "t2"))
        await until(lambda: "Esc stops" in app.chat.line("header").plain, pilot)
        assert "Notes on tea" in app.chat.line("header").plain
        assert "imported" not in app.chat.line("header").plain
