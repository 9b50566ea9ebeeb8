"""The pane shows at every position of a replay, reached from either side, what it shows of a fold of the events."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from mcp_tui.conversation.playback import Playback
from mcp_tui.events.base import EventBase
from mcp_tui.ui.widgets.blocks.tools import ToolCallView
from tests.conversation.test_golden import LOGS, read
from tests.support.laws import folded
from tests.support.replays import conversation
from tests.support.screen_text import bare, take, text_of


def walk(events: Sequence[EventBase], width: int) -> int:
    """There and back by event; how many different pictures there were."""
    expected = []
    for length in range(len(events) + 1):
        fresh = bare(width)
        fresh._canvas.now = lambda length=length: events[max(0, length - 1)].at  # type: ignore[misc]
        fresh.load(folded(events[:length]).items)
        expected.append(text_of(fresh))
    playback, pane = Playback(events), bare(width)
    pane._canvas.now = lambda: playback.now or events[0].at
    pane.load(playback.items)
    there = range(1, len(events) + 1)
    for position in (*there, *reversed(range(len(events)))):
        take(pane, playback, playback.move_to(position))
        for entry in pane.document.entries:
            if isinstance(entry, ToolCallView):
                entry.tick()
        assert text_of(pane) == expected[position], f"at {position}"
    return len({tuple(rows) for rows in expected})


@pytest.mark.parametrize("width", [40, 100])
@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
async def test_golden_logs(log: Path, width: int, tmp_path: Path) -> None:
    assert walk(await read(log, tmp_path), width) > 10


@pytest.mark.parametrize("width", [40, 100])
def test_an_example(width: int) -> None:
    assert walk(conversation(), width) > 15
