"""``/model``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    if argument:
        app.select_model(one_of(argument, app.provider_names(), "model"))
    else:
        app.action_choose_model()


def _values(app: McpTuiApp) -> list[str]:
    return app.provider_names()


COMMAND = Command("model", "Choose the model", _run, argument="[NAME]", values=_values, key="app.model")
