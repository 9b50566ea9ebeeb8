from __future__ import annotations

import asyncio
from typing import Any

from mcp_tui.conversation.items import AssistantItem, Change, Item
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.ui.bridge import Bridge, merged
from tests.ui.support import AT, Clock, ScriptedEngine, answer, finished, proposal, turn_start


class Recorder:
    """A view that notes what it is told."""

    def __init__(self) -> None:
        self.opened: list[list[str]] = []
        self.more_above: list[bool] = []
        self.completed: list[list[str]] = []
        self.changes: list[Change] = []
        self.redrawn = 0
        self.live: list[str] = []
        self.faults: list[Exception] = []
        self.broken = False

    def conversation_opened(self, items: list[Item], *, more_above: bool) -> None:
        self.opened.append([item.key for item in items])
        self.more_above.append(more_above)

    def conversation_completed(self, items: list[Item]) -> None:
        self.completed.append([item.key for item in items])

    def conversation_changed(self, changes: list[Change]) -> None:
        if self.broken:
            self.broken = False
            raise ZeroDivisionError
        self.changes += changes

    def state_changed(self) -> None:
        self.redrawn += 1

    def live_event(self, event: EventBase) -> None:
        self.live.append(event.type)

    def failed(self, error: Exception) -> None:
        self.faults.append(error)


async def settle(condition: Any) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


def delta(text: str) -> turns.TextDelta:
    return turns.TextDelta(turn_id="t1", message_id="m1", text=text)


async def test_stored_then_live_with_effects_for_live_only() -> None:
    engine, view = ScriptedEngine(), Recorder()
    engine.log = [event.model_copy(update={"seq": n}) for n, event in enumerate(turn_start(), 1)]
    bridge = Bridge(engine, view, clock=Clock())  # type: ignore[arg-type]
    task = asyncio.create_task(bridge.run())
    await settle(lambda: view.opened)
    assert view.opened == [["u-t1"]]
    assert view.live == []
    engine._seq = 2
    engine.emit(delta("Hel"), delta("lo"))
    await settle(lambda: view.changes)
    assert view.live == ["text_delta", "text_delta"]
    item = view.changes[-1].item
    assert isinstance(item, AssistantItem)
    assert item.text == "Hello"
    engine.subscriptions[0].close()
    await task


async def test_updates_are_coalesced_to_a_frame() -> None:
    engine, view = ScriptedEngine(), Recorder()
    bridge = Bridge(engine, view)  # type: ignore[arg-type]
    task = asyncio.create_task(bridge.run())
    await settle(lambda: view.opened)
    before = view.redrawn
    for number in range(2000):
        engine.emit(delta(f"{number} "))
    await settle(lambda: "1999 " in "".join(change.appended for change in view.changes))
    assert view.redrawn - before < 200
    assert "".join(change.appended for change in view.changes) == "".join(f"{n} " for n in range(2000))
    engine.subscriptions[0].close()
    await task


async def test_another_conversation_starts_afresh() -> None:
    engine, view = ScriptedEngine(), Recorder()
    bridge = Bridge(engine, view)  # type: ignore[arg-type]
    task = asyncio.create_task(bridge.run())
    await settle(lambda: view.opened)
    engine.emit(*turn_start(), answer("x"))
    await settle(lambda: view.changes)
    engine.emit(turns.ConversationOpened())
    await settle(lambda: len(view.opened) == 2)
    assert view.opened[1] == []
    engine.subscriptions[0].close()
    await task


async def test_a_fault_of_the_screen_does_not_end_the_stream() -> None:
    engine, view = ScriptedEngine(), Recorder()
    task = asyncio.create_task(Bridge(engine, view).run())  # type: ignore[arg-type]
    await settle(lambda: view.opened)
    view.broken = True
    engine.emit(*turn_start())
    await settle(lambda: view.faults)
    engine.emit(answer("still here"))
    await settle(lambda: view.changes)
    engine.subscriptions[0].close()
    await task


async def test_cancelling_closes_the_subscription() -> None:
    engine, view = ScriptedEngine(), Recorder()
    task = asyncio.create_task(Bridge(engine, view).run())  # type: ignore[arg-type]
    await settle(lambda: view.opened)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert engine.subscriptions[0].batches.get_nowait() is None


async def test_live_state_follows_calls_and_phases() -> None:
    engine, view = ScriptedEngine(busy=True), Recorder()
    bridge = Bridge(engine, view, clock=Clock())  # type: ignore[arg-type]
    task = asyncio.create_task(bridge.run())
    await settle(lambda: view.opened)
    engine.emit(*turn_start(), *proposal("c1", {"a": 1}), *proposal("c2", {"a": 2}))
    await settle(lambda: len(bridge.live.waiting) == 2)
    assert [item.key for item in bridge.live.turn_calls] == ["c1", "c2"]
    decided = tools.ApprovalDecided(at=AT, turn_id="t1", approval_id="a-c1", call_id="c1", action="allow", by="user")
    engine.emit(decided, finished("c1"))
    await settle(lambda: list(bridge.live.waiting) == ["c2"])
    engine.emit(turns.TurnFinished(turn_id="t1", outcome="stop"))
    await settle(lambda: not bridge.live.waiting)
    assert bridge.live.phase == ""
    engine.subscriptions[0].close()
    await task


def test_merging_keeps_order_and_text() -> None:
    one = AssistantItem(key="1", at=AT, turn_id="t")
    two = AssistantItem(key="2", at=AT, turn_id="t")
    changes = [
        Change("added", one),
        Change("appended", one, "a", "r"),
        Change("appended", one, "b"),
        Change("updated", one),
        Change("updated", one),
        Change("appended", two, "c"),
        Change("appended", one, "d"),
    ]
    out = merged(changes)
    assert [(change.kind, change.item.key, change.appended) for change in out] == [
        ("added", "1", ""),
        ("appended", "1", "ab"),
        ("updated", "1", ""),
        ("appended", "2", "c"),
        ("appended", "1", "d"),
    ]
    assert out[1].reasoning == "r"
