"""Both files together, as a person would get them wrong."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_tui.config.loader import load
from mcp_tui.config.models import Config
from mcp_tui.config.problems import InvalidConfiguration
from mcp_tui.config.words import leaves
from mcp_tui.errors import ConfigError

FIELDS = [path for path, _ in leaves(Config)]


def test_a_valid_pair(files: Any) -> None:
    files.servers["remote"] = {"url": "https://example.com/mcp", "enabled": False}
    loaded = files.loaded()
    assert loaded.active.name == "openai"
    assert loaded.active.model == "openai/gpt-5"
    assert loaded.active.api_key is not None
    assert loaded.active.api_key.get_secret_value() == "sk-openai-1234567890"
    assert list(loaded.servers) == ["time", "remote"]
    assert loaded.secrets == {"sk-openai-1234567890", "sk-ant-1234567890"}
    assert "mcp-light" in loaded.themes
    assert loaded.warnings == ()


def test_case_102_no_secret_in_any_representation(files: Any) -> None:
    files.set("llm.providers.openai.api_key", "sk-literal-1234567890")
    files.servers["time"] |= {"env": {"A_TOKEN": "token-marker-123"}, "args": ["--token", "argument-marker-1"]}
    loaded = files.loaded()
    text = repr(loaded) + repr(loaded.config) + repr(loaded.active) + repr(loaded.servers) + str(loaded.servers["time"])
    for secret in ("sk-literal-1234567890", "token-marker-123", "argument-marker-1", "sk-ant-1234567890"):
        assert secret in loaded.secrets
        assert secret not in text


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_case_096_every_field_is_required_and_named_with_its_section(files: Any, path: tuple[str, ...]) -> None:
    *parents, last = ("openai" if part == "<name>" else part for part in path)
    current = files.config
    for name in parents:
        current = current[name]
    del current[last]
    problem = files.problems()[".".join([*parents, last])]
    assert problem.message == "is missing"
    assert problem.expected
    assert problem.line is not None


@pytest.mark.parametrize("path", FIELDS, ids=".".join)
def test_case_096_no_field_takes_a_value_of_another_kind(files: Any, path: tuple[str, ...]) -> None:
    dotted = ".".join("openai" if part == "<name>" else part for part in path)
    files.set(dotted, [{"odd": True}])
    assert files.problems()[dotted].expected


def test_case_096_all_problems_of_both_files_come_at_once_in_order(files: Any) -> None:
    files.set("llm.active", "opnai")
    files.set("chat.service.max_tool_hops", 0)
    files.set("ui.colour", "red")
    files.servers["git"] = {"comand": "git"}
    files.servers["x"] = {"command": "sh", "env": {"A": "env:NOT_SET"}}
    files.write()
    with pytest.raises(ConfigError) as caught:
        files.load()
    assert isinstance(caught.value, InvalidConfiguration)
    assert [(problem.file.name, problem.field) for problem in caught.value.details] == [
        ("config.yaml", "llm.active"),
        ("config.yaml", "chat.service.max_tool_hops"),
        ("config.yaml", "ui.colour"),
        ("servers_config.json", "mcpServers.git.comand"),
        ("servers_config.json", "mcpServers.x.env.A"),
    ]
    assert len(caught.value.problems) == len(caught.value.details)
    assert "Did you mean `openai`?" in str(caught.value)


def test_a_syntax_error_in_one_file_does_not_hide_the_other(files: Any) -> None:
    files.servers["x"] = {"command": "sh", "args": "one"}
    files.write()
    files.config_path.write_text("llm: [\n", encoding="utf-8")
    assert {"", "mcpServers.x.args"} == set(files.problems(write=False))


def test_case_096_a_typo_is_reported_once_with_the_field_that_was_meant(files: Any) -> None:
    files.config["chat"]["service"]["max_tool_hop"] = files.config["chat"]["service"].pop("max_tool_hops")
    found = files.problems()
    assert set(found) == {"chat.service.max_tool_hop"}
    assert found["chat.service.max_tool_hop"].hint == "Did you mean `max_tool_hops`?"


def test_a_field_in_the_wrong_section_is_sent_to_the_right_one(files: Any) -> None:
    files.set("llm.providers.openai.max_retries", 3)
    assert files.problems()["llm.providers.openai.max_retries"].hint == "It belongs at llm.request.max_retries."


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("theme: no", 'expected text; found the boolean no\n    Put it in quotes: "no"'),
        ("theme: 017", 'as text it is written "017"'),
        ("theme: 12:30:45", 'as text it is written "12:30:45"'),
        ("theme: 2024-01-01", 'expected text; found the date 2024-01-01\n    Put it in quotes: "2024-01-01"'),
        ("theme: 3.5", 'Put it in quotes: "3.5"'),
        ("theme:", "expected text; found nothing"),
    ],
)
def test_case_097_yaml_surprises_are_said_with_how_to_write_it(files: Any, written: str, said: str) -> None:
    text = files.config_path.read_text(encoding="utf-8").replace("theme: mcp-dark", written)
    files.config_path.write_text(text, encoding="utf-8")
    assert said in files.problems(write=False)["ui.theme"].render()


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("llm.request.idle_timeout", "10", "Write it without quotes: 10"),
        ("llm.request.idle_timeout", True, "found the boolean true"),
        ("llm.request.max_retries", 2.5, "expected a whole number (0 or more); found the number 2.5"),
        ("llm.request.max_retries", -1, "has a value out of range"),
        ("chat.service.streaming.enabled", 1, "expected true or false; found the number 1"),
        ("chat.service.streaming.enabled", "yes", 'found text "yes"'),
        ("logging.level", "INFO", "expected one of `debug`, `info`, `warning`, `error`"),
        ("llm.providers.openai.temperature", 2.1, "out of range; expected a number (0 or more, 2 at most), or null"),
        ("llm.providers.openai.top_p", 0, "out of range"),
        ("llm.providers.openai.model", "", "expected text that is not empty"),
        ("llm.providers", {}, "found an empty mapping"),
        ("ui.keys", {"a": 1}, "found the number 1"),
        ("chat", 3, "expected a mapping with service; found the number 3"),
    ],
)
def test_wrong_values(files: Any, field: str, value: Any, said: str) -> None:
    files.set(field, value)
    found = files.problems()
    matching = [problem.render() for name, problem in found.items() if name.startswith(field)]
    assert any(said in text for text in matching), found


def test_a_whole_number_will_do_where_a_fraction_is_allowed(files: Any) -> None:
    files.set("llm.request.idle_timeout", 30)
    files.set("llm.providers.openai.temperature", 1)
    assert files.loaded().config.llm.request.idle_timeout == 30.0


def test_a_wrong_value_of_a_secret_field_is_not_shown(files: Any) -> None:
    files.set("llm.providers.openai.api_key", ["sk-list-marker"])
    files.set("llm.providers.anthropic.api_key", 123456789)
    files.servers["x"] = {"command": "sh", "env": {"PIN": 987654321}, "args": [424242424]}
    text = "\n".join(problem.render() for problem in files.problems().values())
    for secret in ("sk-list-marker", "123456789", "987654321", "424242424"):
        assert secret not in text


def test_a_key_pasted_into_another_field_is_masked(files: Any) -> None:
    files.set("llm.active", "sk-abcdefghijklmnopqrstuvwxyz")
    files.set("logging.level", "sk-abcdefghijklmnopqrstuvwxyz")
    assert "abcdefghijkl" not in "\n".join(problem.render() for problem in files.problems().values())


def test_control_characters_of_a_file_do_not_reach_the_terminal(files: Any) -> None:
    files.set("ui.theme", "a\x1b]0;x\x07b")
    files.servers["\x1b[2J"] = {"command": "sh", "od\u202ed": 1}
    text = "\n".join(problem.render() for problem in files.problems().values())
    assert text.replace("\n", "").isprintable()
    assert "<U+001B>" in text


@pytest.mark.parametrize("content", ["", "# nothing\n", "null\n", "- a\n- b\n", "just text\n"])
def test_case_096_a_file_that_holds_no_mapping(files: Any, content: str) -> None:
    files.config_path.write_text(content, encoding="utf-8")
    [problem] = files.problems(write=False).values()
    assert problem.expected == "a mapping with llm, chat, mcp, logging, ui"


def test_missing_files_are_a_first_start_with_a_way_on(tmp_path: Any) -> None:
    with pytest.raises(InvalidConfiguration) as caught:
        load(tmp_path / "none" / "config.yaml", tmp_path / "none" / "servers.json", {})
    assert caught.value.first_start
    assert len(caught.value.missing) == 2
    assert "mcp-tui init" in str(caught.value)
    assert "mcp-tui demo" in str(caught.value)


def test_one_missing_file_beside_a_wrong_one_is_no_first_start(files: Any) -> None:
    files.servers_path.unlink()
    files.config_path.write_text("", encoding="utf-8")
    with pytest.raises(InvalidConfiguration) as caught:
        files.load()
    assert not caught.value.first_start
    assert caught.value.missing == (files.servers_path,)


def test_binding_keys_are_judged_by_the_function_handed_in(files: Any) -> None:
    files.set("ui.keys", {"app.help": "f1", "app.servers": "f1", "typo": "x"})
    seen: list[dict[str, str]] = []

    def check_keys(keys: dict[str, str]) -> list[tuple[str, str]]:
        seen.append(keys)
        return [("app.servers", "uses f1 like app.help"), ("app.history", "f1 is taken by app.help")]

    found = files.problems(check_keys=check_keys)
    assert seen == [{"app.help": "f1", "app.servers": "f1", "typo": "x"}]
    assert set(found) == {'ui.keys."app.servers"', 'ui.keys."app.history"'}
    assert all(problem.line for problem in found.values())


def test_a_broken_theme_is_a_warning(files: Any) -> None:
    folder = files.config_path.parent / "themes"
    folder.mkdir()
    (folder / "mine.yaml").write_text("name: mine\n", encoding="utf-8")
    loaded = files.loaded()
    assert "mine" not in loaded.themes
    assert {problem.file.name for problem in loaded.warnings} == {"mine.yaml"}


@pytest.mark.parametrize(
    ("mode", "warned"),
    [(0o600, set()), (0o640, {"config.yaml", "servers_config.json"}), (0o604, {"config.yaml", "servers_config.json"})],
)
def test_a_file_with_a_secret_that_others_may_read(files: Any, mode: int, warned: set[str]) -> None:
    files.set("llm.providers.openai.api_key", "a-literal-key-123")
    files.servers["x"] = {"command": "sh", "env": {"X_TOKEN": "a-literal-token"}}
    files.write()
    for path in (files.config_path, files.servers_path):
        path.chmod(mode)
    assert {problem.file.name for problem in files.load().warnings if "can be read" in problem.message} == warned


def test_a_file_without_a_secret_may_be_read_by_others(files: Any) -> None:
    files.config_path.chmod(0o644)
    assert not files.load().warnings


@pytest.mark.parametrize(("secret", "warned"), [("12345", True), ("123456", False)])
def test_a_secret_too_short_to_be_masked(files: Any, secret: str, warned: bool) -> None:
    files.servers["x"] = {"command": "sh", "env": {"X_TOKEN": "env:X"}}
    files.environ["X"] = secret
    files.write()
    assert any("too short" in problem.message for problem in files.load().warnings) is warned


MARKER = "Zebra7Quokka9"
odd_texts = ["", "no", "env:", f"env:{MARKER}!", "${", "${A}", "a\x00b", "\x1b[2J", "é", MARKER]
odd_names = st.sampled_from(["a", "", "model", "command", "[key]", "x.y"])
odd = st.recursive(
    st.sampled_from([None, True, False, 0, -1, 3, 2.5, 10**12, *odd_texts]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(odd_names, inner, max_size=2),
    max_leaves=4,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, item in items for found in places(item, (*path, key)))]


def change(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    value[path[0]] = change(value[path[0]], path[1:], new)
    return value


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_written_anywhere_is_loaded_or_explained(files: Any, data: st.DataObject) -> None:
    config, servers = (
        copy.deepcopy(files.config),
        {"x": {"command": "sh", "args": ["a"], "env": {"A": "b"}, "enabled": True}},
    )
    config = change(config, data.draw(st.sampled_from(places(config))), data.draw(odd))
    servers = change(servers, data.draw(st.sampled_from(places(servers))), data.draw(odd))
    files.config_path.write_text(yaml.safe_dump(config, allow_unicode=True), encoding="utf-8")
    files.servers_path.write_text(json.dumps({"mcpServers": servers}), encoding="utf-8")
    try:
        loaded = files.load()
    except InvalidConfiguration as error:
        told = [*error.details, *error.warnings]
        lines = error.problems
    else:
        told, lines = list(loaded.warnings), ()
    for problem in told:
        assert problem.line is not None
        assert problem.render().replace("\n", "").isprintable()
        secret = {"api_key", "args", "env", "headers"} & set(problem.path)
        assert not (secret and MARKER in problem.message + problem.found + problem.hint)
    assert len(set(lines)) == len(lines)
