"""Calls that the rules allow: proposal, decision and start are one write, and no promise is given up for it."""

from __future__ import annotations

import asyncio

from mcp_tui.config.models import ToolsConfig
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.errors import StoreFailed
from mcp_tui.events import tools
from mcp_tui.permissions.rules import Policy
from mcp_tui.safety.secrets import Redactor
from tests.support.laws import assert_closed
from tests.support.scripted import FunctionHost, KeptStore, ScriptedGateway, calls, running, says, settings
from tests.support.waiting import wait_until_async


class Writes(KeptStore):
    """Remembers what was stored together."""

    def __init__(self):
        super().__init__()
        self.batches = []
        self.refuse = None

    async def append(self, conversation_id, events):
        if self.refuse is not None and any(isinstance(event, self.refuse) for event in events):
            raise StoreFailed("full")
        stored = await super().append(conversation_id, events)
        self.batches.append([event.type for event in events])
        return stored

    def with_(self, kind):
        return [batch for batch in self.batches if kind in batch]


def called(engine):
    return [item for item in engine.transcript.items if isinstance(item, ToolCallItem)]


async def echo(x: str = "") -> str:
    return f"echo {x}"


async def test_one_write_holds_proposal_decision_and_start_of_what_is_allowed():
    store, seen = Writes(), []

    async def noting(x: str = "") -> str:
        seen.append([kind for batch in store.batches for kind in batch])
        return x

    wanted = (("local__echo", '{"x": "a"}'), ("local__echo", '{"x": "b"}'))
    host = FunctionHost(echo=noting)
    async with running(
        ScriptedGateway(calls(*wanted), says("")), host, store=store, fallback=Policy("allow")
    ) as engine:
        engine.submit("go")
        await engine.idle()
        events = (await store.read(engine.conversation_id)).events
    both = ["tool_call_proposed"] * 2 + ["approval_decided", "tool_call_started"] * 2
    assert store.with_("tool_call_proposed") == store.with_("tool_call_started") == [both]
    assert all("tool_call_started" in kinds for kinds in seen)
    assert_closed(events)


async def test_no_more_are_begun_than_may_run_at_once():
    store, gate, most = Writes(), asyncio.Event(), 2
    limits = ToolsConfig(max_concurrent=most, idle_timeout=10.0, total_timeout=20.0, max_result_tokens=1000)
    running_now: set[str] = set()

    async def slow(x: str) -> str:
        running_now.add(x)
        await gate.wait()
        running_now.discard(x)
        return x

    wanted = [("local__slow", f'{{"x": "{n}"}}') for n in range(4)]
    parts = {"settings": settings(tools=limits), "fallback": Policy("allow")}
    async with running(
        ScriptedGateway(calls(*wanted), says("")), FunctionHost(slow=slow), store=store, **parts
    ) as engine:
        engine.submit("go")
        await wait_until_async(lambda: len(running_now) == most)
        assert sum(batch.count("tool_call_started") for batch in store.batches) == most
        assert running_now == {"0", "1"}
        gate.set()
        assert (await engine.idle()).outcome == "stop"
        assert_closed((await store.read(engine.conversation_id)).events)


async def test_what_is_asked_is_only_proposed():
    store = Writes()
    async with running(
        ScriptedGateway(calls(("local__echo", "{}")), says("")), FunctionHost(echo=echo), store=store
    ) as engine:
        engine.submit("go")
        await wait_until_async(lambda: bool(engine.transcript.waiting()))
        assert store.with_("tool_call_proposed") == [["tool_call_proposed"]]
        engine.cancel_turn()
        await engine.idle()


async def test_calls_of_one_answer_count_as_repeats_before_they_are_recorded():
    host = FunctionHost(echo=echo)
    gateway = ScriptedGateway(calls(*[("local__echo", '{"x": "same"}')] * 3), says(""))
    async with running(gateway, host, fallback=Policy("deny"), rules=(Policy("allow"),)) as engine:
        engine.submit("go")
        await engine.idle()
        ends = [call.state for call in called(engine)]
    assert len(host.ran) == 2
    assert sorted(ends) == ["denied", "success", "success"]


async def test_repeats_are_counted_as_the_log_will_have_them():
    """Arguments that differ in nothing but a secret are the same in the log."""
    secrets = ("hunter2-hunter2", "swordfish-swordfish")
    redactor = Redactor(secrets)
    wanted = [("local__echo", f'{{"x": "{secret}"}}') for secret in secrets * 2]
    host = FunctionHost(echo=echo)
    parts = {"redactor": redactor, "fallback": Policy("deny"), "rules": (Policy("allow"),)}
    gateway = ScriptedGateway(calls(*wanted), says(""))
    async with running(gateway, host, **parts) as engine:
        engine.submit("go")
        await engine.idle()
    assert len(host.ran) == 2


async def test_nothing_runs_when_the_start_cannot_be_written():
    store, host = Writes(), FunctionHost(echo=echo)
    store.refuse = tools.ToolCallStarted
    async with running(
        ScriptedGateway(calls(("local__echo", "{}"))), host, store=store, fallback=Policy("allow")
    ) as engine:
        engine.submit("go")
        await engine.idle()
        events = (await store.read(engine.conversation_id)).events
    assert host.ran == []
    assert not [event for event in events if isinstance(event, tools.ToolCallProposed)]
    assert_closed(events)


async def test_a_turn_that_is_stopped_during_the_write_sends_nothing():
    gate, writing = asyncio.Event(), asyncio.Event()

    class Slow(Writes):
        async def append(self, conversation_id, events):
            if any(isinstance(event, tools.ToolCallStarted) for event in events):
                writing.set()
                await gate.wait()
            return await super().append(conversation_id, events)

    store, host = Slow(), FunctionHost(echo=echo)
    async with running(
        ScriptedGateway(calls(("local__echo", "{}"))), host, store=store, fallback=Policy("allow")
    ) as engine:
        engine.submit("go")
        await writing.wait()
        engine.cancel_turn()
        gate.set()
        await engine.idle()
        events = (await store.read(engine.conversation_id)).events
    assert host.ran == []
    (end,) = [event for event in events if isinstance(event, tools.ToolCallFinished)]
    assert (end.outcome, end.error.message) == ("cancelled", "The person stopped the turn.")
    assert_closed(events)
