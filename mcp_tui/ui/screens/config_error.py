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
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.keymap import effective, show_keys
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets.bars import Hint, hint_parts


class ConfigErrorScreen(LeftOnce, Screen[None]):
    """The problems, scrolling; q, Esc or Ctrl+Q quits, or goes back where it was asked for while browsing."""

    PANE = "app"
    HELP = (
        "The chat cannot start. Fix what is listed, or run one of the commands below. What is stored can be read, "
        "searched, replayed and exported without a configuration: F4."
    )
    BINDINGS: ClassVar[list[BindingType]] = [("q,escape,enter", "leave", "Back, or quit")]
    DEFAULT_CSS = """
    ConfigErrorScreen {
        & VerticalScroll { padding: 1 3; scrollbar-size-vertical: 1; }
        & #keys { dock: bottom; height: 1; background: $surface; padding: 0 3; }
    }
    """

    def __init__(self, error: McpTuiError, *, browsing: bool = False, history: bool = False) -> None:
        """``browsing``: the history is below, and goes on; ``history``: F4 opens it."""
        super().__init__()
        self._error = error
        self.browsing = browsing
        self._history = history

    def compose(self) -> ComposeResult:
        """What is wrong, what to do, keys."""
        with VerticalScroll():
            yield Static(self.content())
        hints = [Hint("Esc", "back to the history")] if self.browsing else [Hint("q", "quit")]
        if self._history:
            key = show_keys(effective(overrides_in(self.app))["app.history"][:1])
            hints.append(Hint(key, "history: needs no configuration"))
        yield Static(Content.assemble(*hint_parts(hints)), id="keys")

    async def action_leave(self) -> None:
        """Back to the history, or out of the program."""
        if self.browsing:
            self.dismiss(None)
        else:
            await self.app.action_quit()

    def content(self) -> Content:
        """The whole report as one text."""
        error = self._error
        heading = "This conversation cannot be continued yet" if self.browsing else "mcp-tui could not start"
        parts = [(f"{heading}\n\n", "bold $error"), (f"{prose(error.message)}\n", "")]
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
