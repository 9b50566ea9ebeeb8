"""A clock that jumps: daylight saving, a correction over the network, a machine that slept."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta

import pytest

from mcp_tui.events import base, tools, turns
from mcp_tui.permissions.rules import Policy
from tests.support.laws import assert_closed, facts, folded
from tests.support.scripted import FunctionHost, KeptStore, ScriptedGateway, calls, running, says

START = datetime(2026, 10, 25, 0, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("step", [timedelta(hours=-1), timedelta(days=400), timedelta(0)], ids=["back", "on", "still"])
async def test_case_121_a_turn_does_not_depend_on_the_clock(step: timedelta, monkeypatch: pytest.MonkeyPatch) -> None:
    """Order comes from numbers, waits and durations from the monotonic clock, whatever the time of day does."""
    ticks = itertools.count()

    class Jumping(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return START + next(ticks) * step

    monkeypatch.setattr(base, "datetime", Jumping)

    async def echo(x: str = "") -> str:
        await asyncio.sleep(0.05)
        return x

    store = KeptStore()
    gateway = ScriptedGateway(calls(("local__echo", '{"x": "1"}')), says("done"))
    async with running(gateway, FunctionHost(echo=echo), store=store, fallback=Policy("allow")) as engine:
        engine.submit("go")
        finished = await asyncio.wait_for(engine.idle(), 20)
        assert finished is not None
        assert finished.outcome == "stop"
        events = (await store.read(engine.conversation_id)).events
        assert facts(folded(events)) == facts(engine.transcript)
    assert_closed(events)
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    if step:
        assert len({event.at for event in events if not isinstance(event, turns.Notice)}) > 3, "the clock did jump"
    (call,) = [event for event in events if isinstance(event, tools.ToolCallFinished)]
    assert call.timing is not None
    assert 0 <= call.timing.approval < 10
    assert 0 <= call.timing.wire < 10
