"""``/restart``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    name = one_of(argument, app.server_names(), "server")
    app.restart_server(name)


def _values(app: McpTuiApp) -> list[str]:
    return app.server_names()


COMMAND = Command("restart", "Restart a server", _run, argument="SERVER", values=_values, palette=False)
