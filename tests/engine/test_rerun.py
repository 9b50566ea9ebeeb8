"""A recorded call is run again through the same door as every call, and its result is recorded beside the old one."""

from __future__ import annotations

import asyncio

import pytest

from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.engine.engine import Decision
from mcp_tui.engine.recovery import closing_events
from mcp_tui.errors import UsageError
from mcp_tui.events import tools, turns
from mcp_tui.permissions.rules import AllowedTools, Policy
from tests.support.laws import folded
from tests.support.scripted import FunctionHost, KeptStore, Recording, ScriptedGateway, calls, running, says
from tests.support.waiting import wait_until_async

GRANT = {"rules": [AllowedTools(["local.count", "local.other"])]}


class Counter:
    def __init__(self) -> None:
        self.value = 0

    async def count(self, step: int = 1) -> str:
        self.value += step
        return str(self.value)

    async def same(self) -> str:
        return "always"


def counting() -> FunctionHost:
    counter = Counter()
    return FunctionHost(count=counter.count, same=counter.same)


async def ask(engine, text="go"):
    engine.submit(text)
    return await engine.idle()


def call_items(engine) -> list[ToolCallItem]:
    return [item for item in engine.transcript.items if isinstance(item, ToolCallItem)]


async def waiting(engine) -> ToolCallItem:
    await wait_until_async(engine.transcript.waiting, what="a card")
    return engine.transcript.waiting()[0]


def script() -> ScriptedGateway:
    return ScriptedGateway(calls(("local__count", '{"step": 2}')), says("two"))


async def test_a_rerun_is_a_turn_without_a_model() -> None:
    gateway, host = script(), counting()
    async with running(gateway, host, **GRANT) as engine:
        await ask(engine)
        recording = Recording(engine)
        (first,) = call_items(engine)
        new_id = engine.rerun(first.key)
        finished = await engine.idle()
        await recording.aclose()
        assert finished is not None
        assert (finished.outcome, finished.hops, finished.cost) == ("stop", 0, 0.0)
        kinds = [event.type for event in recording.live if event.type != "queue_changed"]
        assert kinds == [
            "turn_started", "tool_call_proposed", "approval_decided", "tool_call_started", "tool_call_finished",
            "tool_call_compared", "turn_finished",
        ]  # fmt: skip
        again = engine.transcript.call(new_id)
        assert again.rerun_of == tools.RecordedCall(conversation_id=engine.conversation_id, call_id=first.key)
        assert again.arguments == {"step": 2}
        assert [(d.path, d.before, d.after) for d in again.comparison.differences] == [("content[0].text", "2", "4")]
        assert not again.comparison.same
        assert host.ran == [("count", {"step": 2}), ("count", {"step": 2})]
        assert len(gateway.requests) == 2
        assert folded(recording.events).call(new_id).comparison == again.comparison


async def test_what_is_the_same_is_said_to_be() -> None:
    gateway = ScriptedGateway(calls(("local__same", "{}")), says("done"))
    async with running(gateway, counting(), fallback=Policy("allow")) as engine:
        await ask(engine)
        new_id = engine.rerun(call_items(engine)[0].key)
        await engine.idle()
        comparison = engine.transcript.call(new_id).comparison
        assert comparison.same
        assert comparison.differences == ()


async def test_the_model_never_sees_a_rerun() -> None:
    gateway, host = script(), counting()
    async with running(gateway, host, **GRANT) as engine:
        await ask(engine)
        before = engine._bus.folds.context.build(
            system_prompt=None, count=lambda _: 1, budget=None, preserve_recent=0
        ).messages
        engine.rerun(call_items(engine)[0].key)
        await engine.idle()
        await ask(engine, "and now?")
        assert gateway.requests[-1].messages[:-1] == before
        assert [message.text for message in gateway.requests[-1].messages if message.role == "tool"] == ["2"]
        assert engine.transcript.call(call_items(engine)[1].key).model_text == ""


async def test_it_asks_on_a_card_and_can_be_edited_there() -> None:
    host = counting()
    async with running(script(), host) as engine:
        engine.submit("go")
        engine.decide((await waiting(engine)).approval_id, Decision("allow"))
        await engine.idle()
        new_id = engine.rerun(call_items(engine)[0].key)
        card = await waiting(engine)
        assert card.key == new_id
        assert host.ran == [("count", {"step": 2})]
        assert engine.decide(card.approval_id, Decision("allow", arguments={"step": 5}))
        await engine.idle()
        assert host.ran[1:] == [("count", {"step": 5})]
        paths = [difference.path for difference in engine.transcript.call(new_id).comparison.differences]
        assert paths == ["arguments.step", "content[0].text"]


async def test_edited_arguments_are_checked_and_ask_too() -> None:
    host = counting()
    host.required["count"] = ("step",)
    async with running(script(), host, **GRANT) as engine:
        await ask(engine)
        new_id = engine.rerun(call_items(engine)[0].key, {"other": 1})
        await engine.idle()
        item = engine.transcript.call(new_id)
        assert item.state == "invalid_arguments"
        assert not item.comparison.same
        assert item.comparison.differences == ()
        assert len(host.ran) == 1


async def test_a_refusal_leaves_nothing_to_compare() -> None:
    host = counting()
    async with running(script(), host) as engine:
        engine.submit("go")
        engine.decide((await waiting(engine)).approval_id, Decision("allow"))
        await engine.idle()
        new_id = engine.rerun(call_items(engine)[0].key)
        engine.decide((await waiting(engine)).approval_id, Decision("deny"))
        finished = await engine.idle()
        assert finished is not None
        assert finished.outcome == "stop"
        item = engine.transcript.call(new_id)
        assert (item.state, item.comparison.same, item.comparison.differences) == ("denied", False, ())
        assert len(host.ran) == 1


async def test_a_tool_that_is_gone_is_named() -> None:
    host = counting()
    async with running(script(), host, **GRANT) as engine:
        await ask(engine)
        del host.functions["count"]
        new_id = engine.rerun(call_items(engine)[0].key)
        await engine.idle()
        item = engine.transcript.call(new_id)
        assert item.label == "local.count"
        assert item.error.kind == "tool_gone"
        assert "does not offer count any more" in item.error.message
        assert item.started_at is None
        assert item.comparison.differences == ()


async def test_another_tool_under_the_old_wire_name_is_not_called() -> None:
    """The tool is found by server and name; what a model knows it by may belong to another one today."""
    host = counting()
    async with running(script(), host, **GRANT) as engine:
        await ask(engine)
        definition = host._definition

        def renamed(name: str) -> tools.ToolDefinition:
            other = {"count": "same", "same": "count"}[name]
            return definition(name).model_copy(update={"wire_name": f"local__{other}"})

        host._definition = renamed  # type: ignore[method-assign]
        engine.rerun(call_items(engine)[0].key)
        await engine.idle()
        assert [name for name, _ in host.ran] == ["count", "count"]


async def test_a_changed_definition_is_a_difference() -> None:
    host = FunctionHost(same=Counter().same)
    gateway = ScriptedGateway(calls(("local__same", "{}")), says("done"))
    async with running(gateway, host, fallback=Policy("allow")) as engine:
        await ask(engine)
        host.version = 2
        new_id = engine.rerun(call_items(engine)[0].key)
        await engine.idle()
        (difference,) = engine.transcript.call(new_id).comparison.differences
        assert difference.path == "definition"


async def test_it_waits_in_the_queue_behind_a_turn() -> None:
    release = asyncio.Event()
    gateway = ScriptedGateway(calls(("local__count", "{}")), says("one"), [release, *says("two")])
    host = counting()
    async with running(gateway, host, **GRANT) as engine:
        await ask(engine)
        engine.submit("more")
        await wait_until_async(lambda: len(gateway.requests) == 3, what="the second turn")
        engine.rerun(call_items(engine)[0].key)
        assert engine.queue == ("re-run of local.count",)
        assert engine.take_back() is None
        assert len(host.ran) == 1
        release.set()
        await engine.idle()
        assert len(host.ran) == 2


async def test_esc_stops_it_and_leaves_no_open_end() -> None:
    started = asyncio.Event()

    async def slow(**_: object) -> str:
        if not started.is_set():
            return "first"
        await asyncio.Event().wait()
        return "never"

    host = FunctionHost(slow=slow)
    gateway = ScriptedGateway(calls(("local__slow", "{}")), says("done"))
    async with running(gateway, host, fallback=Policy("allow")) as engine:
        await ask(engine)
        started.set()
        new_id = engine.rerun(call_items(engine)[0].key)
        await wait_until_async(lambda: len(host.ran) == 2, what="the call")
        assert engine.cancel_turn()
        finished = await engine.idle()
        assert finished is not None
        assert finished.outcome == "cancelled"
        assert engine.transcript.call(new_id).state == "cancelled"
        assert engine.transcript.open_turn is None


async def test_the_same_call_again_and_again_is_no_repetition_of_the_model() -> None:
    host = counting()
    async with running(script(), host, rules=[AllowedTools(["local.count"])], fallback=Policy("deny")) as engine:
        await ask(engine)
        stored = await engine.verify(engine.conversation_id)
        await engine.idle()
        assert len(stored.calls) == 1
        for _ in range(4):
            engine.rerun(call_items(engine)[0].key)
        await engine.idle()
        assert len(host.ran) == 6


@pytest.mark.parametrize("key", ["nothing", "id-of-nobody"])
async def test_what_is_not_there_cannot_be_run_again(key: str) -> None:
    async with running(script(), counting()) as engine:
        with pytest.raises(UsageError, match="no such call"):
            engine.rerun(key)


async def test_a_call_of_no_server_cannot_be_run_again() -> None:
    gateway = ScriptedGateway(calls(("made_up", "{}")), says("sorry"))
    async with running(gateway, counting()) as engine:
        await ask(engine)
        with pytest.raises(UsageError, match="never a tool of any server"):
            engine.rerun(call_items(engine)[0].key)


async def test_a_masked_secret_is_not_sent_as_stars() -> None:
    gateway = ScriptedGateway(calls(("local__count", '{"step": 1, "***": "***"}')), says("done"))
    host = FunctionHost(count=lambda **_: asyncio.sleep(0, "x"))
    async with running(gateway, host, fallback=Policy("allow")) as engine:
        await ask(engine)
        with pytest.raises(UsageError, match="stands for a secret"):
            engine.rerun(call_items(engine)[0].key)
        engine.rerun(call_items(engine)[0].key, {"step": 1})
        await engine.idle()
        assert host.ran[-1] == ("count", {"step": 1})


# -- a whole conversation ------------------------------------------------------------------------------


def several() -> ScriptedGateway:
    return ScriptedGateway(
        calls(("local__same", "{}"), ("local__count", "{}")), calls(("local__same", "{}")), says("done")
    )


async def test_a_verification_is_a_conversation_of_its_own() -> None:
    store = KeptStore()
    async with running(several(), counting(), store=store, fallback=Policy("allow")) as engine:
        await ask(engine, "look")
        original = engine.conversation_id
        before = (await store.read(original)).events
        request = await engine.verify(original)
        await engine.idle()
        assert engine.conversation_id != original
        assert engine.title == "verification of look"
        assert engine.transcript.origin == turns.Origin(kind="verification", conversation_id=original, title="look")
        found = [(item.label, item.comparison.same) for item in call_items(engine)]
        assert found == [("local.same", True), ("local.count", False), ("local.same", True)]
        assert [item.rerun_of.call_id for item in call_items(engine)] == [item.key for item in request.calls]
        assert (await store.read(original)).events == before
        assert len(await store.list()) == 2


async def test_a_verification_sums_up() -> None:
    host = counting()
    async with running(several(), host, rules=[AllowedTools(["local.same"])]) as engine:
        engine.submit("look")
        engine.decide((await waiting(engine)).approval_id, Decision("allow"))
        await engine.idle()
        await engine.verify(engine.conversation_id)
        engine.decide((await waiting(engine)).approval_id, Decision("deny"))
        await engine.idle()
        last = engine.transcript.items[-1]
        assert last.text == "verified: 2 same, 1 could not be run (local.count)"


async def test_a_stopped_verification_says_what_it_knows() -> None:
    async with running(several(), counting(), rules=[AllowedTools(["local.same"])]) as engine:
        engine.submit("look")
        engine.decide((await waiting(engine)).approval_id, Decision("allow"))
        await engine.idle()
        await engine.verify(engine.conversation_id)
        await waiting(engine)
        engine.cancel_turn()
        finished = await engine.idle()
        assert finished is not None
        assert finished.outcome == "cancelled"
        texts = [item.text for item in engine.transcript.items if not isinstance(item, ToolCallItem)]
        assert texts == ["verified: 1 same, 1 could not be run (local.count)", "stopped"]


async def test_only_the_calls_of_the_model_are_verified_and_those_of_a_verification() -> None:
    store = KeptStore()
    async with running(several(), counting(), store=store, fallback=Policy("allow")) as engine:
        await ask(engine, "look")
        engine.rerun(call_items(engine)[0].key)
        await engine.idle()
        first = await engine.verify(engine.conversation_id)
        await engine.idle()
        assert len(first.calls) == 3
        second = await engine.verify(engine.conversation_id)
        await engine.idle()
        assert [item.key for item in second.calls] == [
            event.call_id
            for event in (await store.read(second.conversation_id)).events
            if isinstance(event, tools.ToolCallStarted)
        ]


async def test_every_prefix_of_a_rerun_is_closed_and_goes_on() -> None:
    """A kill -9 may leave any of these behind."""
    store = KeptStore()
    async with running(script(), counting(), store=store, **GRANT) as engine:
        await ask(engine)
        engine.rerun(call_items(engine)[0].key)
        await engine.idle()
        events = (await store.read(engine.conversation_id)).events
    begun = next(n for n, e in enumerate(events) if isinstance(e, tools.ToolCallProposed) and e.rerun_of is not None)
    for length in range(begun, len(events) + 1):
        closed = [*events[:length], *closing_events(events[:length])]
        transcript = folded(closed)
        assert transcript.open_turn is None
        items = [item for item in transcript.items if isinstance(item, ToolCallItem)]
        assert all(item.finished for item in items)
        sent = any(isinstance(event, tools.ToolCallStarted) and event.call_id == items[-1].key for event in closed)
        if len(items) == 2 and not any(isinstance(event, tools.ToolCallFinished) for event in events[begun:length]):
            assert items[-1].state == ("unknown" if sent else "cancelled")


async def test_nothing_to_verify_is_said() -> None:
    async with running(ScriptedGateway(says("hello")), counting()) as engine:
        await ask(engine)
        with pytest.raises(UsageError, match="nothing to verify"):
            await engine.verify(engine.conversation_id)
        assert engine.title == "go"
