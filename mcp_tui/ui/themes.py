"""From theme data to Textual's themes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.theme import Theme

if TYPE_CHECKING:
    from mcp_tui.config.theme_data import ThemeData


def textual_theme(data: ThemeData) -> Theme:
    """``data`` as a Textual theme; its roles become ``$role-user`` and so on."""
    return Theme(
        name=data.name,
        dark=data.dark,
        primary=data.primary,
        secondary=data.secondary,
        accent=data.accent,
        warning=data.warning,
        error=data.error,
        success=data.success,
        foreground=data.foreground,
        background=data.background,
        surface=data.surface,
        panel=data.panel,
        boost=data.boost,
        variables={
            **data.variables,
            "code-theme": data.code_theme,
            "block-cursor-foreground": data.background,
            "block-cursor-background": data.primary,
            "block-cursor-text-style": "none",
            "block-cursor-blurred-background": data.panel,
            "block-cursor-blurred-foreground": data.foreground,
            "block-cursor-blurred-text-style": "none",
            "input-selection-background": data.variables["selection"],
            "screen-selection-background": data.variables["selection"],
            "scrollbar": data.panel,
            "scrollbar-hover": data.variables["muted"],
            "scrollbar-active": data.primary,
            "scrollbar-background": data.background,
            "scrollbar-background-hover": data.background,
            "scrollbar-background-active": data.background,
            "scrollbar-corner-color": data.background,
            "footer-key-foreground": data.accent,
            "border": data.primary,
            "border-blurred": data.variables["pane-border"],
        },
    )
