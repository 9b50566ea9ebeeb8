"""The calls of all conversations, whatever else is in their files."""

from __future__ import annotations

import os
from pathlib import Path

from mcp_tui.events.base import EventBase, new_id
from mcp_tui.history import names
from mcp_tui.history.calls import recorded_calls
from mcp_tui.history.fs import REAL
from mcp_tui.history.journal import Journal
from mcp_tui.history.lines import decode, prepare
from tests.support.history_events import called, created


def add(directory: Path, key: str, *events: EventBase) -> Path:
    target = Journal(directory, key, REAL, lock_timeout=2.0)
    target.append([events])
    target.close()
    return names.journal_path(directory, key)


def test_damaged_lines_are_skipped_and_the_rest_is_found(tmp_path: Path) -> None:
    path = add(tmp_path, new_id(), created(), *called("a", {"n": 1}), *called("b", {"n": 2}), *called("c", {"n": 3}))
    lines = path.read_bytes().splitlines(keepends=True)
    proposed = [number for number, line in enumerate(lines) if line.startswith(b'{"type":"tool_call_proposed"')]
    lines[proposed[1]] = lines[proposed[1]].replace(b'"n":2', b'"n":7')
    lines[-1:] = [b"\xff\0garbage\n", b'{"type":"tool_call_proposed"}\n', b"x" * 17_000_000 + b"\n", lines[-1][:-1]]
    path.write_bytes(b"".join(lines))
    found = recorded_calls(tmp_path, REAL)
    assert [(call.call_id, call.arguments, call.outcome) for call in found] == [
        ("a", {"n": 1}, "success"),
        ("c", {"n": 3}, ""),
    ]


def test_files_that_are_no_journals_are_left_alone(tmp_path: Path) -> None:
    add(tmp_path, new_id(), created(), *called("a", {}))
    os.mkfifo(tmp_path / f"{new_id()}.jsonl")
    (tmp_path / f"{new_id()}.jsonl").mkdir()
    (tmp_path / f"{new_id()}.jsonl").symlink_to("/etc/passwd")
    (tmp_path / "notes.jsonl").write_text("{}\n")
    assert [call.call_id for call in recorded_calls(tmp_path, REAL)] == ["a"]
    assert recorded_calls(tmp_path / "missing", REAL) == []


def test_an_end_whose_fields_stand_in_another_order_is_decoded(tmp_path: Path) -> None:
    path = add(tmp_path, new_id(), created(), *called("a", {}, outcome="timeout"))
    lines = path.read_bytes().splitlines(keepends=True)
    value = decode(lines[-1]) or {}
    outcome = value.pop("outcome")
    fake = {"call_id": "a", "outcome": "success"}
    lines[-1] = prepare(
        {"type": value["type"], "id": value["id"], **value, "structured_content": fake, "outcome": outcome}
    ).numbered(5)
    path.write_bytes(b"".join(lines))
    assert lines[-1].index(b'"success"') < lines[-1].index(b'"timeout"')
    assert [call.outcome for call in recorded_calls(tmp_path, REAL)] == ["timeout"]
