"""A pane on its own and items to fill it with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from textual import on
from textual.app import App, ComposeResult
from textual.pilot import Pilot

from mcp_tui.config.themes import load_themes
from mcp_tui.conversation.items import AssistantItem, Change, Item, NoticeItem, ToolCallItem, UserItem
from mcp_tui.ui.themes import textual_theme
from mcp_tui.ui.widgets.conversation import ConversationView

AT = datetime(2026, 8, 22, 12, 4, tzinfo=UTC)


class Pane(App[None]):
    """The conversation pane and nothing else; keeps its messages."""

    def __init__(self, items: Sequence[Item] = (), theme: str = "mcp-dark") -> None:
        super().__init__()
        self.items = items
        for data in load_themes(None)[0].values():
            self.register_theme(textual_theme(data))
        self.theme = theme
        self.heard: list[Any] = []

    def compose(self) -> ComposeResult:
        yield ConversationView(id="conversation")

    def on_mount(self) -> None:
        self.pane.load(self.items)
        self.pane.focus()

    @property
    def pane(self) -> ConversationView:
        return self.query_one(ConversationView)

    @on(ConversationView.Opened)
    @on(ConversationView.CursorMoved)
    @on(ConversationView.CopyRequested)
    def hear(self, message: Any) -> None:
        self.heard.append(message)

    @property
    def copied(self) -> list[tuple[str, str]]:
        return [(each.text, each.what) for each in self.heard if isinstance(each, ConversationView.CopyRequested)]

    def rows(self) -> list[str]:
        """What the pane shows, row by row."""
        return [self.pane.render_line(y).text.rstrip() for y in range(self.pane.size.height)]

    def shown(self) -> str:
        return "\n".join(self.rows())


async def settled(pilot: Pilot[None]) -> None:
    """Wait until every change is on the screen."""
    pane = pilot.app.query_one(ConversationView)
    end = time.monotonic() + 30
    await pilot.pause()
    while pane.busy:
        assert time.monotonic() < end, "the pane did not settle"
        await asyncio.sleep(0.005)
    await pilot.pause()


def user(number: int, text: str = "A question?") -> UserItem:
    return UserItem(f"u{number}", AT, "t", number, text=text)


def answer(number: int, text: str = "", **fields: Any) -> AssistantItem:
    fields.setdefault("streaming", False)
    return AssistantItem(f"a{number}", AT, "t", number, model="gpt-x", pieces=[text] if text else [], **fields)


def call(number: int, **fields: Any) -> ToolCallItem:
    fields.setdefault("server", "fs")
    fields.setdefault("name", "read_file")
    return ToolCallItem(f"c{number}", AT, "t", number, **fields)


def notice(number: int, text: str, **fields: Any) -> NoticeItem:
    return NoticeItem(f"n{number}", AT, "t", number, text=text, **fields)


def talk(messages: int) -> list[Item]:
    """A conversation of questions and answers with all kinds of blocks."""
    out: list[Item] = []
    for number in range(1, messages + 1):
        if number % 2:
            out.append(user(number, f"Question {number}\nwith a second line"))
        else:
            body = (
                f"Answer **{number}**:\n\n- one\n- two\n\n```python\nx = {number}\n```\n\n" + "Some words of text. " * 9
            )
            out.append(answer(number, body))
    return out


def streamed(item: AssistantItem, text: str) -> Change:
    """A delta, as the transcript makes it."""
    item.pieces.append(text)
    return Change("appended", item, appended=text)
