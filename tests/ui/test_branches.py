"""Forking, editing an earlier input and asking again, with the real engine behind the screen."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from mcp_tui.conversation.items import UserItem
from mcp_tui.errors import StoreFailed
from mcp_tui.ui.screens.chooser import Chooser
from mcp_tui.ui.widgets.bars import Line
from tests.support.scripted import KeptStore, ScriptedGateway, says
from tests.support.scripted import running as running_engine
from tests.ui.support import attach, make_app, until


@asynccontextmanager
async def running(*answers: str, size=(100, 30)):
    """The app over an engine that has answered "first" with "one" and "second" with "two"."""
    gateway = ScriptedGateway(says("one"), says("two"), *(says(answer) for answer in answers))
    async with running_engine(gateway, store=KeptStore()) as engine:
        for text in ("first", "second"):
            engine.submit(text)
            await engine.idle()
        app = make_app()
        async with app.run_test(size=size) as pilot:
            await app.painted.wait()
            attach(app, engine)
            await until(lambda: app.view.bridge is not None and app.chat.talking, pilot)
            await until(lambda: not app.view.conversation.busy, pilot)
            yield app, engine, pilot, gateway


def said(engine):
    return [item.text for item in engine.transcript.items if hasattr(item, "text")]


async def cursor_to(app, pilot, text):
    """The cursor on the item that says ``text``."""
    key = next(item.key for item in app.engine.transcript.items if item.text == text)
    app.view.conversation.focus()
    app.view.conversation.cursor_key = key
    await pilot.pause()


async def in_a_fork(engine, original, pilot):
    await until(lambda: engine.conversation_id != original and not engine.busy, pilot)
    assert engine.transcript.origin.conversation_id == original


def toasts(app):
    return "\n".join(notification.message for notification in app._notifications)


async def test_f_goes_on_in_a_fork_that_ends_with_the_message_under_the_cursor():
    async with running("three") as (app, engine, pilot, gateway):
        original = engine.conversation_id
        app.composer.set_draft("what I was writing")
        await cursor_to(app, pilot, "one")
        await pilot.press("f")
        await in_a_fork(engine, original, pilot)
        assert said(engine) == ["first", "one"]
        assert app.composer.draft == "what I was writing"
        assert app.composer.has_focus
        assert "Forked “first” at #2" in toasts(app)
        assert "(fork)" in app.chat.query_one("#header", Line).plain
        engine.submit("and now")
        await engine.idle()
        assert [message.text for message in gateway.requests[-1].messages] == ["first", "one", "and now"]
        await engine.open_conversation(original)
        assert said(engine) == ["first", "one", "second", "two"]


@pytest.mark.parametrize("at", ["second", "two"])
async def test_e_takes_the_nearest_input_back_and_the_fork_is_made_when_it_is_sent(at):
    async with running("other") as (app, engine, pilot, gateway):
        original = engine.conversation_id
        app.composer.set_draft("what I was writing")
        await cursor_to(app, pilot, at)
        await pilot.press("e", *" too")
        assert app.composer.draft == "second too"
        assert app.composer.has_focus
        assert app.composer.border_title.strip().startswith("editing #3: Enter sends it in a fork")
        assert engine.conversation_id == original
        assert len(await engine.history.list()) == 1
        await pilot.press("enter")
        await in_a_fork(engine, original, pilot)
        await until(lambda: said(engine) == ["first", "one", "second too", "other"], pilot)
        assert [message.text for message in gateway.requests[-1].messages] == ["first", "one", "second too"]
        assert app.composer.draft == "what I was writing"
        assert app.composer.border_title is None
        assert "before #3" in toasts(app)
        await pilot.press(*" next", "enter")
        await until(lambda: "what I was writing next" in said(engine), pilot)
        assert len(await engine.history.list()) == 2


async def test_esc_leaves_an_edit_without_a_trace_and_gives_the_draft_back():
    async with running() as (app, engine, pilot, _):
        original = engine.conversation_id
        app.composer.set_draft("what I was writing")
        for typed, kept in (("", False), (" changed", True)):
            await cursor_to(app, pilot, "first")
            await pilot.press("e", *typed)
            assert app.composer.draft == f"first{typed}"
            await pilot.press("escape")
            assert (app.composer.draft, app.composer.border_title) == ("what I was writing", None)
            assert (f"first{typed}" in app.composer.history_of_prompts.prompts) == kept
            assert ("earlier prompts (Up)" in toasts(app)) == kept
        assert app.composer.has_focus
        assert engine.conversation_id == original
        assert len(await engine.history.list()) == 1
        await cursor_to(app, pilot, "first")
        await pilot.press("e")
        await cursor_to(app, pilot, "second")
        await pilot.press("e")
        assert app.composer.draft == "second"
        await pilot.press("escape")
        assert app.composer.draft == "what I was writing"


async def test_quitting_in_the_middle_of_an_edit_keeps_it_and_the_draft():
    async with running() as (app, _, pilot, _):
        kept = app.composer.history_of_prompts
        app.composer.set_draft("what I was writing")
        await cursor_to(app, pilot, "first")
        await pilot.press("e", *" changed")
    assert kept.prompts[-2:] == ["what I was writing", "first changed"]
    async with running() as (app, _, pilot, _):
        kept, before = app.composer.history_of_prompts, list(app.composer.history_of_prompts.prompts)
        await cursor_to(app, pilot, "first")
        await pilot.press("e")
    assert kept.prompts == before


async def test_another_conversation_ends_an_edit_and_what_was_changed_is_kept():
    async with running() as (app, engine, pilot, _):
        app.composer.set_draft("what I was writing")
        await cursor_to(app, pilot, "first")
        await pilot.press("e", *" changed")
        await engine.new_conversation()
        await until(lambda: app.composer.errand is None, pilot)
        assert app.composer.draft == "what I was writing"
        assert "first changed" in app.composer.history_of_prompts.prompts


async def test_what_cannot_be_sent_stays_in_the_edit(monkeypatch):
    async with running("other") as (app, engine, pilot, gateway):
        original, create = engine.conversation_id, engine._store.create
        app.composer.set_draft("what I was writing")
        await cursor_to(app, pilot, "first")
        await pilot.press("e", *" now")

        async def full(conversation_id, events):
            raise StoreFailed("The disk is full.")

        monkeypatch.setattr(engine._store, "create", full)
        await pilot.press("enter")
        await until(lambda: "The disk is full" in toasts(app), pilot)
        assert (app.composer.draft, engine.conversation_id) == ("first now", original)
        assert app.composer.errand is not None

        held = asyncio.Event()
        gateway.scripts.insert(0, [held, *says("three")])
        engine.submit("third")
        await until(lambda: engine.busy and "third" in said(engine), pilot)
        await pilot.press("enter")
        await until(lambda: "A turn is running" in toasts(app), pilot)
        assert app.composer.draft == "first now"
        held.set()
        await engine.idle()

        monkeypatch.setattr(engine._store, "create", create)
        await pilot.press("enter")
        await in_a_fork(engine, original, pilot)
        await until(lambda: said(engine) == ["first now", "other"], pilot)
        assert app.composer.draft == "what I was writing"
        assert engine.title == "first now"


async def test_an_input_that_begins_with_a_slash_is_sent_as_it_was():
    async with running("a", "b") as (app, engine, pilot, _):
        assert app.submit("//usr/bin is what?")
        await engine.idle()
        await until(lambda: not app.view.conversation.busy, pilot)
        original = engine.conversation_id
        await cursor_to(app, pilot, "/usr/bin is what?")
        await pilot.press("e")
        assert app.composer.draft == "//usr/bin is what?"
        await pilot.press("enter")
        await in_a_fork(engine, original, pilot)
        await until(lambda: said(engine)[-2:] == ["/usr/bin is what?", "b"], pilot)


async def test_r_asks_the_same_again_and_another_model_can_be_chosen_for_it():
    async with running("two again", "two of another") as (app, engine, pilot, gateway):
        original = engine.conversation_id
        app.composer.set_draft("what I was writing")
        await cursor_to(app, pilot, "two")
        await pilot.press("r")
        await in_a_fork(engine, original, pilot)
        await until(lambda: said(engine) == ["first", "one", "second", "two again"], pilot)
        assert [message.text for message in gateway.requests[-1].messages] == ["first", "one", "second"]
        assert app.composer.draft == "what I was writing"
        second = engine.conversation_id
        await until(lambda: not app.view.conversation.busy and not engine.busy, pilot)
        await cursor_to(app, pilot, "second")
        await pilot.press("R")
        await until(lambda: isinstance(app.screen, Chooser), pilot)
        assert engine.conversation_id == second
        await pilot.press("down", "enter")
        await in_a_fork(engine, second, pilot)
        await until(lambda: "two of another" in said(engine), pilot)
        assert engine.provider == gateway.requests[-1].provider == "two"
        assert len([item for item in engine.transcript.items if isinstance(item, UserItem)]) == 2


async def test_the_model_that_is_selected_now_stays_selected_in_a_fork():
    async with running() as (app, engine, pilot, _):
        original = engine.conversation_id
        engine.select_model("two")
        await cursor_to(app, pilot, "one")
        await pilot.press("f")
        await in_a_fork(engine, original, pilot)
        assert engine.provider == "two"


@pytest.mark.parametrize("key", ["f", "e", "r"])
async def test_while_a_turn_runs_it_is_refused_with_words_and_nothing_happens(key):
    async with running() as (app, engine, pilot, gateway):
        held = asyncio.Event()
        gateway.scripts.append([held, *says("three")])
        original = engine.conversation_id
        app.composer.set_draft("what I was writing")
        engine.submit("third")
        await until(lambda: engine.busy and "third" in said(engine), pilot)
        await cursor_to(app, pilot, "one")
        await pilot.press(key)
        await until(lambda: "A turn is running" in toasts(app), pilot)
        held.set()
        await engine.idle()
        assert engine.conversation_id == original
        assert len(await engine.history.list()) == 1
        assert app.composer.draft == "what I was writing"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("/fork", ["first", "one", "second", "two"]),
        ("/again", ["first", "one", "second", "three"]),
        ("/again two", ["first", "one", "model: test/two", "second", "three"]),
    ],
)
async def test_the_commands_do_the_same_from_the_end(line, expected):
    async with running("three") as (app, engine, pilot, _):
        original = engine.conversation_id
        assert app.submit(line)
        await in_a_fork(engine, original, pilot)
        await until(lambda: said(engine) == expected, pilot)


async def test_the_command_for_an_edit_begins_one_with_the_last_input():
    async with running("three") as (app, engine, pilot, _):
        original = engine.conversation_id
        app.composer.focus()
        await pilot.press(*"/resend", "enter")
        await until(lambda: app.composer.draft == "second", pilot)
        await pilot.press("escape")
        assert app.composer.draft == ""
        await pilot.press(*"/resend", "enter")
        await until(lambda: app.composer.draft == "second", pilot)
        await pilot.press("enter")
        await in_a_fork(engine, original, pilot)
        await until(lambda: said(engine) == ["first", "one", "second", "three"], pilot)


async def test_what_has_no_input_cannot_be_asked_again():
    async with running_engine(ScriptedGateway(), store=KeptStore()) as engine:
        app = make_app()
        async with app.run_test() as pilot:
            await app.painted.wait()
            attach(app, engine)
            await until(lambda: app.view.bridge is not None, pilot)
            for line in ("/fork", "/again", "/resend", "/again-with"):
                app.clear_notifications()
                app.submit(line)
                await until(lambda: toasts(app), pilot)
            assert not await engine.history.list()


async def test_what_is_typed_while_the_fork_is_made_is_text_and_a_failed_one_gives_the_focus_back(monkeypatch):
    async with running() as (app, engine, pilot, _):
        original, wait = engine.conversation_id, asyncio.Event()
        create = engine._store.create

        async def slow(conversation_id, events):
            await wait.wait()
            return await create(conversation_id, events)

        monkeypatch.setattr(engine._store, "create", slow)
        await cursor_to(app, pilot, "one")
        await pilot.press("f", *"feel free")
        assert app.composer.draft == "feel free"
        wait.set()
        await in_a_fork(engine, original, pilot)
        assert len(await engine.history.list()) == 2

        async def full(conversation_id, events):
            raise StoreFailed("The disk is full.")

        monkeypatch.setattr(engine._store, "create", full)
        fork = engine.conversation_id
        await cursor_to(app, pilot, "one")
        await pilot.press("f")
        await until(lambda: "The disk is full" in toasts(app), pilot)
        assert app.view.conversation.has_focus
        assert (engine.conversation_id, app.composer.draft) == (fork, "feel free")
