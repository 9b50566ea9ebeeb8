"""``/call``: an input of its own for the offline demo model, which plans exactly this call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.submit(f"/call {argument}")


def _values(app: McpTuiApp) -> list[str]:
    return app.tool_names()


COMMAND = Command(
    "call",
    "Demo model only: ask for exactly this tool call",
    _run,
    argument="SERVER.TOOL {JSON}",
    values=_values,
    passed_on=True,
    palette=False,
)
