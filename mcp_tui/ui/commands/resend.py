"""``/resend``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.resend(app.under_cursor())


COMMAND = Command(
    "resend",
    "Edit the input under the cursor (or the last one) and resend it, in a fork",
    _run,
    key="conversation.edit",
)
