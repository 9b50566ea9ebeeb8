"""Startup failed: everything that is wrong at once, and what to do about it (requirements B1, B6)."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from mcp_tui.errors import ConfigError, McpTuiError
from mcp_tui.safety.text import prose
from mcp_tui.ui.screens.left_once import LeftOnce


class ConfigErrorScreen(LeftOnce, Screen[None]):
    """The problems, scrolling; q, Esc or Ctrl+Q quits."""

    PANE = "app"
    HELP = "mcp-tui could not start. Fix what is listed, or quit and run one of the commands below."
    BINDINGS: ClassVar[list[BindingType]] = [("q,escape,enter", "app.quit", "Quit")]
    DEFAULT_CSS = """
    ConfigErrorScreen {
        & VerticalScroll { padding: 1 3; scrollbar-size-vertical: 1; }
        & #keys { dock: bottom; height: 1; background: $surface; padding: 0 3; }
    }
    """

    def __init__(self, error: McpTuiError) -> None:
        super().__init__()
        self._error = error

    def compose(self) -> ComposeResult:
        """What is wrong, what to do, keys."""
        with VerticalScroll():
            yield Static(self.content())
        yield Static(Content.assemble(("q", "$accent"), (" quit", "$muted")), id="keys")

    def content(self) -> Content:
        """The whole report as one text."""
        error = self._error
        parts = [("mcp-tui could not start\n\n", "bold $error"), (f"{prose(error.message)}\n", "")]
        if isinstance(error, ConfigError):
            parts.append(("\n", ""))
            for number, problem in enumerate(error.problems, 1):
                parts += [(f"{number:>3}  ", "$warning"), (f"{prose(problem)}\n", "")]
        if error.hint:
            parts.append((f"\n{prose(error.hint)}\n", ""))
        parts += [
            ("\nWhat you can do\n", "bold"),
            ("  mcp-tui init   ", "$accent"),
            ("write a complete, commented configuration\n", ""),
            ("  mcp-tui check  ", "$accent"),
            ("validate the configuration again\n", ""),
            ("  mcp-tui demo   ", "$accent"),
            ("try the program without a key and without a network\n", ""),
        ]
        return Content.assemble(*parts)
