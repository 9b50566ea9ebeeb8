"""The line above a list that filters it, or searches behind it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from mcp_tui.ui.widgets.steady_input import SteadyInput


class QueryInput(SteadyInput):
    """What is typed; arrows move the list meanwhile."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("down", "screen.move('move', 1)", "Down"),
        ("up", "screen.move('move', -1)", "Up"),
        ("pagedown", "screen.move('page', 1)", "Page down"),
        ("pageup", "screen.move('page', -1)", "Page up"),
    ]

    def action_delete_left(self) -> None:
        """On an empty line, Backspace goes from the search back to the filter."""
        line = self.parent
        if not self.value and isinstance(line, QueryLine) and line.searching:
            line.post_message(QueryLine.Ended())
        else:
            super().action_delete_left()


class QueryLine(Horizontal):
    """What it does, what is typed, and what it looks at."""

    DEFAULT_CSS = """
    QueryLine {
        height: 1; background: $background; padding: 0 1;
        & #mode { width: auto; color: $primary; }
        & #where { width: auto; color: $muted; padding: 0 0 0 1; }
        & Input, & Input:focus {
            border: none; height: 1; width: 1fr; padding: 0; background: $background; color: $foreground;
        }
        &.-asking, &.-asking Input { background: $panel; }
    }
    """

    class Ended(Message):
        """The person is done with the search: the line is to filter again."""

    def __init__(self, value: str = "", *, searching: bool = False, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self.searching = searching
        """Whether the line is a search in all text; else it filters the list."""
        self._first_value = value
        self._drawn_where: Content | None = None

    def compose(self) -> ComposeResult:
        """Mode, input, where it looks."""
        yield Static(id="mode")
        yield QueryInput(self._first_value, compact=True, select_on_focus=False)
        yield Static(id="where")

    def on_mount(self) -> None:
        """Say what it does."""
        self.set_mode(searching=self.searching)

    @property
    def input(self) -> Input:
        """What is typed into."""
        return self.query_one(QueryInput)

    def set_mode(self, *, searching: bool) -> None:
        """Search all text, or filter the list."""
        self.searching = searching
        self.query_one("#mode", Static).update(Content("/ search: " if searching else "filter: "))
        self._explain()

    def show_where(self, where: Content) -> None:
        """What it looks at.  Drawing that lays the screen out anew: not at each step through the list."""
        if where != self._drawn_where:
            self._drawn_where = where
            self.query_one("#where", Static).update(where)

    def focus_moved(self) -> None:
        """The line shows whether it is being typed into."""
        self.set_class(self.input.has_focus, "-asking")
        self._explain()

    def _explain(self) -> None:
        if self.searching:
            words = 'words, "a phrase", -without, tool:time.* status:error after:7d'
        else:
            words = "type to filter; / on an empty line searches everything" if self.input.has_focus else "Tab filters"
        self.input.placeholder = words
