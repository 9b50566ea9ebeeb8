"""Keys that arrive together act in the order in which they were pressed.

Textual inserts a character when it comes to the widget, and runs a key's binding only after the key has bubbled up to
the app.  After a stall that is too late: characters that were typed behind Enter or Backspace are in the text by then,
so that Enter sends them too and Backspace deletes the wrong one (Textual 8.2.8).
"""

from __future__ import annotations

from textual import events
from textual.widget import Widget


async def acted(widget: Widget, event: events.Event) -> bool:
    """Run at once what ``widget`` itself binds to a key, if it does; then nobody else is to hear of the key."""
    if not isinstance(event, events.Key):
        return False
    for namespace, bindings in widget.screen._modal_binding_chain:
        if namespace is not widget:
            continue
        for binding in bindings.key_to_bindings.get(event.key, ()):
            if not binding.priority and await widget.app.run_action(binding.action, widget):
                event.stop()
                return True
    return False
