"""F4: earlier conversations, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mcp_tui.safety.text import shorten
from mcp_tui.ui import formats
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.keymap import keys_of, show_keys, split_keys
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets.bars import Hint, Line, hint_parts

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary


class HistoryScreen(LeftOnce, Screen[str]):
    """Returns the id of the conversation to continue, or ``None``."""

    PANE = "history"
    HELP = "All conversations on this machine, last changed first. Enter continues one."
    BINDINGS = bindings("history")
    DEFAULT_CSS = """
    HistoryScreen {
        & #title { background: $surface; }
        & #columns { color: $muted; }
        & OptionList, & OptionList:focus {
            border: none; height: 1fr; background: $background; padding: 0; scrollbar-size-vertical: 1;
        }
        & #keys { background: $surface; }
    }
    """

    def __init__(self, conversations: Sequence[ConversationSummary], open_id: str) -> None:
        super().__init__()
        self._conversations = sorted(conversations, key=lambda stored: stored.updated_at, reverse=True)
        self._open_id = open_id

    def compose(self) -> ComposeResult:
        """Title, columns, list, keys."""
        yield Line(widget_id="title")
        yield Line(widget_id="columns")
        yield OptionList(markup=False, compact=True)
        yield Line(widget_id="keys")

    def on_mount(self) -> None:
        """Fill the lines around the list."""
        octets = sum(stored.size for stored in self._conversations)
        count = len(self._conversations)
        right = ((f"{formats.size(octets)}", "$muted"),)
        noun = "conversation" if count == 1 else "conversations"
        self.query_one("#title", Line).show((("history  ", "$primary bold"), (f"{count} {noun}", "$foreground")), right)
        hints = [Hint(show_keys(split_keys(key.keys)), key.hint) for key in keys_of("history")]
        self.query_one("#keys", Line).show(hint_parts(hints))
        self._fill()

    def on_resize(self, event: events.Resize) -> None:
        """Columns follow the width."""
        self._fill()

    def _fill(self) -> None:
        rows = self.query_one(OptionList)
        highlighted = rows.highlighted or 0
        width = self.size.width
        title_width = max(12, min(60, width - 66))
        head = f"{'when':<17}{'title':<{title_width}}{'msgs':>6}{'tools':>7}  model"
        self.query_one("#columns", Line).show(((head, "$muted"),))
        rows.set_options([Option(self._row(stored, title_width)) for stored in self._conversations])
        if self._conversations:
            rows.highlighted = min(highlighted, len(self._conversations) - 1)
        else:
            rows.add_option(
                Option(
                    Content.styled("Nothing here yet: conversations appear with their first input.", "$muted"),
                    disabled=True,
                )
            )

    def _row(self, stored: ConversationSummary, title_width: int) -> Content:
        title = Content(shorten(stored.title or "(untitled)", title_width - 1)).truncate(title_width - 1, pad=True)
        row = Content.assemble(
            (">" if stored.id == self._open_id else " ", "$accent"),
            (f"{formats.local_date(stored.updated_at):<17}", "$muted"),
            title,
            (f" {stored.user_messages:>6}{stored.tool_calls:>7}", ""),
            (f"  {shorten(stored.model, 20)}", "$muted"),
            ("  demo" if stored.demo else "", "$warning"),
        )
        return row.truncate(max(20, self.size.width - 1), ellipsis=True)

    def on_option_list_option_selected(self) -> None:
        """Enter or a click."""
        self.action_select()

    def action_select(self) -> None:
        """Continue the highlighted conversation."""
        index = self.query_one(OptionList).highlighted
        if index is not None and index < len(self._conversations):
            self.dismiss(self._conversations[index].id)

    def action_cancel(self) -> None:
        """Back to the chat."""
        self.dismiss(None)
