"""The command palette: every command and every key's action by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.safety.text import shorten, strict
from mcp_tui.ui.commands import COMMANDS
from mcp_tui.ui.keymap import effective, show_keys
from mcp_tui.ui.screens.chooser import Chooser, Row

if TYPE_CHECKING:
    from mcp_tui.ui.app import McpTuiApp


def open_palette(app: McpTuiApp) -> None:
    """Show the palette, or close it."""
    if isinstance(app.screen, Palette):
        app.screen.dismiss(None)
    elif app.screen is app.chat:
        app.push_screen(Palette(app), lambda line: _run(app, line))


def _run(app: McpTuiApp, line: str | None) -> None:
    if line is not None:
        app.submit(line)


class Palette(Chooser):
    """Commands with their keys; servers' commands once for each server."""

    def __init__(self, app: McpTuiApp) -> None:
        keys = effective(app.key_overrides)
        entries = [(f"/{command.name}", command.help, command.key) for command in COMMANDS if command.palette]
        for name in app.server_names():
            entries.append((f"/restart {name}", f"Restart {name}", ""))
        engine = app.engine
        for server in engine.servers if engine is not None else ():
            verb = "disable" if server.enabled else "enable"
            entries.append((f"/{verb} {server.name}", f"Turn {server.name} {'off' if server.enabled else 'on'}", ""))
        width = min(74, app.size.width * 94 // 100 - 6)
        rows = []
        for line, text, binding in entries:
            key = show_keys(keys[binding][:1]) if binding else ""
            words = shorten(text, width - 30)
            shown = Content.assemble(
                f"{words:<{width - 30}}", (f" {key:>7}", "$accent"), (f"  {strict(line):.20}", "$muted")
            )
            rows.append(Row(line, shown, f"{text} {line}"))
        super().__init__("commands", rows, placeholder="what do you want to do?")
