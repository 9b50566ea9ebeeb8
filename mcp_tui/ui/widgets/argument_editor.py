"""Arguments as JSON text to edit, and back."""

from __future__ import annotations

import json
from typing import Any

from textual.message import Message

from mcp_tui.errors import UsageError
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.widgets.text_area import SteadyTextArea


class ArgumentEditor(SteadyTextArea):
    """JSON of the arguments.  Ctrl+S hands it over, Esc gives up."""

    PANE = "editor"
    HELP = "The arguments as JSON. Ctrl+S checks them against the tool's schema; you still allow the call on the card."
    BINDINGS = bindings("editor")
    DEFAULT_CSS = """
    ArgumentEditor, ArgumentEditor:focus { border: none; height: 1fr; padding: 0; background: $background; }
    """

    class Accepted(Message):
        """The person is done."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    class Cancelled(Message):
        """The person gave up."""

    def action_accept(self) -> None:
        """Hand the text over."""
        self.post_message(self.Accepted(self.text))

    def action_cancel(self) -> None:
        """Give up."""
        self.post_message(self.Cancelled())


def parse_arguments(text: str) -> dict[str, Any]:
    """The object in ``text``.  Raises `UsageError` that says where it is wrong."""
    try:
        value = json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise UsageError(f"Line {error.lineno}, column {error.colno}: {error.msg}.") from None
    except (ValueError, RecursionError) as error:
        raise UsageError(str(error) or "Nested too deeply.") from None
    if not isinstance(value, dict):
        raise UsageError("Arguments are one JSON object: { ... }.")
    return value


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is given twice.")
    return value


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON.")
