"""Inputs that wait, and the ids that make each count once."""

from __future__ import annotations

import asyncio

from mcp_tui.conversation.items import UserItem
from mcp_tui.errors import StoreFailed
from mcp_tui.events import turns
from mcp_tui.history.jsonl import JsonlStore
from tests.support.laws import assert_closed, facts, folded, latest
from tests.support.scripted import KeptStore, Recording, ScriptedGateway, running, says, settings
from tests.support.waiting import wait_until_async


def texts(engine):
    return [item.text for item in engine.transcript.items if isinstance(item, UserItem)]


def patient(seconds):
    base = settings()
    return type(base)(base.service, base.request, base.app_version, 0.1, 0.01, queue_pause=seconds)


async def streaming(engine):
    await wait_until_async(lambda: engine.transcript.items[1:], what="the answer to begin")


async def test_after_a_stop_the_queue_waits_so_that_it_can_be_dropped_too():
    async with running(ScriptedGateway([asyncio.Event()]), settings=patient(60)) as engine:
        recording = Recording(engine)
        engine.submit("first")
        engine.submit("second", request_id="r2")
        await streaming(engine)
        assert engine.cancel_turn()
        await wait_until_async(lambda: recording.of(turns.TurnFinished))
        assert engine.busy
        assert engine.queue == ("second",)
        assert engine.cancel_turn(drop_queue=True)
        assert (await asyncio.wait_for(engine.idle(), 20)).id == recording.of(turns.TurnFinished)[0].id
        await recording.aclose()
        assert texts(engine) == ["first"]
        assert not engine.busy
        engine.submit("second", request_id="r2")
        await asyncio.wait_for(engine.idle(), 20)
        assert texts(engine) == ["first", "second"]


async def test_after_a_stop_the_queue_goes_on_by_itself():
    async with running(ScriptedGateway([asyncio.Event()]), settings=patient(0.01)) as engine:
        engine.submit("first")
        engine.submit("second")
        await streaming(engine)
        engine.cancel_turn()
        assert (await asyncio.wait_for(engine.idle(), 20)).outcome == "stop"
        assert texts(engine) == ["first", "second"]


async def test_closing_does_not_wait_for_the_queue():
    async with running(ScriptedGateway([asyncio.Event()]), settings=patient(60)) as engine:
        engine.submit("first")
        engine.submit("second")
        await streaming(engine)
        engine.cancel_turn()
        await wait_until_async(lambda: engine.transcript.open_turn is None)
    assert texts(engine) == ["first"]


async def test_an_input_that_was_taken_back_may_be_sent_again_under_its_id():
    gate = asyncio.Event()
    async with running(ScriptedGateway([gate, *says("one")])) as engine:
        engine.submit("first")
        engine.submit("second", request_id="r2")
        assert engine.take_back() == "second"
        engine.submit("second", request_id="r2")
        gate.set()
        await asyncio.wait_for(engine.idle(), 20)
        assert texts(engine) == ["first", "second"]


async def test_the_end_of_a_stopped_turn_is_told():
    async with running(ScriptedGateway([asyncio.Event()])) as engine:
        engine.submit("first")
        await streaming(engine)
        engine.cancel_turn()
        assert (await asyncio.wait_for(engine.idle(), 20)).outcome == "cancelled"


async def test_a_fault_of_the_store_that_nobody_foresaw_gives_the_input_back():
    class Broken(KeptStore):
        async def append(self, conversation_id, events):
            raise RuntimeError("a bug")

    async with running(ScriptedGateway(), store=Broken()) as engine:
        recording = Recording(engine)
        engine.submit("precious words")
        assert await asyncio.wait_for(engine.idle(), 20) is None
        await recording.aclose()
        (returned,) = recording.of(turns.InputReturned)
        assert returned.text == "precious words"
        assert "RuntimeError" in returned.reason.message


async def test_an_input_with_half_a_character_is_kept_and_answered():
    store = KeptStore()
    async with running(ScriptedGateway(), store=store) as engine:
        engine.submit("caf\udce9")
        assert (await asyncio.wait_for(engine.idle(), 20)).outcome == "stop"
        assert texts(engine) == ["caf\ufffd"]


class TestTwoWindows:
    """Two processes have the same conversation open; one turn at a time, as the lease has it."""

    async def test_case_019_what_the_other_one_added_comes_first_in_log_screen_and_request(self):
        store = KeptStore()
        mine, other = ScriptedGateway(says("a1"), says("a3")), ScriptedGateway(says("a2"))
        async with running(mine, store=store) as one, running(other, store=store) as two:
            one.submit("q1")
            await asyncio.wait_for(one.idle(), 20)
            await two.open_conversation(one.conversation_id)
            two.submit("q2")
            await asyncio.wait_for(two.idle(), 20)
            recording = Recording(one)
            one.submit("q3")
            await asyncio.wait_for(one.idle(), 20)
            await recording.aclose()
            assert [m.text for m in mine.requests[-1].messages] == ["q1", "a1", "q2", "a2", "q3"]
            assert texts(one) == ["q1", "q2", "q3"]
            events = (await store.read(one.conversation_id)).events
            assert facts(folded(latest(recording.events))) == facts(one.transcript) == facts(folded(events))

    async def test_a_turn_that_died_in_the_other_one_is_closed_before_the_next(self):
        store = KeptStore()
        async with running(ScriptedGateway(says("a1")), store=store) as one:
            one.submit("q1")
            await asyncio.wait_for(one.idle(), 20)
            ids = {"conversation_id": one.conversation_id, "turn_id": "dead"}
            died = [
                turns.TurnStarted(request_id="r", **ids),
                turns.UserMessage(message_id="u", text="q2", **ids),
                turns.ModelRequestStarted(
                    message_id="m", hop=1, provider="p", model="m", messages=1, prompt_tokens=1, tools_tokens=0, **ids
                ),
            ]
            await store.append(one.conversation_id, died)
            one.submit("q3")
            await asyncio.wait_for(one.idle(), 20)
            events = (await store.read(one.conversation_id)).events
        assert_closed(events)
        (end,) = [e for e in events if isinstance(e, turns.TurnFinished) and e.turn_id == "dead"]
        assert end.outcome == "interrupted"


async def test_a_turn_that_starts_while_a_conversation_is_being_opened_keeps_its_own():
    class Slow(KeptStore):
        opening, gate = asyncio.Event(), asyncio.Event()

        async def append(self, conversation_id, events):
            if any(isinstance(event, turns.TurnFinished) and event.outcome == "interrupted" for event in events):
                self.opening.set()
                await self.gate.wait()
            return await super().append(conversation_id, events)

    store, gate = Slow(), asyncio.Event()
    ids = {"conversation_id": "0123456789abcdefghjkmnpqrs", "turn_id": "dead"}
    await store.append(ids["conversation_id"], [turns.TurnStarted(request_id="r", **ids)])
    async with running(ScriptedGateway([gate, *says("here")]), store=store) as engine:
        before = engine.conversation_id
        opening = asyncio.create_task(engine.open_conversation(ids["conversation_id"]))
        await asyncio.wait_for(store.opening.wait(), 20)
        engine.submit("mine")
        await streaming(engine)
        store.gate.set()
        await asyncio.wait({opening})
        assert "A turn is running" in str(opening.exception())
        gate.set()
        await asyncio.wait_for(engine.idle(), 20)
        assert engine.conversation_id == before
        assert_closed((await store.read(before)).events)


async def test_a_conversation_on_a_full_disk_can_still_be_looked_at():
    class Full(KeptStore):
        full = False

        async def append(self, conversation_id, events):
            if self.full:
                raise StoreFailed("The disk is full.")
            return await super().append(conversation_id, events)

    store = Full()
    ids = {"conversation_id": "0123456789abcdefghjkmnpqrs", "turn_id": "dead"}
    started = turns.TurnStarted(request_id="r", **ids)
    await store.append(ids["conversation_id"], [started, turns.UserMessage(message_id="u", text="words", **ids)])
    store.full = True
    async with running(ScriptedGateway(), store=store) as engine:
        recording = Recording(engine)
        await engine.open_conversation(ids["conversation_id"])
        await recording.aclose()
        assert texts(engine) == ["words"]
        assert engine.transcript.open_turn is None
        assert recording.of(turns.Notice)[0].message == "The disk is full."


async def test_a_stop_while_the_conversation_is_being_taken_does_not_refuse_the_next_input(tmp_path):
    for _ in range(20):
        store = JsonlStore(tmp_path / "conversations")
        async with running(ScriptedGateway(), store=store, settings=patient(0)) as engine:
            recording = Recording(engine)
            engine.submit("first")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            engine.cancel_turn()
            engine.submit("second")
            assert (await asyncio.wait_for(engine.idle(), 20)).outcome == "stop"
            await recording.aclose()
            returned = [event.text for event in recording.of(turns.InputReturned)]
            assert sorted([*returned, *texts(engine)]) == ["first", "second"], "each is answered or given back"
