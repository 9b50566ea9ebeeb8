from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest
from pygments.styles import get_style_by_name
from pygments.token import Token

from mcp_tui import resources
from mcp_tui.config.theme_data import DEFAULT_THEME, ROLES, ThemeData
from mcp_tui.config.themes import load_themes, read_theme

SHIPPED = {theme.name: theme for theme in load_themes(None)[0].values()}
GROUNDS = ("background", "surface", "panel")
TOKENS = (
    Token.Comment,
    Token.Keyword,
    Token.Name.Function,
    Token.Name.Builtin,
    Token.String,
    Token.Number,
    Token.Operator,
)


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Contrast ratio (WCAG 2.2)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_measure() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_at_least_two_dark_and_one_light_theme_are_shipped_and_sound() -> None:
    themes, problems = load_themes(None)
    assert not problems
    assert len([theme for theme in themes.values() if theme.dark]) >= 2
    assert len([theme for theme in themes.values() if not theme.dark]) >= 1
    assert len(themes) == len(list(resources.themes_dir().glob("*.yaml")))


def test_the_default_painted_before_any_file_is_read_is_the_shipped_one() -> None:
    theme, problems = read_theme(resources.themes_dir() / f"{DEFAULT_THEME.name}.yaml")
    assert not problems
    assert theme == DEFAULT_THEME


@pytest.mark.parametrize("theme", SHIPPED.values(), ids=lambda theme: theme.name)
class TestContrast:
    def test_text(self, theme: ThemeData) -> None:
        for ground in GROUNDS:
            assert contrast(theme.foreground, getattr(theme, ground)) >= 7
        assert contrast(theme.foreground, theme.variables["selection"]) >= 4.5

    def test_everything_else_that_is_read(self, theme: ThemeData) -> None:
        plain = ("primary", "secondary", "accent", "warning", "error", "success")
        roles = [role for role in ROLES if role not in ("pane-border", "selection")]
        colours = {**{name: getattr(theme, name) for name in plain}, **{role: theme.variables[role] for role in roles}}
        least = 7 if theme.name == "mcp-contrast" else 4.5
        low = {
            (name, ground): round(contrast(colour, getattr(theme, ground)), 2)
            for (name, colour), ground in product(colours.items(), GROUNDS)
            if contrast(colour, getattr(theme, ground)) < least
        }
        assert not low

    def test_code(self, theme: ThemeData) -> None:
        style = get_style_by_name(theme.code_theme)
        least = 7 if theme.name == "mcp-contrast" else 4.5
        colours = {str(kind): style.style_for_token(kind)["color"] for kind in TOKENS}
        low = {
            (kind, ground): colour
            for (kind, colour), ground in product(colours.items(), GROUNDS)
            if colour and contrast(f"#{colour}", getattr(theme, ground)) < least
        }
        assert not low

    def test_dark_is_dark(self, theme: ThemeData) -> None:
        assert (luminance(theme.background) < 0.1) is theme.dark

    def test_speakers_differ(self, theme: ThemeData) -> None:
        assert len({theme.variables[role] for role in ("role-user", "role-assistant", "role-tool")}) == 3

    def test_every_role_is_there(self, theme: ThemeData) -> None:
        assert set(theme.variables) == set(ROLES)


def mine(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder / name


GOOD = (resources.themes_dir() / "mcp-light.yaml").read_text("utf-8").replace("name: mcp-light", "name: mine")


def test_a_theme_of_ones_own(tmp_path: Path) -> None:
    mine(tmp_path, GOOD)
    themes, problems = load_themes(tmp_path)
    assert not problems
    assert themes["mine"].background == SHIPPED["mcp-light"].background
    assert set(themes) == {*SHIPPED, "mine"}


def test_it_may_replace_a_shipped_one(tmp_path: Path) -> None:
    mine(tmp_path, GOOD.replace("name: mine", "name: mcp-dark"), "mcp-dark.yaml")
    assert not load_themes(tmp_path)[0]["mcp-dark"].dark


def test_boost_may_be_left_out(tmp_path: Path) -> None:
    theme, problems = read_theme(mine(tmp_path, re.sub(r"boost: .*\n", "", GOOD)))
    assert not problems
    assert theme is not None
    assert theme.boost is None


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('primary: "#2459a6"', "primary: #2459a6", "primary: has the wrong kind of value"),
        ('primary: "#2459a6"', 'primary: "blue"', 'expected "#rrggbb" in quotes; found text "blue"'),
        ('primary: "#2459a6"', 'primry: "#2459a6"', "primry: is not a known field\n    Did you mean `primary`?"),
        ("dark: false", "dark: 0", "dark: has the wrong kind of value; expected true or false"),
        ('  muted: "#5a6070"', '  mutd: "#5a6070"', "variables.mutd: is not a known field\n    Did you mean `muted`?"),
        ("name: mine", "name: other", 'name: differs from the file\'s name; expected "mine"'),
        ("code_theme: xcode", "code_theme: nobody", 'code_theme: "nobody" is no style of Pygments'),
        ("dark: false", "dark: false\ndark: true", "dark: appears twice"),
    ],
)  # fmt: skip
def test_a_broken_theme_is_reported_and_the_rest_still_load(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in GOOD
    mine(tmp_path, GOOD.replace(old, new))
    mine(tmp_path, GOOD.replace("name: mine", "name: good"), "good.yaml")
    themes, problems = load_themes(tmp_path)
    assert "mine" not in themes
    assert {*SHIPPED, "good"} == set(themes)
    rendered = "\n".join(problem.render() for problem in problems)
    assert said in rendered
    assert re.match(r"mine\.yaml:\d+:\d+: ", rendered)


@pytest.mark.parametrize("text", ["", "- a\n", "name: [\n", "a: &b *b\n"])
def test_files_that_are_no_theme(tmp_path: Path, text: str) -> None:
    theme, [problem] = read_theme(mine(tmp_path, text))
    assert theme is None
    assert problem.file.name == "mine.yaml"


def test_other_files_and_a_missing_folder_are_nothing(tmp_path: Path) -> None:
    mine(tmp_path, "notes", "notes.txt")
    mine(tmp_path, "an editor's leftover", ".#mine.yaml")
    (tmp_path / "folder.yaml").mkdir()
    assert set(load_themes(tmp_path)[0]) == set(SHIPPED)
    assert set(load_themes(tmp_path / "none")[0]) == set(SHIPPED)
