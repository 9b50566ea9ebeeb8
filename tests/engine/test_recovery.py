from __future__ import annotations

import asyncio

import pytest

from mcp_tui.conversation.context import NO_RESULT
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.engine.engine import Decision
from mcp_tui.engine.recovery import closing_events
from mcp_tui.events import tools, turns
from mcp_tui.permissions.rules import Policy
from tests.support.laws import folded
from tests.support.scripted import FunctionHost, KeptStore, ScriptedGateway, calls, running, says


async def recorded_turn():
    """The events of a turn with two calls, one asked for, one refused, and a closing answer."""

    async def echo(x: str = "") -> str:
        return x

    store = KeptStore()
    gateway = ScriptedGateway(calls(("local__echo", '{"x": "1"}'), text="let me look"), says("all|done"))
    async with running(gateway, FunctionHost(echo=echo), store=store) as engine:
        engine.submit("go")
        while not engine.transcript.waiting():
            await asyncio.sleep(0)
        engine.decide(engine.transcript.waiting()[0].approval_id, Decision("allow"))
        await engine.idle()
        return engine.conversation_id, (await store.read(engine.conversation_id)).events


async def test_case_001_any_prefix_of_a_log_can_be_opened_closed_and_continued():
    conversation, events = await recorded_turn()
    assert closing_events(events) == []
    for length in range(1, len(events)):
        store = KeptStore()
        await store.append(conversation, events[:length])
        async with running(ScriptedGateway(), store=store, fallback=Policy("allow")) as engine:
            await engine.open_conversation(conversation)
            assert engine.transcript.open_turn is None
            for item in engine.transcript.items:
                assert not getattr(item, "streaming", False)
                assert not isinstance(item, ToolCallItem) or item.finished
            engine.submit("go on")
            assert (await engine.idle()).outcome == "stop", length
        replayed = folded((await store.read(conversation)).events)
        assert len(replayed.items) == len(engine.transcript.items)


async def test_case_120_a_call_that_was_running_reads_as_may_have_run_and_is_not_repeated():
    conversation, events = await recorded_turn()
    started = next(i for i, event in enumerate(events) if isinstance(event, tools.ToolCallStarted))
    store, host = KeptStore(), FunctionHost()
    await store.append(conversation, events[: started + 1])
    gateway = ScriptedGateway()
    async with running(gateway, host, store=store) as engine:
        await engine.open_conversation(conversation)
        (item,) = [item for item in engine.transcript.items if isinstance(item, ToolCallItem)]
        assert item.state == "unknown"
        assert "may have run" in item.error.message
        engine.submit("what happened?")
        await engine.idle()
    assert host.ran == []
    assert "may have run" in gateway.requests[0].messages[-2].text
    assert NO_RESULT not in gateway.requests[0].messages[-2].text


async def test_case_117_a_question_that_was_open_reads_as_never_answered():
    _, events = await recorded_turn()
    asked = next(i for i, event in enumerate(events) if isinstance(event, tools.ApprovalRequested))
    closing = closing_events(events[: asked + 1])
    assert [event.type for event in closing] == ["approval_decided", "tool_call_finished", "turn_finished"]
    assert closing[0].action == "withdrawn"
    assert closing[1].outcome == "cancelled"


async def test_what_had_streamed_is_kept():
    conversation, events = await recorded_turn()
    request = next(i for i, event in enumerate(events) if isinstance(event, turns.ModelRequestStarted))
    fragment = turns.MessageFragment(
        conversation_id=conversation,
        turn_id=events[request].turn_id,
        message_id=events[request].message_id,
        text="as far as it",
    )
    store = KeptStore()
    await store.append(conversation, [*events[: request + 1], fragment])
    async with running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(conversation)
        answer = engine.transcript.items[1]
        assert (answer.text, answer.complete, answer.problem.kind) == ("as far as it", False, "interrupted")


async def test_case_019_a_turn_that_another_process_runs_is_left_alone():
    conversation, events = await recorded_turn()
    store = KeptStore()
    await store.append(conversation, events[:-3])
    async with store.lease(conversation), running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(conversation)
        assert len((await store.read(conversation)).events) == len(events) - 3
        engine.submit("me too")
        assert await engine.idle() is None


@pytest.mark.parametrize("applied", [2, 3])
async def test_applying_stored_events_again_changes_nothing(applied):
    _, events = await recorded_turn()
    once, more = folded(events), folded([*events] * applied)
    assert [(item.key, item.number) for item in once.items] == [(item.key, item.number) for item in more.items]
