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

from tests.support.hosts import SERVERS
from tests.support.program import KEY, Program, hostile_entry
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


def test_no_key_is_needed(program: Program, provider: FakeProvider, repository: Path) -> None:
    """No model is asked, and a job that verifies has none."""
    identity = record(program, provider, repository)
    words = program.config_file.read_text(encoding="utf-8")
    assert KEY in words
    program.config_file.write_text(words.replace(KEY, "env:NO_SUCH_KEY_ANYWHERE"), encoding="utf-8")
    result = program.run("replay", identity, "--verify", "--policy", "allow")
    assert result.returncode == 0, result.stdout + result.stderr
    assert "NO_SUCH_KEY" not in result.stderr
    assert "git" in program.run("servers", "list").stdout
    asked = program.run("run", "and now?")
    assert asked.returncode == 2
    assert "NO_SUCH_KEY_ANYWHERE is not set" in asked.stderr


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


def test_in_a_job_on_another_machine(
    program: Program, provider: FakeProvider, repository: Path, tmp_path: Path
) -> None:
    """What the README says: an exported conversation, the job's own servers, no model, no key."""
    identity = record(program, provider, repository)
    talk, servers, job = tmp_path / "talk.json", tmp_path / "servers.json", tmp_path / "job"
    assert program.run("history", "export", identity, "--output", str(talk)).returncode == 0
    servers.write_text(program.servers_file.read_text(encoding="utf-8"), encoding="utf-8")
    env = {
        "MCP_TUI_DATA_DIR": str(job / "data"),
        "MCP_CONFIG_PATH": str(job / "config.yaml"),
        "MCP_SERVERS_CONFIG_PATH": str(job / "servers_config.json"),
    }
    files = ("--servers", str(servers))
    assert program.run("init", "--directory", str(job), env=env).returncode == 0
    assert program.run("history", "import", str(talk), env=env).returncode == 0
    untrusted = program.run("replay", "last", "--verify", "--policy", "allow", *files, env=env)
    assert untrusted.returncode == 2
    command = untrusted.stderr.splitlines()[-1].split()
    assert command == ["mcp-tui", "servers", "trust", "git", *files]
    assert program.run(*command[1:], "--yes", env=env).returncode == 0
    same = program.run("replay", "last", "--verify", "--policy", "allow", *files, env=env)
    assert same.returncode == 0, same.stdout + same.stderr
    assert same.stdout.splitlines()[-1] == "4 same"


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
    files = ("--servers", str(program.servers_file))
    result = program.run("replay", identity, "--verify", "--policy", "allow", *files)
    assert result.returncode == 3, result.stdout + result.stderr
    held = "The definition of hs.echo changed and waits for a review; it did not run."
    look = f"(look at it with: mcp-tui servers trust hs --servers {program.servers_file})"
    assert result.stdout.count(f"{held} {look}") == 2
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
        assert output.splitlines()[-1] == "2 could not be run (hs.echo)"
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


# -- what is new each time -------------------------------------------------------------------------

CLOCK = {"command": sys.executable, "args": ["-P", "-m", "mcp_tui.demo.servers.clock"]}
TOOL = {"name": "job", "description": "Run the job.", "inputSchema": {"type": "object"}}


def plan(path: Path, text: str, minutes: int) -> dict[str, Any]:
    """A server that says what a file holds; what it says is written anew."""
    result = {
        "content": [{"type": "text", "text": text}],
        "structuredContent": {"items": [{"id": minutes, "name": "a"}], "took": minutes / 8},
    }
    path.write_text(json.dumps({"tools": [TOOL], "results": {"job": result}}))
    return {"command": sys.executable, "args": [str(SERVERS / "scripted_server.py"), str(path)]}


def record_times(program: Program, provider: FakeProvider) -> str:
    """A conversation with a call of a clock and one of a job whose words, ids and durations are new each time."""
    job = plan(program.folder / "plan.json", "request 0a1b-77\ndone at 10:00:00\n3 files", 1)
    program.configure(provider.openai_base, {"clock": CLOCK, "job": job})
    provider.script(
        {"calls": [("clock__now", {"timezone": "UTC"}), ("clock__calculate", {"expression": "6*7"}), ("job__job", {})]},
        {"text": "done"},
    )
    result = program.run("run", "--policy", "allow", "go")
    assert result.returncode == 0, result.stderr
    plan(program.folder / "plan.json", "request 99ff-78\ndone at 11:22:33\n3 files", 2)
    return result.stderr.rsplit("conversation ", 1)[1].strip()


IGNORED = (
    "--ignore", "clock.now:structured_content.time",
    "--ignore", "job.*:content[0].text:1",
    "--ignore", "structuredContent.items[*].id",
    "--ignore", "structuredContent.took",
    "--ignore-pattern", r"\d\d:\d\d:\d\d",
)  # fmt: skip


def test_what_is_new_each_time_can_be_left_out(program: Program, provider: FakeProvider) -> None:
    identity = record_times(program, provider)
    verify = ("replay", identity, "--verify", "--policy", "allow")
    plain = program.run(*verify, "--json")
    assert plain.returncode == 1, plain.stdout + plain.stderr
    *calls, _ = lines(plain.stdout)
    assert [call["result"] for call in calls] == ["differs", "same", "differs"]
    assert [difference["path"] for difference in calls[0]["differences"]] == ["structuredContent.time"]
    assert "--ignore PATH" in plain.stderr

    same = program.run(*verify, *IGNORED, "--ignore", "content[9].text", "--ignore", "clock.then:content")
    assert same.returncode == 0, same.stdout + same.stderr
    said = same.stdout.splitlines()
    assert said[0].startswith('same     clock.now {"timezone": "UTC"}  ignored: clock.now:structured_content.time (1')
    assert said[1] == 'same     clock.calculate {"expression": "6*7"}'
    assert said[3:] == [
        "ignored: clock.now:structured_content.time (1 place)",
        "ignored: job.*:content[0].text:1 (1 place)",
        "ignored: structuredContent.items[*].id (1 place)",
        "ignored: structuredContent.took (1 place)",
        "matched nothing: content[9].text",
        "matched nothing: clock.then:content",
        r"ignored: /\d\d:\d\d:\d\d/ (2 matches)",
        "3 same",
    ]
    assert "--ignore PATH" not in same.stderr

    plan(program.folder / "plan.json", "request 99ff-78\ndone at 11:22:33\n4 files", 2)
    changed = program.run(*verify, *IGNORED, "--ignore", "content[9].text", "--json")
    assert changed.returncode == 1, changed.stderr
    *calls, summary = lines(changed.stdout)
    assert [call["result"] for call in calls] == ["same", "same", "differs"]
    (difference,) = calls[2]["differences"]
    assert (difference["path"], difference["after"]) == ("content[0].text:3", "4 files")
    assert {"rule": "structuredContent.took", "places": 1} in calls[2]["ignored"]
    assert {"rule": "content[9].text", "places": 0} in summary["ignored"]
    assert summary["unused"] == ["content[9].text"]

    shown = program.run("history", "show", summary["conversation"])
    assert "; ignored: clock.now:structured_content.time (1 place), job.*:content[0].text:1" in shown.stdout
    assert "matched nothing: content[9].text" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--verify", "--ignore", "content[x].text"), "'content[x].text', at character 9, 'x].text': write a number"),
        (("--verify", "--ignore", "clock.now:result"), "a place begins with content, structuredContent"),
        (("--verify", "--ignore-pattern", "("), "no regular expression at character 2"),
        (("--ignore", "outcome"), "need --verify"),
        (("--ignore-pattern", "x"), "need --verify"),
    ],
)
def test_what_cannot_be_ignored(arguments: tuple[str, ...], words: str, program: Program) -> None:
    result = program.run("replay", "last", *arguments)
    assert result.returncode == 2, result.stdout + result.stderr
    assert words in result.stderr
