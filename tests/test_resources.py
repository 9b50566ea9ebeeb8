from __future__ import annotations

from pathlib import Path

import pytest

from mcp_tui import resources


def test_the_shipped_folders_are_found() -> None:
    assert (resources.themes_dir() / "mcp-dark.yaml").is_file()
    found = {path.name for path in resources.sample_config_dir().iterdir()}
    assert found == {"config.yaml", "permissions.yaml", "servers_config.json"}


def test_the_copy_in_the_package_comes_first(tmp_path: Path) -> None:
    package = tmp_path / "mcp_tui"
    beside, inside = tmp_path / "themes", package / "_data" / "themes"
    beside.mkdir()
    assert resources.data_dir("themes", package=package) == beside
    inside.mkdir(parents=True)
    assert resources.data_dir("themes", package=package) == inside


def test_an_incomplete_installation_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="lacks its data folder 'themes'"):
        resources.data_dir("themes", package=tmp_path / "mcp_tui")
