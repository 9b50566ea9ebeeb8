"""The stored conversations: a change is an event, in the open one and in any other."""

from __future__ import annotations

import pytest

from mcp_tui.engine.library import MOST_TAG, MOST_TAGS, normal_tags
from mcp_tui.errors import ConversationNotFound, UsageError
from mcp_tui.events.base import new_id
from tests.support.laws import folded
from tests.support.scripted import KeptStore, Recording, ScriptedGateway, running, says


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
