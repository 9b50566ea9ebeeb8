"""What the screens look like on which a person lets something in: small and large, dark and light."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from mcp_tui.ui.screens.guarded import GuardedScreen
from mcp_tui.ui.screens.rules import RulesScreen
from tests.ui import test_question, test_review, test_rules, test_trust
from tests.ui.support import McpTuiApp, ScriptedEngine, turn_start, until
from tests.ui.test_snapshots import draw, utc

__all__ = ["utc"]

EACH = [
    pytest.param(size, light, id=f"{size}-{'light' if light else 'dark'}")
    for size in ("80x24", "120x40")
    for light in (False, True)
]


async def awake(app: McpTuiApp, pilot: Pilot[int]) -> None:
    """A screen to accept on, with its keys awake."""
    await until(lambda: isinstance(app.screen, GuardedScreen) and app.screen.waking.drawn, pilot)  # type: ignore[attr-defined]
    app.clock.now += 2  # type: ignore[attr-defined]
    app.screen.draw()  # type: ignore[attr-defined]


@pytest.mark.parametrize(("size", "light"), EACH)
def test_a_server_to_accept(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        app.submit("/trust")
        await awake(app, pilot)

    draw(snap_compare, scene, size, light=light, on=test_trust.waiting(test_trust.NEW, test_trust.CHANGED))


@pytest.mark.parametrize(("size", "light"), EACH)
def test_a_changed_command(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        app.submit("/trust notes")
        await awake(app, pilot)

    draw(snap_compare, scene, size, light=light, on=test_trust.waiting(test_trust.NEW, test_trust.CHANGED))


@pytest.mark.parametrize(("size", "light"), EACH)
def test_held_tools(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        app.submit("/review")
        await awake(app, pilot)

    draw(snap_compare, scene, size, light=light, on=test_review.engine(test_review.CHANGED, test_review.NEW))


@pytest.mark.parametrize(("size", "light"), EACH)
def test_the_rules(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await pilot.press("f7")
        await until(lambda: isinstance(app.screen, RulesScreen) and len(app.screen._matched) == 3, pilot)

    draw(snap_compare, scene, size, light=light, on=test_rules.engine())


@pytest.mark.parametrize(("size", "light"), EACH)
def test_a_question(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: McpTuiApp, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        scripted.emit(*turn_start(), test_question.asked(8), test_question.asked(9, kind="cost"))
        await until(lambda: app.view.question_card is not None and app.view.question_card.waking.drawn, pilot)
        await pilot.press("tab")
        card = app.view.question_card
        assert card is not None
        await until(lambda: card.has_focus and "of 2" in str(card.border_title), pilot)
        app.clock.now += 2  # type: ignore[attr-defined]
        card.draw_state()

    draw(snap_compare, scene, size, light=light, on=test_question.engine())
