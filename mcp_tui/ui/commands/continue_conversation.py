"""``/continue``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    if argument:
        app.open_conversation(argument)
    else:
        app.continue_latest()


COMMAND = Command("continue", "Continue the latest conversation, or the one with this id", _run, argument="[ID]")
