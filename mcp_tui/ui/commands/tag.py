"""``/tag``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.ui.slash import Command

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def _run(app: McpTuiApp, argument: str) -> None:
    app.tag_conversation(argument)


def _values(app: McpTuiApp) -> list[str]:
    return [f"-{tag}" for tag in app.engine.transcript.tags] if app.engine is not None else []


COMMAND = Command("tag", "Tag this conversation; -WORD takes a tag away", _run, argument="[WORD ...]", values=_values)
