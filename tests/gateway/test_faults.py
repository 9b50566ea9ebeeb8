"""Everything a provider or a connection can do wrong, through the real worker process."""

from __future__ import annotations

import asyncio

import pytest

from mcp_tui.gateway.base import TextChunk
from tests.gateway.conftest import KEY, WEATHER, Bench
from tests.support.providers import Answer
from tests.support.waiting import wait_until_async

pytestmark = pytest.mark.asyncio(loop_scope="module")

STREAMS = ["openai", "vllm", "anthropic", "ollama"]


def refused(status: int, message: str, **headers: str) -> Answer:
    return {"status": status, "body": {"error": {"message": message, "type": "scripted"}}, "headers": headers}


@pytest.mark.parametrize("name", ["openai", "vllm", "anthropic"])
async def test_case_077_status_401_never_shows_the_key(bench: Bench, name: str) -> None:
    error = (await bench.ask(name, refused(401, f"Incorrect API key provided: {KEY}."))).failure
    assert error.kind == "authentication"
    assert error.status == 401
    assert not error.retryable
    assert KEY not in f"{error}{error.__dict__}"
    assert "***" in error.message or "REDACTED" in error.message
    assert f"llm.providers.{name}.api_key" in error.hint
    assert error.__cause__ is None
    assert error.__suppress_context__


@pytest.mark.parametrize("name", STREAMS)
async def test_429_tells_when_to_come_back(bench: Bench, name: str) -> None:
    error = (await bench.ask(name, refused(429, "slow down", **{"retry-after": "7"}))).failure
    assert (error.kind, error.retryable, error.retry_after) == ("rate_limit", True, 7.0)
    assert "slow down" in error.message


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (400, {"bad_request"}),
        (403, {"permission"}),
        (404, {"not_found"}),
        (500, {"server"}),
        (503, {"overloaded"}),
        (529, {"overloaded", "server"}),
    ],
)
async def test_status(bench: Bench, name: str, status: int, kinds: set[str]) -> None:
    before = len(bench.provider.requests)
    error = (await bench.ask(name, refused(status, "told you so"))).failure
    assert error.kind in kinds
    assert error.retryable == (status >= 500)
    assert "told you so" in error.message
    assert "Traceback" not in error.message
    assert "litellm" not in error.message.lower()
    assert len(bench.provider.requests) == before + 1, "LiteLLM retried by itself"


@pytest.mark.parametrize("name", STREAMS)
async def test_context_too_long(bench: Bench, name: str) -> None:
    text = "This model's maximum context length is 8192 tokens, you asked for 9000"
    error = (await bench.ask(name, refused(400, text))).failure
    assert (error.kind, error.retryable) == ("context_window", False)


async def test_ollama_model_not_pulled(bench: Bench) -> None:
    answer: Answer = {"status": 404, "body": {"error": 'model "qwen3" not found, try pulling it first'}}
    error = (await bench.ask("ollama", answer)).failure
    assert error.kind == "not_found"
    assert "ollama pull qwen3" in error.hint


async def test_ollama_not_running(bench: Bench) -> None:
    error = (await bench.ask("ollama-off")).failure
    assert (error.kind, error.retryable) == ("connection", True)
    assert "ollama serve" in error.hint


async def test_connection_refused(bench: Bench) -> None:
    error = (await bench.ask("refused")).failure
    assert (error.kind, error.retryable) == ("connection", True)
    assert "http://127.0.0.1:9/v1" in error.message


async def test_unknown_provider_in_the_model_name(bench: Bench) -> None:
    error = (await bench.ask("unknown")).failure
    assert error.kind == "configuration"
    assert "llm.providers.unknown.model" in error.hint


async def test_missing_key_is_told_by_its_variable_without_a_request(bench: Bench) -> None:
    before = len(bench.provider.requests)
    error = (await bench.ask("keyless", {"text": "x"})).failure
    assert error.kind == "authentication"
    assert "SOME_API_KEY" in error.message
    assert len(bench.provider.requests) == before


async def test_provider_that_is_not_configured(bench: Bench) -> None:
    error = (await bench.ask("nobody")).failure
    assert error.kind == "configuration"
    assert "openai" in error.hint


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("close", ["clean", "eof", "reset"])
async def test_case_069_070_cut_in_the_middle(bench: Bench, name: str, close: str) -> None:
    outcome = await bench.ask(name, {"steps": [{"text": "half an ans"}], "close": close})
    assert outcome.failure.kind == "truncated"
    assert outcome.failure.retryable
    assert "Ask it to go on, or send the input again." in outcome.failure.hint
    if close != "reset":  # a reset may overtake what was sent before it
        assert outcome.draft.text == "half an ans"
    assert "truncated" in outcome.draft.problems


async def test_case_070_cut_with_done_but_without_finish(bench: Bench) -> None:
    outcome = await bench.ask("openai", {"steps": [{"text": "half"}, {"done": True}]})
    assert outcome.failure.kind == "truncated"
    assert outcome.draft.text == "half"


@pytest.mark.parametrize("name", STREAMS)
async def test_case_070_call_of_a_cut_stream_is_never_run(bench: Bench, name: str) -> None:
    steps: list[Answer] = [{"call": {"name": "weather", "arguments": {"city": "Paris"}, "id": "call_a"}}]
    outcome = await bench.ask(name, {"steps": steps}, tools=(WEATHER,))
    assert outcome.failure.kind == "truncated"
    assert all(call.error for call in outcome.draft.tool_calls)


@pytest.mark.parametrize("name", STREAMS)
async def test_case_071_stall_in_the_middle(bench: Bench, name: str) -> None:
    outcome = await bench.ask(name, {"steps": [{"text": "one"}, {"stall": True}]})
    assert outcome.failure.kind == "stalled"
    assert outcome.draft.text == "one"
    assert "send the input again" in outcome.failure.hint
    assert "idle_timeout" in outcome.failure.hint
    await asyncio.wait_for(bench.provider.requests[-1].gone.wait(), 30)


@pytest.mark.parametrize("name", STREAMS)
async def test_case_071_stall_before_the_headers(bench: Bench, name: str) -> None:
    error = (await bench.ask(name, {"stall_headers": True})).failure
    assert (error.kind, error.retryable) == ("timeout", True)
    await asyncio.wait_for(bench.provider.requests[-1].gone.wait(), 30)


@pytest.mark.parametrize("name", STREAMS)
async def test_case_071_078_cancel_closes_the_connection(bench: Bench, name: str) -> None:
    bench.provider.script({"steps": [{"text": "one"}, {"stall": True}]})
    stream = bench.gateway.stream(bench.request(name))
    assert await anext(stream) == TextChunk("one")
    await stream.aclose()
    await asyncio.wait_for(bench.provider.requests[-1].gone.wait(), 1.5)


@pytest.mark.parametrize("name", STREAMS)
async def test_case_071_078_cancel_before_the_headers_closes_the_connection(bench: Bench, name: str) -> None:
    before = len(bench.provider.requests)
    bench.provider.script({"stall_headers": True})
    task = asyncio.create_task(anext(bench.gateway.stream(bench.request(name))))
    await wait_until_async(lambda: len(bench.provider.requests) > before, what="the request")
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.wait_for(bench.provider.requests[-1].gone.wait(), 1.5)


async def test_keep_alive_comments_are_no_stall(bench: Bench) -> None:
    beat: list[Answer] = [{"comment": "keep-alive"}, {"sleep": 0.8}] * 4
    outcome = await bench.ask("openai", {"steps": [*beat, {"text": "late"}, {"finish": "stop"}, {"done": True}]})
    assert outcome.error is None
    assert outcome.draft.text == "late"


@pytest.mark.parametrize("name", STREAMS)
async def test_case_070_html_with_200(bench: Bench, name: str) -> None:
    error = (await bench.ask(name, {"body": "<html><body>Welcome to the proxy</body></html>"})).failure
    assert error.kind in ("empty", "server", "truncated", "bad_request")
    assert "api_base" in error.hint


@pytest.mark.parametrize("name", STREAMS)
async def test_case_070_empty_answer(bench: Bench, name: str) -> None:
    outcome = await bench.ask(name, {"text": ""})
    assert outcome.failure.kind == "empty"
    assert not outcome.failure.retryable


async def test_answer_of_reasoning_only_because_of_the_token_limit(bench: Bench) -> None:
    error = (await bench.ask("openai", {"reasoning": "hm", "finish": "length"})).failure
    assert error.kind == "empty"
    assert "max_tokens" in error.hint


async def test_case_075_endless_answer_is_ended_here(bench: Bench) -> None:
    outcome = await bench.ask("vllm", {"steps": [{"text": "no end " * 20_000}] * 300})
    assert outcome.failure.kind == "truncated"
    assert "4,000,000 characters" in outcome.failure.message
    assert 4_000_000 <= len(outcome.draft.text) + 20_000 * 7 <= 5_000_000
    await asyncio.wait_for(bench.provider.requests[-1].gone.wait(), 30)


async def test_answer_stopped_by_the_content_filter(bench: Bench) -> None:
    error = (await bench.ask("openai", {"text": "", "finish": "content_filter"})).failure
    assert error.kind == "content_filter"


async def test_case_069_error_event_in_the_stream(bench: Bench) -> None:
    steps: list[Answer] = [{"text": "half"}, {"error": {"message": "the engine exploded", "code": 500}}]
    outcome = await bench.ask("openai", {"steps": steps})
    assert outcome.failure.kind in ("server", "truncated")
    assert "the engine exploded" in outcome.failure.message
    assert outcome.draft.text == "half"


async def test_anthropic_overloaded_in_the_stream(bench: Bench) -> None:
    steps: list[Answer] = [{"text": "half"}, {"error": {"type": "overloaded_error", "message": "Overloaded"}}]
    outcome = await bench.ask("anthropic", {"steps": steps})
    assert (outcome.failure.kind, outcome.failure.retryable) == ("overloaded", True)
    assert outcome.draft.text == "half"


async def test_ollama_error_line(bench: Bench) -> None:
    steps: list[Answer] = [{"text": "half"}, {"error": "llama runner process has terminated: exit status 2"}]
    outcome = await bench.ask("ollama", {"steps": steps})
    assert "llama runner process has terminated" in outcome.failure.message
    assert outcome.failure.retryable


async def test_case_069_garbage_line_ends_in_an_error_with_the_text_kept(bench: Bench) -> None:
    steps: list[Answer] = [{"text": "half"}, {"raw": "data: {not json\n\n"}, {"finish": "stop"}, {"done": True}]
    outcome = await bench.ask("openai", {"steps": steps})
    assert outcome.draft.text == "half"
    assert outcome.error is None or outcome.failure.kind in ("server", "truncated")


@pytest.mark.parametrize("options", [{"crlf": True}, {"packet": 7}, {"packet": 1}])
async def test_line_ends_and_packets_do_not_matter(bench: Bench, options: Answer) -> None:
    outcome = await bench.ask("openai", {"text": "Grüße 🌍", "usage": [1, 2], **options})
    assert outcome.error is None
    assert outcome.draft.text == "Grüße 🌍"


async def test_case_076_surrogate_pair_split_over_two_chunks(bench: Bench) -> None:
    steps: list[Answer] = [
        {"text": "a\ud83c"}, {"text": "\udf0db"}, {"text": "\ud83c"}, {"finish": "stop"}, {"done": True},
    ]  # fmt: skip
    outcome = await bench.ask("vllm", {"steps": steps})
    assert outcome.error is None
    assert outcome.draft.text == "a🌍b\ufffd"


def fragment(**fields: object) -> Answer:
    return {"call": fields}


def function(name: str | None = None, arguments: object = None) -> dict[str, object]:
    return {key: value for key, value in (("name", name), ("arguments", arguments)) if value is not None}


END: list[Answer] = [{"finish": "stop"}, {"done": True}]


async def test_case_073_two_calls_with_equal_index(bench: Bench) -> None:
    steps = [
        fragment(index=0, id="a", function=function("one", '{"x":1}'), type="function"),
        fragment(index=0, id="b", function=function("two", '{"x":2}'), type="function"),
    ]
    outcome = await bench.ask("vllm", {"steps": steps + END}, tools=(WEATHER,))
    assert outcome.calls == [("one", {"x": 1}), ("two", {"x": 2})]


async def test_case_073_call_without_id(bench: Bench) -> None:
    steps = [fragment(index=0, function=function("one", '{"x":1}'), type="function")]
    outcome = await bench.ask("vllm", {"steps": steps + END}, tools=(WEATHER,))
    assert outcome.calls == [("one", {"x": 1})]
    assert len(outcome.call.call_id) == 9


async def test_case_073_same_id_twice_with_two_indexes(bench: Bench) -> None:
    steps = [
        fragment(index=0, id="a", function=function("one", '{"x":1}'), type="function"),
        fragment(index=1, id="a", function=function("one", '{"x":2}'), type="function"),
    ]
    outcome = await bench.ask("vllm", {"steps": steps + END}, tools=(WEATHER,))
    assert [arguments for _, arguments in outcome.calls] == [{"x": 1}, {"x": 2}]
    assert len({call.call_id for call in outcome.draft.tool_calls}) == 2


async def test_case_072_arguments_cut_by_the_token_limit(bench: Bench) -> None:
    steps: list[Answer] = [
        fragment(index=0, id="a", function=function("one", '{"x":'), type="function"),
        {"finish": "length"},
        {"done": True},
    ]
    outcome = await bench.ask("openai", {"steps": steps}, tools=(WEATHER,))
    assert outcome.error is None
    assert "token limit" in str(outcome.call.error)
    assert outcome.call.raw_arguments == '{"x":'


@pytest.mark.parametrize("name", ["vllm", "ollama"])
async def test_finish_stop_with_calls(bench: Bench, name: str) -> None:
    answer: Answer = {"calls": [["weather", {}]], "finish": "stop"}
    outcome = await bench.ask(name, answer, tools=(WEATHER,))
    assert outcome.calls == [("weather", {})]
    assert outcome.call.error is None
