"""``/export``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command, one_of

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp

_FORMATS = ("markdown", "html", "json")


def _run(app: McpTuiApp, argument: str) -> None:
    format, _, file = argument.partition(" ")  # noqa: A001 - the word of the command line
    app.export_conversation(one_of(format, _FORMATS, "export format") if format else "", file.strip())


def _values(app: McpTuiApp) -> tuple[str, ...]:
    return _FORMATS


COMMAND = Command(
    "export", "Write the conversation to a file", _run, argument="[markdown|html|json] [FILE]", values=_values
)
