"""``/import``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    from mcp_tui.ui.imports import ask_import

    ask_import(app, argument)


COMMAND = Command("import", "Import conversations from a file", _run, argument="[FILE]")
