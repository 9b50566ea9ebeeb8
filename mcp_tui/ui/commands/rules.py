"""``/rules``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.action_rules()


COMMAND = Command("rules", "Permission rules: list, dry run, edit, revoke, why", _run, key="app.rules")
