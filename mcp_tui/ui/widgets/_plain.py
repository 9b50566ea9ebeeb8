"""Temporary conversation pane."""

from __future__ import annotations

from textual.content import Content
from textual.widgets import Static
from textual.containers import VerticalScroll

from mcp_tui.conversation.items import AssistantItem, Change, Item, NoticeItem, ToolCallItem, UserItem
from mcp_tui.safety.text import prose


class ConversationView(VerticalScroll):
    PANE = "conversation"

    def compose(self):
        yield Static(id="plain")

    def load(self, items):
        self.items = list(items)
        self.redraw()

    def apply(self, changes):
        for change in changes:
            if change.kind == "added":
                self.items.append(change.item)
        self.redraw()

    def last_answer_source(self):
        for item in reversed(self.items):
            if isinstance(item, AssistantItem):
                return item.text
        return None

    def redraw(self):
        out = []
        for item in self.items:
            if isinstance(item, UserItem):
                out.append((f" you\n   {prose(item.text)}\n\n", "$role-user"))
            elif isinstance(item, AssistantItem):
                out.append((f" assistant\n   {prose(item.text)}\n\n", "$role-assistant"))
            elif isinstance(item, ToolCallItem):
                out.append((f" tool {item.label} {item.state}\n", "$role-tool"))
            elif isinstance(item, NoticeItem):
                out.append((f" {item.text}\n", "$muted"))
        self.query_one("#plain", Static).update(Content.assemble(*out))
