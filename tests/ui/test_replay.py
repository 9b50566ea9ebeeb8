"""A stored conversation on the screen: read, stepped through, played."""

from __future__ import annotations

from typing import Any

from textual.pilot import Pilot

from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.events.base import EventBase
from mcp_tui.history.base import StoredConversation
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.screens.replay import ReplayChoice, ReplayScreen
from tests.support.replays import conversation
from tests.ui.support import make_app, until


async def opened(pilot: Pilot[int], app: McpTuiApp, **options: Any) -> tuple[ReplayScreen, list[ReplayChoice | None]]:
    """The screen on an example, and what it is left with."""
    await until(app.painted.is_set, pilot)
    left: list[ReplayChoice | None] = []
    events: list[EventBase] = options.pop("events", None) or conversation()
    screen = ReplayScreen(None, StoredConversation("c", tuple(events)), **options)
    app.push_screen(screen, left.append)
    await until(lambda: screen.playback is not None and not screen.view.busy, pilot)
    return screen, left


async def test_reading_opens_at_the_end_and_leaves_with_a_choice() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, left = await opened(pilot, app)
        assert screen.playback is not None
        assert screen.playback.at_end
        assert len(screen.view.document.entries) == len(screen.playback.items)
        await pilot.press("escape")
        await until(lambda: left, pilot)
        assert left == [ReplayChoice(None)]


async def test_an_event_of_a_call_is_where_it_opens() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        events = conversation()
        wanted = next(event for event in events if event.type == "tool_call_finished")
        screen, _ = await opened(pilot, app, events=events, event_id=wanted.id)
        await until(lambda: screen.view.cursor_item is not None, pilot)
        item = screen.view.cursor_item
        assert isinstance(item, ToolCallItem)
        assert item.key == wanted.call_id  # type: ignore[attr-defined]
