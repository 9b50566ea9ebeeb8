"""``/rerun``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    edit = bool(argument) and one_of(argument, ("edit",), "way to run it again") == "edit"
    app.rerun_call(app.view.current_call(), edit=edit)


def _values(app: McpTuiApp) -> tuple[str, ...]:
    return ("edit",)


COMMAND = Command(
    "rerun",
    "Run the tool call under the cursor again and compare; edit: change its arguments first",
    _run,
    argument="[edit]",
    values=_values,
    key="inspector.rerun",
)
