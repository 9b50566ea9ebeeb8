"""A list to choose from, with a filter: the base of the palette and of every chooser."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets.steady_input import SteadyInput


@dataclass(frozen=True, slots=True)
class Row:
    """One entry: what is returned, what is shown, what the filter looks at."""

    value: str
    content: Content
    search: str


def matches(query: str, text: str) -> bool:
    """Whether every word of ``query`` occurs in ``text``."""
    text = text.casefold()
    return all(word in text for word in query.casefold().split())


class Chooser(LeftOnce, ModalScreen[str]):
    """Returns the value of the chosen row, or ``None``."""

    PANE = "list"
    HELP = "Type to filter, Up and Down to move, Enter to choose, Esc to go back."
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("list"),
        ("up", "move('cursor_up')", "Up"),
        ("down", "move('cursor_down')", "Down"),
        ("pageup", "move('page_up')", "Page up"),
        ("pagedown", "move('page_down')", "Page down"),
    ]
    DEFAULT_CSS = """
    Chooser {
        align: center top;
        background: $background 50%;
        & > Vertical {
            width: 78; max-width: 94%; height: auto; max-height: 90%; margin-top: 1;
            border: round $primary; border-title-color: $primary; background: $surface; padding: 0 1;
        }
        & Input, & Input:focus { border: none; height: 1; padding: 0; background: $surface; margin-bottom: 1; }
        & OptionList, & OptionList:focus {
            border: none; background: $surface; height: auto; max-height: 60vh; padding: 0; scrollbar-size-vertical: 1;
        }
        & #foot { color: $muted; height: auto; margin-top: 1; }
    }
    """

    def __init__(
        self,
        title: str,
        rows: Sequence[Row],
        *,
        placeholder: str = "filter",
        foot: str = "Enter chooses  Esc goes back",
        chosen: str = "",
        on_highlight: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__()
        self._title, self._rows, self._placeholder, self._foot = title, list(rows), placeholder, foot
        self._chosen, self._on_highlight = chosen, on_highlight
        self._shown: list[Row] = []

    def compose(self) -> ComposeResult:
        """Filter, list, a line of help."""
        with Vertical() as box:
            box.border_title = Content(self._title).markup
            yield SteadyInput(placeholder=self._placeholder, compact=True)
            yield OptionList(markup=False, compact=True)
            yield Static(Content(self._foot), id="foot")

    def on_mount(self) -> None:
        """Show all rows, with the current one marked."""
        self._fill("")
        for index, row in enumerate(self._shown):
            if row.value == self._chosen:
                self._list.highlighted = index

    @property
    def _list(self) -> OptionList:
        return self.query_one(OptionList)

    def _fill(self, query: str) -> None:
        self._shown = [row for row in self._rows if matches(query, row.search)]
        self._list.set_options([Option(row.content) for row in self._shown])
        if self._shown:
            self._list.highlighted = 0

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter."""
        self._fill(event.value)

    def on_input_submitted(self) -> None:
        """Enter in the filter chooses."""
        self.action_select()

    def on_option_list_option_selected(self) -> None:
        """A click, or Enter in the list, chooses."""
        self.action_select()

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Try the highlighted row on, where the chooser has a preview."""
        if self._on_highlight is not None and event.option_index < len(self._shown):
            self._on_highlight(self._shown[event.option_index].value)

    def action_move(self, how: str) -> None:
        """Move in the list while the filter has the focus."""
        getattr(self._list, f"action_{how}")()

    def action_select(self) -> None:
        """Return the highlighted row."""
        index = self._list.highlighted
        if index is not None and index < len(self._shown):
            self.dismiss(self._shown[index].value)

    def action_cancel(self) -> None:
        """Return nothing."""
        self.dismiss(None)
