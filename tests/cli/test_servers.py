"""``mcp-tui servers`` and what ``mcp-tui run`` does with servers that are not trusted."""

from __future__ import annotations

import json
import os
import pty
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import Program, hostile_entry
from tests.support.providers import FakeProvider

NOWHERE = "http://127.0.0.1:9/v1"


def logged(tmp_path: Path, mode: str = "ok", **variables: str) -> dict[str, Any]:
    """An entry whose server writes down that it lives."""
    return hostile_entry(mode) | {"env": {"HOSTILE_LOG": str(tmp_path / "life"), **variables}}


def listed(program: Program) -> dict[str, dict[str, Any]]:
    result = program.run("servers", "list", "--json")
    assert result.returncode == 0, result.stderr
    return {entry["name"]: entry for entry in map(json.loads, result.stdout.splitlines())}


def asked(program: Program, answer: str, *arguments: str) -> tuple[int, str]:
    """Run with a terminal as standard input, and answer each question."""
    ours, theirs = pty.openpty()
    try:
        os.write(ours, f"{answer}\n".encode() * 8)
        done = subprocess.run(
            program.command(*arguments),
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            env={**os.environ, **program.environ},
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    return done.returncode, done.stdout


# -- a run without the app ---------------------------------------------------------------------------


def test_case_117_a_run_starts_nothing_while_a_server_is_not_trusted(program: Program, tmp_path: Path) -> None:
    entries = {"one": logged(tmp_path), "two words": logged(tmp_path), "off": logged(tmp_path) | {"enabled": False}}
    program.configure(NOWHERE, entries, trust=False)
    program.trust("one")
    result = program.run("run", "--policy", "allow", "hello")
    assert result.returncode == 2
    assert "two words" in result.stderr
    assert "mcp-tui servers trust 'two words'" in result.stderr
    assert "servers trust one" not in result.stderr
    assert "off" not in result.stderr.split("nothing was started:")[1].splitlines()[0]
    assert not (tmp_path / "life").exists()
    assert program.logs() == []


def test_case_111_a_run_says_that_a_command_changed(program: Program, tmp_path: Path) -> None:
    program.configure(NOWHERE, {"one": hostile_entry("ok")})
    program.configure(NOWHERE, {"one": logged(tmp_path)}, trust=False)
    result = program.run("run", "hello")
    assert result.returncode == 2
    assert "one (changed since it was accepted)" in result.stderr
    assert not (tmp_path / "life").exists()


def test_case_118_a_run_with_a_spoilt_store(program: Program, tmp_path: Path) -> None:
    program.configure(NOWHERE, {"one": logged(tmp_path)})
    (program.data_dir / "trust.json").write_text("{")
    result = program.run("run", "hello")
    assert result.returncode == 2
    assert "is damaged" in result.stderr
    assert not (tmp_path / "life").exists()


def test_a_trusted_server_is_used(program: Program, provider: FakeProvider) -> None:
    program.configure(provider.openai_base, {"good": hostile_entry("ok")}, trust=False)
    assert program.run("servers", "trust", "good", "--yes").returncode == 0
    provider.script(
        {"has_result": False, "calls": [["good__echo", {"x": "hello"}]]}, {"has_result": True, "text": "Called."}
    )
    result = program.run("run", "--policy", "allow", "go")
    assert result.returncode == 0, result.stderr
    assert "Called." in result.stdout


# -- list --------------------------------------------------------------------------------------------


def test_the_list_starts_nothing_and_tells_where_each_stands(program: Program, tmp_path: Path) -> None:
    entries = {"same": logged(tmp_path), "other": logged(tmp_path), "fresh": logged(tmp_path)}
    program.configure(NOWHERE, entries)
    entries["other"] = hostile_entry("env") | {"env": {"HOSTILE_LOG": "elsewhere"}}
    store = json.loads((program.data_dir / "trust.json").read_text())
    del store["servers"]["fresh"]
    (program.data_dir / "trust.json").write_text(json.dumps(store))
    program.configure(NOWHERE, entries, trust=False)
    found = listed(program)
    assert {name: entry["state"] for name, entry in found.items()} == {
        "same": "trusted",
        "other": "changed",
        "fresh": "new",
    }
    assert found["other"]["changes"] == ["its arguments", "the variable HOSTILE_LOG has another value"]
    words = program.run("servers", "list").stdout
    assert "same  trusted  " in words
    assert "fresh  new  " in words
    assert "  changed: its arguments" in words
    assert not (tmp_path / "life").exists()
    assert str(tmp_path / "life") not in words + json.dumps(found)


# -- trust -------------------------------------------------------------------------------------------


def test_all_of_the_command_line_is_shown_with_warnings(program: Program, tmp_path: Path) -> None:
    word = "x" * 3000 + "\u202e" + "y" * 3000
    entry = {"command": "bash", "args": ["-c", "exec true", word], "env": {"API": "planted-value"}}
    program.configure(NOWHERE, {"s": entry}, trust=False)
    result = program.run("servers", "trust", "s")
    assert result.returncode == 2, "nobody can be asked"
    assert "--yes" in result.stderr
    assert word.replace("\u202e", "<U+202E>") in result.stdout
    assert "It is a shell" in result.stdout
    assert "1 characters that cannot be seen" in result.stdout
    assert "variables API" in result.stdout
    assert "It runs with your rights" in result.stdout
    assert "planted-value" not in result.stdout + result.stderr + program.written()
    assert listed(program)["s"]["state"] == "new"


@pytest.mark.parametrize(("answer", "code", "state"), [("y", 0, "trusted"), ("n", 3, "new"), ("", 3, "new")])
def test_only_a_yes_is_a_yes(answer: str, code: int, state: str, program: Program, tmp_path: Path) -> None:
    program.configure(NOWHERE, {"s": logged(tmp_path)}, trust=False)
    status, output = asked(program, answer, "servers", "trust", "s")
    assert status == code, output
    assert "[y/N]" in output
    assert listed(program)["s"]["state"] == state
    assert (tmp_path / "life").exists() == (state == "trusted")


def test_its_tools_are_shown_and_pinned(program: Program, tmp_path: Path) -> None:
    program.configure(NOWHERE, {"s": logged(tmp_path)}, trust=False)
    result = program.run("servers", "trust", "s", "--yes")
    assert result.returncode == 0, result.stderr
    assert "s is trusted with 3 tools." in result.stdout
    assert listed(program)["s"]["tools"] == ["echo", "env", "sleep"]
    for name in ("trust.json", "trust.key"):
        assert stat.S_IMODE((program.data_dir / name).stat().st_mode) == 0o600
    log = next((program.data_dir / "logs").glob("*.log")).read_text()
    assert "server trusted" in log
    assert "tools accepted with the server" in log


def test_case_105_done_again_it_shows_what_changed(program: Program, tmp_path: Path) -> None:
    """HS:rug_pull_restart: a definition that differs with each start."""
    entry = hostile_entry("rug_pull_restart") | {"env": {"HOSTILE_STATE": str(tmp_path / "starts")}}
    program.configure(NOWHERE, {"s": entry}, trust=False)
    assert program.run("servers", "trust", "s", "--yes").returncode == 0
    status, output = asked(program, "n", "servers", "trust", "s")
    assert status == 3
    assert "This command line is trusted." in output
    assert "Return x{+, changed 1+}" in output
    assert "0 of 1 held tools accepted" in output
    (tmp_path / "starts").write_text(".")
    assert asked(program, "y", "servers", "trust", "s")[0] == 0
    (tmp_path / "starts").write_text(".")
    result = program.run("servers", "trust", "s", "--yes")
    assert result.returncode == 0
    assert "Held" not in result.stdout


def test_case_067_what_hides_something_is_never_accepted_unseen(program: Program) -> None:
    program.configure(NOWHERE, {"s": hostile_entry("poison")}, trust=False)
    result = program.run("servers", "trust", "s", "--yes")
    assert result.returncode == 3
    assert "Decide without --yes" in result.stdout
    held = {line.strip().partition(":")[0] for line in result.stdout.splitlines() if line.endswith(": new")}
    assert held
    assert not held & set(listed(program)["s"]["tools"])
    status, output = asked(program, "y", "servers", "trust", "s")
    assert status == 0, output[-500:]
    assert held <= set(listed(program)["s"]["tools"])


def test_a_server_that_does_not_start_is_trusted_and_explained(program: Program) -> None:
    program.configure(NOWHERE, {"s": hostile_entry("exit1")}, trust=False, connection={"max_reconnect_attempts": 0})
    result = program.run("servers", "trust", "s", "--yes")
    assert result.returncode == 1
    assert "did not start" in result.stderr
    assert "ImportError" in result.stderr
    assert listed(program)["s"]["state"] == "trusted"


@pytest.mark.parametrize("name", ["unknown", "remote"])
def test_what_cannot_be_trusted(name: str, program: Program) -> None:
    program.configure(NOWHERE, {"s": hostile_entry("ok"), "remote": {"url": "https://example.org/mcp"}})
    result = program.run("servers", "trust", name, "--yes")
    assert result.returncode == 2
    assert name in result.stderr
