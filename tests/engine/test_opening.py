"""A long conversation: its end is open at once, all of it when it was read."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from mcp_tui.errors import ConversationNotFound, StoreFailed
from mcp_tui.events import turns
from mcp_tui.events.base import new_id
from mcp_tui.history.base import SetAsideLine, StoredEnd
from tests.engine.test_recovery import recorded_turn
from tests.support.laws import assert_closed, facts, folded, latest
from tests.support.scripted import KeptStore, Recording, ScriptedGateway, running
from tests.support.waiting import wait_until_async

ID = "0123456789abcdefghjkmnpqrs"
TURNS = 30


def turn(number):
    mine = {"conversation_id": ID, "turn_id": f"t{number}"}
    message = {"message_id": f"a{number}", "hop": 1, "provider": "first", "model": "m"}
    return [
        turns.TurnStarted(request_id=f"r{number}", **mine),
        turns.UserMessage(message_id=f"u{number}", text=f"input {number}", **mine),
        turns.ModelRequestStarted(messages=1, prompt_tokens=1, tools_tokens=0, **message, **mine),
        turns.AssistantMessage(text=f"answer {number}", **message, **mine),
        turns.TurnFinished(outcome="stop", **mine),
    ]


class LongStore(KeptStore):
    """Gives the last two turns at once and the rest when `gate` is set."""

    def __init__(self):
        super().__init__()
        self.gate = asyncio.Event()
        self.begun = asyncio.Event()
        self.error = None

    async def filled(self, *more):
        first = [turns.ConversationCreated(app_version="1"), turns.ConversationTitled(title="long")]
        await self.append(ID, [*first, *(event for number in range(TURNS) for event in turn(number)), *more])
        return self

    async def read_end(self, conversation_id):
        events = (await super().read(conversation_id)).events
        if conversation_id != ID:
            return StoredEnd(conversation_id, (), whole=True)
        return StoredEnd(conversation_id, (*events[:2], *events[-10:]))

    async def read(self, conversation_id):
        if conversation_id == ID:
            self.begun.set()
            await self.gate.wait()
            if self.error is not None:
                raise self.error
        return await super().read(conversation_id)


async def whole(engine, store):
    store.gate.set()
    async with asyncio.timeout(10):
        while engine.loading:
            await asyncio.sleep(0.001)


async def test_its_end_is_there_at_once_and_then_all_of_it():
    store = await LongStore().filled()
    async with running(ScriptedGateway(), store=store) as engine:
        recording = Recording(engine)
        await engine.open_conversation(ID, at_once=True)
        assert engine.loading
        assert engine.title == "long"
        assert [item.key for item in engine.transcript.items] == ["u28", "a28", "u29", "a29"]
        await whole(engine, store)
        assert len(engine.transcript.items) == 2 * TURNS
        await recording.aclose()
    stored = folded((await store.read(ID)).events)
    opened = [event for event in recording.events if isinstance(event, turns.ConversationOpened)]
    assert [(event.conversation_id, event.more_above) for event in opened[-2:]] == [(ID, True), (ID, False)]
    assert facts(folded(latest(recording.events))) == facts(stored) == facts(engine.transcript)


async def test_an_input_waits_until_all_of_it_is_there_and_the_model_gets_all_of_it():
    store, gateway = await LongStore().filled(), ScriptedGateway()
    async with running(gateway, store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        request = engine.submit("at once")
        engine.submit("and again")
        assert engine.busy
        await store.begun.wait()
        assert gateway.requests == []
        store.gate.set()
        assert (await engine.idle()).outcome == "stop"
        assert request in engine.transcript.request_ids
    assert [m.text for m in gateway.requests[0].messages if m.role == "user"] == [
        *(f"input {n}" for n in range(TURNS)),
        "at once",
    ]
    assert_closed((await store.read(ID)).events)


async def test_an_input_that_was_taken_up_before_is_not_taken_up_again():
    store, gateway = await LongStore().filled(), ScriptedGateway()
    async with running(gateway, store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        engine.submit("again", request_id="r3")
        store.gate.set()
        await engine.idle()
        assert gateway.requests == []
        assert len((await store.read(ID)).events) == 2 + 5 * TURNS


async def test_stopping_gives_the_waiting_input_back():
    store = await LongStore().filled()
    async with running(ScriptedGateway(), store=store) as engine:
        recording = Recording(engine)
        await engine.open_conversation(ID, at_once=True)
        engine.submit("at once")
        await store.begun.wait()
        assert engine.cancel_turn()
        await engine.idle()
        assert engine.loading
        await whole(engine, store)
        await recording.aclose()
        assert len(engine.transcript.items) == 2 * TURNS
    assert [event.text for event in recording.of(turns.InputReturned)] == ["at once"]


@pytest.mark.parametrize("leave", ["new", "other", "same"])
async def test_another_conversation_ends_the_reading(leave):
    store = await LongStore().filled()
    other, events = await recorded_turn()
    await store.append(other, events)
    async with running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        await store.begun.wait()
        if leave == "new":
            await engine.new_conversation()
        else:
            await engine.open_conversation(other if leave == "other" else ID, at_once=True)
        here = engine.conversation_id
        await whole(engine, store)
        assert engine.conversation_id == here
        expected = {"new": 0, "other": len(folded(events).items), "same": 2 * TURNS}[leave]
        assert len(engine.transcript.items) == expected


async def test_the_program_can_end_while_it_is_read():
    store = await LongStore().filled()
    async with asyncio.timeout(10), running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        engine.submit("at once")
        await store.begun.wait()


async def test_what_cannot_be_read_is_said_and_an_input_comes_back():
    store, gateway = await LongStore().filled(), ScriptedGateway()
    store.error = StoreFailed("The disk is gone.")
    async with running(gateway, store=store) as engine:
        recording = Recording(engine)
        await engine.open_conversation(ID, at_once=True)
        engine.submit("at once")
        store.gate.set()
        await engine.idle()
        engine.submit("later")
        await engine.idle()
        await recording.aclose()
        assert "The disk is gone." in recording.of(turns.Notice)[0].message
        assert [event.text for event in recording.of(turns.InputReturned)] == ["at once", "later"]
        assert gateway.requests == []
        await engine.new_conversation()
        engine.submit("elsewhere")
        assert (await engine.idle()).outcome == "stop"


async def test_a_conversation_that_is_not_there_leaves_the_open_one():
    async with running(ScriptedGateway(), store=LongStore()) as engine:
        engine.submit("here")
        await engine.idle()
        here = engine.conversation_id
        with pytest.raises(ConversationNotFound):
            await engine.open_conversation(new_id(), at_once=True)
        assert (engine.conversation_id, engine.loading) == (here, False)


async def test_what_a_crash_left_open_is_closed_when_all_of_it_is_there():
    store = await LongStore().filled(*turn(TURNS)[:3])
    async with running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        assert engine.transcript.open_turn == f"t{TURNS}"
        await whole(engine, store)
        assert engine.transcript.open_turn is None
    assert_closed((await store.read(ID)).events)


async def test_what_is_recorded_meanwhile_is_not_lost():
    store = await LongStore().filled()
    async with running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        await engine.history.rename(ID, "another title")
        await engine.history.tag(ID, ["kept"])
        await whole(engine, store)
        assert (engine.title, engine.transcript.tags) == ("another title", ("kept",))
        assert len(engine.transcript.items) == 2 * TURNS
    assert_closed((await store.read(ID)).events)


async def test_what_is_recorded_after_it_was_read_is_not_lost_either():
    class Late(LongStore):
        async def read(self, conversation_id):
            stored = await KeptStore.read(self, conversation_id)
            if conversation_id == ID:
                self.begun.set()
                await self.gate.wait()
            return stored

    store = await Late().filled()
    async with running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        await store.begun.wait()
        await engine.history.rename(ID, "another title")
        await store.append(ID, [turns.ConversationTagged(tags=("elsewhere",))])
        await engine.history.tag(ID, ["kept"])
        await whole(engine, store)
        assert engine.title == "another title"
        engine.submit("go on")
        await engine.idle()
        assert engine.transcript.tags == ("kept",)
        assert [e.seq for e in engine._bus.recorded] == list(range(1, engine._bus.last_seq + 1))


async def test_a_model_chosen_meanwhile_stays_chosen():
    store = await LongStore().filled(turns.ModelSelected(provider="first", model="m"))
    async with running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        other = next(choice.name for choice in engine.providers if choice.name != engine.provider)
        engine.select_model(other)
        await whole(engine, store)
        assert engine.provider == other


async def test_the_model_that_is_selected_already_can_be_chosen_meanwhile_too():
    """As in a fork, which goes on with the model that is selected, whatever its original was held with."""
    later = [event for number in range(10) for event in turn(TURNS + number)]
    store = await LongStore().filled(turns.ModelSelected(provider="two", model="test/two"), *later)
    async with running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        assert engine.provider == "one"
        engine.select_model("one")
        await whole(engine, store)
        assert engine.provider == "one"


async def test_what_was_taken_away_and_is_opened_again_can_be_continued():
    store = await LongStore().filled()
    async with running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(ID, at_once=True)
        await whole(engine, store)
        engine._opening.taken_away(ID, True)
        assert "moved away" in engine.read_only
        await engine.open_conversation(ID, at_once=True)
        assert engine.read_only == ""
        engine.submit("go on")
        assert (await engine.idle()).outcome == "stop"


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "1 damaged line of this conversation was set aside; it stays in its file."),
        (2, "2 damaged lines of this conversation were set aside; they stay in its file."),
    ],
)
async def test_damage_is_said_when_all_is_there(count, words):
    store = await LongStore().filled()
    read = store.read

    async def damaged(conversation_id):
        aside = tuple(SetAsideLine(number, 0, "checksum does not match") for number in range(count))
        return replace(await read(conversation_id), set_aside=aside)

    store.read = damaged
    async with running(ScriptedGateway(), store=store) as engine:
        recording = Recording(engine)
        await engine.open_conversation(ID, at_once=True)
        await whole(engine, store)
        await wait_until_async(lambda: [notice.message for notice in recording.of(turns.Notice)] == [words])
        await recording.aclose()
