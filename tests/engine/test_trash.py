"""Conversations are deleted and restored through the engine, the open one included."""

from __future__ import annotations

import asyncio

import pytest

from mcp_tui.errors import ConversationNotFound, StoreBusy
from mcp_tui.events.base import new_id
from mcp_tui.gateway.base import FinishChunk, TextChunk
from tests.support.laws import folded, latest
from tests.support.scripted import KeptStore, Recording, ScriptedGateway, running, says


async def test_the_open_conversation_is_deleted_and_an_empty_one_is_open():
    async with running(ScriptedGateway(says("one"), says("two")), store=KeptStore()) as engine:
        recording = Recording(engine)
        engine.submit("first")
        await engine.idle()
        first = engine.conversation_id
        await engine.history.delete(first)
        assert engine.conversation_id != first
        assert engine.title == ""
        assert [item.summary.id for item in await engine.history.trash()] == [first]
        assert await engine.history.list() == ()
        engine.submit("second")
        await engine.idle()
        assert [summary.title for summary in await engine.history.list()] == ["second"]
        await engine.history.restore(first)
        await engine.open_conversation(first)
        assert engine.title == "first"
        await recording.aclose()
        assert folded(latest(recording.events)).title == "first"


async def test_a_conversation_is_not_deleted_under_its_turn():
    release = asyncio.Event()
    gateway = ScriptedGateway([TextChunk("half"), release, FinishChunk("stop")])
    async with running(gateway, store=KeptStore()) as engine:
        engine.submit("first")
        while not engine.transcript.items:
            await asyncio.sleep(0)
        with pytest.raises(StoreBusy, match="in use by"):
            await engine.history.delete(engine.conversation_id)
        release.set()
        await engine.idle()
        await engine.history.delete(engine.conversation_id)
        assert await engine.history.empty_trash() == 1
        with pytest.raises(ConversationNotFound):
            await engine.history.delete(new_id())
