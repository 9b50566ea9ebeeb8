"""What an empty conversation shows: what this is and what to try in the first minute."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from textual import events
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.widgets.bars import Part

ROOMY = 22
"""Rows from which on parts are set apart by blank lines and servers have a line each."""

LOW = 14
"""Rows below which only the most important line introduces the examples."""

WIDE = 70
"""Columns from which on examples are named."""

LEAD = (
    ("Talk to a model that works with the tools of your MCP servers.", "bold"),
    ("Every tool call is shown before it runs; you allow, edit or refuse it.", "$muted"),
)
DEMO = ("Offline demo: a small script answers, not an AI. Servers and tools are real.", "$warning")


class ServerNote(NamedTuple):
    """A server on the welcome: its mark, its name, what there is to say of it, and whether that is a fault."""

    mark: Part
    name: str
    words: str
    failed: bool = False


class Welcome(Widget, can_focus=True):
    """Text, and in the demo a list of examples to pick from; the list scrolls where it does not fit."""

    PANE = "list"
    HELP = "In the demo, choose an example with Up and Down; Enter or a click puts it into the composer."
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("list"),
        ("up,k", "move(-1)", "Up"),
        ("down,j", "move(1)", "Down"),
        ("home,g", "move_to(0)", "First"),
        ("end,G", "move_to(-1)", "Last"),
    ]
    DEFAULT_CSS = """
    Welcome { height: 1fr; padding: 0 1; }
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
        self._servers: tuple[ServerNote, ...] = ()
        self._origin = ""
        self._chosen = 0
        self._rows: list[int | None] = []
        """Which example each drawn row belongs to."""

    def show(
        self,
        *,
        demo: bool,
        servers: tuple[ServerNote, ...],
        examples: tuple[tuple[str, str], ...] = (),
        origin: str = "",
    ) -> None:
        """Draw for this kind of conversation, these servers, and these examples (what each shows, the input).

        ``origin``: where the conversation comes from, such as ``fork of nightly failures``.
        """
        if (demo, servers, examples, origin) != (self._demo, self._servers, self._examples_to_try, self._origin):
            self._demo, self._servers, self._examples_to_try, self._origin = demo, servers, examples, origin
            self._chosen = min(self._chosen, max(0, len(examples) - 1))
            self.refresh()

    # -- choosing ------------------------------------------------------------------------------

    def action_move(self, step: int) -> None:
        """Choose another example."""
        if self._examples_to_try:
            self.action_move_to((self._chosen + step) % len(self._examples_to_try))

    def action_move_to(self, index: int) -> None:
        """Choose the example at ``index``; -1 is the last."""
        if self._examples_to_try:
            self._chosen = index % len(self._examples_to_try)
            self.refresh()

    def action_select(self) -> None:
        """Hand the chosen example to the composer."""
        if self._examples_to_try:
            self.post_message(self.Picked(self._examples_to_try[self._chosen][1]))

    def action_cancel(self) -> None:
        """Back to the composer."""
        self.screen.query_one("Composer").focus()

    def on_click(self, event: events.Click) -> None:
        """A click on an example picks it."""
        offset = event.get_content_offset(self)
        example = self._rows[offset.y] if offset is not None and offset.y < len(self._rows) else None
        if example is not None:
            self._chosen = example
            self.action_select()

    def on_focus(self) -> None:
        """Show the mark."""
        self.refresh()

    def on_blur(self) -> None:
        """Hide the mark."""
        self.refresh()

    # -- drawing -------------------------------------------------------------------------------

    def render(self) -> Content:
        """Lead, examples and servers, each as far as there is room; all of it fits into the height."""
        width, height = self.content_size
        if not width or not height:
            return Content("")
        roomy = height >= ROOMY
        gap = [Content("")] if roomy else []
        head = [*gap, *self._head(width, height)]
        tail = self._server_lines(width, roomy=roomy)
        if tail:
            tail = [Content(""), *tail]
        if not self._examples_to_try:
            return self._joined([*head, Content(""), self._next_step(width), *tail][:height], [])
        head += [*([Content("")] if height >= LOW else []), self._title(width), *gap]
        blocks = [self._example(number, width) for number in range(len(self._examples_to_try))]
        if height - len(head) - len(tail) < 3:
            tail = []
        lines, rows = self._window(blocks, max(1, height - len(head) - len(tail)))
        return self._joined([*head, *lines, *tail][:height], [*[None] * len(head), *rows])

    def _head(self, width: int, height: int) -> list[Content]:
        origin = (f"This is a {self._origin}, from before its first message.", "$accent")
        parts = [*LEAD, *((DEMO,) if self._demo else ()), *((origin,) if self._origin else ())]
        lines = [line for text, style in parts for line in Content.styled(text, style).wrap(width)]
        if height < LOW:
            return [Content.styled(*parts[-1]).truncate(width, ellipsis=True)]
        return lines

    def _joined(self, lines: list[Content], rows: list[int | None]) -> Content:
        self._rows = rows
        return Content("\n").join(lines)

    @staticmethod
    def _title(width: int) -> Content:
        keys = "   Tab, Up or Down, Enter; or type your own"
        return Content.assemble(("Try one of these", "bold"), (keys, "$muted")).truncate(width, ellipsis=True)

    def _next_step(self, width: int) -> Content:
        if self._demo is None:
            return Content.styled("Starting. You can type already.", "$muted")
        accent = "$accent"
        line = Content.assemble("Ask something below, ", ("/help", accent), " lists the commands, ", ("F1", accent))
        return Content.assemble(line, " the keys.").truncate(width, ellipsis=True)

    def _example(self, number: int, width: int) -> list[Content]:
        """One example: its name, and its input in a column of its own that keeps its left edge."""
        title, text = self._examples_to_try[number]
        marked = self.has_focus and number == self._chosen
        column = max(len(name) for name, _ in self._examples_to_try) + 2 if width >= WIDE else 0
        style = "$primary bold" if marked else "$foreground"
        lines = Content.styled(text, style).wrap(max(8, width - column - 2))
        lead = Content.assemble(("> " if marked else "  ", "$primary bold"), (f"{title:<{column}}"[:column], "$muted"))
        hanging = " " * lead.cell_length
        return [Content.assemble(hanging if place else lead, line) for place, line in enumerate(lines)]

    def _window(self, blocks: list[list[Content]], room: int) -> tuple[list[Content], list[int | None]]:
        """The lines of ``blocks`` around the chosen one, and a sign where some are left out."""
        lines: list[Content] = []
        rows: list[int | None] = []
        for number, block in enumerate(blocks):
            lines += block
            rows += [number] * len(block)
        if len(lines) <= room:
            return lines, rows
        shown = max(1, room - 1)
        last = max(place for place, row in enumerate(rows) if row == self._chosen)
        first = max(0, last - shown + 1)
        above, below = len(set(rows[:first])), len(set(rows[first + shown :]))
        words = ", ".join(f"{count} more {where}" for count, where in ((above, "above"), (below, "below")) if count)
        sign = Content.styled(f"  … {words}", "$muted")
        return [*lines[first : first + shown], sign], [*rows[first : first + shown], None]

    def _server_lines(self, width: int, *, roomy: bool) -> list[Content]:
        """A line for each server, or where room is short one for all, and one for each that failed."""
        faults = [note for note in self._servers if note.failed]
        if roomy or len(self._servers) == len(faults):
            return [self._server_line(note, width) for note in self._servers]
        parts: list[Part] = []
        for note in self._servers:
            if not note.failed:
                parts += [
                    ("  " if parts else "", ""),
                    (f"{note.mark[0]} ", note.mark[1]),
                    (f"{note.name} ", "$foreground"),
                ]
                parts.append((note.words, "$muted"))
        return [
            Content.assemble(*parts).truncate(width, ellipsis=True),
            *(self._server_line(note, width) for note in faults),
        ]

    def _server_line(self, note: ServerNote, width: int) -> Content:
        column = max(len(other.name) for other in self._servers) + 2
        line = Content.assemble(
            (f"{note.mark[0]} ", note.mark[1]), (f"{note.name:<{column}}", "$foreground"), (note.words, "$muted")
        )
        return line.truncate(width, ellipsis=True)
