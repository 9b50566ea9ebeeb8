"""``/import``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.commands.base import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    from mcp_tui.ui.imports import ask_import

    ask_import(app, argument)


COMMAND = Command("import", "Take in conversations of ChatGPT, Claude or another mcp-tui", _run, argument="[FILE]")
