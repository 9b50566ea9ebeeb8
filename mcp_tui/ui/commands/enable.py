"""``/enable``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    name = one_of(argument, app.server_names(), "server")
    app.set_server_enabled(name, True)


def _values(app: McpTuiApp) -> list[str]:
    return app.server_names()


COMMAND = Command("enable", "Start a server that is off", _run, argument="SERVER", values=_values, palette=False)
