"""F1: what the focused pane is and which keys it has, then the keys that work everywhere, then the commands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Never

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mcp_tui.ui.keymap import PANES, effective, keys_of, show_keys
from mcp_tui.ui.screens.left_once import LeftOnce

if TYPE_CHECKING:
    from mcp_tui.ui.slash import Command

Part = tuple[str, str]


class HelpScreen(LeftOnce, ModalScreen[None]):
    """Text that scrolls; F1 or Esc closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,enter", "app.help", "Close")]
    DEFAULT_CSS = """
    HelpScreen {
        align: right top;
        background: $background 40%;
        & VerticalScroll {
            width: 84; max-width: 100%; height: 1fr; background: $surface; border: round $primary;
            border-title-color: $primary; border-subtitle-color: $muted; padding: 0 1; scrollbar-size-vertical: 1;
        }
    }
    """

    def __init__(self, pane: str, about: str, overrides: Mapping[str, str], commands: Sequence[Command[Never]]) -> None:
        super().__init__()
        self._pane, self._about, self._overrides, self._commands = pane, about, overrides, commands

    def compose(self) -> ComposeResult:
        """The text."""
        with VerticalScroll() as scroll:
            scroll.border_title = "help"
            scroll.border_subtitle = "F1 or Esc closes"
            yield Static(self.content())

    def content(self) -> Content:
        """The whole help as one text."""
        parts: list[Part] = []
        if self._about:
            parts += [
                (f"{PANES.get(self._pane, self._pane).capitalize()}\n", "bold $primary"),
                (f"{self._about}\n\n", ""),
            ]
        if self._pane != "app":
            parts += self._keys(self._pane)
        parts += self._keys("app")
        parts.append(("Commands\n", "bold $primary"))
        for command in self._commands:
            parts += [(f"  {command.usage:<28}", "$accent"), (f" {command.help}\n", "")]
        parts.append(
            ("\nOther panes have keys of their own: F1 there. Keys can be changed in config.yaml (ui.keys).", "$muted")
        )
        return Content.assemble(*parts)

    def _keys(self, pane: str) -> list[Part]:
        keys = effective(self._overrides)
        parts: list[Part] = [(f"Keys: {PANES[pane]}\n", "bold $primary")]
        for binding in keys_of(pane):
            parts += [(f"  {show_keys(keys[binding.id]):<18}", "$accent"), (f" {binding.help}\n", "")]
        return [*parts, ("\n", "")]
