"""A question with a yes that cannot be hit by accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mcp_tui.ui.screens.left_once import LeftOnce


class ConfirmScreen(LeftOnce, ModalScreen[bool]):
    """Yes is one letter, Esc is no; Enter does nothing."""

    PANE = "list"
    HELP = "The letter named in the question is yes. Esc is no."
    WAKE_SECONDS = 0.3
    BINDINGS: ClassVar[list[BindingType]] = [("escape,n", "answer(False)", "No")]
    DEFAULT_CSS = """
    ConfirmScreen {
        align: center middle;
        background: $background 50%;
        & Static { width: auto; max-width: 90%; border: round $warning; background: $surface; padding: 1 3; }
    }
    """

    def __init__(self, question: str, letter: str, label: str, *, clock: Callable[[], float]) -> None:
        super().__init__()
        self._question, self._letter, self._label, self._clock = question, letter, label, clock
        self._shown = float("inf")

    def compose(self) -> ComposeResult:
        """The question."""
        parts = [(f"{self._question}\n\n", ""), (self._letter, "$accent bold"), (f" {self._label}    ", "")]
        yield Static(Content.assemble(*parts, ("Esc", "$accent bold"), (" back", "")))

    def on_mount(self) -> None:
        """Keys count a moment after the question was drawn."""
        self.call_after_refresh(self._drawn)

    def _drawn(self) -> None:
        self._shown = self._clock()

    def on_key(self, event: events.Key) -> None:
        """The letter that means yes."""
        if event.key == self._letter and self._clock() - self._shown >= self.WAKE_SECONDS:
            event.stop()
            self.dismiss(True)

    def action_answer(self, yes: bool) -> None:
        """Answer."""
        self.dismiss(yes)
