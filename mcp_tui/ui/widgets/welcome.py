"""What an empty conversation shows: what this is and what to try in the first minute."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.widgets.bars import Part

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("What time is it in Tokyo, and what is 17 * 23?", "two tools at once, each asks first"),
    ("List the files and read notes.md", "look into a call with F3"),
    ("Run the slow job with 5 steps", "progress; Esc stops it"),
    ("Make the failing tool fail", "errors are shown and handled"),
)
"""Inputs for the offline demo model, and what each shows."""


class Welcome(Widget, can_focus=True):
    """Text, and in the demo a list of examples to pick from."""

    PANE = "list"
    HELP = "In the demo, choose an example with Up and Down; Enter puts it into the composer."
    BINDINGS = [*bindings("list"), ("up,k", "move(-1)", "Up"), ("down,j", "move(1)", "Down")]
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
        self._servers: tuple[Part, ...] = ()
        self._chosen = 0

    def show(self, *, demo: bool, servers: tuple[Part, ...]) -> None:
        """Draw for this kind of conversation and these servers."""
        if (demo, servers) != (self._demo, self._servers):
            self._demo, self._servers = demo, servers
            self.refresh(layout=True)

    def action_move(self, step: int) -> None:
        """Choose another example."""
        self._chosen = (self._chosen + step) % len(EXAMPLES)
        self.refresh()

    def action_select(self) -> None:
        """Hand the chosen example to the composer."""
        if self._demo:
            self.post_message(self.Picked(EXAMPLES[self._chosen][0]))

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
        narrow = self.content_size.width < 64
        parts: list[Part] = [
            ("Talk to a model that works with the tools of your MCP servers.\n", "bold"),
            ("Every tool call is shown before it runs; you allow, edit or refuse it.\n\n", "$muted"),
        ]
        if self._demo:
            parts += self._examples(narrow)
        elif self._demo is None:
            parts += [("Starting. You can type already.\n", "$muted")]
        else:
            parts += [
                ("Ask something below, ", ""),
                ("/help", "$accent"),
                (" lists the commands, ", ""),
                ("F1", "$accent"),
                (" the keys.\n", ""),
            ]
        if self._servers:
            parts += [("\n", ""), *self._servers]
        return Content.assemble(*parts)

    def _examples(self, narrow: bool) -> list[Part]:
        parts: list[Part] = [
            ("This is the offline demo: a small program answers, not an AI. ", "$warning"),
            ("The servers and their tools are real.\n\n", ""),
            ("Try", "bold"),
            ("  Tab, then Up or Down and Enter, or just type\n", "$muted"),
        ]
        for number, (text, shows) in enumerate(EXAMPLES):
            marked = self.has_focus and number == self._chosen
            parts.append((("> " if marked else "  ") + text, "$primary bold" if marked else "$foreground"))
            parts.append(("\n" if narrow else f"   {shows}\n", "$muted"))
        return parts
