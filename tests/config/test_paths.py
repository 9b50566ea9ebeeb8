from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest

from mcp_tui.config.paths import resolve_paths


def test_arguments_come_before_variables(tmp_path: Path) -> None:
    environ = {"MCP_CONFIG_PATH": "/e/c.yaml", "MCP_SERVERS_CONFIG_PATH": "/e/s.json"}
    paths = resolve_paths(environ, config=tmp_path / "c.yaml", servers=str(tmp_path / "s.json"))
    assert (paths.config_file, paths.servers_file) == (tmp_path / "c.yaml", tmp_path / "s.json")
    assert paths.themes_dir == tmp_path / "themes"


def test_variables_come_before_the_user_directory() -> None:
    paths = resolve_paths({"MCP_CONFIG_PATH": "/e/c.yaml", "MCP_SERVERS_CONFIG_PATH": "/e/s.json"})
    assert (paths.config_file, paths.servers_file) == (Path("/e/c.yaml"), Path("/e/s.json"))


def test_each_is_decided_on_its_own() -> None:
    paths = resolve_paths({"XDG_CONFIG_HOME": "/x"}, config="/a/c.yaml")
    assert paths.servers_file == Path("/x/mcp-tui/servers_config.json")


def test_the_systems_directories_otherwise() -> None:
    paths = resolve_paths({})
    assert paths.config_file == Path(platformdirs.user_config_dir("mcp-tui", appauthor=False)) / "config.yaml"
    assert paths.data_dir == Path(platformdirs.user_data_dir("mcp-tui", appauthor=False))
    assert paths.log_dir == Path(platformdirs.user_log_dir("mcp-tui", appauthor=False))


def test_xdg_variables() -> None:
    environ = {"XDG_CONFIG_HOME": "/c", "XDG_DATA_HOME": "/d", "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/h"}
    paths = resolve_paths(environ)
    assert paths.config_dir == Path("/c/mcp-tui")
    assert paths.data_dir == Path("/d/mcp-tui")
    assert paths.log_dir == Path("/s/mcp-tui/log")
    assert paths.cache_dir == Path("/h/mcp-tui")


def test_xdg_paths_that_are_not_absolute_are_ignored() -> None:
    assert resolve_paths({"XDG_DATA_HOME": "relative"}).data_dir == resolve_paths({}).data_dir


def test_one_variable_isolates_what_a_run_writes(tmp_path: Path) -> None:
    paths = resolve_paths({"MCP_TUI_DATA_DIR": str(tmp_path), "XDG_STATE_HOME": "/s", "XDG_CACHE_HOME": "/h"})
    assert (paths.data_dir, paths.log_dir, paths.cache_dir) == (tmp_path, tmp_path / "logs", tmp_path / "cache")


@pytest.mark.parametrize("variable", ["MCP_TUI_DATA_DIR", "MCP_CONFIG_PATH", "MCP_SERVERS_CONFIG_PATH"])
def test_an_empty_variable_is_not_set(variable: str) -> None:
    assert resolve_paths({variable: ""}) == resolve_paths({})


def test_home_and_relative_paths(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    paths = resolve_paths({"MCP_TUI_DATA_DIR": "~/data"}, config="c.yaml")
    assert (paths.data_dir, paths.config_file) == (Path("/home/me/data"), tmp_path / "c.yaml")


def test_the_home_of_nobody_stays_as_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (
        resolve_paths({}, config="~no-such-user-here/c.yaml").config_file == tmp_path / "~no-such-user-here" / "c.yaml"
    )
