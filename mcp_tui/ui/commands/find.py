"""``/find``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.find(argument)


COMMAND = Command("find", "Find in the open conversation", _run, argument="[TEXT]", key="app.find")
