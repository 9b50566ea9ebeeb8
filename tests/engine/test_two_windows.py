"""Two windows on one conversation: each sees what the other adds as it comes, and one turn runs at a time."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest

from mcp_tui.conversation.items import AssistantItem, UserItem
from mcp_tui.engine import opening, other_windows
from mcp_tui.engine.engine import Decision
from mcp_tui.errors import StoreFailed
from mcp_tui.events import turns
from mcp_tui.events.base import SCHEMA_VERSION, new_id
from mcp_tui.gateway.base import FinishChunk, TextChunk
from mcp_tui.history.jsonl import JsonlStore
from tests.support.laws import assert_closed, facts, folded, latest
from tests.support.scripted import (
    FunctionHost,
    KeptStore,
    Recording,
    ScriptedGateway,
    calls,
    running,
    says,
    settings,
)
from tests.support.waiting import wait_until_async


@pytest.fixture(params=["memory", "jsonl"])
def make_store(request, tmp_path):
    """A store for each window: the same one in memory, or two on one directory."""
    shared = KeptStore()
    return lambda: shared if request.param == "memory" else JsonlStore(tmp_path / "conversations")


async def window(stack, store, *scripts, **parts):
    """An engine that somebody looks at."""
    options = {"settings": replace(settings(), interactive=True), **parts}
    return await stack.enter_async_context(running(ScriptedGateway(*scripts), store=store, **options))


def seen(engine):
    return facts(engine.transcript)


def inputs(engine):
    return [item.text for item in engine.transcript.items if isinstance(item, UserItem)]


async def ask(engine, text):
    engine.submit(text)
    return await engine.idle()


async def test_the_second_window_sees_the_events_of_the_first_as_they_come(make_store):
    release = asyncio.Event()
    async with AsyncExitStack() as stack:
        one = await window(
            stack, make_store(), says("hello"), [TextChunk("half "), release, TextChunk("whole"), FinishChunk("stop")]
        )
        await ask(one, "first")
        two = await window(stack, make_store(), says("from the second"))
        await two.open_conversation(one.conversation_id)
        recording = Recording(two)

        one.submit("second")
        await wait_until_async(
            lambda: any(isinstance(i, UserItem) and i.text == "second" for i in two.transcript.items)
        )
        # A streaming answer comes in pieces, and the turn is known to run elsewhere.
        await wait_until_async(lambda: getattr(two.transcript.items[-1], "text", "") == "half ")
        turn = two.transcript.open_turn
        assert turn is not None
        assert (one.runs_here(turn), two.runs_here(turn), two.busy) == (True, False, False)
        # It cannot start one of its own meanwhile; nothing of the input is lost.
        two.submit("too early")
        await two.idle()
        await wait_until_async(lambda: recording.of(turns.InputReturned))
        (returned,) = recording.of(turns.InputReturned)
        assert returned.text == "too early"
        assert "in use by pid" in returned.reason.message

        release.set()
        await one.idle()
        await wait_until_async(lambda: two.transcript.open_turn is None)
        assert seen(two) == seen(one)
        assert two.totals == one.totals
        # Now it may, and the first one sees it.
        await ask(two, "third")
        await wait_until_async(lambda: seen(one) == seen(two))
        assert isinstance(one.transcript.items[-1], AssistantItem)
        assert one.transcript.items[-1].text == "from the second"
        # The model of the first one is asked with all of it.
        await ask(one, "fourth")
        texts = [message.text for message in one._services.gateway.requests[-1].messages if message.role == "user"]
        assert texts == ["first", "second", "third", "fourth"]
        await recording.aclose()
        assert facts(folded(latest(recording.events)))[:4] == seen(two)[:4]
        assert_closed((await two.history.read(one.conversation_id)).events)


async def test_a_title_from_the_other_window_comes_at_once(make_store):
    async with AsyncExitStack() as stack:
        one = await window(stack, make_store(), says("a"))
        await ask(one, "first")
        two = await window(stack, make_store())
        await two.open_conversation(one.conversation_id)
        await two.history.rename(one.conversation_id, "renamed")
        await wait_until_async(lambda: one.title == "renamed")
        await one.history.tag(one.conversation_id, ["x"])
        await wait_until_async(lambda: two.transcript.tags == ("x",))


async def test_a_title_that_comes_during_our_turn_is_seen_after_it(make_store):
    release = asyncio.Event()
    async with AsyncExitStack() as stack:
        one = await window(stack, make_store(), says("a"), [TextChunk("b"), release, FinishChunk("stop")])
        await ask(one, "first")
        two = await window(stack, make_store())
        await two.open_conversation(one.conversation_id)
        one.submit("second")
        await wait_until_async(lambda: two.transcript.open_turn is not None)
        await two.history.rename(one.conversation_id, "renamed")
        release.set()
        await one.idle()
        await wait_until_async(lambda: one.title == "renamed" and seen(one) == seen(two))
        assert [item.text for item in one.transcript.items if isinstance(item, AssistantItem)] == ["a", "b"]


async def test_a_call_that_waits_in_the_other_window_is_not_decided_here(make_store):
    async def look():
        return "seen"

    async with AsyncExitStack() as stack:
        one = await window(
            stack, make_store(), calls(("local__look", "{}")), says("done"), host=FunctionHost(look=look)
        )
        one.submit("go")
        await wait_until_async(one.transcript.waiting)
        two = await window(stack, make_store())
        await two.open_conversation(one.conversation_id)
        (item,) = two.transcript.waiting()
        assert item.turn_id is not None
        assert not two.runs_here(item.turn_id)
        assert not two.decide(item.approval_id, Decision("allow"))
        assert one.decide(item.approval_id, Decision("allow"))
        await one.idle()
        await wait_until_async(lambda: seen(two) == seen(one))


async def test_a_turn_whose_window_died_is_closed_in_the_one_that_is_left(make_store, monkeypatch):
    monkeypatch.setattr(other_windows, "QUIET", 0.05)
    async with AsyncExitStack() as stack:
        store = make_store()
        one = await window(stack, store, says("a"))
        await ask(one, "first")
        key = one.conversation_id
        dead = make_store()
        lease = dead.lease(key)
        await lease.__aenter__()
        turn = new_id()
        await dead.append(
            key,
            [
                turns.TurnStarted(turn_id=turn, request_id="r"),
                turns.UserMessage(turn_id=turn, message_id="m", text="second"),
                turns.MessageFragment(turn_id=turn, message_id="x", text="half"),
            ],
        )
        await wait_until_async(lambda: one.transcript.open_turn == turn)
        await asyncio.sleep(0.3)
        assert one.transcript.open_turn == turn, "its window lives"
        await lease.__aexit__(None, None, None)
        await wait_until_async(lambda: one.transcript.open_turn is None)
        finished = (await store.read(key)).events[-1]
        assert isinstance(finished, turns.TurnFinished)
        assert finished.outcome == "interrupted"
        await ask(one, "third")
        assert_closed((await store.read(key)).events)
        await dead.aclose()


async def test_what_the_other_window_left_open_is_closed_by_our_next_turn(make_store):
    """Also where nobody has waited long enough to look for it."""
    async with AsyncExitStack() as stack:
        store = make_store()
        one = await window(stack, store, says("a"), says("b"))
        await ask(one, "first")
        turn = new_id()
        await store.append(one.conversation_id, [turns.TurnStarted(turn_id=turn, request_id="r")])
        await wait_until_async(lambda: one.transcript.open_turn == turn)
        await ask(one, "second")
        assert_closed((await store.read(one.conversation_id)).events)
        await wait_until_async(lambda: one.transcript.open_turn is None)


async def test_what_a_newer_release_wrote_is_opened_to_be_read(make_store):
    async with AsyncExitStack() as stack:
        store = make_store()
        key, turn = new_id(), new_id()
        await store.append(
            key,
            [
                turns.ConversationCreated(app_version="9", schema_version=SCHEMA_VERSION + 1, title="From tomorrow"),
                turns.TurnStarted(turn_id=turn, request_id="r"),
                turns.UserMessage(turn_id=turn, message_id="m", text="asked tomorrow"),
            ],
        )
        before = (await store.read(key)).events
        one = await window(stack, make_store())
        recording = Recording(one)
        await one.open_conversation(key)
        assert one.read_only == opening.NEWER
        assert one.title == "From tomorrow"
        assert inputs(one) == ["asked tomorrow"]
        one.submit("more")
        await one.idle()
        await wait_until_async(lambda: recording.of(turns.InputReturned))
        (returned,) = recording.of(turns.InputReturned)
        assert (returned.text, returned.reason.message) == ("more", opening.NEWER)
        assert not one.busy
        assert (await store.read(key)).events == before
        await one.new_conversation()
        assert one.read_only == ""
        await ask(one, "here it goes on")
        assert len(await store.list()) == 2
        await recording.aclose()


async def test_a_conversation_that_is_deleted_elsewhere_can_be_read_and_comes_back(make_store, monkeypatch):
    monkeypatch.setattr(other_windows, "AGAIN", 0.05)
    async with AsyncExitStack() as stack:
        one = await window(stack, make_store(), says("a"))
        await ask(one, "first")
        key = one.conversation_id
        before = seen(one)
        two = await window(stack, make_store())
        await two.history.delete(key)
        await wait_until_async(lambda: one.read_only == opening.TAKEN_AWAY)
        assert seen(one) == before
        recording = Recording(one)
        one.submit("more")
        await wait_until_async(lambda: recording.of(turns.InputReturned))
        assert await two.history.list() == ()
        await two.history.restore(key)
        await two.history.rename(key, "back")
        await wait_until_async(lambda: one.read_only == "" and one.title == "back")
        await ask(one, "goes on")
        assert_closed((await two.history.read(key)).events)
        await recording.aclose()


async def test_our_own_deletion_is_not_taken_for_anothers(make_store, monkeypatch):
    monkeypatch.setattr(other_windows, "AGAIN", 0.01)
    async with AsyncExitStack() as stack:
        one = await window(stack, make_store(), says("a"), says("b"))
        await ask(one, "first")
        recording = Recording(one)
        await one.history.delete(one.conversation_id)
        await asyncio.sleep(0.1)
        assert recording.of(turns.Notice) == []
        await ask(one, "second")
        assert one.read_only == ""
        await recording.aclose()


async def test_a_file_that_is_removed_by_hand_is_said_and_nothing_is_written_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(other_windows, "AGAIN", 0.05)
    directory = tmp_path / "conversations"
    async with AsyncExitStack() as stack:
        one = await window(stack, JsonlStore(directory), says("a"))
        await ask(one, "first")
        moved = tmp_path / "elsewhere"
        shutil.move(directory / f"{one.conversation_id}.jsonl", moved)
        await wait_until_async(lambda: one.read_only == opening.TAKEN_AWAY)
        with pytest.raises(StoreFailed, match="removed or moved away"):
            await one.history.rename(one.conversation_id, "x")
        assert not list(directory.glob("*.jsonl"))
        shutil.move(moved, directory / f"{one.conversation_id}.jsonl")
        await JsonlStore(directory).append(one.conversation_id, [turns.ConversationTitled(title="back")])
        await wait_until_async(lambda: one.title == "back")
        assert one.read_only == ""


async def test_both_windows_ask_in_turn_for_a_while(make_store):
    """Whoever is refused tries again; nothing is lost, nothing is there twice, both see the same."""
    async with AsyncExitStack() as stack:
        one = await window(stack, make_store())
        await ask(one, "first")
        two = await window(stack, make_store())
        await two.open_conversation(one.conversation_id)

        async def talk(engine, name):
            for number in range(6):
                text = f"{name} {number}"
                while text not in inputs(engine):
                    await ask(engine, text)
                    await asyncio.sleep(0.01)

        await asyncio.gather(talk(one, "one"), talk(two, "two"))
        await wait_until_async(lambda: seen(one) == seen(two))
        assert sorted(inputs(one)) == sorted(["first", *(f"{n} {i}" for n in ("one", "two") for i in range(6))])
        assert_closed((await one.history.read(one.conversation_id)).events)
