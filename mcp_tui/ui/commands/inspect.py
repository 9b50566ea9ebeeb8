"""``/inspect``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.open_inspector()


COMMAND = Command("inspect", "Open the inspector", _run, key="app.inspector")
