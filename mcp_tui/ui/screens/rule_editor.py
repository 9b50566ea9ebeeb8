"""One rule as text: checked before it is written, kept as typed while anything is wrong."""

from __future__ import annotations

from collections.abc import Callable

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.safety.text import prose, strict
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.keymap import effective, keys_of, show_keys
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets.bars import Hint, hint_parts
from mcp_tui.ui.widgets.text_area import SteadyTextArea


class RuleEditorScreen(LeftOnce, ModalScreen[bool]):
    """Returns whether the rule was saved.  ``save`` is given the text and raises for what cannot be used."""

    PANE = "rule_editor"
    HELP = (
        "A rule as YAML: id, effect, server, tool, arguments, annotation, project, note. Ctrl+S checks and writes it; "
        "while something is wrong, nothing is written and the text stays."
    )
    BINDINGS = bindings("rule_editor")
    DEFAULT_CSS = """
    RuleEditorScreen {
        align: center middle;
        background: $background 50%;
        & Vertical {
            width: 96%; max-width: 110; height: auto; max-height: 94%; background: $surface; border: round $primary;
            border-title-color: $primary; padding: 0 1;
        }
        & TextArea, & TextArea:focus {
            border: none; height: auto; min-height: 8; max-height: 60vh; padding: 0; background: $background;
        }
        & #problems { height: auto; max-height: 8; color: $error; }
        & #keys { height: auto; }
    }
    """

    def __init__(self, title: str, text: str, save: Callable[[str], None]) -> None:
        super().__init__()
        self._title, self._text, self._save = title, text, save
        self._leaving = False

    def compose(self) -> ComposeResult:
        """Text, what is wrong with it, keys."""
        with Vertical() as box:
            box.border_title = Content(strict(self._title)).markup
            yield SteadyTextArea(self._text, show_line_numbers=True, tab_behavior="focus", compact=True)
            yield Static(id="problems")
            yield Static(id="keys")

    def on_mount(self) -> None:
        """Keys of this screen."""
        keys = effective(overrides_in(self.app))
        hints = [Hint(show_keys(keys[key.id][:1]), key.hint) for key in keys_of("rule_editor") if key.hint]
        self.query_one("#keys", Static).update(Content.assemble(*hint_parts(hints)))
        self._area.focus()

    @property
    def _area(self) -> SteadyTextArea:
        return self.query_one(SteadyTextArea)

    def _say(self, text: str) -> None:
        self.query_one("#problems", Static).update(Content(prose(text)))

    def on_text_area_changed(self) -> None:
        """What was typed is not to be left by accident."""
        self._leaving = False

    def action_save(self) -> None:
        """Check and write; what is wrong is said, and everything stays."""
        try:
            self._save(self._area.text)
        except McpTuiError as error:
            self._say("\n".join(part for part in (error.message, error.hint) if part))
        else:
            self.dismiss(True)

    def action_select_all(self) -> None:
        """All of the text."""
        self._area.action_select_all()

    async def action_external_editor(self) -> None:
        """Hand the text to the person's editor and take back what it saved."""
        from mcp_tui.ui.external_editor import edit

        try:
            with self.app.suspend(), self.app.batch_update():
                text = await edit(self._area.text.rstrip("\n"))
        except UsageError as error:
            self._say(str(error))
        else:
            self._area.load_text(text + "\n")

    def action_cancel(self) -> None:
        """Back; changes are thrown away only when Esc is pressed twice."""
        if self._area.text == self._text or self._leaving:
            self.dismiss(False)
            return
        self._leaving = True
        self._say("Esc again throws away what you changed; Ctrl+S saves it.")

    def leave(self) -> None:
        """Ctrl+C."""
        self.action_cancel()
