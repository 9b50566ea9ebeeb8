"""What finding looks like, and a fork: small and large, dark and light."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from mcp_tui.events import turns
from mcp_tui.ui.widgets.find_bar import FindBar
from tests.ui.support import AT, McpTuiApp, ScriptedEngine, until
from tests.ui.test_snapshots import draw, engine, talk, utc

__all__ = ["utc"]

EACH = [
    pytest.param(size, light, id=f"{size}-{'light' if light else 'dark'}")
    for size in ("80x24", "120x40")
    for light in (False, True)
]


def fork(title: str) -> turns.ConversationCreated:
    """The first event of a fork of a conversation with this title."""
    origin = turns.Origin(kind="fork", conversation_id="01other", event_id="e", title=title, copied=2)
    return turns.ConversationCreated(at=AT, app_version="1", origin=origin)


@pytest.mark.parametrize(("size", "light"), EACH)
def test_finding_in_a_call_that_was_closed(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await talk(app, scripted, pilot)
        app.submit("/find 812")
        view = app.view.conversation
        await until(lambda: app.chat.query(FindBar) and view.found.number and not view.busy, pilot)
        app.chat.query_one(FindBar).input.cursor_blink = False
        await pilot.press("down")
        await until(lambda: view.found.number == 2 and not view.busy, pilot)

    draw(snap_compare, scene, size, light=light)


@pytest.mark.parametrize(("size", "light"), EACH)
def test_a_fork(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        scripted.emit(fork("nightly failures"))
        await talk(app, scripted, pilot)
        app.focus_pane("conversation")
        await pilot.press("g")

    draw(snap_compare, scene, size, light=light)


@pytest.mark.parametrize(("size", "light"), EACH)
def test_an_earlier_input_is_edited(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await talk(app, scripted, pilot)
        app.composer.cursor_blink = False
        await pilot.press(*"not sent yet")
        app.focus_pane("conversation")
        await pilot.press("e")
        assert app.composer.errand is not None

    draw(snap_compare, scene, size, light=light)


@pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])
def test_a_fork_before_the_first_message(snap_compare: Any, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        scripted.title = ""
        scripted.emit(fork("nightly failures"))
        await until(lambda: "fork of" in app.chat.line("header").plain, pilot)

    draw(snap_compare, scene, "80x24", light=light, on=engine())
