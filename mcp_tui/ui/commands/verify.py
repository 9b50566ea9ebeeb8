"""``/verify``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    from mcp_tui.ui.reruns import verify, what_to_ignore

    app.start(verify(app, ignoring=what_to_ignore(argument)))


COMMAND = Command(
    "verify",
    "Run all tool calls of this conversation again, or of the one that this verifies, and compare; places such as "
    "structuredContent.time and what a /pattern/ matches are left out",
    _run,
    argument="[PLACE ...] [/PATTERN/ ...]",
)
