"""``/history``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.show_history(argument)


COMMAND = Command("history", "Conversations: browse, search, read, go on", _run, argument="[SEARCH]", key="app.history")
