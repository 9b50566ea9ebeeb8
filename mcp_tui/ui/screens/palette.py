"""The command palette: every command and every key's action by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Never

from textual.content import Content

from mcp_tui.safety.text import shorten, strict
from mcp_tui.ui.keymap import effective, show_keys
from mcp_tui.ui.screens.chooser import Chooser, Row

if TYPE_CHECKING:
    from mcp_tui.events.servers import ServerStatus
    from mcp_tui.ui.slash import Command


class Palette(Chooser):
    """Commands with their keys; servers' commands once for each server.  Returns the line to carry out."""

    def __init__(
        self,
        commands: Sequence[Command[Never]],
        servers: Sequence[ServerStatus],
        overrides: Mapping[str, str],
        columns: int,
    ) -> None:
        keys = effective(overrides)
        entries = [(f"/{command.name}", command.help, command.key) for command in commands if command.palette]
        for server in servers:
            entries.append((f"/restart {server.name}", f"Restart {server.name}", ""))
        for server in servers:
            verb = "disable" if server.enabled else "enable"
            entries.append((f"/{verb} {server.name}", f"Turn {server.name} {'off' if server.enabled else 'on'}", ""))
        width = min(74, columns * 94 // 100 - 6)
        rows = []
        for line, text, binding in entries:
            key = show_keys(keys[binding][:1]) if binding else ""
            words = shorten(text, width - 30)
            shown = Content.assemble(
                f"{words:<{width - 30}}", (f" {key:>7}", "$accent"), (f"  {strict(line):.20}", "$muted")
            )
            rows.append(Row(line, shown, f"{text} {line}"))
        super().__init__("commands", rows, placeholder="what do you want to do?")
