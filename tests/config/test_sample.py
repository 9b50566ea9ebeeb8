"""The shipped sample is complete, explained, and loads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mcp_tui import resources
from mcp_tui.config.loader import load
from mcp_tui.config.models import Config
from mcp_tui.config.providers import KEY_VARIABLES
from mcp_tui.config.sample import Choice, fit_config, fit_servers, sample_providers
from mcp_tui.config.servers import ServerConfig
from mcp_tui.config.words import leaves
from mcp_tui.config.yaml_source import parse_yaml

CONFIG = resources.sample_config_dir() / "config.yaml"
SERVERS = resources.sample_config_dir() / "servers_config.json"
ENVIRON = {
    **dict.fromkeys(KEY_VARIABLES.values(), "key-1234567890"),
    "EXAMPLE_TOKEN": "t-1234567",
    "HOME": "/",
    "PATH": "/bin",
}


def test_it_loads_without_a_warning_but_absent_programs() -> None:
    loaded = load(CONFIG, SERVERS, ENVIRON)
    assert {type(problem.line) for problem in loaded.warnings} <= {int}
    assert {problem.field for problem in loaded.warnings} <= {"mcpServers.time.command"}
    assert {"openai", "anthropic", "ollama"} <= set(loaded.providers)
    assert {"time", "git", "filesystem"} <= set(loaded.servers)


def test_every_field_of_every_model_is_in_it() -> None:
    document = parse_yaml(CONFIG, CONFIG.read_text("utf-8"))
    for path, _ in leaves(Config):
        assert tuple("openai" if part == "<name>" else part for part in path) in document.keys
    entries = json.loads(SERVERS.read_text("utf-8"))["mcpServers"].values()
    assert {key for entry in entries for key in entry} == set(ServerConfig.model_fields)


def test_every_field_is_explained_beside_it() -> None:
    lines = CONFIG.read_text("utf-8").splitlines()
    document = parse_yaml(CONFIG, "\n".join(lines) + "\n")
    explained_by_section = {"output_price", "max_retry_delay"}
    for path, _ in leaves(Config):
        mark = document.keys[tuple("openai" if part == "<name>" else part for part in path)]
        above = lines[mark.line - 2].strip()
        assert above.startswith("#") or path[-1] in explained_by_section, path
    notes = "\n".join(line for line in lines if line.startswith("#   "))
    for name in ServerConfig.model_fields:
        assert f"#   {name} " in notes


def test_it_holds_no_key_and_enables_nothing_that_touches_files() -> None:
    entries: dict[str, Any] = json.loads(SERVERS.read_text("utf-8"))["mcpServers"]
    assert [name for name, entry in entries.items() if entry.get("enabled", True)] == ["time"]


CHOICES = [
    Choice("gemini", "gemini/gemini-2.5-pro", "env:GEMINI_API_KEY", None),
    Choice("anthropic", "anthropic/other", "env:ANTHROPIC_API_KEY", None),
    Choice("ollama", "ollama_chat/qwen3:8b", None, "http://127.0.0.1:5000"),
    Choice("lm-studio", "lm_studio/a/b@q4", "none", "http://127.0.0.1:1234/v1"),
]


@pytest.mark.parametrize("first", range(len(CHOICES)))
def test_fitted_to_a_machine_it_is_valid_and_keeps_its_comments(first: int, tmp_path: Path) -> None:
    choices = [*CHOICES[first:], *CHOICES[:first]]
    text = fit_config(CONFIG.read_text("utf-8"), choices)
    (tmp_path / "config.yaml").write_text(text, encoding="utf-8")
    loaded = load(tmp_path / "config.yaml", SERVERS, ENVIRON)
    assert loaded.active.name == choices[0].name
    for choice in choices:
        entry = loaded.config.llm.providers[choice.name]
        assert (entry.model, entry.api_key, entry.api_base) == (choice.model, choice.api_key, choice.api_base)
    comments = [line for line in CONFIG.read_text("utf-8").splitlines() if line.lstrip().startswith("#")]
    assert [line for line in text.splitlines() if line.lstrip().startswith("#")] == comments


@pytest.mark.parametrize("model", ["a: b", "#x", "'", '"', "1.5", "no", "*x", "é", "a\\b", "-", "x:", "2024-01-01"])
def test_odd_model_names_are_quoted(model: str) -> None:
    text = fit_config(CONFIG.read_text("utf-8"), [Choice("ollama", model, None, None)])
    document = parse_yaml(CONFIG, text)
    assert document.data["llm"]["providers"]["ollama"]["model"] == model
    assert not document.problems


def test_servers_are_switched_off_by_name() -> None:
    fitted = json.loads(fit_servers(SERVERS.read_text("utf-8"), ["time"]))
    original = json.loads(SERVERS.read_text("utf-8"))
    original["mcpServers"]["time"]["enabled"] = False
    assert fitted == original


def test_the_names_in_it() -> None:
    assert sample_providers() == ("openai", "anthropic", "ollama")
