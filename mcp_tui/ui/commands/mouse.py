"""``/mouse``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.action_mouse()


COMMAND = Command("mouse", "Mouse capture off or on", _run, key="app.mouse")
