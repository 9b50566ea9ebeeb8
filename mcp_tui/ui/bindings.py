"""From the key table to Textual's bindings."""

from __future__ import annotations

from textual.binding import Binding, BindingType

from mcp_tui.ui.keymap import keys_of


def bindings(pane: str) -> list[BindingType]:
    """The bindings of ``pane``, with their ids, so that ``ui.keys`` can change them."""
    return [
        Binding(key.keys, key.action, key.help, show=bool(key.hint), priority=key.priority, id=key.id)
        for key in keys_of(pane)
    ]
