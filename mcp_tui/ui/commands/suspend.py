"""``/suspend``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.suspend_program()


COMMAND = Command("suspend", "Suspend the program; the shell's fg resumes it", _run)
