"""What a replay looks like, at the sizes it is made for, dark and light."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from mcp_tui.history.base import StoredConversation
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.screens.replay import ReplayScreen
from tests.support.replays import conversation
from tests.ui.support import ScriptedEngine, until
from tests.ui.test_snapshots import draw, utc

__all__ = ["utc"]

BOTH = ["80x24", "120x40"]


async def opened(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int], **options: Any) -> ReplayScreen:
    screen = ReplayScreen(scripted, StoredConversation("c", tuple(conversation())), **options)  # type: ignore[arg-type]
    app.push_screen(screen)
    await until(lambda: screen.playback is not None and not screen.view.busy, pilot)
    return screen


@pytest.mark.parametrize("size", BOTH)
def test_while_a_call_waits(snap_compare: Any, size: str) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        screen = await opened(app, scripted, pilot)
        await pilot.press("home", "right_square_bracket", "right_square_bracket", *["right"] * 4, "plus")
        await until(lambda: not screen.view.busy, pilot)

    draw(snap_compare, scene, size)


@pytest.mark.parametrize("size", BOTH)
def test_a_call_in_the_inspector(snap_compare: Any, size: str) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        screen = await opened(app, scripted, pilot)
        screen.view.show_item("c2")
        await until(lambda: screen.view.cursor_key == "c2", pilot)
        await pilot.press("enter")
        await until(lambda: screen.inspector.has_focus_within and not screen.view.busy, pilot)

    draw(snap_compare, scene, size)


@pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
def test_at_a_hit(snap_compare: Any, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        stored = StoredConversation("c", tuple(conversation()))
        hits = [event.id for event in stored.events if event.type in ("user_message", "tool_call_finished")]
        screen = ReplayScreen(scripted, stored, hits=hits)  # type: ignore[arg-type]
        app.push_screen(screen)
        for key in ("", "n", "n"):  # its end was seen: the scroll bar knows how long it is
            await pilot.press(*key)
            await until(lambda: screen.playback is not None and not screen.view.busy, pilot)
        assert screen.view.cursor_key == "c1"

    draw(snap_compare, scene, "80x24", light=light)
