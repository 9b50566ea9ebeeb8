"""One fault at every point of a turn, in turn: a refused write, a write that fails late, a stop.

A turn with two hops, two calls at once, one of them asked for, a fragment; whatever is injected wherever, the log
ends up closed, the screen saw what is stored, no tool ran that the log does not know, and the next input is answered.
"""

from __future__ import annotations

import asyncio

import pytest

from mcp_tui.engine.engine import Decision
from mcp_tui.errors import ConversationNotFound, StoreBusy, StoreFailed
from mcp_tui.events import tools, turns
from mcp_tui.gateway.base import TextChunk
from mcp_tui.permissions.rules import AllowedTools
from tests.support.laws import assert_closed, facts, folded, latest
from tests.support.scripted import FunctionHost, KeptStore, Recording, ScriptedGateway, calls, running, says
from tests.support.waiting import wait_until_async

MOST = 40
"""More appends and events than the turn has."""


class FaultyStore(KeptStore):
    """Does ``fault`` at the n-th append, then works again.  Writing takes a few turns of the event loop."""

    def __init__(self, number, fault):
        super().__init__()
        self.left, self.fault, self.fired = number, fault, False
        self.writing = None

    async def append(self, conversation_id, events):
        self.left -= 1
        if self.left == 0:
            self.fired = True
            return await self.fault(self, conversation_id, events)
        return await self.write(conversation_id, events)

    async def write(self, conversation_id, events):
        """Like the store on disk: what was asked for is written even if the one who asked is cancelled."""
        self.writing = asyncio.ensure_future(self.slowly(conversation_id, events))
        return await asyncio.shield(self.writing)

    async def slowly(self, conversation_id, events):
        for _ in range(3):
            await asyncio.sleep(0)
        return await super().append(conversation_id, events)


async def full_disk(store, conversation_id, events):
    raise StoreFailed("The history cannot be saved: the disk is full.")


async def busy(store, conversation_id, events):
    await asyncio.sleep(0)
    raise StoreBusy("Another process has the lock.")


async def a_bug(store, conversation_id, events):
    raise RuntimeError("a bug of ours")


def cancelling(when):
    async def fault(store, conversation_id, events):
        if when == "before":
            store.engine.cancel_turn()
            await asyncio.sleep(0)
        stored = await store.write(conversation_id, events)
        if when == "after":
            store.engine.cancel_turn()
        return stored

    return fault


async def echo(x=""):
    await asyncio.sleep(0)
    return f"echo {x}"


def scripts():
    asked = calls(("local__free", '{"x": "1"}'), ("local__asked", '{"x": "2"}'), text="let me look")
    return [asked, [TextChunk("all "), TextChunk("done"), *says("")]]


async def answer_cards(engine):
    """A person who allows what is asked."""
    while True:
        for item in engine.transcript.waiting():
            engine.decide(item.approval_id, Decision("allow"))
        await asyncio.sleep(0)


async def stored(store, engine):
    try:
        return (await store.read(engine.conversation_id)).events
    except ConversationNotFound:
        return ()


async def one_fault(number, fault):
    """Returns whether the turn had an n-th append."""
    store, host = FaultyStore(number, fault), FunctionHost(free=echo, asked=echo)
    gateway = ScriptedGateway(*scripts())
    async with running(gateway, host, store=store, rules=[AllowedTools(["local.free"])]) as engine:
        store.engine = engine
        recording = Recording(engine)
        person = asyncio.create_task(answer_cards(engine))
        try:
            engine.submit("go", request_id="r1")
            await asyncio.wait_for(engine.idle(), 20)
            started = [e.arguments for e in await stored(store, engine) if isinstance(e, tools.ToolCallStarted)]
            ran = list(host.ran)
            for _, arguments in ran:
                assert arguments in started, "a tool ran that the log does not know"
            gateway.scripts[:] = []
            store.left = 0
            engine.submit("go on", request_id="r2")
            finished = await asyncio.wait_for(engine.idle(), 20)
            assert finished is not None
            assert finished.outcome == "stop"
            assert host.ran == ran, "a call was repeated by itself"
        finally:
            person.cancel()
            await asyncio.gather(person, return_exceptions=True)
        await recording.aclose()
        events = (await store.read(engine.conversation_id)).events
        assert_closed(events)
        assert facts(folded(latest(recording.events))) == facts(engine.transcript) == facts(folded(events))
    return store.fired


@pytest.mark.parametrize(
    "fault",
    [full_disk, busy, a_bug, cancelling("before"), cancelling("after")],
    ids=["full disk", "busy", "bug", "stopped while writing", "stopped after writing"],
)
async def test_case_002_078_a_fault_at_any_write_leaves_a_closed_log_and_a_usable_engine(fault):
    fired = [await one_fault(number, fault) for number in range(1, MOST)]
    assert fired.count(True) >= 8
    assert not fired[-1]


async def test_case_078_a_stop_after_any_event_leaves_a_closed_log_and_a_usable_engine():
    reached = 0
    for number in range(1, MOST):
        store, host = FaultyStore(0, full_disk), FunctionHost(free=echo, asked=echo)
        gateway = ScriptedGateway(*scripts())
        async with running(gateway, host, store=store, rules=[AllowedTools(["local.free"])]) as engine:
            recording = Recording(engine)
            engine.submit("go")
            person = asyncio.create_task(answer_cards(engine))
            while engine.busy and len(recording.live) < number:
                await asyncio.sleep(0)
            reached += engine.cancel_turn()
            await asyncio.wait_for(engine.idle(), 20)
            person.cancel()
            await asyncio.gather(person, return_exceptions=True)
            gateway.scripts[:] = []
            engine.submit("go on")
            finished = await asyncio.wait_for(engine.idle(), 20)
            assert finished.outcome == "stop"
            await recording.aclose()
            events = (await store.read(engine.conversation_id)).events
            assert_closed(events)
            assert facts(folded(latest(recording.events))) == facts(engine.transcript) == facts(folded(events))
    assert 10 <= reached < MOST - 1


async def test_case_002_003_a_result_that_could_not_be_written_is_written_later_and_not_lost():
    class Refusing(KeptStore):
        refusing = False

        async def append(self, conversation_id, events):
            self.refusing = self.refusing or any(isinstance(event, tools.ToolCallFinished) for event in events)
            if self.refusing and not self.healed:
                raise StoreFailed("The disk is full.")
            return await super().append(conversation_id, events)

        healed = False

    store, host = Refusing(), FunctionHost(free=echo)
    gateway = ScriptedGateway(calls(("local__free", '{"x": "1"}')), says("fine"))
    async with running(gateway, host, store=store, rules=[AllowedTools(["local.free"])]) as engine:
        recording = Recording(engine)
        engine.submit("go")
        await asyncio.wait_for(engine.idle(), 20)
        await wait_until_async(lambda: recording.of(turns.Notice), what="the notice of the full disk")
        store.healed = True
        engine.submit("again")
        await asyncio.wait_for(engine.idle(), 20)
        await recording.aclose()
        events = (await store.read(engine.conversation_id)).events
    assert_closed(events)
    (finished,) = [event for event in events if isinstance(event, tools.ToolCallFinished)]
    assert (finished.outcome, finished.model_text) == ("success", "echo 1")
    assert gateway.requests[-1].messages[-2].text == "echo 1"
