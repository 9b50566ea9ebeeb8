"""The list of conversations and its cache (requirement G5)."""

from __future__ import annotations

import asyncio
import json
import os
import threading
import time
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.conversation.summary import Amounts, ConversationSummary, together
from mcp_tui.errors import StoreFailed
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.events.codec import from_object
from mcp_tui.events.turns import (
    AssistantMessage,
    ConversationCreated,
    ConversationTagged,
    ConversationTitled,
    ModelSelected,
    Origin,
    RequestedToolCall,
)
from mcp_tui.history import lines, names
from mcp_tui.history.base import ListedSoFar
from mcp_tui.history.catalog import FIRST_PART, Catalog, list_conversations
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.list_cache import INDEX_NAME
from mcp_tui.history.memory import MemoryStore
from mcp_tui.history.reading import read_conversation
from tests.support.faultfs import FaultFS
from tests.support.history_events import answered, called, created, said


def add(directory: Path, key: str, *events: EventBase) -> None:
    target = Journal(directory, key, REAL, lock_timeout=2.0)
    target.append([events])
    target.close()


class CountingFS(FileSystem):
    """Bytes that were read from journals."""

    def __init__(self) -> None:
        self.journals: set[int] = set()
        self.read = 0

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        fd = super().open(path, flags, mode)
        if path.suffix == ".jsonl":
            self.journals.add(fd)
        return fd

    def close(self, fd: int) -> None:
        self.journals.discard(fd)
        super().close(fd)

    def pread(self, fd: int, size: int, offset: int) -> bytes:
        data = super().pread(fd, size, offset)
        if fd in self.journals:
            self.read += len(data)
        return data


def test_case_014_a_warm_list_reads_no_journal_and_a_grown_one_only_its_end(tmp_path: Path) -> None:
    keys = [new_id() for _ in range(5)]
    for key in keys:
        add(tmp_path, key, created(key), said("x" * 5_000))
    cold = list_conversations(tmp_path, REAL)
    fs = CountingFS()
    assert list_conversations(tmp_path, fs) == cold
    assert fs.read == 0
    add(tmp_path, keys[2], ConversationTitled(title="renamed"))
    first = list_conversations(tmp_path, fs)[0]
    assert (first.id, first.title, first.events) == (keys[2], "renamed", 3)
    assert 0 < fs.read < 1_000
    (tmp_path / INDEX_NAME).unlink()
    assert list_conversations(tmp_path, REAL)[0] == first


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def write_index(path: Path, value: dict[str, Any]) -> None:
    """As the cache is laid out: an entry a line."""
    entries = ",\n".join(json.dumps({name: entry})[1:-1] for name, entry in value["files"].items())
    path.write_text(f"{json.dumps({**value, 'files': {}})[:-2]}\n{entries}\n}}}}")


def wrong_type(path: Path) -> None:
    value = json.loads(path.read_bytes())
    for entry in value["files"].values():
        entry[value["fields"].index("title")] = ["not", "text"]
    write_index(path, value)


def other_version(path: Path) -> None:
    value = json.loads(path.read_bytes())
    write_index(path, {**value, "version": 99})


def stale(path: Path) -> None:
    value = json.loads(path.read_bytes())
    for entry in value["files"].values():
        entry[value["fields"].index("title")] = "a lie"
        entry[value["fields"].index("modified_ns")] = 1
    write_index(path, value)


SPOILERS: list[Callable[[Path], object]] = [
    Path.unlink,
    truncate,
    wrong_type,
    other_version,
    stale,
    lambda path: path.write_bytes(os.urandom(5_000)),
    lambda path: path.write_bytes(b""),
    lambda path: path.write_text("[]"),
    lambda path: path.write_text('{"version":1,"files":{"x":3}}'),
    lambda path: path.write_text("[" * 100_000),
]


@pytest.mark.parametrize("spoil", SPOILERS)
def test_case_017_a_spoiled_index_is_rebuilt(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    key = new_id()
    add(tmp_path, key, created("Title"), said("x"))
    before = list_conversations(tmp_path, REAL)
    spoil(tmp_path / INDEX_NAME)
    assert list_conversations(tmp_path, REAL) == before
    fs = CountingFS()
    assert list_conversations(tmp_path, fs) == before
    assert fs.read == 0


def test_case_012_017_an_index_that_is_a_fifo_or_directory_is_no_index(tmp_path: Path) -> None:
    key = new_id()
    add(tmp_path, key, created("Title"))
    os.mkfifo(tmp_path / INDEX_NAME)
    assert [item.title for item in list_conversations(tmp_path, REAL)] == ["Title"]
    (tmp_path / INDEX_NAME).unlink()
    (tmp_path / INDEX_NAME).mkdir()
    assert [item.title for item in list_conversations(tmp_path, REAL)] == ["Title"]
    assert list(tmp_path.glob("*.tmp")) == []


def test_other_things_in_the_directory_are_not_listed(tmp_path: Path) -> None:
    key = new_id()
    add(tmp_path, key, created("Title"))
    (tmp_path / "notes.jsonl").write_text("x")
    (tmp_path / f"{new_id()}.jsonl").symlink_to(names.journal_path(tmp_path, key))
    (tmp_path / f"{new_id()}.jsonl").mkdir()
    os.mkfifo(tmp_path / f"{new_id()}.jsonl")
    (tmp_path / f"{new_id()}.jsonl").write_bytes(b"")
    assert [item.id for item in list_conversations(tmp_path, REAL)] == [key]


def test_case_007_017_damage_leaves_a_conversation_in_the_list(tmp_path: Path) -> None:
    key = new_id()
    names.journal_path(tmp_path, key).write_bytes(b"\0garbage\n" * 10)
    (found,) = list_conversations(tmp_path, REAL)
    assert (found.id, found.title, found.events) == (key, "", 0)
    assert found.created_at.tzinfo


def test_an_unfinished_line_is_counted_once_it_is_finished(tmp_path: Path) -> None:
    key = new_id()
    add(tmp_path, key, created("Title"), said("x"))
    path = names.journal_path(tmp_path, key)
    data = path.read_bytes()
    os.truncate(path, len(data) - 5)
    assert list_conversations(tmp_path, REAL)[0].events == 1
    with path.open("ab") as file:
        file.write(data[-5:])
    assert list_conversations(tmp_path, REAL)[0].events == 2


def test_a_file_in_the_place_of_a_compacted_one_is_counted_anew_even_where_it_has_an_earlier_ones_number(
    tmp_path: Path,
) -> None:
    """Compaction twice: the second new file may get the number of the first old one, and be longer by then."""
    key = new_id()
    add(tmp_path, key, created("Title"), *(said(f"{n}") for n in range(5)))
    assert list_conversations(tmp_path, REAL)[0].user_messages == 5
    add(tmp_path, key, said("late"), said("x" * 5000))
    path = names.journal_path(tmp_path, key)
    whole = path.read_bytes().splitlines(keepends=True)
    with path.open("r+b") as file:
        file.write(b"".join([whole[0], *whole[3:]]))
        file.truncate()
    assert list_conversations(tmp_path, REAL)[0].user_messages == 5


def test_case_014_lines_longer_than_a_block_and_longer_than_allowed(tmp_path: Path) -> None:
    key = new_id()
    fake = b'{"type":"user_message"'
    long = lines.prepare(
        {"type": "user_message", "id": new_id(), "at": "2026-01-01T00:00:00Z", "n": [0] * 3_000_000}
    ).numbered(2)
    add(tmp_path, key, created("Title"))
    with names.journal_path(tmp_path, key).open("ab") as file:
        file.write(long + b"x" * (lines.MAX_LINE * 2) + fake + b"\n")
    add(tmp_path, key, ConversationTitled(title="Last"), said('{"type":"user_message"\n{"type":"user_message"'))
    (found,) = list_conversations(tmp_path, REAL)
    assert (found.title, found.events, found.user_messages) == ("Last", 4, 2)


def test_no_directory_is_an_empty_list(tmp_path: Path) -> None:
    assert list_conversations(tmp_path / "none", REAL) == ()


def test_segments_are_one_conversation(tmp_path: Path) -> None:
    key = new_id()
    fs = FaultFS(3, "fail", only=frozenset({"fsync"}))
    target = Journal(tmp_path, key, fs, lock_timeout=2.0)
    target.append([[created("Title"), ModelSelected(provider="p", model="old")]])
    later = [said("x"), ModelSelected(provider="p", model="new")]
    with pytest.raises(StoreFailed):
        target.append([later])
    target.append([later])
    (found,) = list_conversations(tmp_path, REAL)
    assert (found.title, found.model, found.events) == ("Title", "new", 4)


def test_a_list_works_where_nothing_can_be_written(tmp_path: Path) -> None:
    add(tmp_path, new_id(), created("Title"))
    fs = FaultFS(1, "fail", only=frozenset({"replace"}), forever=True)
    assert [item.title for item in list_conversations(tmp_path, fs)] == ["Title"]
    assert list(tmp_path.glob("*.tmp")) == []


def test_case_015_temporary_files_of_the_dead_are_removed(tmp_path: Path) -> None:
    add(tmp_path, new_id(), created("Title"))
    old, new = tmp_path / f"{INDEX_NAME}.1.a.tmp", tmp_path / f"{INDEX_NAME}.2.b.tmp"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    list_conversations(tmp_path, REAL)
    assert list(tmp_path.glob("*.tmp")) == [new]


def test_case_014_a_thousand_conversations(tmp_path: Path) -> None:
    for number in range(1_000):
        key = new_id()
        value = {"type": "conversation_created", "id": new_id(), "seq": 0, "at": "2026-01-01T00:00:00Z"}
        line = lines.prepare({**value, "conversation_id": key, "title": str(number), "demo": False}).numbered(1)
        names.journal_path(tmp_path, key).write_bytes(line)
    assert len(list_conversations(tmp_path, REAL)) == 1_000
    # Processor time: what others do on the machine is not the list's cost.
    began = time.process_time()
    assert len(list_conversations(tmp_path, REAL)) == 1_000
    assert time.process_time() - began < 1.0


GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("*.jsonl"))


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
async def test_both_stores_tell_the_same_of_every_golden_log(tmp_path: Path, path: Path) -> None:
    events = [from_object(lines.decode(line) or {}) for line in path.read_bytes().splitlines()]
    key = events[0].conversation_id
    add(tmp_path, key, *events)
    memory = MemoryStore()
    await memory.append(key, events)
    (listed,), (remembered,) = list_conversations(tmp_path, REAL), await memory.list()
    for field in fields(ConversationSummary):
        if field.name != "size":
            assert getattr(listed, field.name) == getattr(remembered, field.name), field.name
    assert abs(listed.size - remembered.size) < 100


def test_models_costs_servers_tags_and_origin_over_segments_and_growth(tmp_path: Path) -> None:
    key = new_id()
    hostile = AssistantMessage(
        message_id="m",
        hop=1,
        provider='p","model":"a lie',
        model='a "quoted\\" — model',
        text='","cost":77,"first_token_seconds":1,"crc":"00000000"}\n{"type":"assistant_message"',
        tool_calls=(RequestedToolCall(call_id="c", wire_name="w", arguments={"cost": 55, "server": "a lie"}),),
        cost=0.25,
    )
    origin = Origin(kind="fork", conversation_id=new_id(), event_id="e", title="before")
    start = ConversationCreated(app_version="1", title="Title", origin=origin, schema_version=1)
    add(tmp_path, key, start, said("x"), hostile, answered("second"), *called("c1", {"server": "a lie"}))
    catalog = Catalog(tmp_path, REAL)
    (found,) = catalog.list()
    assert (found.messages, found.models, found.cost, found.servers) == (
        3,
        ('a "quoted\\" — model', "m"),
        0.25,
        ("fs",),
    )
    assert (found.tags, found.origin, found.newer_schema) == ((), origin, False)
    assert catalog.list()[0] is found
    call = called("c2", {}, tool=('gi"t', "log"))
    add(tmp_path, key, ConversationTagged(tags=("old",)), ConversationTagged(tags=("new", "ü")), *call)
    (grown,) = catalog.list()
    assert (grown.tags, grown.servers, found.servers) == (("new", "ü"), ("fs", 'gi"t'), ("fs",))
    assert list_conversations(tmp_path, REAL) == (grown,)


def test_lines_of_another_shape_are_read_whole(tmp_path: Path) -> None:
    key = new_id()
    value = {"type": "assistant_message", "id": new_id(), "at": "2026-01-01T00:00:00Z", "text": "x" * 2_000}
    later = {"usage": {"cost": 9}, "cost": 1, "future": {"cost": 8}, "model": "late"}
    add(tmp_path, key, created("Title"))
    with names.journal_path(tmp_path, key).open("ab") as file:
        file.write(lines.prepare({**value, **later}).numbered(2))
        file.write(lines.prepare({**value, "id": new_id(), "cost": True, "model": ["x"]}).numbered(3))
        file.write(
            lines.prepare(
                {
                    "type": "conversation_created",
                    "id": new_id(),
                    "at": "x",
                    "schema_version": 9,
                    "origin": {"kind": "unheard of"},
                }
            ).numbered(4)
        )
    (found,) = list_conversations(tmp_path, REAL)
    assert (found.models, found.cost, found.newer_schema, found.origin) == (("late",), 1.0, True, None)


def test_a_first_look_tells_the_last_changed_ones_at_once_and_then_how_far_it_is(tmp_path: Path) -> None:
    keys = [new_id() for _ in range(FIRST_PART + 20)]
    for age, key in enumerate(keys):
        add(tmp_path, key, created(key))
        os.utime(names.journal_path(tmp_path, key), (1e9 - age, 1e9 - age))
    for _cold_then_warm in range(2):
        parts: list[ListedSoFar] = []
        catalog = Catalog(tmp_path, REAL)
        whole = catalog.list(report=parts.append)
        assert {summary.id for summary in parts[0].conversations} == set(keys[:FIRST_PART])
        assert (parts[0].done, parts[0].total) == (FIRST_PART, len(keys))
        assert set(parts[0].conversations) <= set(whole)
        assert list(parts[0].conversations) == [each for each in whole if each in parts[0].conversations]
        told = len(parts)
        assert catalog.list(report=parts.append) == whole
        assert len(parts) == told, "later looks are quick"


async def test_parts_come_on_the_event_loop(tmp_path: Path) -> None:
    for _ in range(FIRST_PART + 1):
        add(tmp_path, key := new_id(), created(key))
    store, threads = JsonlStore(tmp_path), set[int]()
    await store.list(lambda part: threads.add(threading.get_ident()))
    await asyncio.sleep(0)
    assert threads == {threading.get_ident()}
    await store.aclose()


def forked(directory: Path, *events: EventBase, source: str = "") -> str:
    """A conversation that begins with copies."""
    key = new_id()
    beginning = [event.model_copy(update={"seq": 0, "conversation_id": key}) for event in events]
    origin = Origin(kind="fork", conversation_id=source or new_id(), event_id="e", copied=len(beginning))
    start = ConversationCreated(app_version="1", title="fork", origin=origin)
    add(directory, key, start, *beginning)
    return key


async def test_what_came_with_a_fork_is_told_apart_and_counted_once(tmp_path: Path) -> None:
    """In the files and in memory alike; where the original is gone the longest beginning counts, once."""
    talk = [said("one"), answered("a1", cost=0.25), *called("c1", {}), said("two"), answered("a2", cost=0.5)]
    key = new_id()
    add(tmp_path, key, created("original"), *talk)
    first, second = forked(tmp_path, *talk, source=key), forked(tmp_path, *talk[:2], source=key)
    add(tmp_path, first, said("three"), answered("a3", cost=1.0), *called("c2", {}))
    found = {each.id: each for each in list_conversations(tmp_path, REAL)}
    assert (found[first].messages, found[first].tool_calls, found[first].cost) == (6, 2, 1.75)
    assert found[first].copied == Amounts(4, 1, 0.75)
    assert found[first].own == Amounts(2, 1, 1.0)
    assert (found[second].copied, found[second].own) == (Amounts(2, 0, 0.25), Amounts(0, 0, 0.0))
    assert found[key].copied == Amounts()
    assert together(found.values()) == Amounts(6, 2, 1.75)
    assert together([found[first], found[second]]) == Amounts(6, 2, 1.75)
    assert together([found[second]]) == Amounts(2, 0, 0.25)
    for name in (first, second):
        events = read_conversation(tmp_path, name, REAL).events
        memory = MemoryStore()
        await memory.create(name, [event.model_copy(update={"seq": 0}) for event in events])
        (remembered,) = await memory.list()
        assert remembered.copied == found[name].copied
    catalog = Catalog(tmp_path, REAL)
    catalog.list()
    add(tmp_path, second, said("four"), answered("a4", cost=2.0))
    assert next(each for each in catalog.list() if each.id == second).own == Amounts(2, 0, 2.0)
