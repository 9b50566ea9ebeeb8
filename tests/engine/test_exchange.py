"""Conversations out of the store into files, and back into the same store or another machine's."""

from __future__ import annotations

import json
import os
import shutil
import stat
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.conversation.calls import CallHistory
from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.history import Library
from mcp_tui.errors import ConversationNotFound, UsageError
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase, derived_id, new_id, utc_now
from mcp_tui.events.codec import to_object
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.permissions.base import CallFacts
from mcp_tui.permissions.grants import ConversationGrants
from mcp_tui.safety.secrets import Redactor
from tests.importing import samples
from tests.support.history_events import answered, called, created, said

GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*.jsonl"))


@asynccontextmanager
async def machine(folder: Path, *secrets: str) -> AsyncIterator[tuple[Library, JsonlStore]]:
    store = JsonlStore(folder)
    try:
        yield Library(store, EventBus(store, Redactor(secrets))), store
    finally:
        await store.aclose()


def put_golden(folder: Path) -> list[str]:
    folder.mkdir(parents=True, exist_ok=True)
    ids = [json.loads(log.read_text().splitlines()[0])["conversation_id"] for log in GOLDEN]
    for conversation_id, log in zip(ids, GOLDEN, strict=True):
        shutil.copy(log, folder / f"{conversation_id}.jsonl")
    return ids


def granted() -> list[EventBase]:
    """A conversation in which a tool was allowed for all of it."""
    call = called("c1", {"path": "a"})
    decided = call[1].model_copy(update={"scope": "conversation", "tool_pin": "pin"})
    return [created("granted"), said("hello"), answered("m"), call[0], decided, *call[2:]]


def granted_in(events: Sequence[EventBase]) -> bool:
    """Whether the tool may run in this conversation without a question."""
    grants = ConversationGrants()
    for event in events:
        grants.apply(event)
    tool = tools.ToolDefinition(wire_name="fs__read", server="fs", name="read", digest="digest", pin="pin")
    return grants.verdict(CallFacts(tool, {"path": "a"})) is not None


def facts_of(events: Sequence[EventBase]) -> list[dict[str, Any]]:
    """What events say, but for what an import may change."""
    return [
        {key: value for key, value in to_object(event).items() if key not in ("seq", "conversation_id", "origin")}
        for event in events
    ]


# -- out -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "suffix"), [("markdown", ".md"), ("json", ".json"), ("html", ".html")])
async def test_an_export_is_a_private_file_named_after_the_title(kind: str, suffix: str, tmp_path: Path) -> None:
    async with machine(tmp_path / "a") as (library, store):
        conversation_id = new_id()
        await store.append(conversation_id, [created("Größe: ../../etc <x>"), said("hi")])
        path = await library.export(conversation_id, kind, tmp_path)
        assert path == tmp_path / f"grösse-etc-x{suffix}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert sorted(p.name for p in tmp_path.iterdir()) == sorted(["a", path.name])


async def test_a_file_that_is_there_stays_unless_it_may_be_replaced(tmp_path: Path) -> None:
    async with machine(tmp_path / "a") as (library, store):
        conversation_id = new_id()
        await store.append(conversation_id, [created("t"), said("hi")])
        path = tmp_path / "x.md"
        path.write_text("mine")
        with pytest.raises(UsageError, match="already"):
            await library.export(conversation_id, "markdown", path)
        assert path.read_text() == "mine"
        await library.export(conversation_id, "markdown", path, replace=True)
        assert path.read_text().startswith("# t\n")
        assert [p.name for p in tmp_path.iterdir() if "tmp" in p.name or p.name.startswith(".")] == []


async def test_home_is_expanded_and_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    async with machine(tmp_path / "a") as (library, store):
        conversation_id = new_id()
        await store.append(conversation_id, [created("t"), said("hi")])
        assert await library.export(conversation_id, "json", Path("~/x.json")) == Path.home() / "x.json"
        for bad in (tmp_path / "no" / "x.md", tmp_path / ("x" * 300)):
            with pytest.raises(UsageError, match="cannot be written"):
                await library.export(conversation_id, "markdown", bad)
        with pytest.raises(UsageError, match="no export format 'pdf'"):
            await library.export(conversation_id, "pdf", tmp_path / "x.pdf")
        with pytest.raises(ConversationNotFound):
            await library.export(new_id(), "markdown", tmp_path / "y.md")
        assert not [p for p in tmp_path.iterdir() if p.is_file()]


async def test_a_conversation_of_a_newer_release_is_exported_for_reading_only(tmp_path: Path) -> None:
    async with machine(tmp_path / "a") as (library, store):
        conversation_id = new_id()
        await store.append(conversation_id, [created("t").model_copy(update={"schema_version": 2}), said("x")])
        with pytest.raises(UsageError, match="newer release"):
            await library.export(conversation_id, "json", tmp_path / "x.json")
        assert (await library.export(conversation_id, "html", tmp_path / "x.html")).is_file()


async def test_an_export_that_fails_on_its_way_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*arguments: object, **named: object) -> Any:
        yield "a"
        raise OSError(28, "No space left on device")

    async with machine(tmp_path / "a") as (library, store):
        conversation_id = new_id()
        await store.append(conversation_id, [created("t"), said("hi")])
        monkeypatch.setattr("mcp_tui.engine.history.export_pieces", broken)
        with pytest.raises(UsageError, match="No space left"):
            await library.export(conversation_id, "markdown", tmp_path / "x.md")
        assert [p.name for p in tmp_path.iterdir()] == ["a"]


# -- and in again --------------------------------------------------------------------------------------


@pytest.mark.parametrize("log", GOLDEN, ids=lambda log: log.stem)
async def test_a_json_export_comes_back_without_loss(log: Path, tmp_path: Path) -> None:
    conversation_id = json.loads(log.read_text().splitlines()[0])["conversation_id"]
    (tmp_path / "a").mkdir()
    shutil.copy(log, tmp_path / "a" / f"{conversation_id}.jsonl")
    async with machine(tmp_path / "a") as (one, _), machine(tmp_path / "b") as (two, _):
        path = await one.export(conversation_id, "json", tmp_path, with_secrets=True)
        (result,) = await two.import_file(path)
        assert (result.status, result.conversation_id) == ("imported", conversation_id)
        before, after = await one.read(conversation_id), await two.read(conversation_id)
        assert facts_of(after.events) == facts_of(before.events)
        assert (await two.import_file(path))[0].status == "present"
        assert (await one.import_file(path))[0].status == "present"
        again = await two.export(conversation_id, "json", tmp_path / "again.json", with_secrets=True)
        assert (await one.import_file(again))[0].status == "present"


async def test_large_values_and_broken_characters_survive(tmp_path: Path) -> None:
    async with machine(tmp_path / "a") as (one, store), machine(tmp_path / "b") as (two, _):
        conversation_id = new_id()
        call = called("c", {"$blob": "x" * 70_000, "n": 1e300}, text="y" * 500_000)
        events = [created("t"), said("\ud800 \0 \u2028"), *call]
        await store.append(conversation_id, events)
        path = await one.export(conversation_id, "json", tmp_path / "x.json")
        await two.import_file(path)
        assert facts_of((await two.read(conversation_id)).events) == facts_of((await one.read(conversation_id)).events)


async def test_another_machines_file_comes_in_with_its_side_files(tmp_path: Path) -> None:
    async with machine(tmp_path / "a") as (one, store), machine(tmp_path / "b") as (two, _):
        conversation_id = new_id()
        await store.append(conversation_id, [created("t"), *called("c", {}, text="y" * 500_000)])
        (result,) = await two.import_file(tmp_path / "a" / f"{conversation_id}.jsonl")
        assert (result.status, result.conversation_id, result.notes) == ("imported", conversation_id, ())
        assert facts_of((await two.read(conversation_id)).events) == facts_of((await one.read(conversation_id)).events)
        copied = tmp_path / "renamed.jsonl"
        shutil.copy(tmp_path / "a" / f"{conversation_id}.jsonl", copied)
        shutil.copytree(tmp_path / "a" / f"{conversation_id}.blobs", tmp_path / "renamed.blobs")
        assert (await two.import_file(copied))[0].status == "present"


async def test_damaged_lines_are_told_and_the_good_ones_come_in(tmp_path: Path) -> None:
    async with machine(tmp_path / "a") as (_, store), machine(tmp_path / "b") as (two, _):
        conversation_id = new_id()
        await store.append(conversation_id, [created("t"), *(said(f"m{i}") for i in range(12))])
        lines = (tmp_path / "a" / f"{conversation_id}.jsonl").read_bytes().splitlines()
        lines[3] = lines[3].replace(b"m2", b"m!")
        lines[5] = b"garbage"
        path = tmp_path / "copy.jsonl"
        path.write_bytes(b"\n".join(lines) + b"\n{torn")
        (result,) = await two.import_file(path)
        assert result.notes == (
            "Line 4 was left out: checksum does not match.",
            "Line 6 was left out: not an event.",
            "Line 14 was left out: unfinished.",
        )
        assert len((await two.read(conversation_id)).events) == 11


async def test_one_that_is_here_and_differs_comes_in_beside_it_once(tmp_path: Path) -> None:
    async with machine(tmp_path / "a") as (_, store), machine(tmp_path / "b") as (two, other):
        conversation_id = new_id()
        begun = [created("t"), said("both")]
        await store.append(conversation_id, begun)
        await other.append(conversation_id, begun)
        path = tmp_path / "a" / f"{conversation_id}.jsonl"
        assert (await two.import_file(path))[0].status == "present"
        await other.append(conversation_id, [said("here")])
        assert (await two.import_file(path))[0].status == "present", "all of it is here, and more"
        await store.append(conversation_id, [said("there")])
        (result,) = await two.import_file(path)
        assert result.status == "changed"
        assert result.conversation_id != conversation_id
        first = (await two.read(result.conversation_id)).events[0]
        assert isinstance(first, turns.ConversationCreated)
        assert first.origin is not None
        assert (first.origin.kind, first.origin.conversation_id) == ("import", conversation_id)
        again = await two.import_file(path)
        assert (again[0].status, again[0].conversation_id) == ("present", result.conversation_id)
        assert len(await two.list()) == 2


async def test_nothing_in_an_import_was_decided_here_or_ran_here(tmp_path: Path) -> None:
    """No grant of it holds, none of its calls is "seen before"; what happens here afterwards counts."""
    async with machine(tmp_path / "a") as (one, store), machine(tmp_path / "b") as (two, other):
        conversation_id = new_id()
        await store.append(conversation_id, granted())
        assert granted_in((await one.read(conversation_id)).events)
        exported = await one.export(conversation_id, "json", tmp_path / "x.json")
        for path in (exported, tmp_path / "a" / f"{conversation_id}.jsonl"):
            await two.import_file(path)
        stored = (await two.read(conversation_id)).events
        assert not granted_in(stored)
        assert await two.tool_calls() == CallHistory.of(stored).records == []
        here = called("c2", {"path": "b"})
        here[1] = here[1].model_copy(update={"scope": "conversation", "tool_pin": "pin"})
        await other.append(conversation_id, here)
        assert [record.call_id for record in await two.tool_calls()] == ["c2"]
        assert granted_in((await two.read(conversation_id)).events)


async def test_a_file_that_says_it_was_no_import_is_one_all_the_same(tmp_path: Path) -> None:
    """An origin of the file's own, events twice, a second beginning: none of it makes a decision count here."""
    async with machine(tmp_path / "a") as (one, store), machine(tmp_path / "b") as (two, _):
        conversation_id = new_id()
        await store.append(conversation_id, granted())
        path = await one.export(conversation_id, "json", tmp_path / "x.json")
        document = json.loads(path.read_text())
        document["events"][0]["origin"] = {"kind": "fork", "conversation_id": "x", "copied": 1}
        again = {**document["events"][0], "id": "second"}
        document["events"][1:1] = [again, document["events"][1], document["events"][1]]
        path.write_text(json.dumps(document))
        await two.import_file(path)
        stored = (await two.read(conversation_id)).events
        assert sum(isinstance(event, turns.ConversationCreated) for event in stored) == 1
        assert stored[0].origin.kind == "fork"  # type: ignore[attr-defined]
        assert await two.tool_calls() == []
        assert not granted_in(stored)


async def test_configured_secrets_do_not_come_in_and_keys_are_flagged(tmp_path: Path) -> None:
    async with machine(tmp_path / "a") as (_, store), machine(tmp_path / "b", "configured-secret") as (two, _):
        conversation_id = new_id()
        events = [created("t"), said("it is configured-secret"), *called("c", {}, text="password=hunter2hunter2")]
        await store.append(conversation_id, events)
        await two.import_file(tmp_path / "a" / f"{conversation_id}.jsonl")
        stored = (await two.read(conversation_id)).events
        assert "configured-secret" not in (tmp_path / "b" / f"{conversation_id}.jsonl").read_text()
        assert [event.sensitive for event in stored if isinstance(event, tools.ToolCallFinished)] == [True]


async def test_foreign_exports_are_stored_once(tmp_path: Path) -> None:
    path = tmp_path / "conversations.json"
    path.write_text(json.dumps([samples.chatgpt(), samples.chatgpt(mapping=3), samples.chatgpt(conversation_id="b")]))
    async with machine(tmp_path / "b") as (library, _):
        results = await library.import_file(path)
        assert [result.status for result in results] == ["imported", "failed", "imported"]
        assert results[1].title == "conversation 2"
        summaries = await library.list()
        assert len(summaries) == 2
        assert {s.origin.source for s in summaries if s.origin} == {"chatgpt"}
        assert all(s.models == ("gpt-5", "gpt-4o") for s in summaries)
        assert [r.status for r in await library.import_file(path)] == ["present", "failed", "present"]


async def test_a_newer_release_and_what_is_no_conversation_are_refused(tmp_path: Path) -> None:
    async with machine(tmp_path / "b") as (library, _):
        newer = tmp_path / "newer.jsonl"
        async with machine(tmp_path / "a") as (_, store):
            conversation_id = new_id()
            await store.append(conversation_id, [created("t").model_copy(update={"schema_version": 2}), said("x")])
            shutil.copy(tmp_path / "a" / f"{conversation_id}.jsonl", newer)
        other = tmp_path / "other.jsonl"
        other.write_text('{"role": "user"}\n{"role": "assistant"}\n')
        os.mkfifo(tmp_path / "fifo")
        for path, words in (
            (newer, "newer release"),
            (other, "holds no event"),
            (tmp_path / "none.json", "is not there"),
            (tmp_path, "is a folder"),
            (tmp_path / "fifo", "is no file"),
        ):
            with pytest.raises(UsageError, match=words):
                await library.import_file(path)
        assert await library.list() == ()


def test_derived_ids_are_ids() -> None:
    at = utc_now()
    assert derived_id(at, "a", "b") == derived_id(at, "a", "b") != derived_id(at, "ab", "")
    assert len(derived_id(at, "\ud800")) == len(new_id())
