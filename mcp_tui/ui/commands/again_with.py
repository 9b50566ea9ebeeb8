"""``/again-with``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.choose_who_answers_again(app.under_cursor())


COMMAND = Command("again-with", "Ask again with a model that is chosen first", _run, key="conversation.again_with")
