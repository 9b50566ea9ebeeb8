"""The line in which the person writes what to find in a conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.widgets.steady_input import SteadyInput

if TYPE_CHECKING:
    from mcp_tui.ui.widgets.finder import Found
    from mcp_tui.ui.widgets.finding import FindingView

WIDE = 64
"""Columns from which on there is room for the keys."""


class FindBar(Horizontal):
    """Belongs to one `FindingView`: what is written here is looked for there.  Not shown until `open`."""

    PANE = "find"
    HELP = (
        "Type what to find in this conversation: messages, reasoning, calls with their arguments and results, also in "
        "what is collapsed. Without capitals, capitals do not count. Enter or Down goes to the next place, Up to the "
        "one before; with the conversation in focus (Tab), n and N do. Esc closes."
    )
    BINDINGS = bindings("find")
    DEFAULT_CSS = """
    FindBar {
        height: 1; padding: 0 1; background: $surface; display: none;
        & #find-label { width: auto; color: $primary; text-style: bold; }
        & Input, & Input:focus { border: none; height: 1; padding: 0; width: 1fr; background: $surface; }
        & #find-count { width: auto; color: $muted; }
    }
    """

    def __init__(self, view: FindingView, *, keys: bool = False, widget_id: str | None = None) -> None:
        """``keys``: name them here; needless where a line of the screen does."""
        super().__init__(id=widget_id)
        self._view, self._keys = view, keys
        self._before: Widget | None = None
        """What had the focus."""

    def compose(self) -> ComposeResult:
        """Label, what is written, how many there are."""
        yield Static("find ", id="find-label")
        yield SteadyInput(placeholder="in this conversation", compact=True)
        yield Static("", id="find-count")

    @property
    def input(self) -> Input:
        """Where the person writes."""
        return self.query_one(Input)

    @property
    def is_open(self) -> bool:
        """Whether it is on the screen."""
        return bool(self.display)

    def open(self, text: str = "") -> None:
        """Show it and take the focus; what was looked for before stands there, to be replaced."""
        if not self.is_open:
            focused = self.screen.focused
            self._before = focused if focused is not None and self not in focused.ancestors_with_self else None
            self.display = True
            self._view.on_found, self._view.leave_find = self.show, self.close
            self._view.begin_find()
        if text:
            self.input.value = text
        self.input.focus()
        self.input.select_all()
        self._view.find(self.input.value)
        self.show(self._view.found)

    def close(self) -> None:
        """Take it away with all marks; the focus goes back to where it was."""
        if not self.is_open:
            return
        inside = self.screen.focused is not None and self in self.screen.focused.ancestors_with_self
        self._view.end_find()
        self._view.on_found = self._view.leave_find = None
        self.display = False
        before = self._before
        if inside:
            there = before is not None and before.is_attached and before.focusable
            (before if there and before is not None else self._view).focus()

    def show(self, found: Found) -> None:
        """Say how many there are, and the keys where there is room."""
        text, style = _words(found)
        keys = ""
        if self.size.width >= WIDE and not self.has_focus_within:
            keys = "   n next  N previous  Esc closes"
        elif self.size.width >= WIDE and self._keys:
            keys = "   Enter next  Up previous  Esc closes"
        self.query_one("#find-count", Static).update(Content.assemble((f" {text}", style), (keys, "$muted")))

    def on_resize(self) -> None:
        """Room for the keys, or not."""
        self.show(self._view.found)

    def on_descendant_focus(self) -> None:
        """Its own keys count."""
        self.show(self._view.found)

    def on_descendant_blur(self) -> None:
        """Those of the conversation count."""
        self.call_after_refresh(lambda: self.show(self._view.found))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for what is written now."""
        event.stop()
        if self.is_open:
            self._view.find(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        event.stop()
        self._view.find_step(1)

    def action_step(self, step: int) -> None:
        """To the next place, or to the one before."""
        self._view.find_step(step)

    def action_close(self) -> None:
        """Esc."""
        self.close()


def _words(found: Found) -> tuple[str, str]:
    if not found.text:
        return "", "$muted"
    more = "" if found.complete else "+"
    if not found.total:
        return ("nothing found", "$warning") if found.complete else ("looking ..", "$muted")
    if found.beyond:
        return f"{found.number}/{found.total}{more}  in the rest of the result: Tab, Enter shows it", "$warning"
    return f"{found.number or '..'}/{found.total}{more}", "$foreground"
