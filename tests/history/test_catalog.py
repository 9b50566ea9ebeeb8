"""The list of conversations and its cache (requirement G5)."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_tui.errors import StoreFailed
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.events.turns import ConversationTitled, ModelSelected
from mcp_tui.history import lines, names
from mcp_tui.history.catalog import INDEX_NAME, list_conversations
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.journal import Journal
from tests.support.faultfs import FaultFS
from tests.support.history_events import created, said


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


def wrong_type(path: Path) -> None:
    value = json.loads(path.read_bytes())
    for entry in value["files"].values():
        entry["title"] = ["not", "text"]
    path.write_text(json.dumps(value))


def other_version(path: Path) -> None:
    value = json.loads(path.read_bytes())
    path.write_text(json.dumps({**value, "version": 99}))


def stale(path: Path) -> None:
    value = json.loads(path.read_bytes())
    for entry in value["files"].values():
        entry.update(title="a lie", modified_ns=1)
    path.write_text(json.dumps(value))


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
