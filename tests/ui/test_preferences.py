from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from mcp_tui.config.theme_data import DEFAULT_THEME
from mcp_tui.ui.preferences import Preferences, load, save


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "state" / "ui.json"
    theme = replace(DEFAULT_THEME, name="other", primary="#123456")
    saved = Preferences(theme=theme, sidebar=False, mouse=False, path=path)
    save(path, saved)
    assert load(path) == saved
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"theme": 3}',
        '{"theme": {"name": "x"}}',
        '{"sidebar": "yes"}',
        "\x00",
        '{"theme": {"variables": {"muted": "[red]"}}}',
    ],
)
def test_what_is_not_understood_means_defaults(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ui.json"
    path.write_text(text)
    assert load(path) == Preferences(path=path)


def test_a_colour_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ui.json"
    save(path, Preferences(theme=replace(DEFAULT_THEME, primary="red; background: blue"), path=path))
    assert load(path).theme == DEFAULT_THEME


def test_missing_file_means_defaults(tmp_path: Path) -> None:
    assert load(tmp_path / "none.json").theme == DEFAULT_THEME
