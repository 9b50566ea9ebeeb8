"""``mcp-tui replay ID --verify`` at the wire: a real server, a real repository, exit codes that a job can rely on."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import Program, hostile_entry
from tests.support.providers import FakeProvider
from tests.support.waiting import wait_until

BIN = Path(sys.executable).parent


def git(folder: Path, *arguments: str) -> None:
    program = shutil.which("git")
    if program is None:
        pytest.skip("git")
    identity = ("-c", "user.name=t", "-c", "user.email=t@t")
    subprocess.run([program, *identity, *arguments], cwd=folder, check=True, capture_output=True)


def git_server(repository: Path) -> dict[str, Any]:
    program = shutil.which("mcp-server-git", path=str(BIN))
    if program is None:
        pytest.skip("mcp-server-git")
    return {"command": program, "args": ["--repository", str(repository)]}


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "a.txt").write_text("one\n")
    git(folder, "add", "a.txt")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def lines(output: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in output.splitlines()]


def record(program: Program, provider: FakeProvider, repository: Path) -> str:
    """A conversation with four calls, one of them asked twice; its id."""
    program.configure(provider.openai_base, {"git": git_server(repository)})
    at = {"repo_path": str(repository)}
    branches = {**at, "branch_type": "local"}
    provider.script(
        {"calls": [("git__git_log", at), ("git__git_branch", branches)]},
        {"calls": [("git__git_status", at), ("git__git_log", at)]},
        {"text": "One commit, and nothing else."},
    )
    result = program.run("run", "--policy", "allow", "look")
    assert result.returncode == 0, result.stderr
    return result.stderr.rsplit("conversation ", 1)[1].strip()


def test_a_server_that_answers_as_before_passes(program: Program, provider: FakeProvider, repository: Path) -> None:
    """Must-show 5: unchanged, exit code 0; after a commit, exactly the calls whose result differs, exit code 1."""
    identity = record(program, provider, repository)
    asked = len(provider.requests)
    allow = ["--allow", "git.git_log", "--allow", "git.git_status", "--allow", "git.git_branch"]
    same = program.run("replay", identity, "--verify", *allow)
    assert same.returncode == 0, same.stdout + same.stderr
    assert [line.split()[:2] for line in same.stdout.splitlines()[:4]] == [
        ["same", "git.git_log"], ["same", "git.git_branch"], ["same", "git.git_status"], ["same", "git.git_log"]
    ]  # fmt: skip
    assert same.stdout.splitlines()[-1] == "4 same"

    (repository / "a.txt").write_text("two\n")
    git(repository, "commit", "-q", "-a", "-m", "second")
    changed = program.run("replay", identity, "--verify", *allow, "--json")
    assert changed.returncode == 1, changed.stderr
    *calls, summary = lines(changed.stdout)
    assert [(call["tool"], call["result"]) for call in calls] == [
        ("git.git_log", "differs"), ("git.git_branch", "same"), ("git.git_status", "same"), ("git.git_log", "differs")
    ]  # fmt: skip
    assert "second" in json.dumps(calls[0]["differences"])
    assert (summary["same"], summary["differs"], summary["not_run"]) == (2, 2, 0)
    words = program.run("replay", "last", "--verify", "--policy", "allow")
    assert words.returncode == 1
    assert words.stdout.splitlines()[-1] == "2 same, 2 differ (git.git_log)"
    assert any(line.strip().startswith("+") and "second" in line for line in words.stdout.splitlines())
    assert len(provider.requests) == asked


def test_what_is_not_permitted_is_not_run(program: Program, provider: FakeProvider, repository: Path) -> None:
    identity = record(program, provider, repository)
    result = program.run("replay", identity, "--verify", "--allow", "git.git_status")
    assert result.returncode == 3, result.stderr
    assert "allow it with --allow git.git_log" in result.stdout
    assert result.stdout.splitlines()[-1] == "1 same, 3 could not be run (git.git_log, git.git_branch)"
    git(repository, "commit", "-q", "--allow-empty", "-m", "second")
    differs = program.run("replay", identity, "--verify", "--allow", "git.git_log")
    assert differs.returncode == 1


def test_rules_decide_as_they_do_in_the_app(
    program: Program, provider: FakeProvider, repository: Path, tmp_path: Path
) -> None:
    identity = record(program, provider, repository)
    rules = tmp_path / "ci.yaml"
    entries = [
        {"id": "all", "effect": "allow", "server": "git"},
        {"id": "none", "effect": "deny", "server": "git", "tool": "git_branch"},
    ]
    rules.write_text(json.dumps({"version": 1, "rules": entries}))
    result = program.run("replay", identity, "--verify", "--rules", str(rules), "--json")
    assert result.returncode == 3, result.stdout + result.stderr
    assert [call["result"] for call in lines(result.stdout)[:-1]] == ["same", "not_run", "same", "same"]


def test_servers_that_are_gone_or_not_trusted(program: Program, provider: FakeProvider, repository: Path) -> None:
    identity = record(program, provider, repository)
    program.configure(provider.openai_base, {"git": {**git_server(repository), "env": {"NEW": "1"}}}, trust=False)
    untrusted = program.run("replay", identity, "--verify", "--policy", "allow")
    assert untrusted.returncode == 2
    assert "mcp-tui servers trust git" in untrusted.stderr
    program.configure(provider.openai_base, {})
    gone = program.run("replay", identity, "--verify", "--policy", "allow")
    assert gone.returncode == 3, gone.stderr
    assert "There is no server git in the configuration any more" in gone.stdout
    broken = program.run("replay", identity, "--verify", "--policy", "allow", "--rules", "/nowhere/rules.yaml")
    assert broken.returncode == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("last", "--verify"), "nothing to verify"),
        (("nosuchid", "--verify"), "nosuchid"),
        (("last", "--verify", "--offline-tools"), "Either --verify or --offline-tools"),
        (("last", "--model", "second"), "needs --offline-tools"),
        (("last", "--allow", "a.b"), "need --verify"),
        (("last", "--verify", "--allow", "x"), "SERVER.TOOL"),
        (("last", "--offline-tools", "--model", "nobody"), "no model 'nobody'"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], words: str, program: Program, provider: FakeProvider) -> None:
    program.configure(provider.openai_base)
    provider.script({"text": "hello"})
    assert program.run("run", "hello").returncode == 0
    result = program.run("replay", *arguments)
    assert result.returncode == 2, result.stdout + result.stderr
    assert words in result.stderr


def record_echo(program: Program, provider: FakeProvider, mode: str) -> str:
    """A conversation with two calls of the hostile server in a mode; its id."""
    entry = hostile_entry(mode) | {"env": {"HOSTILE_STATE": str(program.folder / "starts")}}
    program.configure(provider.openai_base, {"hs": entry})
    provider.script({"calls": [("hs__echo", {"x": "a"}), ("hs__echo", {"x": "b"})]}, {"text": "done"})
    result = program.run("run", "--policy", "allow", "go")
    assert result.returncode == 0, result.stderr
    return result.stderr.rsplit("conversation ", 1)[1].strip()


def verification(program: Program, identity: str) -> list[dict[str, Any]]:
    """Events of all conversations but this one."""
    others = [path for path in program.logs() if identity not in path.name]
    text = "".join(path.read_text(encoding="utf-8") for path in others)
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


def test_case_105_a_changed_definition_is_held_and_not_run(program: Program, provider: FakeProvider) -> None:
    identity = record_echo(program, provider, "rug_pull_restart")
    result = program.run("replay", identity, "--verify", "--policy", "allow")
    assert result.returncode == 3, result.stdout + result.stderr
    assert result.stdout.count("The definition of hs.echo changed and waits for a review; it did not run.") == 2
    assert not [event for event in verification(program, identity) if event["type"] == "tool_call_started"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=["SIGINT", "SIGKILL"])
def test_stopped_in_the_middle(number: signal.Signals, program: Program, provider: FakeProvider) -> None:
    identity = record_echo(program, provider, "ok")
    program.configure(provider.openai_base, {"hs": hostile_entry("never_answer")})
    with program.start("replay", identity, "--verify", "--policy", "allow") as process:
        wait_until(
            lambda: any(event["type"] == "tool_call_started" for event in verification(program, identity)),
            seconds=60,
            what="a call that runs",
        )
        process.send_signal(number)
        output, _ = process.communicate(timeout=30)
    if number is signal.SIGINT:
        assert process.returncode == 130
        assert [line.split()[:3] for line in output.splitlines()[:2]] == [
            ["not", "run", "hs.echo"], ["not", "run", "hs.echo"]
        ]  # fmt: skip
        kinds = [event["type"] for event in verification(program, identity)]
        assert kinds[-1] == "turn_finished"
        assert kinds.count("tool_call_finished") == 1
    provider.script({"text": "still here"})
    events = verification(program, identity)
    going_on = program.run("run", "--conversation", events[0]["conversation_id"], "and now?")
    assert going_on.returncode == 0, going_on.stderr
    events = verification(program, identity)
    (finished,) = [event for event in events if event["type"] == "tool_call_finished"]
    assert finished["outcome"] == ("cancelled" if number is signal.SIGINT else "unknown")
    assert [event["outcome"] for event in events if event["type"] == "turn_finished"][-1] == "stop"
    assert not [message for message in provider.requests[-1].json["messages"] if message["role"] == "tool"]
    assert program.run("history", "check").returncode == 0
