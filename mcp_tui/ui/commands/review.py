"""``/review``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.show_review(one_of(argument, _values(app), "server with held tools") if argument else "")


def _values(app: McpTuiApp) -> list[str]:
    return [server.name for server in app.engine.servers if server.held] if app.engine is not None else []


COMMAND = Command("review", "New and changed tools that are held", _run, argument="[SERVER]", values=_values)
