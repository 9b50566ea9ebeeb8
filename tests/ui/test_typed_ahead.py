"""Keys that come faster than the program takes them: what they do, they do in the order in which they were pressed."""

from __future__ import annotations

import pytest
from textual import events

from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.screens.history import HistoryScreen
from mcp_tui.ui.widgets.query_line import QueryInput
from tests.ui.support import ScriptedEngine, until
from tests.ui.test_app import running


def burst(app: McpTuiApp, *keys: str) -> None:
    """Keys as the terminal gives them after a stall: all at once."""
    driver = app._driver
    assert driver is not None
    for key in keys:
        event = events.Key(key, key if len(key) == 1 else None)
        event.set_sender(app)
        driver.send_message(event)


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        (("a", "b", "backspace", "c"), "ac"),
        (("a", "b", "left", "c"), "acb"),
        ((*"/nothing", "f8", "backspace", *"new"), "new"),
        ((*"one", "ctrl+j", *"two"), "one\ntwo"),
    ],
)
async def test_text_is_what_was_typed(keys: tuple[str, ...], text: str) -> None:
    async with running() as (app, _, pilot):
        burst(app, *keys)
        await until(lambda: app.chat.composer.text == text, pilot, seconds=5)


async def test_enter_sends_what_was_typed_before_it() -> None:
    async with running(ScriptedEngine()) as (app, engine, pilot):
        burst(app, *"first", "enter", *"second")
        await until(lambda: app.chat.composer.text == "second", pilot, seconds=5)
        assert engine.submitted == ["first"]


async def test_a_line_of_input_keeps_the_order_too() -> None:
    async with running(ScriptedEngine()) as (app, _, pilot):
        burst(app, "f4")
        await until(lambda: isinstance(app.screen, HistoryScreen), pilot, seconds=5)
        burst(app, "tab", "a", "b", "left", "backspace", "c", "end", "d", "e", "backspace", "f")
        await until(lambda: app.screen.query_one(QueryInput).value == "cbdf", pilot, seconds=5)
