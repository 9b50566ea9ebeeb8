"""``/fork``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.fork(app.under_cursor())


COMMAND = Command("fork", "Fork at the message under the cursor, or at the end", _run, key="conversation.fork")
