from __future__ import annotations

from typing import Any

import pytest

from mcp_tui.config.server_entries import FOREIGN_FIELDS


def entry_problem(files: Any, entry: Any, field: str = "") -> str:
    files.servers["x"] = entry
    return str(files.problems()["mcpServers.x" + (f".{field}" if field else "")].render())


def entry_warnings(files: Any, entry: dict[str, Any]) -> dict[str, str]:
    files.servers["x"] = entry
    return {problem.field.removeprefix("mcpServers.x."): problem.render() for problem in files.loaded().warnings}


def test_references_are_resolved_everywhere(files: Any) -> None:
    files.environ |= {
        "HOME": str(files.config_path.parent),
        "PROGRAM": "sh",
        "A_TOKEN": "tok-123456",
        "HOST": "example.com",
    }
    files.servers["x"] = {
        "command": "${PROGRAM}",
        "args": ["--root", "${HOME}/data", "$${KEPT}", "${NONE:-other}"],
        "env": {"A": "env:A_TOKEN", "B": "x-${HOME}"},
        "cwd": "${HOME}",
    }
    files.servers["y"] = {"url": "https://${HOST}/mcp", "headers": {"Authorization": "Bearer ${A_TOKEN}"}}
    loaded = files.loaded()
    home = files.environ["HOME"]
    local, remote = loaded.servers["x"], loaded.servers["y"]
    assert (local.command, local.cwd) == ("sh", home)
    assert local.args == ["--root", f"{home}/data", "${KEPT}", "other"]
    assert local.env == {"A": "tok-123456", "B": f"x-{home}"}
    assert remote.url == "https://example.com/mcp"
    assert remote.headers == {"Authorization": "Bearer tok-123456"}
    assert {"tok-123456", "Bearer tok-123456"} <= loaded.secrets
    assert home not in loaded.secrets


@pytest.mark.parametrize(
    ("field", "value", "at"),
    [
        ("command", "${NOPE}", "command"),
        ("args", ["a", "${NOPE}"], "args[1]"),
        ("env", {"A": "env:NOPE"}, "env.A"),
        ("env", {"A": "${NOPE}"}, "env.A"),
        ("cwd", "/${NOPE}", "cwd"),
    ],
)
def test_case_101_a_missing_variable_is_named(files: Any, field: str, value: Any, at: str) -> None:
    entry = {"command": "sh", field: value}
    assert "the environment variable NOPE is not set" in entry_problem(files, entry, at)


def test_a_missing_variable_of_a_disabled_server_is_kept_for_its_start(files: Any) -> None:
    files.servers["x"] = {"command": "sh", "args": ["${ONE}", "${TWO}", "${ONE}"], "enabled": False}
    loaded = files.loaded()
    assert loaded.servers["x"].missing_variables == ("ONE", "TWO")
    assert not loaded.warnings


def test_what_looks_like_a_reference_but_is_none(files: Any) -> None:
    assert "`${input:key}` names no environment variable" in entry_problem(
        files, {"command": "sh", "args": ["${input:key}"]}, "args[0]"
    )
    assert "Write ${KEY}" not in entry_problem(files, {"command": "sh", "args": ["env:KEY"]}, "args[0]")
    assert "env and headers only" in entry_problem(files, {"command": "sh", "args": ["env:KEY"]}, "args[0]")


def test_references_are_judged_while_other_fields_are_wrong(files: Any) -> None:
    files.servers["x"] = {"command": "sh", "args": ["${NOPE}"], "protocol": "newest"}
    assert set(files.problems()) == {"mcpServers.x.args[0]", "mcpServers.x.protocol"}


@pytest.mark.parametrize(
    ("entry", "field", "said"),
    [
        ({}, "", "has neither `command` nor `url`; expected exactly one of them"),
        ({"command": "sh", "url": "https://x"}, "", "has both `command` and `url`"),
        ({"command": " "}, "command", "is empty"),
        ({"command": "sh", "type": "http"}, "type", '"http" does not go with `command`'),
        ({"url": "https://x/", "type": "stdio"}, "type", '"stdio" does not go with `url`'),
        ({"url": "ftp://x/"}, "url", "does not start with http:// or https://"),
        ({"url": "https://x/", "args": ["a"]}, "args", "has no meaning beside `url`"),
        ({"command": "sh", "headers": {"A": "b"}}, "headers", "has no meaning beside `command`"),
        ({"command": "sh", "env": {"A=B": "c"}}, 'env."A=B"', "is no name of an environment variable"),
        ({"command": "sh", "args": ["a\x00b"]}, "args[0]", "holds a NUL character"),
        ({"command": "sh", "args": ["\ud800"]}, "args[0]", "half of a surrogate pair"),
        ({"command": ["sh", "-c"]}, "command", "expected text, or null; found a list"),
        ({"command": "sh", "env": {"PORT": 8080}}, "env.PORT", "expected text; found a number\n    Put it in quotes."),
        ({"command": "sh", "enabled": "true"}, "enabled", "expected true or false"),
        ({"command": "sh", "protocol": "2025-06-18"}, "protocol", "expected one of `auto`, `legacy`, `2026-07-28`"),
        ({"command": "sh", "connection_timeout": 0}, "connection_timeout", "expected a number (above 0), or null"),
        ({"command": "sh", "agrs": []}, "agrs", "is not a known field\n    Did you mean `args`?"),
        ({"command": "sh", "enabled": True, "disabled": True}, "disabled", "contradicts `enabled`"),
        ("npx server", "", "expected a mapping; found text"),
    ],
)
def test_entries_that_are_wrong(files: Any, entry: Any, field: str, said: str) -> None:
    assert said in entry_problem(files, entry, field)


@pytest.mark.parametrize("name", ["", " ", "a ", "-a", "a\nb", "x" * 65, "tür", "a:b", "a[b]"])
def test_names_that_are_refused(files: Any, name: str) -> None:
    files.servers = {name: {"command": "sh"}}
    [problem] = files.problems().values()
    assert problem.message == "is no usable server name"


@pytest.mark.parametrize("name", ["git", "my server", "@scope/server", "a.b_c-d", "x" * 64])
def test_names(files: Any, name: str) -> None:
    files.servers = {name: {"command": "sh"}}
    assert list(files.loaded().servers) == [name]


@pytest.mark.parametrize(
    ("entry", "at"),
    [
        ({"idle_timeout": 50, "total_timeout": 40}, "idle_timeout"),
        ({"idle_timeout": 700}, "idle_timeout"),
        ({"total_timeout": 30}, "total_timeout"),
    ],
)
def test_deadlines_are_compared_with_the_general_ones(files: Any, entry: dict[str, Any], at: str) -> None:
    assert "idle_timeout is larger than total_timeout" in entry_problem(files, {"command": "sh", **entry}, at)


@pytest.mark.parametrize("field", FOREIGN_FIELDS)
def test_fields_of_other_clients_are_passed_over_with_a_warning(files: Any, field: str) -> None:
    found = entry_warnings(files, {"command": "sh", field: ["anything"]})
    assert "belongs to another program" in found[field]


@pytest.mark.parametrize("disabled", [True, False])
def test_disabled_is_enabled_the_other_way_round(files: Any, disabled: bool) -> None:
    files.servers["x"] = {"command": "sh", "disabled": disabled}
    assert files.loaded().servers["x"].enabled is not disabled


@pytest.mark.parametrize(
    "args",
    [
        ["--api-key", "abcdef-123456"],
        ["--token=abcdef-123456"],
        ["sk-abcdefghijklmnopqrstuvwxyz"],
        ["--header", "Authorization: Bearer abcdefgh12345"],
        ["--key", "${SOME_API_KEY}"],
        ["${SOME_API_KEY}"],
    ],
)
def test_case_101_secrets_in_arguments_are_a_warning_and_masked(files: Any, args: list[str]) -> None:
    files.environ["SOME_API_KEY"] = "some-value-123456"
    found = entry_warnings(files, {"command": "sh", "args": args})
    [warning] = found.values()
    assert "other users of this machine can see arguments" in warning
    secrets = files.loaded().secrets - {"sk-openai-1234567890", "sk-ant-1234567890"}
    assert secrets
    assert not any(secret in warning for secret in secrets)


def test_a_password_in_an_address_is_masked(files: Any) -> None:
    files.servers["x"] = {"url": "https://me:pass-word-1@example.com/mcp"}
    assert "pass-word-1" in files.loaded().secrets


@pytest.mark.parametrize(
    "args",
    [
        ["--root", "/home/me"],
        ["-y", "@scope/token-counter"],
        ["--max-tokens=100"],
        ["--keyboard", "us"],
        ["--max-tokens", "100"],
        ["--key-file", "/etc/key"],
    ],
)
def test_ordinary_arguments_are_no_warning(files: Any, args: list[str]) -> None:
    assert not entry_warnings(files, {"command": "sh", "args": args})


def test_a_program_or_directory_that_is_not_there_is_a_warning(files: Any) -> None:
    assert set(entry_warnings(files, {"command": "no-such-program-anywhere", "cwd": "/no/such"})) == {"command", "cwd"}
    assert not entry_warnings(files, {"command": "no-such-program-anywhere", "enabled": False})
    assert not entry_warnings(files, {"command": "./relative/program"})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty; expected a mapping with `mcpServers`"),
        ("[]", "has the wrong kind of value; expected a mapping with `mcpServers`"),
        ("{}", "`mcpServers` is missing"),
        ('{"servers": {}}', "Did you mean `mcpServers`?"),
        ('{"mcpservers": {}}', "Did you mean `mcpServers`?"),
        ('{"mcpServers": []}', "expected a mapping of names to servers"),
        ('{"mcpServers": {"a": {"command": "x"}, "a": {"command": "y"}}}', "appears twice, first in line 1"),
        ('{"mcpServers": {"a": {"command": "x", "total_timeout": NaN}}}', "`NaN` is not a JSON value"),
    ],
)
def test_files_that_are_wrong_as_a_whole(files: Any, text: str, said: str) -> None:
    files.servers_path.write_text(text, encoding="utf-8")
    [problem] = files.problems(write=False).values()
    assert said in problem.render()


def test_no_server_at_all_is_allowed(files: Any) -> None:
    files.servers = {}
    assert files.loaded().servers == {}


def test_other_top_level_fields_belong_to_other_programs(files: Any) -> None:
    files.servers_path.write_text('{"$schema": "x", "mcpServers": {}, "globalShortcut": "x"}', encoding="utf-8")
    assert [problem.field for problem in files.load().warnings] == ["globalShortcut"]
