"""What the screen remembers between runs: a small JSON file, read with nothing but the standard library.

It lets the first paint have the right colours before any YAML is read.  It is a cache: unreadable or
missing means defaults, and losing it loses nothing but a theme choice.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from mcp_tui.config.theme_data import DEFAULT_THEME, ThemeData


@dataclass(frozen=True, slots=True)
class Preferences:
    """State of the screen.  ``path`` is the file it came from; ``None`` keeps it in memory only."""

    theme: ThemeData = DEFAULT_THEME
    """The theme of the last run."""
    sidebar: bool | None = None
    """Whether the server sidebar was open; ``None``: decide by width."""
    mouse: bool = True
    path: Path | None = None

    @property
    def prompts_path(self) -> Path | None:
        """Where earlier prompts are kept: beside this file."""
        return self.path.with_name("prompts.jsonl") if self.path is not None else None


def load(path: Path) -> Preferences:
    """The preferences in ``path``; defaults where it is missing or not understood."""
    default = Preferences(path=path)
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return replace(
            default,
            theme=_theme(data.get("theme")) or default.theme,
            sidebar=data["sidebar"] if isinstance(data.get("sidebar"), bool) else None,
            mouse=data.get("mouse") is not False,
        )
    except (OSError, ValueError, TypeError, AttributeError):
        return default


def save(path: Path, preferences: Preferences) -> None:
    """Replace ``path`` (mode 0600) in one step.  Raises `OSError` when that fails."""
    theme = asdict(replace(preferences.theme, variables={}))
    theme["variables"] = dict(preferences.theme.variables)
    text = json.dumps({"theme": theme, "sidebar": preferences.sidebar, "mouse": preferences.mouse}, indent=1)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _theme(data: Any) -> ThemeData | None:
    """A theme from its JSON form, if every field has the right type and every colour is one."""
    if not isinstance(data, dict):
        return None
    values: dict[str, Any] = {}
    for spec in fields(ThemeData):
        value = data.get(spec.name)
        if spec.name == "variables":
            if not isinstance(value, dict) or set(value) != set(DEFAULT_THEME.variables):
                return None
            if not all(_is_colour(colour) for colour in value.values()):
                return None
            values[spec.name] = MappingProxyType(dict(value))
        elif spec.name == "dark":
            if not isinstance(value, bool):
                return None
            values[spec.name] = value
        elif spec.name in ("name", "code_theme"):
            if not isinstance(value, str):
                return None
            values[spec.name] = value
        elif _is_colour(value) or (spec.name == "boost" and value is None):
            values[spec.name] = value
        else:
            return None
    return ThemeData(**values)


def _is_colour(value: Any) -> bool:
    if not isinstance(value, str) or len(value) != 7 or value[0] != "#":
        return False
    return all(char in "0123456789abcdefABCDEF" for char in value[1:])
