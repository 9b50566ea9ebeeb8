"""The find bar on the chat screen."""

from __future__ import annotations

from contextlib import asynccontextmanager

import pytest

from mcp_tui.ui.widgets.find_bar import FindBar
from tests.ui.support import ScriptedEngine, answer, attach, finished, make_app, proposal, turn_start, until


@asynccontextmanager
async def running(size=(100, 30)):
    engine = ScriptedEngine(title="login-timeouts")
    app = make_app()
    async with app.run_test(size=size) as pilot:
        await app.painted.wait()
        attach(app, engine)
        await until(lambda: engine.subscriptions, pilot)
        yield app, engine, pilot


def talk(engine):
    engine.emit(
        *turn_start("Which issues mention the login timeout?"),
        answer("Two of them: the **login timeout** behind a proxy.", message_id="m0"),
        *proposal("c1", {"issue_id": "timeout-1"})[:2],
        finished("c1", "closed\nthe timeout"),
        answer("Done, no more timeouts.", message_id="m2"),
    )


async def opened(app, engine, pilot):
    talk(engine)
    await until(lambda: app.chat.talking, pilot)
    await pilot.press("ctrl+f")
    await until(lambda: app.chat.query(FindBar) and app.chat.query_one(FindBar).is_open, pilot)
    bar = app.chat.query_one(FindBar)
    await until(lambda: bar.input.has_focus, pilot)
    return bar


async def told(app, pilot, number, total):
    found = lambda: app.view.conversation.found  # noqa: E731
    await until(lambda: (found().number, found().total) == (number, total) and found().complete, pilot)


def count(bar):
    return str(bar.query_one("#find-count").render())


async def test_typing_finds_enter_goes_on_and_esc_gives_the_focus_back():
    async with running() as (app, engine, pilot):
        app.composer.set_draft("a draft")
        bar = await opened(app, engine, pilot)
        await pilot.press(*"timeout")
        await told(app, pilot, 1, 5)
        assert "1/5" in count(bar)
        await pilot.press("enter", "down")
        await told(app, pilot, 3, 5)
        await pilot.press("up")
        await told(app, pilot, 2, 5)
        assert "Enter next" in app.chat.line("hints").plain
        await pilot.press("escape")
        assert not bar.is_open
        assert app.composer.has_focus
        assert app.composer.draft == "a draft"
        assert not app.view.conversation.finding


async def test_what_was_looked_for_is_there_again_to_be_replaced():
    async with running() as (app, engine, pilot):
        bar = await opened(app, engine, pilot)
        await pilot.press(*"login")
        await told(app, pilot, 1, 2)
        await pilot.press("escape", "ctrl+f")
        await told(app, pilot, 1, 2)
        await pilot.press(*"Done")
        assert bar.input.value == "Done"
        await told(app, pilot, 1, 1)


async def test_from_the_conversation_its_keys_go_on_and_esc_closes():
    async with running() as (app, engine, pilot):
        talk(engine)
        await until(lambda: app.chat.talking, pilot)
        app.view.conversation.focus()
        await pilot.press("ctrl+f")
        await until(lambda: app.chat.query(FindBar), pilot)
        bar = app.chat.query_one(FindBar)
        await until(lambda: bar.input.has_focus, pilot)
        await pilot.press(*"timeout", "tab")
        assert app.view.conversation.has_focus
        await told(app, pilot, 1, 5)
        assert "N previous" in count(bar)
        await pilot.press("n", "n")
        await told(app, pilot, 3, 5)
        await pilot.press("N")
        await told(app, pilot, 2, 5)
        await pilot.press("escape")
        assert not bar.is_open
        assert app.view.conversation.has_focus
        assert not engine.calls


async def test_an_empty_conversation_has_no_find_bar():
    async with running() as (app, engine, pilot):
        bar = await opened(app, engine, pilot)
        await pilot.press(*"timeout")
        await told(app, pilot, 1, 5)
        app.view.conversation_opened([], more_above=False)
        await until(lambda: not bar.is_open and not app.chat.talking, pilot)
        assert not app.view.conversation.finding


async def test_it_says_when_there_is_nothing_and_where_nothing_was_said():
    async with running() as (app, engine, pilot):
        await pilot.press("ctrl+f")
        await until(lambda: "nothing was said" in "".join(note.message for note in app._notifications), pilot)
        bar = await opened(app, engine, pilot)
        await pilot.press(*"nowhere")
        await until(lambda: "nothing found" in count(bar), pilot)


async def test_the_command_finds_and_ctrl_f_in_the_composer_is_not_the_text_areas():
    async with running() as (app, engine, pilot):
        talk(engine)
        await until(lambda: app.chat.talking, pilot)
        assert app.submit("/find login timeout")
        await told(app, pilot, 1, 2)
        await pilot.press("escape")
        app.composer.set_draft("one two")
        app.composer.focus()
        app.composer.move_cursor((0, 0))
        await pilot.press("ctrl+f")
        await until(lambda: app.chat.query_one(FindBar).is_open, pilot)
        assert app.composer.draft == "one two"


@pytest.mark.parametrize("size", [(80, 24), (50, 14)])
async def test_an_overlay_gives_way_to_the_conversation_that_is_looked_through(size):
    async with running(size) as (app, engine, pilot):
        talk(engine)
        await until(lambda: app.chat.talking, pilot)
        await pilot.press("f2")
        await pilot.pause()
        await pilot.press("ctrl+f", *"timeout")
        await told(app, pilot, 1, 5)
        assert app.view.conversation.region.height > 0
        assert app.chat.query_one(FindBar).region.height == 1
