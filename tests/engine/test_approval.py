from __future__ import annotations

import asyncio
import json

import pytest

from mcp_tui.config.models import ToolsConfig
from mcp_tui.engine.engine import Decision
from mcp_tui.events import tools, turns
from mcp_tui.permissions.base import arguments_digest
from mcp_tui.permissions.rules import AllowedTools, Policy
from tests.support.scripted import FunctionHost, KeptStore, Recording, ScriptedGateway, calls, running, says, settings
from tests.support.waiting import wait_until_async


async def echo(x: str = "") -> str:
    return f"echo {x}"


async def waiting(engine, count=1, *, after=None):
    def those():
        return [item for item in engine.transcript.waiting() if item is not after]

    await wait_until_async(lambda: len(those()) == count, what=f"{count} waiting calls")
    return those()


async def test_nothing_runs_before_the_person_allows_it():
    host = FunctionHost(echo=echo)
    async with running(ScriptedGateway(calls(("local__echo", '{"x": "a"}')), says("done")), host) as engine:
        engine.submit("go")
        (item,) = await waiting(engine)
        assert item.arguments == {"x": "a"}
        assert host.ran == []
        assert engine.decide(item.approval_id, Decision("allow"))
        await engine.idle()
        assert host.ran == [("echo", {"x": "a"})]


async def test_case_112_the_first_answer_wins_and_later_ones_are_refused():
    host = FunctionHost(echo=echo)
    async with running(ScriptedGateway(calls(("local__echo", "{}")), says("done")), host) as engine:
        recording = Recording(engine)
        engine.submit("go")
        (item,) = await waiting(engine)
        approval = item.approval_id
        assert engine.decide(approval, Decision("deny"))
        assert not engine.decide(approval, Decision("allow"))
        await engine.idle()
        assert not engine.decide(approval, Decision("allow"))
        await recording.aclose()
        assert [event.action for event in recording.of(tools.ApprovalDecided)] == ["deny"]
    assert host.ran == []


async def test_case_112_a_stopped_turn_takes_no_answer_any_more():
    host = FunctionHost(echo=echo)
    async with running(ScriptedGateway(calls(("local__echo", "{}")), says("done")), host) as engine:
        engine.submit("go")
        (item,) = await waiting(engine)
        approval = item.approval_id
        assert engine.cancel_turn()
        assert not engine.decide(approval, Decision("allow"))
        await engine.idle()
        assert not engine.decide(approval, Decision("allow"))
        assert item.state == "cancelled"
    assert host.ran == []


async def test_edited_arguments_run_and_both_versions_are_logged():
    host = FunctionHost(echo=echo)
    async with running(ScriptedGateway(calls(("local__echo", '{"x": "a"}')), says("done")), host) as engine:
        recording = Recording(engine)
        engine.submit("go")
        (item,) = await waiting(engine)
        engine.decide(item.approval_id, Decision("allow", arguments={"x": "b"}))
        await engine.idle()
        await recording.aclose()
        assert recording.of(tools.ToolCallProposed)[0].arguments == {"x": "a"}
        decided = recording.of(tools.ApprovalDecided)[0]
        assert decided.edited_arguments == recording.of(tools.ToolCallStarted)[0].arguments == {"x": "b"}
        assert decided.arguments_digest == arguments_digest({"x": "b"})
        assert (item.asked_arguments, item.arguments, item.edited) == ({"x": "a"}, {"x": "b"}, True)
    assert host.ran == [("echo", {"x": "b"})]


async def test_edited_arguments_that_do_not_fit_leave_the_question_open():
    host = FunctionHost(echo=echo)
    host.required["echo"] = ("x",)
    async with running(ScriptedGateway(calls(("local__echo", '{"x": "a"}')), says("done")), host) as engine:
        engine.submit("go")
        (item,) = await waiting(engine)
        (problem,) = engine.check_arguments(item.key, {})
        assert problem.field == "x"
        assert not engine.decide(item.approval_id, Decision("allow", arguments={}))
        assert engine.transcript.waiting()
        engine.decide(item.approval_id, Decision("deny"))
        await engine.idle()
    assert host.ran == []


async def test_a_refusal_with_words_reaches_the_model():
    gateway = ScriptedGateway(calls(("local__echo", "{}")), says("understood"))
    async with running(gateway, FunctionHost(echo=echo)) as engine:
        engine.submit("go")
        (item,) = await waiting(engine)
        engine.decide(item.approval_id, Decision("deny", message="the other file"))
        assert (await engine.idle()).outcome == "stop"
    told = json.loads(gateway.requests[1].messages[-1].text)
    assert told == {"denied": True, "by": "user", "message": "the other file"}


async def test_a_grant_for_the_conversation_covers_this_tool_only_and_survives_reopening():
    store = KeptStore()
    host = FunctionHost(echo=echo, other=echo)
    once = calls(("local__echo", "{}"))
    async with running(ScriptedGateway(once, once, calls(("local__other", "{}"))), host, store=store) as engine:
        engine.submit("go")
        (item,) = await waiting(engine)
        engine.decide(item.approval_id, Decision("allow", scope="conversation"))
        (other,) = await waiting(engine, after=item)
        assert other.name == "other"
        engine.decide(other.approval_id, Decision("deny"))
        await engine.idle()
        assert [name for name, _ in host.ran] == ["echo", "echo"]
        conversation = engine.conversation_id
    async with running(ScriptedGateway(once), host, store=store) as engine:
        await engine.open_conversation(conversation)
        recording = Recording(engine)
        engine.submit("again")
        await engine.idle()
        await recording.aclose()
        decided = recording.of(tools.ApprovalDecided)[-1]
        assert (decided.by, decided.rule) == ("rule", "local.echo was allowed for this conversation")


async def test_case_105_a_grant_ends_when_the_definition_of_the_tool_changes():
    host = FunctionHost(echo=echo)
    once = calls(("local__echo", "{}"))
    async with running(ScriptedGateway(once, once), host) as engine:
        engine.submit("go")
        (item,) = await waiting(engine)
        host.version = 2
        engine.decide(item.approval_id, Decision("allow", scope="conversation"))
        (again,) = await waiting(engine, after=item)
        assert again.key != item.key
        engine.decide(again.approval_id, Decision("stop"))
        await engine.idle()


async def test_case_112_a_grant_does_not_reach_another_conversation():
    host = FunctionHost(echo=echo)
    once = calls(("local__echo", "{}"))
    async with running(ScriptedGateway(once, says("x"), once), host) as engine:
        engine.submit("go")
        (item,) = await waiting(engine)
        engine.decide(item.approval_id, Decision("allow", scope="conversation"))
        await engine.idle()
        await engine.new_conversation()
        engine.submit("go")
        (item,) = await waiting(engine)
        engine.decide(item.approval_id, Decision("deny"))
        await engine.idle()


async def test_case_113_several_cards_are_answered_each_on_its_own():
    host = FunctionHost(echo=echo)
    gateway = ScriptedGateway(calls(("local__echo", '{"x": "1"}'), ("local__echo", '{"x": "2"}')), says("done"))
    async with running(gateway, host) as engine:
        engine.submit("go")
        one, two = await waiting(engine, 2)
        engine.decide(two.approval_id, Decision("allow"))
        await wait_until_async(lambda: two.finished)
        assert not one.finished
        engine.decide(one.approval_id, Decision("deny"))
        await engine.idle()
    assert host.ran == [("echo", {"x": "2"})]
    results = [message.text for message in gateway.requests[1].messages if message.role == "tool"]
    assert "denied" in results[0]
    assert results[1] == "echo 2"


async def test_stop_denies_everything_that_waits_and_ends_the_turn():
    host = FunctionHost(echo=echo)
    gateway = ScriptedGateway(calls(("local__echo", "{}"), ("local__echo", "{}")), says("never"))
    async with running(gateway, host) as engine:
        engine.submit("go")
        one, _ = await waiting(engine, 2)
        engine.decide(one.approval_id, Decision("stop"))
        assert (await engine.idle()).outcome == "denied"
        assert len(gateway.requests) == 1
    assert host.ran == []


async def test_three_refusals_in_a_row_end_the_turn():
    gateway = ScriptedGateway(*[calls(("local__echo", "{}")) for _ in range(5)])
    async with running(gateway, FunctionHost(echo=echo)) as engine:
        engine.submit("go")
        for _ in range(3):
            (item,) = await waiting(engine)
            engine.decide(item.approval_id, Decision("deny"))
            await wait_until_async(lambda item=item: item.finished)
        assert (await engine.idle()).outcome == "denied"


async def test_a_cancelled_turn_withdraws_its_cards():
    host = FunctionHost(echo=echo)
    async with running(ScriptedGateway(calls(("local__echo", "{}"))), host) as engine:
        recording = Recording(engine)
        engine.submit("go")
        (item,) = await waiting(engine)
        approval = item.approval_id
        engine.cancel_turn()
        await engine.idle()
        await recording.aclose()
        assert not engine.decide(approval, Decision("allow"))
        assert recording.of(tools.ApprovalDecided)[0].action == "withdrawn"
        assert recording.of(tools.ToolCallFinished)[0].outcome == "cancelled"
        assert recording.of(turns.TurnFinished)[0].outcome == "cancelled"
    assert host.ran == []


@pytest.mark.parametrize(
    ("rules", "policy", "runs", "rule"),
    [
        ([AllowedTools(["local.echo"])], "deny", True, "--allow local.echo"),
        ([AllowedTools(["local.other"])], "deny", False, "--policy deny"),
        ([], "allow", True, "--policy allow"),
    ],
)
async def test_automatic_decisions_name_their_rule(rules, policy, runs, rule):
    host = FunctionHost(echo=echo)
    gateway = ScriptedGateway(calls(("local__echo", "{}")), says("done"))
    async with running(gateway, host, rules=rules, fallback=Policy(policy)) as engine:
        recording = Recording(engine)
        engine.submit("go")
        await asyncio.wait_for(engine.idle(), 20)
        await recording.aclose()
        assert recording.of(tools.ApprovalDecided)[0].rule == rule
    assert bool(host.ran) is runs


@pytest.mark.parametrize("change", ["definition", "gone"])
async def test_case_106_what_changed_between_the_question_and_the_run_does_not_run(change):
    host = FunctionHost(echo=echo)
    gateway = ScriptedGateway(calls(("local__echo", "{}")), says("done"))
    async with running(gateway, host) as engine:
        recording = Recording(engine)
        engine.submit("go")
        (item,) = await waiting(engine)
        if change == "definition":
            host.version = 2
        else:
            del host.functions["echo"]
        engine.decide(item.approval_id, Decision("allow"))
        await asyncio.wait_for(engine.idle(), 20)
        await recording.aclose()
        assert recording.of(tools.ToolCallStarted) == []
        (finished,) = recording.of(tools.ToolCallFinished)
        assert finished.outcome == "error"
        assert finished.error.kind == {"definition": "tool_changed", "gone": "tool_gone"}[change]
    assert host.ran == []


async def test_stop_ends_what_runs_and_starts_nothing_that_waits_for_a_slot():
    running_now, never = asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        running_now.set()
        await never.wait()
        return "never"

    limits = ToolsConfig(max_concurrent=1, idle_timeout=10.0, total_timeout=20.0, max_result_tokens=1000)
    host = FunctionHost(slow=slow, next=echo, last=echo)
    gateway = ScriptedGateway(calls(("local__slow", ""), ("local__next", ""), ("local__last", "")), says("never"))
    async with running(gateway, host, settings=settings(tools=limits)) as engine:
        recording = Recording(engine)
        engine.submit("go")
        slow_one, next_one, last = await waiting(engine, 3)
        engine.decide(slow_one.approval_id, Decision("allow"))
        await asyncio.wait_for(running_now.wait(), 20)
        engine.decide(next_one.approval_id, Decision("allow"))
        engine.decide(last.approval_id, Decision("stop"))
        assert (await asyncio.wait_for(engine.idle(), 20)).outcome == "denied"
        await recording.aclose()
        assert [slow_one.state, next_one.state, last.state] == ["cancelled", "cancelled", "denied"]
        assert "may have run" in slow_one.error.message
        assert "may have run" not in next_one.error.message
        assert len(recording.of(tools.ApprovalDecided)) == 3
    assert [name for name, _ in host.ran] == ["slow"]
    assert len(gateway.requests) == 1


async def test_waiting_cards_take_no_slot():
    limits = ToolsConfig(max_concurrent=1, idle_timeout=10.0, total_timeout=20.0, max_result_tokens=1000)
    host = FunctionHost(asked=echo, free=echo)
    gateway = ScriptedGateway(calls(("local__asked", ""), ("local__free", "")), says("done"))
    rules = [AllowedTools(["local.free"])]
    async with running(gateway, host, settings=settings(tools=limits), rules=rules) as engine:
        engine.submit("go")
        (item,) = await waiting(engine)
        await wait_until_async(lambda: host.ran == [("free", {})], what="the call that needs no answer")
        engine.decide(item.approval_id, Decision("allow"))
        await asyncio.wait_for(engine.idle(), 20)
    assert [m.call_id for m in gateway.requests[1].messages if m.role == "tool"] == ["id0", "id1"]
