"""``/copy``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp

_WHAT = ("answer", "conversation")


def _run(app: McpTuiApp, argument: str) -> None:
    what = one_of(argument or "answer", _WHAT, "thing to copy")
    if what == "answer":
        app.action_copy_last()
    else:
        app.copy_conversation()


def _values(app: McpTuiApp) -> tuple[str, ...]:
    return _WHAT


COMMAND = Command(
    "copy",
    "Copy the last answer, or the conversation as text",
    _run,
    argument="[answer|conversation]",
    values=_values,
    key="app.copy_last",
)
