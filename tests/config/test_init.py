from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from mcp_tui import resources
from mcp_tui.config.init import MODELS, InitReport, write_samples
from mcp_tui.config.loader import load
from mcp_tui.config.local_servers import CANDIDATES, LocalServer
from mcp_tui.config.providers import KEY_VARIABLES
from mcp_tui.config.report import check

OLLAMA = LocalServer(CANDIDATES[0], ("nomic-embed-text", "qwen3:8b"))
PATHS = ("config.yaml", "servers_config.json")
RULES = "permissions.yaml"


def init(folder: Path, environ: dict[str, str], *local: LocalServer, force: bool = False) -> InitReport:
    config, servers = (folder / name for name in PATHS)
    return write_samples(config, servers, {"PATH": "/nowhere", **environ}, force=force, probe=lambda: local)


def text(report: InitReport) -> str:
    return "\n".join(report.lines)


def active_model(folder: Path, environ: dict[str, str]) -> str:
    return load(folder / PATHS[0], folder / PATHS[1], {"PATH": "/nowhere", **environ}).active.model


def test_with_nothing_found_the_sample_is_written_and_the_way_on_is_said(tmp_path: Path) -> None:
    report = init(tmp_path / "new", {})
    assert report.exit_code == 0
    assert [path.name for path in report.written] == [*PATHS, RULES]
    sample = (resources.sample_config_dir() / "config.yaml").read_text("utf-8")
    assert (tmp_path / "new" / "config.yaml").read_text("utf-8") == sample
    assert "export OPENAI_API_KEY=" in text(report)
    assert "mcp-tui demo" in text(report)
    assert not check(tmp_path / "new" / PATHS[0], tmp_path / "new" / PATHS[1], {}).ok


def test_modes(tmp_path: Path) -> None:
    init(tmp_path / "a" / "b", {})
    modes = [
        stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "a", tmp_path / "a" / "b", *(tmp_path / "a" / "b").iterdir())
    ]
    assert modes == [0o700, 0o700, 0o600, 0o600, 0o600]


@pytest.mark.parametrize("provider", KEY_VARIABLES)
def test_with_a_key_what_is_written_passes_the_check(tmp_path: Path, provider: str) -> None:
    environ = {KEY_VARIABLES[provider]: "the-value-of-the-key"}
    report = init(tmp_path, environ)
    assert "The configuration is valid" in text(report)
    assert KEY_VARIABLES[provider] in report.lines[0]
    assert active_model(tmp_path, environ) == MODELS[provider]
    everything = text(report) + "".join((tmp_path / name).read_text("utf-8") for name in PATHS)
    assert "the-value-of-the-key" not in everything


def test_with_a_local_server_what_is_written_passes_the_check(tmp_path: Path) -> None:
    report = init(tmp_path, {}, OLLAMA)
    assert "Ollama at http://127.0.0.1:11434: nomic-embed-text, qwen3:8b" in text(report)
    assert "The configuration is valid" in text(report)
    assert active_model(tmp_path, {}) == "ollama_chat/qwen3:8b"


@pytest.mark.parametrize("candidate", CANDIDATES[1:], ids=lambda c: c.name)
def test_other_local_servers_get_an_entry_of_their_own(tmp_path: Path, candidate: object) -> None:
    server = next(c for c in CANDIDATES if c is candidate)
    init(tmp_path, {}, LocalServer(server, ("some/model",)))
    loaded = load(tmp_path / PATHS[0], tmp_path / PATHS[1], {})
    assert (loaded.active.model, loaded.active.api_base) == (f"{server.prefix}/some/model", server.api_base)


def test_a_local_server_without_a_model_is_said_but_not_chosen(tmp_path: Path) -> None:
    report = init(tmp_path, {}, LocalServer(CANDIDATES[0], ()))
    assert "no model yet" in text(report)
    assert "No key and no local model" in text(report)


def test_everything_found_can_be_chosen_and_a_key_comes_first(tmp_path: Path) -> None:
    environ = {"GEMINI_API_KEY": "abcdefgh", "ANTHROPIC_API_KEY": "ijklmnop"}
    init(tmp_path, environ, OLLAMA)
    loaded = load(tmp_path / PATHS[0], tmp_path / PATHS[1], environ)
    assert loaded.active.name == "anthropic"
    assert {"gemini", "ollama"} <= {
        name for name, entry in loaded.providers.items() if entry.missing_key_variable is None
    }


def test_what_is_there_is_kept_unless_forced(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("mine: true\n")
    report = init(tmp_path, {})
    assert [path.name for path in report.kept] == ["config.yaml"]
    assert [path.name for path in report.written] == ["servers_config.json", RULES]
    assert "--force" in text(report)
    assert (tmp_path / "config.yaml").read_text() == "mine: true\n"
    assert init(tmp_path, {}).exit_code == 2
    forced = init(tmp_path, {}, force=True)
    assert forced.exit_code == 0
    assert "the old one is config.yaml.bak" in text(forced)
    assert (tmp_path / "config.yaml.bak").read_text() == "mine: true\n"


def test_rules_are_never_replaced(tmp_path: Path) -> None:
    init(tmp_path, {})
    rules = "version: 1\nrules:\n  - {id: no, effect: deny, server: files}\n"
    (tmp_path / RULES).write_text(rules)
    forced = init(tmp_path, {}, force=True)
    assert [path.name for path in forced.kept] == [RULES]
    assert "--force leaves rules alone" in text(forced)
    assert (tmp_path / RULES).read_text() == rules


def test_what_the_disk_refuses_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    report = init(tmp_path / "file", {})
    assert report.exit_code == 2
    assert report.written == ()
    assert text(report).count("failed ") == 3


@pytest.mark.parametrize("present", [True, False])
def test_the_time_server_is_on_where_uvx_is(tmp_path: Path, present: bool) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    if present:
        (programs / "uvx").write_text("#!/bin/sh\n")
        (programs / "uvx").chmod(0o755)
    report = init(tmp_path, {"PATH": str(programs)})
    assert ("time is switched off: its program uvx was not found" in text(report)) is not present
    assert json.loads((tmp_path / PATHS[1]).read_text())["mcpServers"]["time"]["enabled"] is present
