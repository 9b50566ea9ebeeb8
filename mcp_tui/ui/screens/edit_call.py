"""The arguments of a recorded call, edited before it is run again."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mcp_tui.errors import UsageError
from mcp_tui.safety.text import prose, strict
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.keymap import effective, keys_of, show_keys
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets.argument_editor import ArgumentEditor, parse_arguments
from mcp_tui.ui.widgets.bars import Hint, hint_parts

if TYPE_CHECKING:
    from mcp_tui.events.tools import ArgumentProblem


class EditCallScreen(LeftOnce, ModalScreen[dict[str, Any]]):
    """Returns the arguments, or ``None``.  ``check`` says what is wrong with some; then the text stays."""

    HELP = "The arguments as JSON. Ctrl+S checks them against the tool's schema; the call asks as every call does."
    DEFAULT_CSS = """
    EditCallScreen {
        align: center middle;
        background: $background 50%;
        & > Vertical {
            width: 96%; max-width: 110; height: auto; max-height: 94%; background: $surface; border: round $primary;
            border-title-color: $primary; padding: 0 1;
        }
        & ArgumentEditor, & ArgumentEditor:focus { height: auto; min-height: 6; max-height: 60vh; }
        & #problems { height: auto; max-height: 8; color: $error; }
        & #keys { height: auto; }
    }
    """

    def __init__(
        self,
        label: str,
        arguments: Mapping[str, Any],
        check: Callable[[dict[str, Any]], Sequence[ArgumentProblem]],
    ) -> None:
        super().__init__()
        self._label, self._check = label, check
        self._text = json.dumps(arguments, ensure_ascii=False, indent=2)
        self._leaving = False

    def compose(self) -> ComposeResult:
        """Text, what is wrong with it, keys."""
        with Vertical() as box:
            box.border_title = Content(strict(f"run {self._label} again with")).markup
            yield ArgumentEditor(self._text, show_line_numbers=True, tab_behavior="focus", compact=True)
            yield Static(id="problems")
            yield Static(id="keys")

    def on_mount(self) -> None:
        """Keys of this screen."""
        keys = effective(overrides_in(self.app))
        words = {"editor.accept": "check and run", "editor.cancel": "back"}
        hints = [
            Hint(show_keys(keys[key.id][:1]), words.get(key.id, key.hint)) for key in keys_of("editor") if key.hint
        ]
        self.query_one("#keys", Static).update(Content.assemble(*hint_parts(hints)))
        self.query_one(ArgumentEditor).focus()

    def _say(self, text: str) -> None:
        self.query_one("#problems", Static).update(Content(prose(text)))

    def on_text_area_changed(self) -> None:
        """What was typed is not to be left by accident."""
        self._leaving = False

    def on_argument_editor_accepted(self, message: ArgumentEditor.Accepted) -> None:
        """Check; what is wrong is said, and the text stays."""
        message.stop()
        try:
            arguments = parse_arguments(message.text)
        except UsageError as error:
            self._say(error.message)
            return
        problems = self._check(arguments)
        if problems:
            self._say("\n".join(f"{problem.field}: {problem.message}".lstrip(": ") for problem in problems))
        else:
            self.dismiss(arguments)

    def on_argument_editor_cancelled(self, message: ArgumentEditor.Cancelled) -> None:
        """Back; changes are thrown away only when Esc is pressed twice."""
        message.stop()
        self.leave()

    def leave(self) -> None:
        """Esc and Ctrl+C."""
        if self.query_one(ArgumentEditor).text == self._text or self._leaving:
            self.dismiss(None)
            return
        self._leaving = True
        self._say("Esc again throws away what you changed; Ctrl+S runs it.")
