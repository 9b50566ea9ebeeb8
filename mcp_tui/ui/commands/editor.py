"""``/editor``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.open_editor()


COMMAND = Command("editor", "Edit the draft in $VISUAL or $EDITOR", _run, key="composer.editor")
