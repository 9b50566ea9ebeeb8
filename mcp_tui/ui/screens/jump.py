"""Two keys to any pane: Ctrl+O, then a letter."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mcp_tui.ui.screens.left_once import LeftOnce

TARGETS: dict[str, tuple[str, str]] = {
    "s": ("sidebar", "servers"),
    "c": ("conversation", "conversation"),
    "p": ("composer", "prompt"),
    "i": ("inspector", "inspector"),
    "a": ("approval", "approval"),
    "t": ("tools", "tools"),
}
"""Letter -> what it jumps to, and how the line calls it."""


class JumpScreen(LeftOnce, ModalScreen[str]):
    """Returns the target, or ``None`` for any other key."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(letter, f"go('{letter}')", name, show=False, priority=True) for letter, (_, name) in TARGETS.items()
    ]
    """With priority, so that the app has carried them out before it looks at the next key."""

    DEFAULT_CSS = """
    JumpScreen {
        align: center bottom;
        background: $background 30%;
        & Static { width: 1fr; height: 1; background: $panel; padding: 0 1; }
    }
    """

    def compose(self) -> ComposeResult:
        """The letters."""
        parts = [
            part for letter, (_, name) in TARGETS.items() for part in ((letter, "$accent bold"), (f" {name}  ", ""))
        ]
        yield Static(Content.assemble(("jump to  ", "$muted"), *parts, ("Esc", "$accent bold"), (" back", "")))

    def action_go(self, letter: str) -> None:
        """To what the letter stands for."""
        self.dismiss(TARGETS[letter][0])

    def on_key(self, event: events.Key) -> None:
        """Any other key ends it; one that comes in before the screen is gone belongs to where it went."""
        event.stop()
        if self.is_active:
            self.dismiss(None)
        else:
            self.app.post_message(events.Key(event.key, event.character))
