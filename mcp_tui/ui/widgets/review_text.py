"""What a person is told before a new or changed tool is let in: pure functions from a held tool to text.

What was removed and what was added is told by brackets and signs, not by colour alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from textual.content import Content

from mcp_tui.safety.text import strict
from mcp_tui.ui import formats
from mcp_tui.ui.widgets.arguments import annotation_words, show_padding

if TYPE_CHECKING:
    from mcp_tui.events.tools import HeldTool

Part = tuple[str, str]


class Piece(Protocol):
    """A run of words that stayed, went or came."""

    @property
    def kind(self) -> str:
        """``same``, ``removed`` or ``added``."""

    @property
    def text(self) -> str:
        """The words, with the space around them."""


class FieldDiff(Protocol):
    """One field of a definition, old against new."""

    @property
    def field(self) -> str:
        """Such as ``description``."""

    @property
    def pieces(self) -> Sequence[Piece]:
        """Old and new in one sequence."""

    @property
    def hidden(self) -> int:
        """Characters of the new text that a reader would not see."""

    @property
    def hidden_names(self) -> Sequence[str]:
        """Which ones, such as ``U+202E RIGHT-TO-LEFT OVERRIDE (3)``."""


def held_text(held: HeldTool, diffs: Sequence[FieldDiff]) -> Content:
    """All of a held tool: what is new, or what changed, field by field."""
    tool = held.definition
    parts: list[Part] = [(strict(f"{tool.server}.{tool.name}"), "$role-tool bold")]
    if held.reason == "new":
        parts.append(("  is new: it was not there when the server was accepted\n", "$warning"))
    else:
        fields = ", ".join(strict(diff.field) for diff in diffs) or "nothing that is shown"
        parts.append((f"  changed after it was accepted: {fields}\n", "$warning"))
        parts += [("it is held until you accept it; [-removed-] {+added+}\n", "$muted")]
    if words := annotation_words(tool.annotations):
        parts.append((f"server says: {words} (unverified)\n", "$muted"))
    if hidden := sum(diff.hidden for diff in diffs):
        noun = formats.plural(hidden, "hidden character")
        names = sorted({name for diff in diffs for name in diff.hidden_names})
        parts.append((f"! contains {noun}, spelled out below: {', '.join(map(strict, names))}\n", "$error"))
    for diff in diffs:
        parts += field_diff(diff, whole=held.reason == "new")
    return Content.assemble(*parts).rstrip("\n")


def field_diff(diff: FieldDiff, *, whole: bool = False) -> list[Part]:
    """One field, word by word; with ``whole`` it is new as a whole."""
    parts: list[Part] = [(f"\n{strict(diff.field)}\n", "bold $secondary")]
    for piece in diff.pieces:
        text = show_padding(strict(piece.text, one_line=False))
        if whole or piece.kind == "same":
            parts.append((text, ""))
        elif piece.kind == "removed":
            parts += _between(text, "[-", "-]", "$error strike")
        else:
            parts += _between(text, "{+", "+}", "$success bold underline")
    parts.append(("\n", ""))
    return parts


def _between(text: str, before: str, after: str, style: str) -> list[Part]:
    """Signs around the words, not around the space beside them."""
    words = text.strip()
    if not words:
        return [(f"{before}{text}{after}", style)]
    start = text.index(words)
    return [(text[:start], ""), (f"{before}{words}{after}", style), (text[start + len(words) :], "")]
