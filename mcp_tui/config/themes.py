"""YAML themes: the shipped ones and those in the ``themes`` folder beside ``config.yaml`` (requirement J3).

A broken theme is reported and left out; the others still load.
"""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, create_model

from mcp_tui import resources
from mcp_tui.config.problems import Problem
from mcp_tui.config.source import Unreadable, read_text
from mcp_tui.config.theme_data import DEFAULT_THEME, ROLES, ThemeData
from mcp_tui.config.validate import validate
from mcp_tui.config.words import InWords
from mcp_tui.config.yaml_source import parse_yaml

Colour = Annotated[str, Field(pattern=r"^#[0-9a-fA-F]{6}$"), InWords('"#rrggbb" in quotes')]

_STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)


class _Base(BaseModel):
    """A section of a theme file: unknown fields are refused."""

    model_config = _STRICT


Roles = create_model("Roles", __base__=_Base, **dict.fromkeys(ROLES, (Colour, ...)))  # type: ignore[call-overload]


class ThemeFile(_Base):
    """A theme as written: colours are ``"#rrggbb"`` in quotes, all fields but ``boost`` are required."""

    name: str = Field(min_length=1)
    dark: bool
    primary: Colour
    secondary: Colour
    accent: Colour
    warning: Colour
    error: Colour
    success: Colour
    foreground: Colour
    background: Colour
    surface: Colour
    panel: Colour
    boost: Colour | None = None
    code_theme: str = Field(min_length=1)
    variables: Roles


def load_themes(user_dir: Path | None) -> tuple[dict[str, ThemeData], list[Problem]]:
    """Shipped themes, then the user's, which replace shipped ones of the same name; and what is wrong with any."""
    themes = {DEFAULT_THEME.name: DEFAULT_THEME}
    problems: list[Problem] = []
    for folder in [resources.themes_dir(), *([user_dir] if user_dir is not None else [])]:
        for file in _files(folder):
            theme, found = read_theme(file)
            problems += found
            if theme is not None:
                themes[theme.name] = theme
    return themes, problems


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.name[0] != ".")
    except OSError:
        return []


def read_theme(file: Path) -> tuple[ThemeData | None, list[Problem]]:
    """One theme file, or what is wrong with it."""
    try:
        document = parse_yaml(file, read_text(file))
    except Unreadable as error:
        return None, [error.problem]
    if not isinstance(document.data, dict):
        return None, [Problem(file, "is no theme", 1, 1, expected="a mapping with name, dark, primary and so on")]
    written, problems = validate(document, document.data, ThemeFile)
    problems = [*document.problems, *problems]
    if written is not None:
        problems += [
            *([document.problem(("name",), "differs from the file's name", expected=f'"{file.stem}"')]
              if written.name != file.stem else []),
            *([document.problem(("code_theme",), f'"{written.code_theme}" is no style of Pygments')]
              if not _is_style(written.code_theme) else []),
        ]  # fmt: skip
    if written is None or problems:
        return None, problems
    values = written.model_dump(exclude={"variables"})
    return ThemeData(**values, variables=MappingProxyType(dict(document.data["variables"]))), []


def _is_style(name: str) -> bool:
    from pygments.styles import STYLE_MAP  # type: ignore[import-untyped]

    return name in STYLE_MAP
