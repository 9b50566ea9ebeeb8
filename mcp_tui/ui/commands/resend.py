"""``/resend``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.call_later(app.resend, app.under_cursor())  # once this line is gone from the composer


COMMAND = Command(
    "resend",
    "Edit the input under the cursor (or the last one); sending it makes the fork",
    _run,
    key="conversation.edit",
)
