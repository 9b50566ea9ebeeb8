"""The demo model, at work on the bundled servers."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from mcp_tui.conversation.messages import ModelMessage, ToolSpec
from mcp_tui.demo.configuration import DemoSetup, demo_setup
from mcp_tui.demo.guide import SUGGESTIONS
from mcp_tui.gateway.base import FinishChunk, ModelGateway, ModelRequest, TextChunk, ToolCallChunk
from mcp_tui.gateway.demo import DemoGateway
from tests.support.demo_turn import arguments_of, collect, running, turn


@pytest.fixture
def setup() -> Iterator[DemoSetup]:
    with demo_setup() as made:
        yield made


@pytest.fixture
def gateway() -> DemoGateway:
    return DemoGateway(words_per_second=0, suggestions=SUGGESTIONS)


def request(text: str, *tools: ToolSpec, stream: bool = True) -> ModelRequest:
    return ModelRequest("r1", "demo", (ModelMessage("user", text),), tools, stream=stream)


EXPECTED_CALLS = {
    "Two tools at once": 2,
    "Look around": 1,
    "Read and search": 2,
    "Change something": 1,
    "One after the other": 2,
    "Progress; Esc stops it": 1,
    "A mistake, corrected": 2,
    "A server that dies": 1,
    "Markdown": 0,
    "What else?": 0,
}


async def test_every_suggestion_of_the_guide_works(setup: DemoSetup, gateway: DemoGateway) -> None:
    assert {title for title, _ in SUGGESTIONS} == set(EXPECTED_CALLS)
    async with running(setup.servers) as servers:
        for title, prompt in SUGGESTIONS:
            hops, ran = await turn(gateway, prompt.replace("8 seconds", "0.2 seconds"), servers)
            assert len(ran) == EXPECTED_CALLS[title], title
            assert hops[-1].finish == "stop"
            assert "do not understand" not in hops[-1].text
            failed = [result for _, result in ran if result.startswith("Error")]
            assert bool(failed) is (title == "A server that dies"), (title, failed)
        assert "remember the milk" in (setup.files / "notes/reminder.txt").read_text()
        assert (setup.files / "haiku.txt").read_text().endswith("and so do I\n")


async def test_parallel_calls_and_a_report_of_real_results(setup: DemoSetup, gateway: DemoGateway) -> None:
    async with running({"clock": setup.servers["clock"]}) as servers:
        hops, ran = await turn(gateway, "What time is it in Tokyo and London, and what is 12 * (3 + 4)?", servers)
    assert arguments_of(ran) == [
        ("clock__now", {"timezone": "Asia/Tokyo"}),
        ("clock__now", {"timezone": "Europe/London"}),
        ("clock__calculate", {"expression": "12 * (3 + 4)"}),
    ]
    assert len(hops[0].calls) == 3
    assert len({call.call_id for call in hops[0].calls}) == 3
    assert hops[0].finish == "tool_calls"
    assert "Asia/Tokyo" in hops[0].reasoning
    assert "**84**" in hops[1].text
    assert "In Asia/Tokyo it is" in hops[1].text


async def test_an_argument_error_is_corrected_once_and_said(setup: DemoSetup, gateway: DemoGateway) -> None:
    async with running({"clock": setup.servers["clock"]}) as servers:
        hops, ran = await turn(gateway, "add 3 dayz to 2026-01-31 and days between 2026-01-01 and 2026-03-01", servers)
    assert [call.arguments.get("unit") for call, _ in ran] == ["dayzs", None, "days"]
    assert "`unit`: `'dayzs'` becomes `'days'`" in hops[1].text
    assert "2026-02-03" in hops[2].text
    assert "59 days" in hops[2].text


async def test_an_error_that_stays_is_not_tried_for_ever(setup: DemoSetup, gateway: DemoGateway) -> None:
    refusal = '{"validation_errors": [{"field": "expression", "message": "too long", "type": "maxLength"}]}'
    async with running({"clock": setup.servers["clock"]}) as servers:
        hops, ran = await turn(gateway, "calculate 1 + 1", servers, answers={"clock__calculate": refusal})
    assert len(ran) == 1
    assert "I know no arguments that would fit" in hops[-1].text
    assert "too long" in hops[-1].text


async def test_a_refusal_is_respected_and_ends_the_later_steps(setup: DemoSetup, gateway: DemoGateway) -> None:
    refusal = "The user declined this call: not this file"
    async with running({"files": setup.servers["files"]}) as servers:
        prompt = "Read haiku.txt, then write x to y.txt"
        hops, ran = await turn(gateway, prompt, servers, answers={"files__read_file": refusal})
    assert len(ran) == 1
    assert "You declined" in hops[-1].text
    assert "not this file" in hops[-1].text
    assert "(1 call) I left out" in hops[-1].text
    assert not (setup.files / "y.txt").exists()


async def test_a_failure_is_reported_and_not_repeated(setup: DemoSetup, gateway: DemoGateway) -> None:
    async with running({"files": setup.servers["files"]}) as servers:
        hops, ran = await turn(gateway, "Read ../secret.txt and haiku.txt", servers)
    assert len(ran) == 2
    assert "leaves the folder" in hops[-1].text
    assert "Text flows line by line" in hops[-1].text
    assert "do not repeat a failed call" in hops[-1].text


@pytest.mark.parametrize(
    ("text", "calls", "said"),
    [
        ('/call clock.now {"timezone": "UTC"}', [("clock__now", {"timezone": "UTC"})], ""),
        ('/call clock__now {"timezone": "UTC"} please', [("clock__now", {"timezone": "UTC"})], ""),
        ("call now timezone=Asia/Tokyo", [("clock__now", {"timezone": "Asia/Tokyo"})], ""),
        ('/call clock.now {"timezone": ', [], "not JSON"),
        ("/call clock.nope {}", [], "has a tool `clock.nope`"),
        ("/call clock.now {}\n/call clock.nope {}", [("clock__now", {})], ""),
    ],
)
async def test_explicit_calls(gateway: DemoGateway, text: str, calls: list[object], said: str) -> None:
    tool = ToolSpec("clock__now", "Time.", {"type": "object", "properties": {"timezone": {"type": "string"}}})
    answer = await collect(gateway, request(text, tool))
    assert [(call.wire_name, call.arguments) for call in answer.calls] == calls
    assert said in answer.text


async def test_tools_of_other_servers_are_read_from_their_schemas(gateway: DemoGateway) -> None:
    schema = {
        "type": "object",
        "properties": {
            "message": {"type": "string"},
            "times": {"type": "integer", "maximum": 9},
            "style": {"type": "string", "enum": ["loud", "quiet"]},
        },
        "required": ["message", "times", "style"],
    }
    tool = ToolSpec("everything__repeat_message", "Repeats.", schema)
    answer = await collect(gateway, request('Repeat the message "hi there" 3 times, loud', tool))
    assert not answer.calls, "the clause ends at the comma, so one argument is missing"
    assert "needs `style`" in answer.text
    answer = await collect(gateway, request('Repeat the loud message "hi there" 30 times', tool))
    assert answer.calls[0].arguments == {"message": "hi there", "times": 9, "style": "loud"}


async def test_without_a_fitting_tool_it_says_so(gateway: DemoGateway) -> None:
    answer = await collect(gateway, request("Read haiku.txt"))
    assert "No running server offers a tool that can read files" in answer.text
    answer = await collect(gateway, request("Who won the world cup?"))
    assert "not an AI" in answer.text
    assert SUGGESTIONS[0][1] in answer.text


@pytest.mark.parametrize("lines", [10, 33, 400])
async def test_a_long_answer_has_the_lines_asked_for_and_closed_code(gateway: DemoGateway, lines: int) -> None:
    answer = await collect(gateway, request(f"write a long answer of {lines} lines"))
    assert len(answer.text.splitlines()) == lines
    assert sum(line.startswith("```") for line in answer.text.splitlines()) % 2 == 0


async def test_streaming_is_word_by_word_and_can_be_off(gateway: DemoGateway) -> None:
    streamed = await collect(gateway, request("show me markdown"))
    whole = await collect(gateway, request("show me markdown", stream=False))
    assert len([chunk for chunk in streamed.chunks if isinstance(chunk, TextChunk)]) > 100
    assert len([chunk for chunk in whole.chunks if isinstance(chunk, TextChunk)]) == 1
    assert streamed.text == whole.text


async def test_usage_is_marked_as_an_estimate_and_costs_nothing(gateway: DemoGateway) -> None:
    answer = await collect(gateway, request("hello"))
    assert answer.usage is not None
    assert answer.usage.cost == 0.0
    assert answer.usage.usage.estimated
    assert answer.usage.usage.completion_tokens > 10
    assert isinstance(answer.chunks[-2], FinishChunk)


async def test_an_answer_can_be_stopped_at_any_word() -> None:
    slow: ModelGateway = DemoGateway(words_per_second=20)
    seen = 0
    async with aclosing(slow.stream(request("show me markdown"))) as chunks:
        async for _ in chunks:
            seen += 1
            if seen == 3:
                break
    assert seen == 3
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(collect(slow, request("write a long answer")), 0.3)


async def test_the_same_request_has_the_same_answer(gateway: DemoGateway) -> None:
    tool = ToolSpec("clock__now", "Time.", {"type": "object", "properties": {"timezone": {"type": "string"}}})
    first, second = [await collect(gateway, request("what time is it", tool)) for _ in range(2)]
    assert first.chunks == second.chunks
    assert any(isinstance(chunk, ToolCallChunk) for chunk in first.chunks)


def test_no_litellm_and_no_mcp_is_loaded() -> None:
    code = (
        "import sys, mcp_tui.gateway.demo, mcp_tui.demo.guide, mcp_tui.demo.configuration\n"
        "print([name for name in ('litellm', 'mcp', 'textual', 'tiktoken', 'httpx') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"
