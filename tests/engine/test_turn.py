from __future__ import annotations

import asyncio
import json

import pytest

from mcp_tui.conversation.items import AssistantItem, UserItem
from mcp_tui.engine.engine import Decision
from mcp_tui.errors import GatewayError, StoreFailed, UsageError
from mcp_tui.events import tools, turns
from mcp_tui.events.turns import Usage
from mcp_tui.gateway.base import ModelInfo, TextChunk
from mcp_tui.host.base import CallResult
from mcp_tui.permissions.rules import Policy
from mcp_tui.safety.secrets import Redactor
from tests.support.laws import facts, folded, latest
from tests.support.scripted import FunctionHost, KeptStore, Recording, ScriptedGateway, calls, running, says, settings
from tests.support.waiting import wait_until_async

ALLOW = {"fallback": Policy("allow")}


async def echo(x: str = "") -> str:
    return f"echo {x}"


async def ask(engine, text="hello"):
    engine.submit(text)
    return await asyncio.wait_for(engine.idle(), 20)


async def assert_live_equals_replay(engine, recording, store):
    replayed = folded((await store.read(engine.conversation_id)).events)
    assert facts(folded(latest(recording.events))) == facts(replayed) == facts(engine.transcript)


async def test_an_answer_is_streamed_and_closed_with_its_whole_text():
    usage = Usage(prompt_tokens=10, completion_tokens=2)
    store = KeptStore()
    async with running(ScriptedGateway(says("Hel|lo", usage=usage, cost=0.5)), store=store) as engine:
        recording = Recording(engine)
        finished = await ask(engine, "hi there")
        await recording.aclose()
        assert finished.outcome == "stop"
        assert (finished.usage, finished.cost) == (usage, 0.5)
        (message,) = recording.of(turns.AssistantMessage)
        assert (message.text, message.complete) == ("Hello", True)
        assert "".join(delta.text for delta in recording.of(turns.TextDelta)) == "Hello"
        assert engine.title == "hi there"
        assert engine.totals.cost == 0.5
        await assert_live_equals_replay(engine, recording, store)


async def test_case_073_every_start_has_exactly_one_end_and_seq_has_no_gap():
    store = KeptStore()
    host = FunctionHost(echo=echo)
    gateway = ScriptedGateway(calls(("local__echo", '{"x": "a"}'), ("local__nope", "{}")), says("done"))
    async with running(gateway, host, store=store, **ALLOW) as engine:
        await ask(engine)
        events = (await store.read(engine.conversation_id)).events
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
    count = lambda kind: sum(isinstance(event, kind) for event in events)  # noqa: E731
    assert count(turns.TurnStarted) == count(turns.TurnFinished) == 1
    assert count(turns.ModelRequestStarted) == count(turns.AssistantMessage) == 2
    assert count(tools.ToolCallProposed) == count(tools.ToolCallFinished) == 2
    assert count(tools.ToolCallStarted) == 1


async def test_parallel_calls_run_together_and_their_results_go_back_in_order():
    first, second = asyncio.Event(), asyncio.Event()

    async def slow() -> str:
        first.set()
        await asyncio.wait_for(second.wait(), 10)
        return "slow"

    async def quick() -> str:
        await asyncio.wait_for(first.wait(), 10)
        second.set()
        return "quick"

    gateway = ScriptedGateway(calls(("local__slow", ""), ("local__quick", "")), says("both"))
    async with running(gateway, FunctionHost(slow=slow, quick=quick), **ALLOW) as engine:
        assert (await ask(engine)).outcome == "stop"
    roles = [(message.role, message.text) for message in gateway.requests[1].messages]
    assert roles[-2:] == [("tool", "slow"), ("tool", "quick")]


async def test_started_is_stored_before_the_call_is_sent():
    store = KeptStore()
    seen = []

    async def look() -> str:
        events = (await store.read(engine.conversation_id)).events
        seen.extend(event.type for event in events)
        return "ok"

    async with running(
        ScriptedGateway(calls(("local__look", ""))), FunctionHost(look=look), store=store, **ALLOW
    ) as engine:
        await ask(engine)
    assert seen[-2:] == ["approval_decided", "tool_call_started"]


async def test_case_002_no_tool_runs_while_the_log_cannot_be_written():
    class Full(KeptStore):
        async def append(self, conversation_id, events):
            if any(isinstance(event, tools.ToolCallStarted) for event in events):
                raise StoreFailed("The history cannot be saved: the disk is full.")
            return await super().append(conversation_id, events)

    host = FunctionHost(echo=echo)
    async with running(ScriptedGateway(calls(("local__echo", "{}"))), host, store=Full(), **ALLOW) as engine:
        finished = await ask(engine)
    assert host.ran == []
    assert finished.outcome == "error"
    assert "disk is full" in finished.error.message


async def test_case_002_a_submission_that_cannot_be_stored_goes_back_to_the_person():
    class Full(KeptStore):
        async def append(self, conversation_id, events):
            raise StoreFailed("The history cannot be saved: the disk is full.")

    async with running(ScriptedGateway(), store=Full()) as engine:
        recording = Recording(engine)
        assert await ask(engine, "precious words") is None
        await recording.aclose()
        (returned,) = recording.of(turns.InputReturned)
        assert returned.text == "precious words"


async def test_case_074_max_tool_hops_ends_a_loop_with_a_reason():
    gateway = ScriptedGateway(*[calls(("local__echo", "{}")) for _ in range(9)])
    async with running(gateway, FunctionHost(echo=echo), **ALLOW) as engine:
        finished = await ask(engine)
        assert finished.outcome == "max_tool_hops"
        assert finished.hops == len(gateway.requests) == 3
        assert "limit of tool rounds" in engine.transcript.items[-1].text


async def test_case_079_the_same_request_id_counts_once_also_after_a_restart():
    store = KeptStore()
    async with running(ScriptedGateway(), store=store) as engine:
        engine.submit("once", request_id="r1")
        engine.submit("once", request_id="r1")
        await engine.idle()
        conversation = engine.conversation_id
    async with running(ScriptedGateway(), store=store) as engine:
        await engine.open_conversation(conversation)
        engine.submit("once", request_id="r1")
        assert await engine.idle() is None
        assert sum(isinstance(item, UserItem) for item in engine.transcript.items) == 1


async def test_inputs_queue_and_the_last_can_be_taken_back():
    gate = asyncio.Event()
    async with running(ScriptedGateway([gate, *says("one")], says("two"))) as engine:
        engine.submit("first")
        engine.submit("second")
        engine.submit("third")
        assert engine.queue == ("second", "third")
        assert engine.take_back() == "third"
        gate.set()
        await asyncio.wait_for(engine.idle(), 20)
        texts = [item.text for item in engine.transcript.items if isinstance(item, UserItem)]
        assert texts == ["first", "second"]


async def test_case_078_stopping_keeps_what_arrived_and_closes_the_stream():
    store, gate = KeptStore(), asyncio.Event()
    gateway = ScriptedGateway([TextChunk("partial "), TextChunk("answer"), gate])
    async with running(gateway, store=store) as engine:
        recording = Recording(engine)
        engine.submit("go")
        await wait_until_async(lambda: recording.of(turns.TextDelta)[1:] or recording.of(turns.TextDelta))
        await wait_until_async(lambda: "answer" in engine.transcript.items[-1].text)
        assert engine.cancel_turn()
        await asyncio.wait_for(engine.idle(), 20)
        await recording.aclose()
        (message,) = recording.of(turns.AssistantMessage)
        assert (message.text, message.complete) == ("partial answer", False)
        assert recording.of(turns.TurnFinished)[0].outcome == "cancelled"
        assert gateway.closed_streams == 1
        assert not engine.cancel_turn()
        await assert_live_equals_replay(engine, recording, store)


async def test_fragments_are_stored_while_an_answer_streams():
    store, gate = KeptStore(), asyncio.Event()
    async with running(ScriptedGateway([TextChunk("so far"), gate, *says("!")]), store=store) as engine:
        engine.submit("go")

        async def stored():
            try:
                return (await store.read(engine.conversation_id)).events
            except Exception:  # noqa: BLE001 - not there yet
                return ()

        fragments = []
        while not fragments:
            await asyncio.sleep(0.01)
            fragments = [event for event in await stored() if isinstance(event, turns.MessageFragment)]
        assert fragments[0].text == "so far"
        gate.set()
        await engine.idle()
        replayed = folded(await stored())
        assert facts(replayed) == facts(engine.transcript)
        assert replayed.items[-1].text == "so far!"


async def test_a_subscriber_that_comes_in_mid_stream_sees_the_same():
    gate = asyncio.Event()
    async with running(ScriptedGateway([TextChunk("early "), gate, TextChunk("late"), *says("")])) as engine:
        engine.submit("go")
        await wait_until_async(lambda: len(engine.transcript.items) > 1 and engine.transcript.items[-1].text)
        recording = Recording(engine)
        gate.set()
        await engine.idle()
        await recording.aclose()
        mine = folded(recording.events)
        assert facts(mine) == facts(engine.transcript)


class TestRetries:
    ERROR = GatewayError("Slow down.", kind="rate_limit", retryable=True)

    async def test_a_passing_fault_is_retried_before_anything_was_shown(self):
        gateway = ScriptedGateway([self.ERROR], [self.ERROR], says("at last"))
        async with running(gateway) as engine:
            recording = Recording(engine)
            assert (await ask(engine)).outcome == "stop"
            await recording.aclose()
            assert [event.attempt for event in recording.of(turns.RetryScheduled)] == [1, 2]
            (message,) = recording.of(turns.AssistantMessage)
            assert message.text == "at last"

    async def test_case_069_nothing_is_retried_once_something_was_shown(self):
        gateway = ScriptedGateway([TextChunk("half"), self.ERROR], says("again"))
        async with running(gateway) as engine:
            finished = await ask(engine)
            assert (finished.outcome, finished.error.kind) == ("error", "rate_limit")
            assert len(gateway.requests) == 1
            answer = next(item for item in engine.transcript.items if isinstance(item, AssistantItem))
            assert (answer.text, answer.complete, answer.problem.kind) == ("half", False, "rate_limit")

    async def test_it_gives_up_and_says_why(self):
        async with running(ScriptedGateway(*[[self.ERROR]] * 3)) as engine:
            finished = await ask(engine)
            assert finished.error.message == "Slow down."

    async def test_a_wait_can_be_stopped(self):
        error = GatewayError("Later.", kind="rate_limit", retryable=True, retry_after=4.0)
        async with running(ScriptedGateway([error])) as engine:
            recording = Recording(engine)
            engine.submit("go")
            await wait_until_async(lambda: recording.of(turns.RetryScheduled))
            engine.cancel_turn()
            await asyncio.wait_for(engine.idle(), 3)
            await recording.aclose()
            assert recording.of(turns.TurnFinished)[0].outcome == "cancelled"


class TestArguments:
    async def test_case_072_arguments_that_are_no_json_never_run_and_go_back_to_the_model(self):
        gateway = ScriptedGateway(calls(("local__echo", '{"x": ')), says("sorry"))
        host = FunctionHost(echo=echo)
        async with running(gateway, host, **ALLOW) as engine:
            await ask(engine)
        assert host.ran == []
        assert "validation_errors" in gateway.requests[1].messages[-1].text

    async def test_case_072_arguments_that_do_not_fit_are_refused_by_field_without_asking(self):
        gateway = ScriptedGateway(calls(("local__echo", "{}")), says("sorry"))
        host = FunctionHost(echo=echo)
        host.required["echo"] = ("x",)
        async with running(gateway, host) as engine:
            recording = Recording(engine)
            await ask(engine)
            await recording.aclose()
            assert recording.of(tools.ApprovalRequested) == []
            (finished,) = recording.of(tools.ToolCallFinished)
            assert finished.outcome == "invalid_arguments"
        told = json.loads(gateway.requests[1].messages[-1].text)
        assert told == {"validation_errors": [{"field": "x", "message": "is required", "type": "required"}]}

    async def test_case_073_an_unknown_tool_is_answered_with_the_nearest(self):
        gateway = ScriptedGateway(calls(("local__ecko", "{}")), says("sorry"))
        async with running(gateway, FunctionHost(echo=echo), **ALLOW) as engine:
            await ask(engine)
        assert "Did you mean local__echo?" in gateway.requests[1].messages[-1].text

    async def test_case_070_a_cut_answer_runs_nothing(self):
        steps = calls(("local__echo", "{}"))[:-1]
        gateway = ScriptedGateway([*steps, GatewayError("Cut.", kind="truncated")])
        host = FunctionHost(echo=echo)
        async with running(gateway, host, **ALLOW) as engine:
            assert (await ask(engine)).outcome == "error"
        assert host.ran == []


class TestResults:
    async def test_a_long_result_is_clipped_for_the_model_and_kept_in_the_log(self):
        async def big() -> str:
            return "word " * 20_000

        gateway = ScriptedGateway(calls(("local__big", "")), says("ok"))
        async with running(gateway, FunctionHost(big=big), **ALLOW) as engine:
            recording = Recording(engine)
            await ask(engine)
            await recording.aclose()
            (finished,) = recording.of(tools.ToolCallFinished)
        assert finished.truncated
        assert finished.model_tokens <= 1000
        assert "characters left out" in gateway.requests[1].messages[-1].text
        assert len(finished.content[0].text) == 100_000

    async def test_a_failing_tool_is_told_to_the_model(self):
        async def bad() -> CallResult:
            from mcp_tui.events.base import ErrorInfo

            return CallResult("timeout", error=ErrorInfo(kind="timeout", message="No answer for 10 s."))

        gateway = ScriptedGateway(calls(("local__bad", "")), says("ok"))
        async with running(gateway, FunctionHost(bad=bad), **ALLOW) as engine:
            assert (await ask(engine)).outcome == "stop"
        assert gateway.requests[1].messages[-1].text.startswith("timeout: No answer for 10 s.")


async def test_case_102_a_secret_reaches_neither_log_nor_subscriber():
    secret = 'quoted"secret-ü'
    store = KeptStore()
    async with running(ScriptedGateway(says(f"it is {secret}")), store=store, redactor=Redactor([secret])) as engine:
        await ask(engine, f"my key {secret}")
        text = "".join(event.model_dump_json() for event in (await store.read(engine.conversation_id)).events)
    assert "secret-" not in text


async def test_the_context_is_trimmed_and_says_so():
    gateway = ScriptedGateway(*[says("answer " * 50) for _ in range(6)], info=ModelInfo(context_window=300))
    async with running(gateway) as engine:
        recording = Recording(engine)
        for number in range(6):
            await ask(engine, f"question {number}")
        await recording.aclose()
        assert recording.of(turns.ContextTrimmed)
    assert gateway.requests[-1].messages[0].role == "user"
    assert gateway.requests[-1].messages[-1].text == "question 5"
    assert len(gateway.requests[-1].messages) < 11


async def test_the_model_can_be_changed_in_mid_conversation():
    gateway = ScriptedGateway()
    async with running(gateway) as engine:
        await ask(engine)
        engine.select_model("two")
        await ask(engine)
        assert [request.provider for request in gateway.requests] == ["one", "two"]
        assert engine.transcript.model == "test/two"
        with pytest.raises(UsageError, match="Configured: one, two"):
            engine.select_model("three")


async def test_closing_in_mid_turn_leaves_a_closed_log():
    store = KeptStore()
    async with running(ScriptedGateway([TextChunk("x"), asyncio.Event()]), store=store) as engine:
        engine.submit("go")
        await wait_until_async(lambda: engine.transcript.items and engine.transcript.items[-1].key and engine.busy)
        conversation = engine.conversation_id
    events = (await store.read(conversation)).events
    assert events[-1].type == "turn_finished"


async def test_opening_another_conversation_replays_it_to_the_subscribers():
    store = KeptStore()
    async with running(ScriptedGateway(says("one")), store=store) as engine:
        recording = Recording(engine)
        await ask(engine, "first")
        first = engine.conversation_id
        await engine.new_conversation()
        assert engine.transcript.items == []
        await engine.open_conversation(first)
        await recording.aclose()
        mine = folded(latest(recording.events))
        assert facts(mine) == facts(engine.transcript)
        assert [summary.title for summary in await engine.history.list()] == ["first"]


async def test_a_conversation_cannot_be_left_in_mid_turn():
    gate = asyncio.Event()
    async with running(ScriptedGateway([gate, *says("x")])) as engine:
        engine.submit("go")
        with pytest.raises(UsageError, match="A turn is running"):
            await engine.new_conversation()
        gate.set()
        await engine.idle()


async def test_settings_are_respected():
    gateway = ScriptedGateway()
    async with running(gateway, settings=settings(system_prompt="Be brief.")) as engine:
        await ask(engine)
    assert gateway.requests[0].messages[0].text == "Be brief."
    assert Decision("allow").scope == "once"


async def test_case_061_more_tools_than_a_provider_takes_are_left_out_and_named():
    host = FunctionHost(**{f"t{number:03}": echo for number in range(130)})
    gateway = ScriptedGateway()
    async with running(gateway, host) as engine:
        recording = Recording(engine)
        await ask(engine)
        await recording.aclose()
        (notice,) = recording.of(turns.Notice)
    assert len(gateway.requests[0].tools) == 128
    assert "128 of 130 tools; left out: 2 of local" in notice.message
