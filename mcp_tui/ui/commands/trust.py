"""``/trust``: look at, and accept, a server that waits or the tools of one that are held."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    if argument:
        one_of(argument, app.server_names(), "server")
    app.show_trust(argument)


def _values(app: McpTuiApp) -> list[str]:
    servers = app.engine.servers if app.engine is not None else ()
    return [server.name for server in servers if server.state == "untrusted" or server.held]


COMMAND = Command("trust", "Servers and tools that wait to be accepted", _run, argument="[SERVER]", values=_values)
