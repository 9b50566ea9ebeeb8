"""``mcp-tui history ...``: what each command does, says and returns."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.cli import main
from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.history import Library
from mcp_tui.events.base import new_id
from mcp_tui.events.turns import TurnStarted
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.safety.secrets import Redactor
from tests.support.history_events import answered, called, created, said
from tests.support.program import Program

GOLDEN = Path(__file__).parent.parent / "golden"
EVERY, QUESTIONS, FORK = "01m7gdn0000000000000000001", "01m7gdn0000000000000000002", "01m7gdn0000000000000000003"


class Here:
    """The same commands in this process: its arguments, exit code and output, without the time that a start takes."""

    def __init__(self, program: Program, capsys: pytest.CaptureFixture[str]) -> None:
        self.program, self.data_dir, self._capsys = program, program.data_dir, capsys

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        self._capsys.readouterr()
        code = main(arguments)
        told = self._capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, told.out, told.err)


@pytest.fixture
def here(program: Program, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Here:
    for name, value in program.environ.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdin", io.StringIO())
    return Here(program, capsys)


@pytest.fixture
def stored(here: Here) -> Here:
    """Three conversations, of the golden logs."""
    program = here.program
    folder = program.data_dir / "conversations"
    folder.mkdir(parents=True)
    for log in GOLDEN.glob("*.jsonl"):
        conversation = json.loads(log.read_text().splitlines()[0])["conversation_id"]
        if conversation in (EVERY, QUESTIONS, FORK):
            shutil.copy(log, folder / f"{conversation}.jsonl")
    return here


def answer(program: Here, *arguments: str) -> Any:
    """What a command says with ``--json``."""
    done = program.run("history", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_list_is_an_array_newest_first(stored: Here) -> None:
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
        "own_cost": 0.002,
    }
    assert [entry["id"] for entry in answer(stored, "list", "WEEKLY", "files")] == [FORK]
    assert len(answer(stored, "list", "--limit", "1")) == 1
    words = stored.program.run("history", "list").stdout.splitlines()
    assert words[1].startswith(FORK[:12])
    assert "count the files (fork) #git #weekly" in words[1]
    assert stored.run("history", "list", "nothing").stdout == "No conversation has all of these words.\n"


def test_rename_and_tag_are_events_of_the_conversation(stored: Here) -> None:
    log = stored.data_dir / "conversations" / f"{FORK}.jsonl"
    before = log.read_bytes()
    assert stored.run("history", "rename", FORK, "another  title").returncode == 0
    assert answer(stored, "tag", FORK, "New", "git", "--remove", "WEEKLY")["tags"] == ["git", "new"]
    assert answer(stored, "rename", FORK, " another\n title ") == {"id": FORK, "title": "another title"}
    assert answer(stored, "tag", FORK)["tags"] == ["git", "new"]
    assert stored.run("history", "tag", FORK).stdout == f"{FORK}: #git #new\n"
    titles = {entry["id"]: (entry["title"], entry["tags"]) for entry in answer(stored, "list")}
    assert titles[FORK] == ("another title", ["git", "new"])
    assert log.read_bytes().startswith(before)
    assert len(log.read_bytes().splitlines()) == len(before.splitlines()) + 3


def test_stats_count_calls_by_their_outcome(stored: Here) -> None:
    stats = answer(stored, "stats")
    assert stats["conversations"] == 3
    assert stats["tools"]["git.git_log"] == {"calls": 2, "success": 2}
    assert stats["bytes"] == sum(path.stat().st_size for path in (stored.data_dir / "conversations").glob("*.jsonl"))
    assert "git.git_log: 2 success" in stored.run("history", "stats").stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("rename", "nothing-like-it", "x"), "There is no conversation 'nothing-like-it'"),
        (("rename", "nothing-like-it", "x"), "`mcp-tui history list` shows their ids."),
        (("rename", "01m7gdn", "x"), "3 conversations begin with '01m7gdn'"),
        (("show", "Count the"), f"It stands in the title of {FORK[:12]}"),
        (("restore", FORK), "The trash is empty."),
        (("restore", "last"), "The trash is empty."),
        (("search", " "), "Search for what?"),
        (("export", FORK, "--output", "/nothing/there/"), "There is no folder /nothing/there/"),
        (("rename", FORK, "  "), "A title needs at least one character"),
        (("tag", FORK, "x" * 41), "is longer than 40 characters"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_changes(stored: Here, arguments: tuple[str, ...], words: str) -> None:
    log = stored.data_dir / "conversations" / f"{FORK}.jsonl"
    before = log.read_bytes()
    done = stored.run("history", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
    assert log.read_bytes() == before


def test_without_a_conversation_there_is_an_empty_list(here: Here) -> None:
    assert answer(here, "list") == []
    assert here.run("history", "list").stdout == "There is no conversation yet.\n"
    assert "There is no conversation yet" in here.run("history", "rename", "last", "x").stderr
    assert not (here.data_dir / "conversations").exists()


def ids(program: Here, *arguments: str) -> list[str]:
    return [entry["id"] for entry in answer(program, "list", *arguments)]


def test_deleted_restored_and_removed_for_ever(stored: Here) -> None:
    log = stored.data_dir / "conversations" / f"{FORK}.jsonl"
    before = log.read_bytes()
    refused = stored.run("history", "delete", FORK)
    assert (refused.returncode, "Add --yes" in refused.stderr) == (2, True)
    assert FORK in ids(stored)
    deleted = stored.run("history", "delete", FORK, EVERY, "--yes")
    assert deleted.returncode == 0, deleted.stderr
    assert f"moved to the trash: {FORK}" in deleted.stdout
    assert ids(stored) == [QUESTIONS]
    assert sorted(ids(stored, "--trash")) == [EVERY, FORK]
    assert FORK in stored.run("history", "list", "--trash").stdout
    for command in ("show", "export", "tag"):
        told = stored.run("history", command, FORK).stderr
        assert f"{FORK} is in the trash. `mcp-tui history restore {FORK[:12]}` brings it back." in told
    assert "is in the trash" in stored.run("replay", FORK, "--plain").stderr
    wrong = stored.run("history", "restore", "nothing-like-it").stderr
    assert "in the trash. `mcp-tui history list --trash` shows" in wrong
    assert answer(stored, "restore", FORK) == [{"id": FORK, "title": "count the files"}]
    assert log.read_bytes() == before
    assert sorted(ids(stored)) == [QUESTIONS, FORK]
    assert stored.run("history", "empty-trash").returncode == 2
    assert answer(stored, "empty-trash", "--yes")[0]["id"] == EVERY
    assert stored.run("history", "empty-trash", "--yes").stdout == "The trash is empty.\n"
    assert stored.run("history", "restore", EVERY).returncode == 2
    assert not [path for path in stored.data_dir.rglob("*") if EVERY in path.name]


def test_nothing_is_deleted_where_one_name_is_wrong(stored: Here) -> None:
    done = stored.run("history", "delete", FORK, "nothing-like-it", "--yes")
    assert (done.returncode, done.stdout) == (2, "")
    assert len(ids(stored)) == 3


def test_what_was_done_before_one_could_not_be_is_told(stored: Here) -> None:
    folder = stored.data_dir / "conversations"
    (folder / f"{EVERY}.lease").mkdir()
    done = stored.run("history", "delete", FORK, EVERY, QUESTIONS, "--yes")
    assert done.returncode == 2
    assert done.stdout.startswith(f"moved to the trash: {FORK}  count the files\n")
    assert EVERY not in done.stdout
    assert done.stderr.startswith("mcp-tui: ")
    assert sorted(ids(stored)) == [EVERY, QUESTIONS]
    shutil.copy(folder / "trash" / f"{FORK}.jsonl", folder)
    done = stored.run("history", "restore", FORK, "--json")
    assert (done.returncode, done.stdout) == (2, "[]\n")
    assert "There is a conversation" in done.stderr


def test_delete_asks_on_a_terminal(stored: Here) -> None:
    with stored.program.app("history", "delete", FORK) as terminal:
        terminal.wait_for("Move “count the files” to the trash? [y/N]")
        terminal.type("n")
        terminal.press("enter")
        terminal.wait_for("Nothing was done.")
        assert terminal.wait_exit() == 2
    assert FORK in ids(stored)


@pytest.mark.parametrize(("key", "code"), [("ctrl+c", 130), ("ctrl+d", 2)])
def test_a_question_can_be_left(stored: Here, key: str, code: int) -> None:
    with stored.program.app("history", "delete", FORK) as terminal:
        terminal.wait_for("to the trash? [y/N]")
        terminal.press(key)
        assert terminal.wait_exit() == code
    assert FORK in ids(stored)


def test_compact_removes_superseded_parts_only(stored: Here) -> None:
    log = stored.data_dir / "conversations" / f"{EVERY}.jsonl"
    before = log.read_text().splitlines()
    done = {entry["id"]: entry["removed"] for entry in answer(stored, "compact")}
    after = log.read_text().splitlines()
    assert done[EVERY] == len(before) - len(after) > 0
    assert [line for line in before if line in after] == after
    assert all('"message_fragment"' in line for line in before if line not in after)
    assert "0 superseded parts removed, 0 bytes freed" in stored.run("history", "compact").stdout


def test_one_that_cannot_be_compacted_does_not_keep_the_others(stored: Here) -> None:
    folder = stored.data_dir / "conversations"
    (folder / "another-name").hardlink_to(folder / f"{FORK}.jsonl")
    done = stored.run("history", "compact", "--json")
    told = {entry["id"]: entry for entry in json.loads(done.stdout)}
    assert done.returncode == 1
    assert told[EVERY]["removed"] > 0
    assert told[EVERY]["problem"] == ""
    assert "several names" in told[FORK]["problem"]
    words = stored.run("history", "compact")
    assert (words.returncode, f"{FORK}: " in words.stdout) == (1, True)


def test_show_is_text_or_the_events(stored: Here) -> None:
    shown = stored.run("history", "show", FORK)
    assert "#1 you" in shown.stdout
    assert "what is the last commit?" in shown.stdout
    assert "git.git_log" in shown.stdout
    data = answer(stored, "show", FORK)
    assert data["forked_from"] == QUESTIONS
    assert [event["seq"] for event in data["events"]] == list(range(1, 23))


def test_check_names_the_damage_and_repair_sets_it_aside(stored: Here) -> None:
    assert stored.run("history", "check").stdout.endswith("all is well\n")
    log = stored.data_dir / "conversations" / f"{FORK}.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(b"".join([*lines[:3], lines[3].replace(b"weekly", b"WEEKLY"), *lines[4:]]))
    damaged = log.read_bytes()
    found = stored.run("history", "check")
    assert found.returncode == 1
    assert "line 4, byte" in found.stdout
    assert "checksum does not match" in found.stdout
    assert "1 damaged" in found.stdout
    assert log.read_bytes() == damaged
    repaired = stored.run("history", "check", "--repair")
    assert "1 line moved to" in repaired.stdout
    assert log.read_bytes() == b"".join([*lines[:3], *lines[4:]])
    assert repaired.stdout.endswith("what was damaged is set aside\n")
    after = stored.run("history", "check", "--json")
    assert (after.returncode, json.loads(after.stdout)["clean"]) == (0, True)


def test_check_says_what_is_cut_off_and_what_no_repair_can_read(stored: Here) -> None:
    folder = stored.data_dir / "conversations"
    log = folder / f"{FORK}.jsonl"
    log.write_bytes(log.read_bytes()[:-20])
    (folder / f"{QUESTIONS}.jsonl").write_bytes(b"a shopping list\n")
    (folder / f"{EVERY}.jsonl").write_bytes(b"")
    found = stored.run("history", "check").stdout
    assert ": cut off before its end\n" in found
    assert "no line of it can be read: a repair leaves it as it is" in found
    assert f"{EVERY}.jsonl (--repair removes it once it is an hour old)" in found
    assert "--repair moves" not in found
    assert "(cannot be read)" in stored.run("history", "list").stdout


def test_stats_count_what_a_fork_copied_once(here: Here) -> None:
    """As often as it was forked, and by whatever way somebody counts."""
    folder = here.data_dir / "conversations"

    async def write() -> None:
        store = JsonlStore(folder)
        key = new_id()
        turn = [TurnStarted(request_id="r"), said("one"), answered("a1", cost=0.25), *called("c1", {})]
        await store.append(key, [event.model_copy(update={"turn_id": "t1"}) for event in [created("first"), *turn]])
        library = Library(store, EventBus(store, Redactor()))
        for _ in range(2):
            await library.fork(await library.fork(key))
        await store.aclose()

    asyncio.run(write())
    stats, listed = answer(here, "stats"), answer(here, "list")
    assert len(listed) == 5
    assert sum(entry["cost"] for entry in listed) == 1.25
    assert sum(entry["own_cost"] for entry in listed) == stats["cost"] == 0.25
    assert (stats["messages"], stats["tool_calls"]) == (2, 1)
    assert stats["tools"]["fs.read"]["calls"] == 1
    assert "$0.25" in here.run("history", "stats").stdout


def test_a_first_list_that_takes_long_says_how_far_it_is_on_a_terminal_only(
    stored: Here, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("mcp_tui.cli.progress.PATIENCE", 0.0)
    monkeypatch.setattr("mcp_tui.history.catalog.TELL_EVERY", 0.0)
    assert stored.run("history", "list").stderr == ""
    (stored.data_dir / "conversations" / "index.json").unlink()
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    capsys.readouterr()
    assert main(["history", "list"]) == 0
    assert "\rreading conversation 3 of 3 \r\x1b[K" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["check", "stats", "compact"])
def test_what_reads_all_files_says_how_far_it_is(
    stored: Here, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setattr("mcp_tui.cli.progress.PATIENCE", 0.0)
    assert stored.run("history", command).stderr == ""
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    capsys.readouterr()
    assert main(["history", command]) == 0
    told = capsys.readouterr().err
    words = {
        "check": "\rchecking: 100% ",
        "stats": "\rlooking for tool calls: 0% ",
        "compact": "\rcompacting: conversation 3 of 3 ",
    }
    assert words[command] in told
    assert told.endswith("\r\x1b[K")


def test_a_title_is_cut_where_a_line_of_the_terminal_ends_and_nowhere_else(stored: Here) -> None:
    title = "a title " * 20
    stored.run("history", "rename", FORK, title)
    stored.run("history", "tag", FORK, "work")
    assert title.strip() in stored.run("history", "list").stdout
    with stored.program.app("history", "list") as terminal:
        terminal.wait_exit()
        rows = [row.rstrip() for row in terminal.lines]
    assert any(row.startswith(FORK[:12]) and row.endswith("… (fork) #git #weekly #work") for row in rows), rows
