"""Answers through the real worker process, over real HTTP, in the protocols of three providers."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from mcp_tui.conversation.messages import ImagePart, MessageToolCall, ModelMessage
from mcp_tui.gateway.base import FinishChunk, TextChunk, UsageChunk
from tests.gateway.conftest import KEY, WEATHER, Bench
from tests.support.providers import Answer

pytestmark = pytest.mark.asyncio(loop_scope="module")

PROTOCOLS = ["openai", "vllm", "anthropic", "ollama"]
CALLS: Answer = {"calls": [["weather", {"city": "Paris"}, "call_a"], ["weather", {"city": "Oslo"}, "call_b"]]}


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_text_and_usage(bench: Bench, name: str) -> None:
    outcome = await bench.ask(name, {"text": "Grüße, 世界 🌍", "size": 2, "usage": [11, 5]})
    assert outcome.error is None
    assert outcome.draft.text == "Grüße, 世界 🌍"
    assert outcome.draft.finish_reason == "stop"
    assert outcome.draft.usage is not None
    assert (outcome.draft.usage.prompt_tokens, outcome.draft.usage.completion_tokens) == (11, 5)
    assert not outcome.draft.usage.estimated
    assert outcome.draft.problems == ()


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_parallel_tool_calls(bench: Bench, name: str) -> None:
    outcome = await bench.ask(name, {"text": "Let me look.", **CALLS}, tools=(WEATHER,))
    assert outcome.error is None
    assert outcome.draft.text == "Let me look."
    assert outcome.calls == [("weather", {"city": "Paris"}), ("weather", {"city": "Oslo"})]
    ids = [call.call_id for call in outcome.draft.tool_calls]
    assert len(set(ids)) == 2
    assert all(ids)


@pytest.mark.parametrize("name", PROTOCOLS)
async def test_reasoning(bench: Bench, name: str) -> None:
    outcome = await bench.ask(name, {"reasoning": "Because of this.", "text": "42"})
    assert outcome.error is None
    assert (outcome.draft.reasoning, outcome.draft.text) == ("Because of this.", "42")


async def test_first_chunk_does_not_wait_for_the_rest(bench: Bench) -> None:
    bench.provider.script({"steps": [{"text": "one"}, {"stall": True}]})
    stream = bench.gateway.stream(bench.request("openai"))
    assert await anext(stream) == TextChunk("one")
    await stream.aclose()


async def test_streaming_off_gives_the_answer_in_one_piece(bench: Bench) -> None:
    outcome = await bench.ask("openai", {"text": "a whole answer", "size": 1}, stream=False)
    assert [chunk for chunk in outcome.chunks if isinstance(chunk, TextChunk)] == [TextChunk("a whole answer")]


async def test_finish_comes_before_usage(bench: Bench) -> None:
    outcome = await bench.ask("openai", {"text": "x", "usage": [1, 1]})
    kinds = [type(chunk) for chunk in outcome.chunks]
    assert kinds.index(FinishChunk) < kinds.index(UsageChunk)


async def test_usage_that_the_provider_did_not_report_is_marked(bench: Bench) -> None:
    outcome = await bench.ask("openai", {"text": "no numbers"})
    assert outcome.draft.usage is not None
    assert outcome.draft.usage.estimated


async def test_cost_from_the_map_from_the_configuration_and_unknown(bench: Bench) -> None:
    mapped = await bench.ask("openai", {"text": "x", "usage": [1_000_000, 0]})
    assert mapped.draft.cost == pytest.approx((await bench.gateway.model_info("openai")).input_price)
    priced = await bench.ask("priced", {"text": "x", "usage": [500_000, 100_000]})
    assert priced.draft.cost == pytest.approx(0.5 + 1.0)
    unknown = await bench.ask("vllm", {"text": "x", "usage": [10, 10]})
    assert unknown.draft.cost is None


async def test_model_info_is_configuration_first_then_the_map(bench: Bench) -> None:
    mapped = await bench.gateway.model_info("anthropic")
    assert mapped.context_window == 200_000
    assert mapped.supports_tools is True
    assert (await bench.gateway.model_info("ollama")).context_window == 8192
    priced = await bench.gateway.model_info("priced")
    assert (priced.input_price, priced.output_price, priced.context_window) == (1.0, 10.0, None)


async def test_the_worker_counts_tokens(bench: Bench) -> None:
    assert await bench.gateway.count_tokens("o200k_base", ["hello world", "<|endoftext|>", "\ud83d"]) == [2, 7, 1]
    assert await bench.gateway.count_tokens("cl100k_base", []) == []


async def test_anthropic_thinking_keeps_its_signature(bench: Bench) -> None:
    steps = [
        {"reasoning": "step one, "}, {"reasoning": "step two"}, {"signature": "c2ln"}, {"redacted": "b3BhcXVl"},
        {"text": "done"}, {"finish": "stop"}, {"done": True},
    ]  # fmt: skip
    outcome = await bench.ask("anthropic", {"steps": steps})
    assert outcome.error is None
    assert outcome.draft.reasoning == "step one, step two"
    assert outcome.draft.thinking_blocks == (
        {"type": "thinking", "thinking": "step one, step two", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "b3BhcXVl"},
    )
    history = [
        ModelMessage("user", "q"),
        ModelMessage(
            "assistant", "done", thinking_blocks=outcome.draft.thinking_blocks, model="anthropic/claude-sonnet-4-5"
        ),
        ModelMessage("user", "more"),
    ]
    await bench.ask("anthropic", {"text": "ok"}, messages=history)
    sent = bench.provider.requests[-1].json["messages"][1]["content"]
    assert sent[:2] == list(outcome.draft.thinking_blocks)


async def test_request_carries_key_history_tools_and_image(bench: Bench) -> None:
    history = [
        ModelMessage("system", "Be brief."),
        ModelMessage("user", "look", images=(ImagePart("aGk=", "image/png"),)),
        ModelMessage("assistant", "", tool_calls=(MessageToolCall("call_a", "weather", {"city": "Paris"}),)),
        ModelMessage("tool", "sunny", call_id="call_a"),
    ]
    outcome = await bench.ask("openai", {"text": "ok"}, messages=history, tools=(WEATHER,))
    assert outcome.error is None
    request = bench.provider.requests[-1]
    assert request.headers["authorization"] == f"Bearer {KEY}"
    system, user, assistant, tool = request.json["messages"]
    assert system == {"role": "system", "content": "Be brief."}
    assert user["content"][1]["image_url"]["url"] == "data:image/png;base64,aGk="
    assert assistant.get("content") is None
    assert assistant["tool_calls"][0]["function"] == {"name": "weather", "arguments": '{"city": "Paris"}'}
    assert (tool["tool_call_id"], tool["content"]) == ("call_a", "sunny")
    assert request.json["tools"][0]["function"]["name"] == "weather"


async def test_claude_gets_cache_marks_at_the_system_text_and_at_the_last_result(bench: Bench) -> None:
    history = [
        ModelMessage("system", "Be brief."),
        ModelMessage("user", "look"),
        ModelMessage("assistant", "", tool_calls=(MessageToolCall("call_a", "weather", {"city": "Paris"}),)),
        ModelMessage("tool", "sunny", call_id="call_a"),
    ]
    outcome = await bench.ask("anthropic", {"text": "ok"}, messages=history, tools=(WEATHER,))
    assert outcome.error is None
    sent = bench.provider.requests[-1].json
    assert sent["system"] == [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}]
    assert "cache_control" in json.dumps(sent["messages"][-1])
    (result,) = sent["messages"][-1]["content"]
    assert (result["type"], result["tool_use_id"]) == ("tool_result", "call_a")
    assert "sunny" in json.dumps(result)


async def test_server_without_key_is_never_sent_the_key_of_the_environment(bench: Bench) -> None:
    outcome = await bench.ask("own-server", {"text": "ok"})
    assert outcome.error is None
    assert bench.provider.requests[-1].headers["authorization"] == "Bearer none"
    error = (await bench.ask("own-server", {"status": 401, "body": {"error": {"message": "no key"}}})).failure
    assert "env:NAME" in error.hint


async def test_ollama_gets_its_window_and_is_asked_nothing_else(bench: Bench) -> None:
    before = len(bench.provider.requests)
    await bench.ask("ollama", {"text": "ok"})
    assert [request.path for request in bench.provider.requests[before:]] == ["/api/chat"]
    assert bench.provider.requests[-1].json["options"]["num_ctx"] == 8192


async def test_requests_run_side_by_side(bench: Bench) -> None:
    bench.provider.script({"match": "slow", "steps": [{"text": "s"}, {"stall": True}]}, {"match": "fast", "text": "f"})
    slow = bench.gateway.stream(bench.request("openai", [ModelMessage("user", "slow")]))
    assert await anext(slow) == TextChunk("s")
    fast = [chunk async for chunk in bench.gateway.stream(bench.request("openai", [ModelMessage("user", "fast")]))]
    assert fast[0] == TextChunk("f")
    await slow.aclose()


async def test_long_answer_arrives_whole(bench: Bench) -> None:
    text = "".join(f"line {number}\n" for number in range(2000))
    outcome = await bench.ask("vllm", {"text": text, "size": 8})
    assert outcome.error is None
    assert outcome.draft.text == text
    assert len(outcome.chunks) < len(text) / 8, "bursts are not gathered"


async def test_case_075_equal_pieces_over_and_over_are_no_error(bench: Bench) -> None:
    outcome = await bench.ask("openai", {"text": "----" * 300, "size": 4})
    assert outcome.error is None
    assert outcome.draft.text == "----" * 300


async def test_worker_reaches_for_nothing_but_loopback(bench: Bench) -> None:
    assert bench.audit_log is not None
    await bench.ask("openai", {"text": "x"})
    lines = bench.audit_log.read_text().splitlines()
    assert any(line.startswith("socket.connect") for line in lines), "the audit hook saw nothing"
    harmless = ("127.0.0.1", "localhost", "subprocess.Popen 'uname'")  # platform.processor() runs uname
    elsewhere = [line for line in lines if not any(word in line for word in harmless)]
    assert elsewhere == []


async def test_this_process_keeps_its_environment_and_its_terminal(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ)
    await bench.ask("unknown", {"text": "x"})
    await bench.ask("openai", {"status": 500, "body": {"error": {"message": "boom"}}})
    after = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    before.pop("PYTEST_CURRENT_TEST", None)
    assert after == before
    assert capfd.readouterr() == ("", "")


async def test_worker_shows_no_key_to_other_processes(bench: Bench) -> None:
    proc = Path(f"/proc/{bench.gateway.worker_pid}")
    if not proc.exists():
        pytest.skip("no /proc")
    await bench.ask("openai", {"text": "x"})
    assert KEY.encode() not in (proc / "cmdline").read_bytes()
    assert KEY.encode() not in (proc / "environ").read_bytes()
