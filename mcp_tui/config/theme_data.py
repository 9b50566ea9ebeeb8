"""What a theme is, and the default one.  Imports nothing heavy: the first paint needs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

ROLES = (
    "muted",
    "role-user",
    "role-assistant",
    "role-tool",
    "role-reasoning",
    "card-border",
    "pane-border",
    "selection",
)
"""Colours of our own beside Textual's; every theme gives all of them, as ``$role-user`` and so on in stylesheets.

``muted``: secondary text; ``role-*``: who speaks; ``card-border``: a card that waits for a decision;
``pane-border``: lines between panes; ``selection``: background of selected text.
"""


@dataclass(frozen=True, slots=True)
class ThemeData:
    """A theme: colours are ``#rrggbb``."""

    name: str
    dark: bool
    primary: str
    secondary: str
    accent: str
    warning: str
    error: str
    success: str
    foreground: str
    background: str
    surface: str
    panel: str
    code_theme: str
    """Pygments style for code."""
    boost: str | None = None
    """Tint of raised surfaces; ``None`` lets Textual derive it."""
    variables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The colours named in `ROLES`."""


DEFAULT_THEME = ThemeData(
    name="mcp-dark",
    dark=True,
    primary="#7aa2d6",
    secondary="#8c9bd8",
    accent="#e0a872",
    warning="#e5c07b",
    error="#ee7f86",
    success="#8fbf7f",
    foreground="#d8dbe2",
    background="#16181d",
    surface="#1c1f26",
    panel="#242830",
    boost="#2b303a",
    code_theme="github-dark",
    variables=MappingProxyType(
        {
            "muted": "#9199a8",
            "role-user": "#7fc8c2",
            "role-assistant": "#a9b6f2",
            "role-tool": "#e0a872",
            "role-reasoning": "#9aa3b5",
            "card-border": "#e5c07b",
            "pane-border": "#363c48",
            "selection": "#33405a",
        }
    ),
)
"""The same as ``themes/mcp-dark.yaml`` (a test keeps them equal): painted before any file is read."""
