"""A long conversation on its way to the screen."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from mcp_tui.engine.bus import Contents, EventBus
from mcp_tui.events import turns
from mcp_tui.events.base import EventBase
from mcp_tui.history.memory import MemoryStore
from mcp_tui.safety.secrets import Redactor
from mcp_tui.ui.bridge import AT_ONCE, Bridge
from tests.support.laws import facts, folded
from tests.ui.test_bridge import Recorder, settle

ID = "0123456789abcdefghjkmnpqrs"


def log(count: int) -> list[EventBase]:
    return [
        turns.UserMessage(conversation_id=ID, turn_id="t", message_id=f"u{n}", text=f"input {n}", seq=n)
        for n in range(1, count + 1)
    ]


@asynccontextmanager
async def bridged() -> AsyncIterator[tuple[EventBus, Recorder, Bridge]]:
    bus, view = EventBus(MemoryStore(), Redactor()), Recorder()
    bridge = Bridge(SimpleNamespace(subscribe=bus.subscribe, busy=False, runs_here=lambda _turn: False), view)  # type: ignore[arg-type]
    task = asyncio.create_task(bridge.run())
    try:
        await settle(lambda: view.opened)
        yield bus, view, bridge
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_end_then_all_of_it_without_starting_afresh() -> None:
    events = log(3 * AT_ONCE)
    async with bridged() as (bus, view, bridge):
        bus.open(ID, events[-10:], more_above=True)
        await settle(lambda: len(view.opened) == 2)
        assert view.more_above[-1]
        assert view.opened[-1] == [f"u{n}" for n in range(3 * AT_ONCE - 9, 3 * AT_ONCE + 1)]
        assert {item.number for item in bridge.transcript.items} == {0}
        bus.complete(Contents.of(events))
        await settle(lambda: view.completed)
        assert len(view.opened) == 2
        assert facts(bridge.transcript) == facts(folded(events))
        assert view.live == []


async def test_what_happens_while_a_long_log_is_folded_comes_after_it() -> None:
    events = log(3 * AT_ONCE)
    async with bridged() as (bus, view, bridge):
        bus.open(ID, events)
        bus.publish(turns.TextDelta(conversation_id=ID, turn_id="t", message_id="a", text="live "))
        await asyncio.sleep(0)
        bus.publish(turns.TextDelta(conversation_id=ID, turn_id="t", message_id="a", text="text"))
        await settle(lambda: len(view.opened) == 2 and bridge.transcript.find("a"))
        assert len(bridge.transcript.items) == 3 * AT_ONCE + 1
        assert bridge.transcript.items[-1].text == "live text"  # type: ignore[attr-defined]
        assert set(view.live) == {"text_delta"}


async def test_of_two_conversations_opened_at_once_the_second_is_shown() -> None:
    async with bridged() as (bus, view, _bridge):
        bus.open("other", log(2 * AT_ONCE))
        bus.open(ID, log(5))
        await settle(lambda: len(view.opened) == 2)
        assert view.opened[-1] == [f"u{n}" for n in range(1, 6)]
        assert not view.completed


async def test_an_event_that_cannot_be_folded_costs_itself_only() -> None:
    events = log(2 * AT_ONCE)
    async with bridged() as (bus, view, bridge):
        original = bridge._new_transcript

        class Broken(original):  # type: ignore[misc, valid-type]
            def apply(self, event: EventBase) -> list[object]:
                if event.id == events[7].id:
                    raise ZeroDivisionError
                return list(super().apply(event))

        bridge._new_transcript = Broken
        bus.open(ID, events)
        await settle(lambda: len(view.opened) == 2)
        assert len(view.opened[-1]) == 2 * AT_ONCE - 1
        assert len(view.faults) == 1
