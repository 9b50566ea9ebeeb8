"""Conversation and inspector of a replay, as they were at one of its positions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.message import Message

from mcp_tui.conversation.items import Change, Item, ToolCallItem
from mcp_tui.ui.widgets.conversation import ConversationView
from mcp_tui.ui.widgets.inspector import Inspector

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

NARROW = 100
"""Columns below which the inspector takes the place of the conversation."""


class RecordedConversation(ConversationView):
    """The conversation pane, under the keys of the replay."""

    PANE = "replay"


class RecordedPanes(Horizontal):
    """The very panes that show a conversation when it happens; here nothing runs."""

    DEFAULT_CSS = """
    RecordedPanes {
        height: 1fr;
        & #replayed { width: 1fr; height: 1fr; }
        & #inspector { width: 50; border-left: solid $pane-border; display: none; }
        &.-inspecting #inspector { display: block; }
        &.-narrow #inspector { width: 1fr; border: none; }
        &.-narrow.-inspecting #replayed { display: none; }
    }
    """

    def __init__(self, data_dir: Path | None, now: Callable[[], datetime], *, widget_id: str | None = None) -> None:
        """``now``: the time of the position; ``data_dir``: where the inspector writes results to."""
        super().__init__(id=widget_id)
        self._items: Sequence[Item] = ()
        self._more_above = False
        self._chosen: str | None = None
        """Key of the call that the person had put into the inspector, while there is none at the position."""
        self.view = RecordedConversation(id="replayed", now=now)
        self.inspector = Inspector(data_dir, self._calls)

    def compose(self) -> ComposeResult:
        """Side by side, or one in the place of the other."""
        yield self.view
        yield self.inspector

    def _calls(self) -> list[ToolCallItem]:
        return [item for item in self._items if isinstance(item, ToolCallItem)]

    def on_resize(self, event: events.Resize) -> None:
        """Follow the width."""
        self.set_class(event.size.width < NARROW, "-narrow")

    # -- what is shown -------------------------------------------------------------------------

    def load(self, items: Sequence[Item], *, more_above: bool = False) -> None:
        """Show these items, which stay the same list from now on; ``more_above``: `complete` brings those before."""
        self._items, self._more_above = items, more_above
        self.view.load(items, more_above=more_above)

    def complete(self, items: Sequence[Item]) -> None:
        """Show all of the conversation of which a part is shown; what is in sight stays there."""
        self._items, self._more_above = items, False
        self.view.complete(items)
        if (shown := self.inspector.item) is not None:
            self.inspector.exchange(self._call(shown.key))

    def changed(self, changes: list[Change] | None) -> None:
        """The items are as they were at another position; ``None``: so many of them changed that all are shown anew."""
        from mcp_tui.ui.bridge import merged

        if changes is None:
            self._show_anew()
        elif changes:
            self.view.apply(merged(changes))
        self.view.tick()
        self._inspect_now(changes)

    def _show_anew(self) -> None:
        key = self.view.cursor_key
        self.view.load(self._items, more_above=self._more_above)
        if key is not None and any(item.key == key for item in self._items):
            self.view.show_item(key)

    def _inspect_now(self, changes: list[Change] | None) -> None:
        """The inspector shows its call as it is now, or the latest one where it is none any more.

        A call that the person chose is on show again as soon as there is one again.
        """
        latest = next((item for item in reversed(self._items) if isinstance(item, ToolCallItem)), None)
        shown = self.inspector.item
        if shown is not None and not any(item is shown for item in reversed(self._items)):
            if self.inspector.pinned:
                self._chosen = shown.key
            self.inspector.show(latest)
            return
        if self.inspector.pinned:
            self._chosen = None
        elif self._chosen is not None and (chosen := self._call(self._chosen)) is not None:
            self.inspector.show(chosen, pin=True)
        changed = self._calls() if changes is None else [change.item for change in changes]
        self.inspector.items_changed({id(item) for item in changed}, latest)

    def _call(self, key: str) -> ToolCallItem | None:
        return next((call for call in self._calls() if call.key == key), None)

    # -- inspector -----------------------------------------------------------------------------

    @property
    def inspecting(self) -> bool:
        """Whether the inspector is open."""
        return self.has_class("-inspecting")

    @property
    def in_inspector(self) -> bool:
        """Whether it has the focus."""
        return self.inspector.has_focus_within

    @property
    def conversation_hidden(self) -> bool:
        """Whether the inspector stands in the place of the conversation."""
        return self.inspecting and self.has_class("-narrow")

    def toggle_inspector(self) -> None:
        """Open it, or close it."""
        if self.inspecting:
            self.view.focus()
            self.remove_class("-inspecting")
        else:
            under = self.view.cursor_item
            self._inspect(under if isinstance(under, ToolCallItem) else None)

    def next_pane(self) -> None:
        """From the conversation to the inspector, and back."""
        if self.inspecting and not self.in_inspector:
            self._focus_inspector()
        elif not self.conversation_hidden:
            self.view.focus()

    def _inspect(self, item: ToolCallItem | None) -> None:
        self.add_class("-inspecting")
        if item is not None:
            self.inspector.show(item, pin=True, wanted=self.view.wanted)
        self.call_after_refresh(self._focus_inspector)

    def _focus_inspector(self) -> None:
        for widget in self.inspector.query("InspectorBody"):
            widget.focus()

    def on_conversation_view_opened(self, message: ConversationView.Opened) -> None:
        """Enter on a tool call."""
        message.stop()
        self._inspect(message.item)

    def on_conversation_view_cursor_moved(self, message: ConversationView.CursorMoved) -> None:
        """An open inspector follows the cursor."""
        message.stop()
        if isinstance(message.item, ToolCallItem) and self.inspecting:
            self.inspector.show(message.item, pin=True, wanted=self.view.wanted)

    def on_inspector_rerun_requested(self, message: Message) -> None:
        """A key of the inspector that would run a call."""
        message.stop()
        self.app.notify(
            "This is a recording: nothing runs here. c goes on with the conversation, v runs its calls again."
        )
