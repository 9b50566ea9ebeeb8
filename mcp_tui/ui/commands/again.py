"""``/again``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.ask_again(app.under_cursor(), one_of(argument, app.provider_names(), "model") if argument else "")


def _values(app: McpTuiApp) -> list[str]:
    return app.provider_names()


COMMAND = Command(
    "again",
    "Ask the input under the cursor, or the last one, again in a fork",
    _run,
    argument="[MODEL]",
    values=_values,
    key="conversation.again",
)
