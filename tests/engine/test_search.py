"""Search as the engine gives it: over the store's conversations, ended with the engine."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import psutil
import pytest

from mcp_tui.engine import engine as engine_module
from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.history import NO_INDEX, Library
from mcp_tui.errors import UsageError
from mcp_tui.events.base import new_id
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.search import SearchIndex
from mcp_tui.history.search.database import IndexFiles
from mcp_tui.safety.secrets import Redactor
from tests.support.history_events import created, said
from tests.support.scripted import KeptStore, ScriptedGateway, running, says, settings
from tests.support.waiting import wait_until_async


async def test_conversations_in_memory_cannot_be_searched_and_say_so():
    async with running(ScriptedGateway(says("one")), store=KeptStore()) as engine:
        page = await engine.history.search("anything")
        assert (page.hits, page.state.problem) == ((), NO_INDEX)
        await engine.history.update_index()


async def test_an_engine_with_a_screen_indexes_in_the_background_and_ends_it(tmp_path, monkeypatch):
    monkeypatch.setattr(engine_module, "INDEX_AFTER", 0.0)
    store = JsonlStore(tmp_path / "conversations")
    await store.append(new_id(), [created("A title"), said("needle")])
    search = SearchIndex(tmp_path / "conversations", tmp_path / "cache")
    parts = {"settings": dataclasses.replace(settings(), interactive=True), "search": search}
    async with running(ScriptedGateway(says("one")), store=store, **parts) as engine:
        await wait_until_async(lambda: engine.history.index_state.total_bytes and engine.history.index_state.complete)
        assert len((await engine.history.search("needle")).hits) == 1
        pid = search.pid
        assert pid is not None
    assert not psutil.pid_exists(pid)


async def test_what_was_deleted_is_not_found_and_emptying_the_trash_discards_its_words(tmp_path: Path):
    store = JsonlStore(tmp_path / "conversations")
    search = SearchIndex(tmp_path / "conversations", tmp_path / "cache")
    library = Library(store, EventBus(store, Redactor()), search)
    try:
        key = new_id()
        await store.append(key, [created("A title"), said("needle")])
        await library.update_index()
        assert [hit.conversation_id for hit in (await library.search("needle")).hits] == [key]
        assert library.index_state.complete
        with pytest.raises(UsageError):
            await library.search("kind:nothing")
        index = IndexFiles(tmp_path / "cache", tmp_path / "conversations")
        before = index.current()
        await library.delete(key)
        assert (await library.search("needle")).hits == ()
        assert await library.empty_trash() == 1
        assert not before.exists()
        await library.update_index()
        assert (await library.search("needle")).hits == ()
        pid = search.pid
        assert pid is not None
    finally:
        await search.aclose()
        await store.aclose()
    assert not psutil.pid_exists(pid)
