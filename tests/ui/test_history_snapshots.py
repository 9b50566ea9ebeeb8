"""Pictures of the history: list, search, tree, trash, questions."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from mcp_tui.errors import ConfigError
from mcp_tui.history.base import ListedSoFar
from mcp_tui.history.search import IndexState
from mcp_tui.ui.screens.config_error import ConfigErrorScreen
from mcp_tui.ui.screens.confirm import ConfirmScreen
from mcp_tui.ui.screens.history import HistoryScreen
from mcp_tui.ui.screens.trash import TrashScreen
from tests.ui.history_scene import history_engine
from tests.ui.support import McpTuiApp as App
from tests.ui.support import ScriptedEngine, until
from tests.ui.test_snapshots import draw, utc

__all__ = ["utc"]

SIZES = ["80x24", "120x40"]
LOOKS = pytest.mark.parametrize("light", [False, True], ids=["dark", "light"])


async def opened(app: App, pilot: Pilot[int]) -> HistoryScreen:
    await pilot.press("f4")
    await until(lambda: isinstance(app.screen, HistoryScreen) and app.screen.listing.read_once, pilot)
    screen = app.screen
    assert isinstance(screen, HistoryScreen)
    screen.line.cursor_blink = False
    return screen


@LOOKS
@pytest.mark.parametrize("size", SIZES)
def test_list(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await opened(app, pilot)
        await pilot.press("down", "down", "down")

    draw(snap_compare, scene, size, light=light, on=history_engine())


@LOOKS
@pytest.mark.parametrize("size", SIZES)
def test_search(snap_compare: Any, size: str, light: bool) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot)
        scripted.history.index_state = IndexState(done_bytes=42_000_000, total_bytes=100_000_000, running=True)
        await pilot.press("slash", *"timeout")
        await until(lambda: len(screen.hits) == 3 and screen._hits_all, pilot)
        scripted.history.index_state = IndexState(done_bytes=42_000_000, total_bytes=100_000_000)
        await pilot.press("enter", "n")

    draw(snap_compare, scene, size, light=light, on=history_engine())


def test_filter(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot)
        await pilot.press("tab", *"night")
        await until(lambda: len(screen.entries) == 2, pilot)

    draw(snap_compare, scene, "80x24", on=history_engine())


def test_tree(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await opened(app, pilot)
        await pilot.press("o")

    draw(snap_compare, scene, "160x45", on=history_engine())


def test_narrow(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await opened(app, pilot)

    draw(snap_compare, scene, "50x14", on=history_engine())


def test_nothing_matches(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot)
        await pilot.press("slash", *"zyx")
        await until(lambda: screen.search.asked, pilot)

    draw(snap_compare, scene, "80x24", on=history_engine())


def test_nothing_there(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await opened(app, pilot)

    draw(snap_compare, scene, "80x24", on=ScriptedEngine())


@LOOKS
@pytest.mark.parametrize("keys", ["t", "r", "x", "delete"])
def test_question(snap_compare: Any, keys: str, light: bool) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot)
        await pilot.press(keys)
        await until(lambda: app.screen is not screen, pilot)

    draw(snap_compare, scene, "80x24", light=light, on=history_engine())


@LOOKS
def test_trash(snap_compare: Any, light: bool) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await opened(app, pilot)
        await pilot.press("T")
        await until(lambda: isinstance(app.screen, TrashScreen) and app.screen._found, pilot)

    draw(snap_compare, scene, "80x24", light=light, on=history_engine())


def test_empty_the_trash(snap_compare: Any) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await opened(app, pilot)
        await pilot.press("T")
        await until(lambda: isinstance(app.screen, TrashScreen) and app.screen._found, pilot)
        await pilot.press("E")
        await until(lambda: isinstance(app.screen, ConfirmScreen), pilot)

    draw(snap_compare, scene, "80x24", on=history_engine())


@LOOKS
def test_what_is_wrong_with_the_configuration(snap_compare: Any, light: bool) -> None:
    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        screen = await opened(app, pilot)
        problem = ConfigError(
            "The configuration has 2 problems.",
            problems=(
                "config.yaml:3:3: llm.provders: is not a known field\n    Did you mean `providers`?",
                "config.yaml:4:18: logging.level: expected one of `debug`, `info`, `warning`, `error`",
            ),
            hint="`mcp-tui init` writes both files, `mcp-tui demo` needs none.",
        )
        screen.warn(problem)
        await app.push_screen(ConfigErrorScreen(problem, browsing=True))

    draw(snap_compare, scene, "80x24", light=light, on=history_engine())


def test_a_first_look_that_takes_long(snap_compare: Any) -> None:
    engine = history_engine()
    engine.history.parts = [ListedSoFar(engine.history.stored[:3], 50, 10_000)]

    async def scene(app: App, scripted: ScriptedEngine, pilot: Pilot[int]) -> None:
        await opened(app, pilot)

    draw(snap_compare, scene, "80x24", on=engine)
