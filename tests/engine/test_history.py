"""The stored conversations: a change is an event, in the open one and in any other."""

from __future__ import annotations

import asyncio

import pytest

from mcp_tui.conversation.items import ToolCallItem, UserItem
from mcp_tui.engine.engine import Decision
from mcp_tui.engine.history import MOST_TAG, MOST_TAGS, normal_tags
from mcp_tui.errors import ConversationNotFound, UsageError
from mcp_tui.events.base import SCHEMA_VERSION, new_id
from mcp_tui.events.content import TextContent
from mcp_tui.events.turns import ConversationCreated
from mcp_tui.gateway.base import FinishChunk, TextChunk
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.host.base import CallResult
from mcp_tui.permissions.rules import Policy
from tests.support.laws import assert_closed, folded
from tests.support.scripted import FunctionHost, KeptStore, Recording, ScriptedGateway, calls, running, says


async def ask(engine, text):
    engine.submit(text)
    await engine.idle()


def test_tags_are_normal():
    assert normal_tags(["Work", "work", "a b", "x,Y", "  "]) == ("work", "a", "b", "x", "y")


@pytest.mark.parametrize("tags", [["x" * (MOST_TAG + 1)], [f"t{i}" for i in range(MOST_TAGS + 1)]])
def test_too_long_or_too_many_tags_are_refused(tags):
    with pytest.raises(UsageError):
        normal_tags(tags)


async def test_the_open_conversation_is_renamed_where_everybody_sees_it():
    async with running(ScriptedGateway(says("one")), store=KeptStore()) as engine:
        recording = Recording(engine)
        await ask(engine, "first")
        await engine.history.rename(engine.conversation_id, "  a better\n title ")
        assert await engine.history.tag(engine.conversation_id, ["Git"]) == ("git",)
        await recording.aclose()
        assert engine.title == folded(recording.events).title == "a better title"
        assert folded(recording.events).tags == ("git",)
        assert [summary.title for summary in await engine.history.list()] == ["a better title"]


async def test_another_conversation_is_renamed_in_its_own_log():
    async with running(ScriptedGateway(says("one")), store=KeptStore()) as engine:
        await ask(engine, "first")
        first = engine.conversation_id
        await engine.new_conversation()
        await engine.history.rename(first, "renamed")
        await engine.history.tag(first, ["a", "b"])
        assert engine.title == ""
        stored = folded((await engine.history.read(first)).events)
        assert (stored.title, stored.tags) == ("renamed", ("a", "b"))


async def test_what_is_not_there_is_not_renamed():
    async with running(ScriptedGateway(), store=KeptStore()) as engine:
        with pytest.raises(ConversationNotFound):
            await engine.history.rename(new_id(), "x")
        with pytest.raises(UsageError, match="at least one character"):
            await engine.history.rename(engine.conversation_id, "   ")


# -- forks ---------------------------------------------------------------------------------------------


def files(directory):
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file() and "lock" not in path.name}


def part_of(files_now, files_before):
    return all(files_now.get(path) == data for path, data in files_before.items())


def call_of(engine):
    return next(item for item in engine.transcript.items if isinstance(item, ToolCallItem))


async def test_a_fork_is_continued_and_the_original_stays_as_it_is_byte_for_byte(tmp_path):
    gateway = ScriptedGateway(says("one"), says("two"), says("three"))
    async with running(gateway, store=JsonlStore(tmp_path)) as engine:
        await ask(engine, "first")
        await ask(engine, "second")
        original, before = engine.conversation_id, files(tmp_path)
        answer = engine.transcript.items[1]
        forked = await engine.history.fork(original, answer.event_id)
        assert engine.conversation_id == original
        await engine.open_conversation(forked)
        await ask(engine, "another second")
        assert [item.text for item in engine.transcript.items] == ["first", "one", "another second", "three"]
        assert [message.text for message in gateway.requests[-1].messages] == ["first", "one", "another second"]
        assert engine.transcript.origin.conversation_id == original
        assert_closed((await engine.history.read(forked)).events)
        assert part_of(files(tmp_path), before)
        await engine.open_conversation(original)
        assert part_of(files(tmp_path), before)


async def test_a_fork_of_a_conversation_in_which_a_turn_runs_is_of_what_is_recorded(tmp_path):
    held = asyncio.Event()
    gateway = ScriptedGateway(says("one"), [TextChunk("a long "), held, TextChunk("answer"), FinishChunk("stop")])
    async with running(gateway, store=JsonlStore(tmp_path)) as engine:
        await ask(engine, "first")
        engine.submit("second")
        while len(engine.transcript.items) < 4:
            await asyncio.sleep(0)
        original = engine.conversation_id
        forked = await engine.history.fork(original)
        held.set()
        await engine.idle()
        assert engine.conversation_id == original
        assert engine.transcript.items[-1].text == "a long answer"
        copy = (await engine.history.read(forked)).events
        assert_closed(copy)
        assert [item.text for item in folded(copy).items if isinstance(item, UserItem)] == ["first", "second"]
        assert_closed((await engine.history.read(original)).events)


async def test_large_and_flagged_results_come_along_whole(tmp_path):
    key = "sk-" + "a1B2" * 12
    big_one = CallResult("success", (TextContent(text=f"{key} " + "y" * 300_000),))

    async def large() -> CallResult:
        return big_one

    gateway = ScriptedGateway(calls(("local__large", "{}")), says("done"))
    host = FunctionHost(large=large)
    async with running(gateway, host, store=JsonlStore(tmp_path), fallback=Policy("allow")) as engine:
        await ask(engine, "go")
        original = engine.conversation_id
        forked = await engine.history.fork(original)
        await engine.open_conversation(forked)
        call = call_of(engine)
        assert call.sensitive
        assert call.content == big_one.content
    blobs = [path for path in files(tmp_path) if original in str(path.parent)]
    for path in blobs:
        path.unlink()
    assert blobs
    async with running(ScriptedGateway(), store=JsonlStore(tmp_path)) as engine:
        await engine.open_conversation(forked)
        assert call_of(engine).content == big_one.content


async def test_what_was_allowed_for_the_conversation_is_asked_again_in_a_fork(tmp_path):
    async def look() -> str:
        return "seen"

    look_once = calls(("local__look", "{}"))
    gateway = ScriptedGateway(look_once, says("one"), look_once, says("two"), look_once, says("three"))
    host = FunctionHost(look=look)
    async with running(gateway, host, store=JsonlStore(tmp_path)) as engine:
        engine.submit("first")
        while not engine.transcript.waiting():
            await asyncio.sleep(0)
        engine.decide(engine.transcript.waiting()[0].approval_id, Decision("allow", "conversation"))
        await engine.idle()
        await ask(engine, "again")
        assert len(host.ran) == 2
        forked = await engine.history.fork(engine.conversation_id)
        await engine.open_conversation(forked)
        engine.submit("and here")
        while not engine.transcript.waiting():
            await asyncio.sleep(0)
        assert len(host.ran) == 2
        engine.cancel_turn()
        await engine.idle()
        assert len(await engine.history.tool_calls()) == 3


async def test_a_conversation_of_a_newer_release_is_not_forked(tmp_path):
    store = JsonlStore(tmp_path)
    newer = new_id()
    await store.append(newer, [ConversationCreated(app_version="9", schema_version=SCHEMA_VERSION + 1)])
    async with running(ScriptedGateway(), store=store) as engine:
        with pytest.raises(UsageError, match="newer release"):
            await engine.history.fork(newer)
        with pytest.raises(ConversationNotFound):
            await engine.history.fork(new_id())
        assert len(await engine.history.list()) == 1
