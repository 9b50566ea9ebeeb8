"""The lines above and below: title, completions, status, hints.  Each draws one line from what it is given."""

from __future__ import annotations

from typing import NamedTuple

from textual.content import Content
from textual.widget import Widget

from mcp_tui.safety.text import strict

Part = tuple[str, str]
"""Text that is safe to show, and its style."""


class Line(Widget):
    """One line of parts; what does not fit is cut at the right of the left half, then of the right one."""

    DEFAULT_CSS = """
    Line { height: 1; width: 1fr; padding: 0 1; color: $muted; }
    """

    def __init__(self, *, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self._left: tuple[Part, ...] = ()
        self._right: tuple[Part, ...] = ()

    def show(self, left: tuple[Part, ...], right: tuple[Part, ...] = ()) -> None:
        """Draw these parts, if they differ from what is drawn."""
        if (left, right) != (self._left, self._right):
            self._left, self._right = left, right
            self.refresh()

    @property
    def plain(self) -> str:
        """The text of the line."""
        return "".join(text for text, _ in self._left) + " " + "".join(text for text, _ in self._right)

    def render(self) -> Content:
        """Left parts, space, right parts."""
        left, right = Content.assemble(*self._left), Content.assemble(*self._right)
        width = self.content_size.width
        kept = min(left.cell_length, 8)
        if right.cell_length > width - kept - 1:
            right = right.truncate(max(0, width - kept - 1), ellipsis=True)
        room = max(0, width - right.cell_length - (1 if right.cell_length else 0))
        left = left.truncate(room, ellipsis=True)
        return Content.assemble(left, " " * (width - left.cell_length - right.cell_length), right)


class Completions(Widget):
    """What the composer offers, above it."""

    DEFAULT_CSS = """
    Completions { height: auto; max-height: 8; padding: 0 1; background: $surface; display: none; }
    Completions.-open { display: block; }
    """

    MAX_SHOWN = 8

    def __init__(self, *, widget_id: str | None = None) -> None:
        super().__init__(id=widget_id)
        self._rows: list[tuple[str, str]] = []
        self._chosen = 0

    def show(self, rows: list[tuple[str, str]], chosen: int) -> None:
        """Draw ``rows`` with one marked; none closes the list."""
        if rows or self._rows:
            self._rows, self._chosen = rows, chosen
            self.set_class(bool(rows), "-open")
            self.refresh(layout=True)

    def render(self) -> Content:
        """The rows around the chosen one, and how many there are besides."""
        room_for = self.MAX_SHOWN - (len(self._rows) > self.MAX_SHOWN)
        first = max(0, min(self._chosen - room_for + 1, len(self._rows) - room_for))
        shown = [(strict(name), strict(text)) for name, text in self._rows[first : first + room_for]]
        width = max((len(name) for name, _ in shown), default=0) + 2
        lines = []
        for number, (name, help_text) in enumerate(shown, first):
            mark, style = (">", "$primary bold") if number == self._chosen else (" ", "")
            lines.append(Content.assemble((f"{mark} {name:<{width}}", style), (help_text, "$muted")))
        if left := len(self._rows) - len(shown):
            lines.append(Content.styled(f"  … {left} more: Up, Down, or type on", "$muted"))
        room = max(1, self.content_size.width)
        return Content("\n").join(line.truncate(room, ellipsis=True) for line in lines)


class Hint(NamedTuple):
    """A key and what it does, in the hint line."""

    key: str
    label: str


def hint_parts(hints: list[Hint]) -> tuple[Part, ...]:
    """``key label`` pairs, keys coloured."""
    parts: list[Part] = []
    for hint in hints:
        parts += [("  " if parts else "", ""), (hint.key, "$accent"), (f" {hint.label}", "$muted")]
    return tuple(parts)
