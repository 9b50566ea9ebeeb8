"""``/theme``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    if argument:
        app.use_theme(one_of(argument, app.theme_names(), "theme"))
    else:
        app.choose_theme()


def _values(app: McpTuiApp) -> list[str]:
    return app.theme_names()


COMMAND = Command("theme", "Choose the colours, with preview", _run, argument="[NAME]", values=_values)
