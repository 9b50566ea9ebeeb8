"""``mcp-tui history ...`` as processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import Program

GOLDEN = Path(__file__).parent.parent / "golden"
EVERY, QUESTIONS, FORK = "01m7gdn0000000000000000001", "01m7gdn0000000000000000002", "01m7gdn0000000000000000003"


@pytest.fixture
def stored(program: Program) -> Program:
    """Three conversations: the golden logs."""
    folder = program.data_dir / "conversations"
    folder.mkdir(parents=True)
    for log in GOLDEN.glob("*.jsonl"):
        conversation = json.loads(log.read_text().splitlines()[0])["conversation_id"]
        shutil.copy(log, folder / f"{conversation}.jsonl")
    return program


def answer(program: Program, *arguments: str) -> Any:
    """What a command says with ``--json``."""
    done = program.run("history", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_list_is_an_array_newest_first(stored: Program) -> None:
    listed = answer(stored, "list")
    assert [entry["id"] for entry in listed][:2] == [FORK, QUESTIONS]
    assert sorted(entry["updated"] for entry in listed) == [entry["updated"] for entry in reversed(listed)]
    assert listed[0] == {
        "id": FORK,
        "title": "count the files",
        "created": "2026-11-21T10:00:01+00:00",
        "updated": "2026-11-21T10:00:22+00:00",
        "messages": 3,
        "tool_calls": 2,
        "models": ["anthropic/claude-sonnet-4-5"],
        "cost": 0.002,
        "servers": ["git"],
        "tags": ["git", "weekly"],
        "forked_from": QUESTIONS,
    }
    assert [entry["id"] for entry in answer(stored, "list", "WEEKLY", "files")] == [FORK]
    assert len(answer(stored, "list", "--limit", "1")) == 1
    words = stored.run("history", "list").stdout.splitlines()
    assert words[1].startswith(FORK[:12])
    assert "count the files (fork) #git #weekly" in words[1]
    assert stored.run("history", "list", "nothing").stdout == "No conversation has all of these words.\n"


def test_rename_and_tag_are_events_of_the_conversation(stored: Program) -> None:
    log = stored.data_dir / "conversations" / f"{FORK}.jsonl"
    before = log.read_bytes()
    assert stored.run("history", "rename", FORK, "another  title").returncode == 0
    assert answer(stored, "tag", FORK, "New", "git", "--remove", "WEEKLY")["tags"] == ["git", "new"]
    assert answer(stored, "tag", FORK)["tags"] == ["git", "new"]
    assert stored.run("history", "tag", FORK).stdout == f"{FORK}: #git #new\n"
    titles = {entry["id"]: (entry["title"], entry["tags"]) for entry in answer(stored, "list")}
    assert titles[FORK] == ("another title", ["git", "new"])
    assert log.read_bytes().startswith(before)
    assert len(log.read_bytes().splitlines()) == len(before.splitlines()) + 2


def test_stats_count_calls_by_their_outcome(stored: Program) -> None:
    stats = answer(stored, "stats")
    assert stats["conversations"] == 3
    assert stats["tools"]["git.git_log"] == {"calls": 2, "success": 2}
    assert stats["bytes"] == sum(path.stat().st_size for path in (stored.data_dir / "conversations").glob("*.jsonl"))
    assert "git.git_log: 2 success" in stored.run("history", "stats").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rename", "nothing-like-it", "x"), "There is no conversation 'nothing-like-it'"),
        (("rename", "01m7gdn", "x"), "3 conversations begin with '01m7gdn'"),
        (("rename", FORK, "  "), "A title needs at least one character"),
        (("tag", FORK, "x" * 41), "is longer than 40 characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(stored: Program, arguments: tuple[str, ...], words: str) -> None:
    log = stored.data_dir / "conversations" / f"{FORK}.jsonl"
    before = log.read_bytes()
    done = stored.run("history", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert log.read_bytes() == before


def test_without_a_conversation_there_is_an_empty_list(program: Program) -> None:
    assert answer(program, "list") == []
    assert program.run("history", "list").stdout == "There is no conversation yet.\n"
    assert "There is no conversation yet" in program.run("history", "rename", "last", "x").stderr
    assert not (program.data_dir / "conversations").exists()
