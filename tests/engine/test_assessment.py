"""What the card is told of earlier calls: right, or nothing."""

from __future__ import annotations

import asyncio

from mcp_tui.engine.engine import Decision
from mcp_tui.events.base import new_id
from mcp_tui.events.tools import ToolsOffered
from mcp_tui.history.memory import MemoryStore
from tests.support.history_events import called, created
from tests.support.scripted import FunctionHost, KeptStore, ScriptedGateway, calls, running, says
from tests.support.waiting import wait_until_async


async def echo(x: str = "", y: str = "") -> str:
    if x == "fail":
        raise ValueError(x)
    return f"echo {x}"


async def one_waiting(engine):
    await wait_until_async(engine.transcript.waiting, what="a waiting call")
    return engine.transcript.waiting()[0]


async def assessed(engine, item):
    await wait_until_async(lambda: engine.assess(item.key) is not None, what="an assessment")
    return engine.assess(item.key)


async def test_this_conversation_counts_at_once():
    gateway = ScriptedGateway(
        calls(("local__echo", '{"x": "a"}')), calls(("local__echo", '{"x": "b", "y": "c"}')), says("done")
    )
    async with running(gateway, FunctionHost(echo=echo)) as engine:
        engine.submit("go")
        item = await one_waiting(engine)
        first = await assessed(engine, item)
        assert (first.runs, first.failures, first.refusals, first.last_at) == (0, 0, 0, None)
        assert first.unusual == ("this tool never ran before",)
        assert (first.unusual_fields, first.changed, first.rule, first.guarded) == ({}, (), "", False)
        engine.decide(item.approval_id, Decision("allow"))
        await wait_until_async(lambda: [i for i in engine.transcript.waiting() if i is not item], what="second call")
        second = engine.transcript.waiting()[0]
        found = engine.assess(second.key)
        assert (found.runs, found.unusual, dict(found.unusual_fields)) == (1, (), {"y": "not sent before"})
        assert found.last_at == item.at
        assert engine.assess(second.key, {"x": "b"}).unusual_fields == {}
        engine.decide(second.approval_id, Decision("deny"))
        await engine.idle()
    assert engine.assess("no such call") is None


async def test_all_conversations_count_with_outcomes_and_refusals():
    store = KeptStore()
    tool = ("local", "echo")
    for number, more in enumerate(({}, {"outcome": "error"}, {"outcome": "timeout"}, {"action": "deny"})):
        await store.append(new_id(), [created(), *called(f"c{number}", {"x": "a"}, tool=tool, **more)])
    await store.append(new_id(), [created(), *called("other", {"x": "a"}, tool=("local", "other"))])
    host = FunctionHost(echo=echo)
    async with running(ScriptedGateway(calls(("local__echo", '{"x": "a"}')), says("")), host, store=store) as engine:
        engine.submit("go")
        item = await one_waiting(engine)
        found = await assessed(engine, item)
        assert (found.runs, found.failures, found.refusals) == (3, 2, 1)
        assert found.changed == ("definition",)
        # The person's own conversations go on counting when they are left.
        engine.decide(item.approval_id, Decision("deny"))
        await engine.idle()
        await engine.new_conversation()
        engine._services.gateway.scripts = [calls(("local__echo", '{"x": "a"}')), says("")]
        engine.submit("again")
        item = await one_waiting(engine)
        found = await assessed(engine, item)
        assert (found.runs, found.refusals) == (3, 2)


async def test_a_definition_that_changed_is_named_field_by_field():
    store, host = KeptStore(), FunctionHost(echo=echo)
    now = host.tools()[0]
    older = {"description": "Something else.", "digest": "old", "annotations": {"readOnlyHint": True}}
    old = now.model_copy(update=older)
    calls_before = called("c", {"x": "a"}, tool=("local", "echo"), digest="old")
    await store.append(new_id(), [created(), ToolsOffered(tools=(old,)), *calls_before])
    async with running(ScriptedGateway(calls(("local__echo", "{}")), says("")), host, store=store) as engine:
        engine.submit("go")
        item = await one_waiting(engine)
        await wait_until_async(
            lambda: (found := engine.assess(item.key)) and found.before is not None, what="the earlier definition"
        )
        found = engine.assess(item.key)
        assert found.changed == ("description", "annotations")
        assert found.unusual == ("definition changed since it was last allowed: description, annotations",)
        assert found.before == old
        engine.decide(item.approval_id, Decision("allow"))
        await engine.idle()


async def test_nothing_is_said_before_the_earlier_calls_were_read_and_nothing_waits_for_that():
    class Slow(KeptStore):
        may_read = asyncio.Event()

        async def tool_calls(self):
            await self.may_read.wait()
            return await MemoryStore.tool_calls(self)

    store, host = Slow(), FunctionHost(echo=echo)
    async with running(ScriptedGateway(calls(("local__echo", "{}")), says("")), host, store=store) as engine:
        engine.submit("go")
        item = await one_waiting(engine)
        assert engine.assess(item.key) is None
        store.may_read.set()
        assert (await assessed(engine, item)).runs == 0
        engine.decide(item.approval_id, Decision("allow"))
        await engine.idle()
    assert host.ran == [("echo", {})]
