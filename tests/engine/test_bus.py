from __future__ import annotations

import asyncio

from mcp_tui.engine.bus import MANY, EventBus
from mcp_tui.events import tools, turns
from mcp_tui.history.memory import MemoryStore
from mcp_tui.safety.secrets import Redactor

CONVERSATION = "0123456789abcdefghjkmnpqrs"
ANSWER = {"message_id": "m", "hop": 1, "provider": "p", "model": "m"}


async def open_bus():
    bus = EventBus(MemoryStore(), Redactor())
    bus.open(CONVERSATION, ())
    return bus


async def read(subscription):
    subscription.close()
    return [(event, batch.live) async for batch in subscription for event in batch.events]


async def test_what_a_slow_subscriber_has_not_shown_is_merged_without_loss():
    bus = await open_bus()
    subscription = bus.subscribe()
    for number in range(20_000):
        bus.publish(turns.TextDelta(message_id="m", text=f"{number},"))
    for number in range(1000):
        bus.publish(tools.ToolCallProgress(call_id="c", progress=number))
    bus.publish(tools.ToolCallProgress(call_id="d", progress=1))
    bus.publish(turns.ReasoningDelta(message_id="m", text="a"))
    bus.publish(turns.ReasoningDelta(message_id="m", text="b"))
    bus.publish(turns.ReasoningDelta(message_id="n", text="c"))
    _opened, text, *rest = [event for event, _ in await read(subscription)]
    assert text.text == "".join(f"{number}," for number in range(20_000))
    assert [getattr(event, "progress", None) or event.text for event in rest] == [999, 1, "ab", "c"]


async def test_fragments_go_when_the_whole_message_is_there():
    bus = await open_bus()
    for number in range(5):
        bus.publish(turns.TextDelta(message_id="m", text=f"{number}"))
        await bus.write_fragments()
    early = [event for event, _ in await read(bus.subscribe())]
    assert [event.text for event in early[1:]] == list("01234")
    await bus.record(turns.AssistantMessage(text="01234", **ANSWER))
    late = [event for event, _ in await read(bus.subscribe())]
    assert [event.type for event in late[1:]] == ["assistant_message"]
    assert not bus.behind
    assert bus.last_seq == 6


async def test_a_subscriber_in_mid_stream_gets_fragments_and_what_is_not_stored_yet():
    bus = await open_bus()
    bus.publish(turns.TextDelta(message_id="m", text="stored, "))
    await bus.write_fragments()
    bus.publish(turns.TextDelta(message_id="m", text="passing"))
    events = await read(bus.subscribe())
    assert [(event.text, live) for event, live in events[1:]] == [("stored, ", False), ("passing", False)]


async def test_a_stored_event_that_is_folded_again_changes_nothing():
    bus = await open_bus()
    answer = turns.AssistantMessage(text="x", usage=turns.Usage(prompt_tokens=3), seq=1, **ANSWER)
    for _ in range(2):
        bus.folds.apply(answer)
    assert bus.folds.totals.prompt_tokens == 3


async def test_a_cancelled_write_is_seen_before_the_cancellation_goes_on():
    gate = asyncio.Event()

    class Slow(MemoryStore):
        async def append(self, conversation_id, events):
            await gate.wait()
            return await super().append(conversation_id, events)

    bus = EventBus(Slow(), Redactor())
    bus.open(CONVERSATION, ())
    writing = asyncio.create_task(bus.record(turns.UserMessage(message_id="u", text="x")))
    await asyncio.sleep(0)
    writing.cancel()
    writing.cancel()
    await asyncio.sleep(0)
    assert not writing.done()
    gate.set()
    await asyncio.wait({writing})
    assert writing.cancelled()
    assert bus.folds.transcript.find("u") is not None


async def test_other_writers_are_noticed():
    store = MemoryStore()
    bus = EventBus(store, Redactor())
    bus.open(CONVERSATION, ())
    await bus.record(turns.UserMessage(message_id="u1", text="x"))
    assert not bus.behind
    await store.append(CONVERSATION, [turns.UserMessage(message_id="other", text="y")])
    await bus.record(turns.UserMessage(message_id="u2", text="z"))
    assert bus.behind
    await bus.catch_up()
    assert not bus.behind
    assert [item.key for item in bus.folds.transcript.items] == ["u1", "other", "u2"]


async def test_the_events_of_a_long_conversation_that_is_left_are_freed_and_nobody_misses_them():
    bus = await open_bus()
    events = [turns.UserMessage(message_id=f"u{n}", text="x", seq=n) for n in range(1, MANY + 500)]
    bus.open(CONVERSATION, events)
    subscription, kept = bus.subscribe(), bus.recorded
    left = bus._contents.recorded
    bus.open("another", events[:3])
    async with asyncio.timeout(10):
        while left:
            await asyncio.sleep(0.001)
    assert kept == events
    assert bus.recorded == events[:3]
    assert len([event for event, _ in await read(subscription)]) == 1 + len(events) + 1 + 3
