"""Large values in side files."""

from __future__ import annotations

import errno
import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_tui.errors import StoreFailed
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.events.codec import UnknownEvent
from mcp_tui.events.content import ImageContent, TextContent
from mcp_tui.events.tools import ToolCallFinished
from mcp_tui.history import lines, names
from mcp_tui.history.blobs import LIMIT, Blobs
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.journal import Journal
from tests.support.faultfs import FaultFS
from tests.support.history_events import created, said, stored

KEYS = st.sampled_from(["$blob", "$$blob", "$$$blob", "blob", "size", "$blobs", "x$blob"])
OBJECTS = st.recursive(
    st.integers() | st.sampled_from(["$blob", "x", "y" * (LIMIT + 1)]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def event(**fields: Any) -> dict[str, Any]:
    return {"type": "user_message", "id": "x1", "seq": 0, "at": "2026-01-01T00:00:00Z", **fields}


def back(store: Blobs, value: dict[str, Any]) -> dict[str, Any]:
    line = store.prepare(value).numbered(0).rstrip(b"\n")
    assert len(line) <= lines.MAX_LINE
    decoded = lines.decode(line)
    assert decoded is not None
    return store.restore(line, decoded)


def add(directory: Path, key: str, *events: EventBase, fs: FileSystem = REAL) -> list[EventBase]:
    target = Journal(directory, key, fs, lock_timeout=2.0)
    (done,) = target.append([events])
    target.close()
    return done


@given(st.dictionaries(KEYS, OBJECTS, max_size=3))
def test_data_that_looks_like_a_reference_comes_back(tmp_path_factory: pytest.TempPathFactory, value: Any) -> None:
    store = Blobs(tmp_path_factory.getbasetemp() / "looks.blobs", REAL)
    assert back(store, event(data=value)) == event(data=value)
    assert back(store, {**event(), **value}) == {**event(), **value}


def test_a_large_string_is_a_plain_file_named_by_its_hash(tmp_path: Path) -> None:
    key, text = new_id(), "Größe\n" * 20_000
    add(tmp_path, key, created(), said(text))
    line = json.loads(names.journal_path(tmp_path, key).read_text("ascii").splitlines()[1])
    data = text.encode()
    assert line["text"] == {"$blob": hashlib.sha256(data).hexdigest(), "size": len(data), "preview": text[:400]}
    (file,) = names.blob_directory(tmp_path, key).iterdir()
    assert (file.name, file.read_bytes()) == (line["text"]["$blob"], data)
    add(tmp_path, key, said(text))
    assert len(list(names.blob_directory(tmp_path, key).iterdir())) == 1


@pytest.mark.parametrize("size", [LIMIT - 1, LIMIT, LIMIT + 1])
def test_the_limit_is_in_bytes(tmp_path: Path, size: int) -> None:
    key = new_id()
    done = add(tmp_path, key, said("é" * (size // 2) + "x" * (size % 2)))
    assert names.blob_directory(tmp_path, key).exists() == (size > LIMIT)
    assert stored(tmp_path, key).events == tuple(done)


def test_results_of_every_kind_come_back(tmp_path: Path) -> None:
    key = new_id()
    result = ToolCallFinished(
        call_id="c",
        outcome="success",
        content=(
            TextContent(text="half a pair \ud800 " * 9_000),
            ImageContent(data="QUJD" * 50_000, mimeType="image/png"),
        ),
        structured_content={"deep": [{"text": "z" * 70_000}, {"$blob": "mine"}]},
        model_text="m" * 66_000,
    )
    done = add(tmp_path, key, created(), result)
    assert stored(tmp_path, key).events == tuple(done)
    assert names.journal_path(tmp_path, key).stat().st_size < 10_000


def test_a_result_of_very_many_small_values_fits_on_a_line(tmp_path: Path) -> None:
    key = new_id()
    many = [{"name": f"row {number}", "text": "€" * 20} for number in range(120_000)]
    done = add(tmp_path, key, ToolCallFinished(call_id="c", outcome="success", structured_content=many))
    assert stored(tmp_path, key).events == tuple(done)
    assert names.journal_path(tmp_path, key).stat().st_size < 10_000


def test_what_no_side_file_can_shorten_is_refused(tmp_path: Path) -> None:
    key = new_id()
    wide = UnknownEvent.model_validate({"type": "wide", **{f"field{number}": "x" * 60_000 for number in range(300)}})
    with pytest.raises(StoreFailed, match="longer than"):
        add(tmp_path, key, wide)
    assert not names.journal_path(tmp_path, key).exists()


def spoil_missing(file: Path) -> None:
    file.unlink()


def spoil_content(file: Path) -> None:
    file.write_bytes(b"y" * file.stat().st_size)


def spoil_size(file: Path) -> None:
    os.truncate(file, 5)


def spoil_link(file: Path) -> None:
    file.unlink()
    file.symlink_to("/etc/passwd")


def spoil_fifo(file: Path) -> None:
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize("spoil", [spoil_missing, spoil_content, spoil_size, spoil_link, spoil_fifo])
def test_a_lost_side_file_leaves_a_marked_preview(tmp_path: Path, spoil: Any) -> None:
    key = new_id()
    add(tmp_path, key, created(), said("x" * 100_000))
    (file,) = names.blob_directory(tmp_path, key).iterdir()
    spoil(file)
    found = stored(tmp_path, key)
    text = found.events[1].text  # type: ignore[attr-defined]
    assert text == "x" * 400 + f"\n[the rest of 100000 bytes is lost: {file.name}]"
    assert found.set_aside == ()


def test_a_reference_cannot_leave_the_directory(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    raw = lines.prepare(event(text={"$blob": "../secret", "size": 6, "preview": ""})).numbered(1).rstrip()
    value = lines.decode(raw)
    assert value is not None
    assert "lost" in Blobs(tmp_path / "x.blobs", REAL).restore(raw, value)["text"]


def test_a_linked_directory_is_refused(tmp_path: Path) -> None:
    key = new_id()
    (tmp_path / "elsewhere").mkdir()
    names.blob_directory(tmp_path, key).symlink_to("elsewhere")
    with pytest.raises(StoreFailed, match="not a plain directory"):
        add(tmp_path, key, said("x" * 100_000))
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_side_file_that_cannot_be_written_refuses_the_event(tmp_path: Path) -> None:
    key = new_id()
    add(tmp_path, key, created())
    before = names.journal_path(tmp_path, key).read_bytes()
    fs = FaultFS(1, "short", error=errno.ENOSPC, only=frozenset({"write"}))
    with pytest.raises(StoreFailed, match="No space left"):
        add(tmp_path, key, said("x" * 100_000), fs=fs)
    assert names.journal_path(tmp_path, key).read_bytes() == before
    assert list(names.blob_directory(tmp_path, key).iterdir()) == []


def test_leftovers_of_the_dead_are_removed_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    key = new_id()
    directory = names.blob_directory(tmp_path, key)
    directory.mkdir()
    old, new = directory / "a.1.x.tmp", directory / "b.2.y.tmp"
    for path in (old, new):
        path.write_bytes(b"x")
    os.utime(old, (1, 1))
    add(tmp_path, key, said("x" * 100_000))
    assert not old.exists()
    assert new.exists()


def test_what_a_server_answers_is_stored_once_and_is_one_object_in_memory(tmp_path: Path) -> None:
    rows = [{"id": number, "name": f"row {number}"} for number in range(20_000)]
    text = json.dumps({"rows": rows})
    key = new_id()
    message = {"result": {"content": [{"type": "text", "text": text}], "structuredContent": {"rows": rows}}}
    finished = ToolCallFinished(
        call_id="c",
        outcome="success",
        content=(TextContent(text=text),),
        structured_content={"rows": rows},
        wire=({"direction": "received", "at": "2026-01-01T00:00:00Z", "message": message},),  # type: ignore[arg-type]
    )
    (kept,) = add(tmp_path, key, finished)
    sizes = sorted(path.stat().st_size for path in names.blob_directory(tmp_path, key).iterdir())
    assert sizes == sorted([len(text), len(lines.dumps(rows))])
    assert names.journal_path(tmp_path, key).stat().st_size < LIMIT
    (read,) = stored(tmp_path, key).events
    assert read == kept
    assert isinstance(read, ToolCallFinished)
    result = read.wire[0].message["result"]
    assert result["structuredContent"]["rows"] is read.structured_content["rows"]
    assert result["content"][0]["text"] is read.content[0].text  # type: ignore[union-attr]


@settings(deadline=None, max_examples=25)
@given(st.dictionaries(KEYS, OBJECTS, max_size=3), st.integers(1, 3))
def test_whatever_leaves_a_long_line_comes_back_and_no_side_file_names_another(
    tmp_path_factory: pytest.TempPathFactory, value: Any, times: int
) -> None:
    folder = tmp_path_factory.mktemp("long") / "x.blobs"
    store = Blobs(folder, REAL)
    many = [list(range(20_000)), "y" * LIMIT * 5]
    data = {"value": [value] * times, "many": {"inner": many[:times], "$blob": "mine"}, "again": [many[0], many[0]]}
    assert back(store, event(data=data)) == event(data=data)
    for path in folder.iterdir():
        assert not path.read_bytes().startswith((b"{", b"[")) or b'{"$blob":"' not in path.read_bytes()
