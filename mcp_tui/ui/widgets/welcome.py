"""What an empty conversation shows: what this is and what to try in the first minute."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.widgets.bars import Part


class Welcome(Widget, can_focus=True):
    """Text, and in the demo a list of examples to pick from."""

    PANE = "list"
    HELP = "In the demo, choose an example with Up and Down; Enter puts it into the composer."
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("list"),
        ("up,k", "move(-1)", "Up"),
        ("down,j", "move(1)", "Down"),
    ]
    DEFAULT_CSS = """
    Welcome { height: 1fr; padding: 1 2; overflow-y: auto; }
    """

    class Picked(Message):
        """An example was chosen."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self._demo: bool | None = None
        self._examples_to_try: tuple[tuple[str, str], ...] = ()
        self._servers: tuple[Part, ...] = ()
        self._chosen = 0

    def show(self, *, demo: bool, servers: tuple[Part, ...], examples: tuple[tuple[str, str], ...] = ()) -> None:
        """Draw for this kind of conversation, these servers, and these examples (what each shows, the input)."""
        if (demo, servers, examples) != (self._demo, self._servers, self._examples_to_try):
            self._demo, self._servers, self._examples_to_try = demo, servers, examples
            self.refresh(layout=True)

    def action_move(self, step: int) -> None:
        """Choose another example."""
        if self._examples_to_try:
            self._chosen = (self._chosen + step) % len(self._examples_to_try)
            self.refresh()

    def action_select(self) -> None:
        """Hand the chosen example to the composer."""
        if self._examples_to_try:
            self.post_message(self.Picked(self._examples_to_try[self._chosen][1]))

    def action_cancel(self) -> None:
        """Back to the composer."""
        self.screen.query_one("Composer").focus()

    def on_focus(self) -> None:
        """Show the mark."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide the mark."""
        self.refresh()

    def render(self) -> Content:
        """The text, cut to fit."""
        parts: list[Part] = [
            ("Talk to a model that works with the tools of your MCP servers.\n", "bold"),
            ("Every tool call is shown before it runs; you allow, edit or refuse it.\n", "$muted"),
        ]
        if self._demo:
            parts += self._demo_parts()
        elif self._demo is None:
            parts.append(("\nStarting. You can type already.\n", "$muted"))
        else:
            parts += [("\nAsk something below, ", ""), ("/help", "$accent"), (" lists the commands, ", "")]
            parts += [("F1", "$accent"), (" the keys.\n", "")]
        if self._servers:
            parts += [("\n", ""), *self._servers]
        return Content.assemble(*parts)

    def _demo_parts(self) -> list[Part]:
        parts: list[Part] = [
            ("\nThis is the offline demo: a small script answers, not an AI. ", "$warning"),
            ("The servers and their tools are real.\n", ""),
        ]
        if not self._examples_to_try:
            return parts
        parts += [("\nTry one of these", "bold"), ("   Tab, Up or Down, Enter; or type your own\n", "$muted")]
        width = max(len(title) for title, _ in self._examples_to_try) + 2
        wide = self.content_size.width >= 70
        for number, (title, text) in enumerate(self._examples_to_try):
            marked = self.has_focus and number == self._chosen
            parts.append(("> " if marked else "  ", "$primary bold"))
            if wide:
                parts.append((f"{title:<{width}}", "$muted"))
            parts.append((f"{text}\n", "$primary bold" if marked else "$foreground"))
        return parts
