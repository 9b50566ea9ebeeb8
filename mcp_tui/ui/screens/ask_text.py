"""A question that is answered with a line of text."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from mcp_tui.errors import McpTuiError
from mcp_tui.safety.text import prose
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets.steady_input import SteadyInput


class AskTextScreen(LeftOnce, ModalScreen[str]):
    """Returns the line, or ``None``.  ``check`` raises an error of ours for a line that cannot be: it is shown."""

    PANE = "list"
    HELP = "Enter takes what is written, Esc goes back and changes nothing."
    BINDINGS: ClassVar[list[BindingType]] = [binding for binding in bindings("list") if "escape" in str(binding)]
    DEFAULT_CSS = """
    AskTextScreen {
        align: center middle;
        background: $background 50%;
        & > Vertical {
            width: 76; max-width: 94%; height: auto; border: round $primary; border-title-color: $primary;
            background: $surface; padding: 1 2;
        }
        & Input, & Input:focus { border: none; height: 1; padding: 0 1; background: $panel; }
        & #foot { color: $muted; height: auto; margin-top: 1; }
        & #foot.-wrong { color: $error; }
    }
    """

    def __init__(
        self,
        title: str,
        value: str = "",
        *,
        foot: str = "",
        placeholder: str = "",
        check: Callable[[str], object] | None = None,
        problem: str = "",
    ) -> None:
        """``problem``: why the line that is in it could not be taken."""
        super().__init__()
        self._problem, self._refused = problem, value
        self._title, self._value, self._foot, self._placeholder = title, value, foot, placeholder
        self._check = check

    def compose(self) -> ComposeResult:
        """Title, line, help or what is wrong."""
        with Vertical() as box:
            box.border_title = Content(self._title).markup
            yield SteadyInput(self._value, placeholder=self._placeholder, compact=True, select_on_focus=False)
            classes = "-wrong" if self._problem else None
            said = prose(self._problem) or self._foot or "Enter takes it  Esc goes back"
            yield Static(Content(said), id="foot", classes=classes)

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was wrong may be right now."""
        foot = self.query_one("#foot", Static)
        if foot.has_class("-wrong") and event.value != self._refused:
            foot.remove_class("-wrong")
            foot.update(Content(self._foot or "Enter takes it  Esc goes back"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the line, if it can be."""
        try:
            if self._check is not None:
                self._check(event.value)
        except McpTuiError as error:
            self._refused = event.value
            foot = self.query_one("#foot", Static)
            foot.add_class("-wrong")
            foot.update(Content(prose(" ".join(part for part in (error.message, error.hint) if part))))
            return
        self.dismiss(event.value)

    def action_cancel(self) -> None:
        """Nothing changes."""
        self.dismiss(None)
