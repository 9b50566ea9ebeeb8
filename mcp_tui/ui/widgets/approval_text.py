"""What the approval card says: pure functions from a call to text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from textual.content import Content

from mcp_tui.safety.text import hidden_report, prose, strict
from mcp_tui.ui import formats
from mcp_tui.ui.keymap import effective, show_keys
from mcp_tui.ui.literal import json_content, to_json
from mcp_tui.ui.widgets.arguments import annotation_words, argument_rows, show_padding

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem

ROWS = (
    (("once", "once"), ("conversation", "this tool, this conversation"), ("edit", "edit")),
    (("deny", "deny"), ("deny_message", "deny + message"), ("stop", "stop turn"), ("json", "JSON"), ("full", "full")),
)
"""Actions of the card and their labels, in one line or in two."""

LOCKED = "y and s are locked until you have scrolled to the end (End, PgDn)"


def head(item: ToolCallItem, arguments: Mapping[str, Any], transport: str, *, edited: bool) -> Content:
    """Which tool of which server and what the server claims of it; below, why it asks.

    What hides in the arguments and what was edited have lines of their own: they must not be overlooked.
    """
    parts = [(strict(item.label), "$role-tool bold")]
    definition = item.definition
    words = annotation_words(definition.annotations) if definition is not None else ""
    if words:
        parts.append((f"  server says: {words} (unverified)", "$warning"))
    if transport:
        parts.append((f"  {transport}{', local' if transport == 'stdio' else ''}", "$muted"))
    if item.approval_reason:
        parts.append((f"\nasks because {prose(item.approval_reason)}", "$muted"))
    hidden = sum(hidden_report(_strings(arguments)).values())
    if hidden:
        parts.append(
            (f"\n! the arguments contain {formats.plural(hidden, 'hidden character')}, spelled out below", "$error")
        )
    if edited:
        parts.append(("\n! arguments edited by you", "$warning"))
    return Content.assemble(*parts)


def body(item: ToolCallItem, arguments: Mapping[str, Any], *, as_json: bool, edited: bool) -> Content:
    """The complete arguments, as rows or as JSON."""
    if as_json:
        return json_content(show_padding(to_json(arguments)))
    schema = item.definition.input_schema if item.definition is not None else {}
    return argument_rows(arguments, schema, item.arguments if edited else None)


def keys_text(overrides: Mapping[str, str], width: int) -> Content:
    """The keys of the card, in two lines where one is too long."""
    keys = effective(overrides)
    rows = []
    for row in ROWS:
        parts: list[str | tuple[str, str]] = []
        for name, label in row:
            parts += [(show_keys(keys[f"approval.{name}"][:1]), "$accent bold"), f" {label}  "]
        rows.append(Content.assemble(*parts))
    return Content("\n" if sum(row.cell_length for row in rows) > width else "").join(rows)


def state_text(*, focused: bool, seconds: float, seen: bool, narrow: bool) -> tuple[str, str]:
    """Whether keys count, and why not; with its style.  ``seconds`` are left until they wake up."""
    if not focused and narrow:
        return "Tab answers; F1 lists keys", "$muted"
    if not focused:
        return "Tab or Ctrl+O a to answer; nothing runs until then; your draft is kept", "$muted"
    if seconds > 0:
        return f"keys wake up in {seconds:.1f} s{'' if narrow else '; your draft below is kept'}", "$warning"
    if not seen:
        return ("y, s locked: scroll to the end (End)" if narrow else LOCKED), "$warning"
    return "keys are awake", "$success"


def _strings(value: Any) -> str:
    """All strings of a JSON value, for counting what hides in them."""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return "".join(f"{_strings(key)}{_strings(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return "".join(_strings(item) for item in value)
    return ""
