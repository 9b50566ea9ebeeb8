from __future__ import annotations

import sys
from pathlib import Path

import pytest
from textual import events

from mcp_tui.ui.external_editor import edit, editor_command
from mcp_tui.ui.screens.chooser import Chooser
from mcp_tui.ui.widgets.composer import PASTE_LIMIT
from tests.ui.support import ScriptedEngine, until
from tests.ui.test_app import running, shown, toasts


async def test_newlines_and_growth_up_to_a_limit() -> None:
    async with running() as (app, engine, pilot):
        composer = app.chat.composer
        await pilot.press("a", "ctrl+j", "b")
        assert composer.text == "a\nb"
        low = composer.size.height
        await pilot.press(*["ctrl+j"] * 30)
        await pilot.pause()
        assert low < composer.outer_size.height <= 10
        await pilot.press("enter")
        assert engine.submitted == ["a\nb" + "\n" * 30]


async def test_case_090_paste_never_sends() -> None:
    async with running() as (app, engine, pilot):
        app.post_message(events.Paste("\r\n".join(f"line {n}" for n in range(500)) + "\r\n"))
        await until(lambda: app.chat.composer.text, pilot)
        assert engine.submitted == []
        assert app.chat.composer.text.count("\n") == 500
        await pilot.press("ctrl+z")
        assert app.chat.composer.text == ""


async def test_case_091_a_huge_paste_is_held_aside_and_sent_whole() -> None:
    async with running() as (app, engine, pilot):
        text = "x" * (PASTE_LIMIT + 1)
        await pilot.press("a")
        app.post_message(events.Paste(text))
        await until(lambda: "pasted text 1" in app.chat.composer.text, pilot)
        await pilot.press("b", "enter")
        assert engine.submitted == [f"a{text}b"]


async def test_earlier_prompts_and_the_draft_comes_back() -> None:
    async with running() as (app, _, pilot):
        composer = app.chat.composer
        await pilot.press(*"one", "enter", *"two", "enter", *"draft")
        await pilot.press("up")
        assert composer.text == "two"
        await pilot.press("up", "up")
        assert composer.text == "one"
        await pilot.press("down", "down")
        assert composer.text == "draft"
        await pilot.press("down")
        assert composer.text == "draft"


async def test_up_moves_inside_a_long_text_first() -> None:
    async with running() as (app, _, pilot):
        await pilot.press(*"one", "enter", "a", "ctrl+j", "b", "up")
        assert app.chat.composer.text == "a\nb"
        assert app.chat.composer.cursor_location[0] == 0
        await pilot.press("up")
        assert app.chat.composer.text == "one"


async def test_search_of_earlier_prompts() -> None:
    async with running() as (app, _, pilot):
        for prompt in ("find the needle", "something else"):
            app.chat.composer.history_of_prompts.add(prompt)
        await pilot.press("ctrl+r")
        await until(lambda: isinstance(app.screen, Chooser), pilot)
        await pilot.press(*"needle", "enter")
        await until(lambda: app.chat.composer.text == "find the needle", pilot)


async def test_completion_of_commands_and_their_arguments() -> None:
    async with running() as (app, engine, pilot):
        await pilot.press(*"/rest")
        await until(lambda: "Restart a server" in shown(app), pilot)
        await pilot.press("tab")
        assert app.chat.composer.text == "/restart"
        await pilot.press("space")
        await until(lambda: "/restart gh" in shown(app), pilot)
        await pilot.press("down", "tab", "enter")
        await pilot.pause()
        assert engine.calls == [("restart", "gh")]


async def test_escape_closes_the_completions_before_it_stops() -> None:
    async with running(ScriptedEngine(busy=True)) as (app, engine, pilot):
        await pilot.press("slash", "h")
        await pilot.press("escape")
        assert engine.calls == []
        assert app.chat.composer.text == "/h"
        await pilot.press("escape")
        assert engine.calls == [("cancel", False)]


async def test_redo_stays_in_the_composer_and_copy_elsewhere() -> None:
    async with running() as (app, _, pilot):
        app.post_message(events.Paste("text"))
        await until(lambda: app.chat.composer.text, pilot)
        await pilot.press("ctrl+z")
        assert app.chat.composer.text == ""
        await pilot.press("ctrl+y")
        assert app.chat.composer.text == "text"


async def test_editor_gets_the_draft_and_gives_it_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "editor.py"
    script.write_text(
        "import os, stat, sys\n"
        "path = sys.argv[1]\n"
        "assert stat.S_IMODE(os.stat(path).st_mode) == 0o600\n"
        "text = open(path, encoding='utf-8').read()\n"
        "open(path, 'w', encoding='utf-8').write(text.upper() + '\\n')\n"
    )
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")
    assert await edit("draft ü") == "DRAFT Ü"


async def test_editor_that_is_missing_or_fails_keeps_the_draft(monkeypatch: pytest.MonkeyPatch) -> None:
    from mcp_tui.errors import UsageError

    monkeypatch.setenv("VISUAL", "no-such-editor-here")
    with pytest.raises(UsageError, match="could not be started"):
        await edit("x")
    monkeypatch.setenv("VISUAL", f"{sys.executable} -c 'raise SystemExit(3)'")
    with pytest.raises(UsageError, match="status 3"):
        await edit("x")
    monkeypatch.setenv("VISUAL", "'")
    with pytest.raises(UsageError, match="cannot be read"):
        editor_command()


async def test_nothing_is_sent_while_startup_failed() -> None:
    from mcp_tui.errors import McpTuiError
    from tests.ui.support import make_app

    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(app.painted.is_set, pilot)
        await pilot.press(*"kept")
        app.show_problem(McpTuiError("No."))
        await pilot.pause()
        assert not app.submit("kept")
        assert app.chat.composer.text == "kept"
        assert toasts(app) == []


async def test_a_long_list_of_completions_says_how_many_more_there_are() -> None:
    async with running() as (app, _, pilot):
        await pilot.press("slash")
        await until(lambda: "more: Up, Down, or type on" in shown(app), pilot)
        assert "> /help" in shown(app)
        await pilot.press("up")
        await until(lambda: "> /help" not in shown(app), pilot)
        assert "\n > /" in shown(app)
        await pilot.press("h")
        await until(lambda: "more: Up" not in shown(app), pilot)
