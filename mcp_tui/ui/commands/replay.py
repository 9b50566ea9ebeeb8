"""``/replay``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.show_replay(argument)


def _values(app: McpTuiApp) -> Sequence[str]:
    return ("last",)


COMMAND = Command("replay", "Replay this conversation, or another one by its id", _run, argument="[ID]", values=_values)
