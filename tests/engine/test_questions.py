"""Guards ask instead of cutting off silently: rounds of tools, money, large results."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from mcp_tui.config.models import CostLimitsConfig
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.engine.engine import Engine
from mcp_tui.events import tools, turns
from mcp_tui.events.turns import Usage
from mcp_tui.permissions.rules import Policy
from tests.support.laws import facts, folded
from tests.support.scripted import FunctionHost, KeptStore, ScriptedGateway, calls, running, says, settings
from tests.support.waiting import wait_until_async

ALLOW = {"fallback": Policy("allow")}
LOOP = calls(("local__echo", "{}"))


async def echo(x: str = "") -> str:
    return f"echo {x}"


async def large() -> str:
    return "word " * 5000


def asked(**changes: Any) -> dict[str, Any]:
    """Parts of an engine with somebody who can be asked."""
    return {"settings": replace(settings(**changes), interactive=True), **ALLOW}


async def question(engine: Engine) -> turns.QuestionAsked:
    """The one that waits."""
    await wait_until_async(lambda: engine.transcript.questions, what="a question")
    (found,) = engine.transcript.questions.values()
    return found


async def test_rounds_of_tools_go_on_only_when_the_person_says_so() -> None:
    gateway = ScriptedGateway(*[LOOP] * 9)
    async with running(gateway, FunctionHost(echo=echo), **asked()) as engine:
        engine.submit("go")
        first = await question(engine)
        assert (first.kind, first.yes) == ("hops", "3 more rounds")
        assert len(gateway.requests) == 3
        assert engine.answer_question(first.question_id, True)
        assert not engine.answer_question(first.question_id, True), "answered already"
        await wait_until_async(lambda: len(gateway.requests) == 6, what="three more rounds")
        second = await question(engine)
        assert second.question_id != first.question_id
        engine.answer_question(second.question_id, False)
        finished = await asyncio.wait_for(engine.idle(), 10)
        assert finished is not None
        assert (finished.outcome, finished.hops) == ("max_tool_hops", 6)


@pytest.mark.parametrize(("turn", "conversation"), [(1.0, None), (None, 1.0)])
async def test_money_is_asked_for_before_the_next_request(turn: float | None, conversation: float | None) -> None:
    dear = [*LOOP, *says("", usage=Usage(prompt_tokens=10, completion_tokens=2), cost=0.6)[-1:]]
    gateway = ScriptedGateway(dear, dear, dear, dear, says("done"))
    options = asked(cost_limits=CostLimitsConfig(per_turn=turn, per_conversation=conversation), max_tool_hops=9)
    async with running(gateway, FunctionHost(echo=echo), **options) as engine:
        engine.submit("go")
        first = await question(engine)
        assert first.kind == "cost"
        assert "$1.20" in first.message
        assert len(gateway.requests) == 2
        engine.answer_question(first.question_id, True)
        await wait_until_async(lambda: len(gateway.requests) == 4, what="what the next dollar buys")
        second = await question(engine)
        assert "$2.40" in second.message
        engine.answer_question(second.question_id, False)
        finished = await asyncio.wait_for(engine.idle(), 10)
        assert finished is not None
        assert finished.outcome == "max_cost"


async def test_a_large_result_is_cut_until_the_person_lets_the_model_have_it() -> None:
    store = KeptStore()
    gateway = ScriptedGateway(calls(("local__large", "{}")), says("read"))
    async with running(gateway, FunctionHost(large=large), store=store, **asked()) as engine:
        engine.submit("go")
        found = await question(engine)
        item = engine.transcript.call(found.call_id)
        assert isinstance(item, ToolCallItem)
        assert item.truncated, "the result is on disk before anybody is asked"
        assert len(gateway.requests) == 1
        engine.answer_question(found.question_id, True)
        await asyncio.wait_for(engine.idle(), 10)
        assert not item.truncated
        assert gateway.requests[-1].messages[-1].text.count("word") == 5000
        stored = await store.read(engine.conversation_id)
        assert facts(folded(stored.events)) == facts(engine.transcript)


async def test_a_large_result_stays_cut_when_the_person_says_no() -> None:
    gateway = ScriptedGateway(calls(("local__large", "{}")), says("read"))
    async with running(gateway, FunctionHost(large=large), **asked()) as engine:
        engine.submit("go")
        engine.answer_question((await question(engine)).question_id, False)
        await asyncio.wait_for(engine.idle(), 10)
        assert "left out" in gateway.requests[-1].messages[-1].text


async def test_where_nobody_can_be_asked_the_answer_is_no_and_recorded() -> None:
    store = KeptStore()
    gateway = ScriptedGateway(calls(("local__large", "{}")), *[LOOP] * 9)
    async with running(gateway, FunctionHost(large=large, echo=echo), store=store, **ALLOW) as engine:
        engine.submit("go")
        finished = await asyncio.wait_for(engine.idle(), 10)
        assert finished is not None
        assert finished.outcome == "max_tool_hops"
        events = (await store.read(engine.conversation_id)).events
    questions = [event for event in events if isinstance(event, turns.QuestionAsked)]
    answers = [event for event in events if isinstance(event, turns.QuestionAnswered)]
    assert [one.kind for one in questions] == ["result_size", "hops"]
    assert [(one.answer, one.by) for one in answers] == [("no", "engine")] * 2
    assert not any(isinstance(event, tools.ToolResultExtended) for event in events)


async def test_a_stopped_turn_withdraws_its_question() -> None:
    store = KeptStore()
    async with running(ScriptedGateway(*[LOOP] * 9), FunctionHost(echo=echo), store=store, **asked()) as engine:
        engine.submit("go")
        found = await question(engine)
        engine.cancel_turn()
        finished = await asyncio.wait_for(engine.idle(), 10)
        assert finished is not None
        assert finished.outcome == "cancelled"
        assert engine.transcript.questions == {}
        assert not engine.answer_question(found.question_id, True)
        last = (await store.read(engine.conversation_id)).events[-2:]
    assert [event.type for event in last] == ["question_answered", "turn_finished"]
    assert isinstance(last[0], turns.QuestionAnswered)
    assert last[0].answer == "withdrawn"
