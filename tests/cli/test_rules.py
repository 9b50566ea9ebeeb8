"""``mcp-tui rules`` and ``run --rules`` as processes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_tui.config.rules_file import RulesFile
from tests.support.program import Program
from tests.support.providers import FakeProvider

READ = '{"path": {"path_under": "/srv/notes"}}'


@pytest.fixture
def rules(program: Program) -> Path:
    return program.config_file.parent / "permissions.yaml"


def test_add_list_test_remove(program: Program, rules: Path) -> None:
    added = program.run("rules", "add", "allow", "fs.read", "--arguments", READ, "--note", "my notes")
    assert added.returncode == 0, added.stderr
    assert "path_under: /srv/notes" not in added.stderr
    assert '      path:\n        path_under: "/srv/notes"' in added.stdout
    assert added.stdout.split("\n", 1)[1].strip() in rules.read_text(encoding="utf-8")
    assert rules.stat().st_mode & 0o777 == 0o600
    assert program.run("rules", "add", "deny", "*.*delete*", "--id", "never").returncode == 0
    assert (
        program.run("rules", "add", "ask", "git", "--id", "careful", "--project", str(program.folder)).returncode == 0
    )
    listed = program.run("rules", "list").stdout
    assert listed.splitlines()[1:] == [
        "  allow  fs.read-1  fs.read with path path under  # my notes",
        "  deny   never      *.*delete*",
        f"  ask    careful    git.*, in {program.folder}",
    ]
    as_json = [json.loads(line) for line in program.run("rules", "list", "--json").stdout.splitlines()]
    assert as_json[0]["arguments"] == {"path": {"path_under": "/srv/notes"}}
    for arguments, verdict, rule in [
        ('{"path": "/srv/notes/a"}', "allow", "fs.read-1"),
        ('{"path": "/srv/notes/../a"}', "ask", ""),
        ('{"path": "/srv/notes/a", "x": 1}', "ask", ""),
        ("{}", "ask", ""),
    ]:
        tried = json.loads(program.run("rules", "test", "fs.read", arguments, "--json").stdout)
        assert (tried["verdict"], tried["rule_id"]) == (verdict, rule), arguments
    assert program.run("rules", "test", "fs.Delete_all").stdout.startswith("deny: rule never")
    own = program.run("rules", "test", "fs.read", json.dumps({"path": str(rules)}))
    assert own.stdout.startswith("ask: its arguments point into mcp-tui's own")
    removed = program.run("rules", "remove", "never")
    assert removed.stdout == "removed deny rule never: *.*delete*\n"
    assert [entry.id for entry in RulesFile.load(rules).entries] == ["fs.read-1", "careful"]
    again = program.run("rules", "remove", "never")
    assert again.returncode == 2
    assert "There is no rule never" in again.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "allow", "*"), "allows every server"),
        (("add", "allow", "fs.read*"), "is a pattern"),
        (("add", "allow", "fs.read", "--arguments", '{"a": {"glob": "["}}'), "a `[` without its `]`"),
        (("add", "allow", "fs.read", "--arguments", '{"a": {"one_of": []}}'), "can never match"),
        (("add", "allow", "fs.read", "--arguments", '{"a": {"gloob": "x"}}'), "Did you mean `glob`?"),
        (("add", "allow", "fs.read", "--arguments", "[1]"), "must be a JSON object"),
        (("add", "allow", "fs.read", "--arguments", '{"a": 1, "a": 2}'), "appears twice"),
        (("add", "deny", "fs.read", "--read-only"), "goes with `allow` only"),
        (("add", "allow", "fs.read", "--id", "no/pe"), "is no usable name"),
        (("test", "fs"), "SERVER.TOOL"),
        (("test", "fs.read", "{"), "not valid JSON"),
        (("list", "--rules", "/nowhere/rules.yaml"), "does not exist"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(program: Program, rules: Path, arguments, words: str) -> None:
    result = program.run("rules", *arguments)
    assert result.returncode == 2
    assert words in result.stderr
    assert not rules.exists()


def test_run_with_rules_then_a_dry_run_on_what_it_recorded(program: Program) -> None:
    file = program.folder / "ci.yaml"
    file.write_text(
        "version: 1\nrules:\n"
        "  - {id: clock, effect: allow, server: clock}\n"
        "  - {id: no-sums, effect: deny, server: '*', tool: 'calculate*'}\n",
        encoding="utf-8",
    )
    words = "what time is it in Tokyo and what is 6*7?"
    result = program.run("run", "--demo", "--json", "--rules", str(file), words)
    events = [json.loads(line) for line in result.stdout.splitlines()]
    decided = {event["rule_id"]: event["action"] for event in events if event["type"] == "approval_decided"}
    assert decided["clock"] == "allow"
    tried = program.run("rules", "test", "--history", "--rules", str(file), "--json")
    recorded = [json.loads(line) for line in tried.stdout.splitlines()]
    assert [(record["verdict"], record["rule_id"]) for record in recorded] == [
        (event["action"], event["rule_id"]) for event in events if event["type"] == "approval_decided"
    ]
    words_only = program.run("rules", "test", "--history", "clock", "--rules", str(file)).stdout
    assert "allow  clock: decides" in words_only


def test_rules_that_cannot_be_used_end_a_run_with_2_and_start_nothing(program: Program, rules: Path) -> None:
    file = program.folder / "broken.yaml"
    file.write_text("version: 1\nrules:\n  - {id: a, effect: alow, server: x}\n", encoding="utf-8")
    for arguments in (("--rules", str(file)), ("--rules", str(program.folder / "absent.yaml"))):
        result = program.run("run", "--demo", *arguments, "hello")
        assert result.returncode == 2
        assert ("broken.yaml:3" in result.stderr) or ("does not exist" in result.stderr)
        assert result.stdout == ""


def test_check_and_run_validate_the_users_rules(program: Program, provider: FakeProvider, rules: Path) -> None:
    program.configure(provider.openai_base, {})
    rules.write_text("version: 1\nrules:\n  - {id: a, effect: allow, server: gone}\n", encoding="utf-8")
    rules.chmod(0o600)
    checked = program.run("check")
    assert checked.returncode == 0, checked.stdout
    assert "rule a concerns gone, which is no configured server" in checked.stdout
    assert "rules      1 allow" in checked.stdout
    rules.write_text("version: 1\nrules:\n  - {id: a, effect: allow, server: '*'}\n", encoding="utf-8")
    for command in (("check",), ("run", "hello")):
        result = program.run(*command)
        assert result.returncode == 2
        assert "permissions.yaml:3" in result.stdout + result.stderr
        assert "allows every server" in result.stdout + result.stderr
    rules.write_text("version: 1\nrules: []\n", encoding="utf-8")
    rules.chmod(0o666)
    assert "can be written by other users" in program.run("check").stdout
    assert not provider.requests
