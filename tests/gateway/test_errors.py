"""The classifier on exceptions shaped like those of both ends of LiteLLM's tested range."""

from __future__ import annotations

import email.utils
import time
from typing import Any

import pytest

from mcp_tui.gateway.errors import MAX_MESSAGE, Failure, Target, classify, from_wire, provider_words
from mcp_tui.safety.secrets import Redactor

TARGET = Target("main", "openai/gpt-5", "http://host/v1", has_key=True)
OLLAMA = Target("local", "ollama_chat/qwen3")


class Response:
    def __init__(self, headers: dict[str, str]) -> None:
        self.headers = headers


def raised(name: str, text: str = "", status: int | None = None, *bases: type[Exception], **more: Any) -> Exception:
    error: Exception = type(name, bases or (Exception,), {})(text)
    for key, value in {"status_code": status, "message": text, **more}.items():
        setattr(error, key, value)
    return error


def kind(error: Exception, *, streaming: bool = False, target: Target = TARGET) -> str:
    return classify(error, target, streaming=streaming).kind


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (raised("AuthenticationError", "bad key", 401), "authentication"),
        (raised("InternalServerError", "Missing credentials. Please pass an `api_key`", 500), "authentication"),
        (raised("APIConnectionError", "Missing Gemini API key. Please set it", 500), "authentication"),
        (raised("PermissionDeniedError", "no", 403), "permission"),
        (raised("APIError", "no", 403), "permission"),
        (raised("NotFoundError", "The model `x` does not exist", 404), "not_found"),
        (raised("BadRequestError", "invalid model ID", 400), "not_found"),
        (raised("BadRequestError", "bad thing", 400), "bad_request"),
        (raised("UnprocessableEntityError", "bad thing", 422), "bad_request"),
        (raised("ContextWindowExceededError", "too long", 400), "context_window"),
        (raised("BadRequestError", "This endpoint's maximum context length is 8192", 400), "context_window"),
        (raised("BadRequestError", "prompt is too long: 210000 tokens > 200000 maximum", 400), "context_window"),
        (raised("RateLimitError", "slow down", 429), "rate_limit"),
        (raised("APIError", "Overloaded", 529), "overloaded"),
        (raised("InternalServerError", "AnthropicException - Overloaded", 500), "overloaded"),
        (raised("ServiceUnavailableError", "busy", 503), "overloaded"),
        (raised("InternalServerError", "boom", 500), "server"),
        (raised("InternalServerError", "OpenAIException - Connection error.", 500), "connection"),
        (raised("APIConnectionError", "Cannot connect to host x:1", 500), "connection"),
        (raised("APIConnectionError", "[Errno -2] Name or service not known", 500), "connection"),
        (raised("Timeout", "Request timed out", 408), "timeout"),
        (raised("BadRequestError", "LLM Provider NOT provided. Pass in the LLM provider", 400), "configuration"),
        (raised("ContentPolicyViolationError", "no", 400), "content_filter"),
        (raised("ValueError", "a bug", None), "internal"),
    ],
)  # fmt: skip
def test_kind_before_the_answer(error: Exception, expected: str) -> None:
    assert kind(error) == expected


def fallback(original: Exception | None, text: str = "", status: int = 503) -> Exception:
    return raised("MidStreamFallbackError", text, status, original_exception=original)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (fallback(raised("Timeout", "timed out", 408)), "stalled"),
        (fallback(raised("RateLimitError", "slow", 429)), "rate_limit"),
        (fallback(None, "slow", 429), "rate_limit"),
        (fallback(None, "Stream ended before a finish_reason was received"), "truncated"),
        (fallback(raised("APIConnectionError", "Response payload is not completed", 500)), "truncated"),
        (fallback(raised("APIConnectionError", "peer closed connection without sending", 500)), "truncated"),
        (fallback(raised("APIError", "the engine exploded", 500)), "server"),
        (fallback(raised("BadRequestError", "KeyError: 'message'", 400)), "server"),
    ],
)
def test_kind_in_the_middle_of_the_answer(error: Exception, expected: str) -> None:
    assert kind(error, streaming=True) == expected


def test_cause_is_found_however_deep() -> None:
    try:
        try:
            raise ConnectionRefusedError(111, "refused")
        except ConnectionRefusedError as inner:
            raise RuntimeError("wrapped") from inner
    except RuntimeError as outer:
        error = raised("APIError", "what?", 500)
        error.__cause__ = outer
    assert kind(error) == "connection"


def test_circular_causes_end() -> None:
    one, two = raised("APIError", "a", 500), raised("APIError", "b", 500)
    one.__cause__, two.__cause__ = two, one
    assert kind(one) == "server"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "9"}, 0.25),
        ({"llm_provider-retry-after": "3"}, 3.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    for more in ({"response": Response(headers)}, {"litellm_response_headers": headers}):
        error = raised("RateLimitError", "slow", 429, **more)
        assert classify(error, TARGET, streaming=False).retry_after == seconds
        assert classify(fallback(error), TARGET, streaming=True).retry_after == seconds


def test_retry_after_as_a_date() -> None:
    date = email.utils.formatdate(time.time() + 60, usegmt=True)
    failure = classify(
        raised("RateLimitError", "", 429, response=Response({"retry-after": date})), TARGET, streaming=False
    )
    assert failure.retry_after == pytest.approx(60, abs=3)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("litellm.AuthenticationError: AuthenticationError: OpenAIException - bad key", "bad key"),
        ('litellm.X: AnthropicException - {"type":"error","error":{"message":"no such"}}', "no such"),
        ("litellm.APIError: OllamaException - {\"error\":\"model not found\"}", "model not found"),
        ("litellm.X: GroqException - {'error': {'message': 'it\\'s late', 'code': 1}}", "it\\'s late"),
        ("litellm.X: AnthropicException - b'oops'. Handle with `litellm.InternalServerError`.", "oops"),
        ("litellm.APIConnectionError: what\nTraceback (most recent call last):\n secret frames", "what"),
        ("two\nlines   here", "two lines here"),
        ("{broken json", "{broken json"),
        ("", ""),
    ],
)  # fmt: skip
def test_words_of_the_provider(text: str, words: str) -> None:
    assert provider_words(text) == words


def test_words_are_bounded() -> None:
    assert len(provider_words("x" * 100_000)) == MAX_MESSAGE


def test_words_of_hostile_length_take_no_time() -> None:
    begun = time.perf_counter()
    for text in ("{" * 50_000, '"message": "' + "\\" * 50_000, "Error: " * 20_000, "model " * 20_000, "b'" * 30_000):
        classify(raised("APIError", text, 400), TARGET, streaming=False)
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    ("error", "target", "part"),
    [
        (raised("NotFoundError", "model 'qwen3' not found", 404), OLLAMA, "ollama pull qwen3"),
        (raised("APIConnectionError", "Cannot connect to host", 500), OLLAMA, "ollama serve"),
        (raised("AuthenticationError", "x", 401), TARGET, "llm.providers.main.api_key"),
        (raised("AuthenticationError", "x", 401), Target("main", "groq/x"), "env:NAME"),
        (raised("NotFoundError", "x", 404), TARGET, "llm.providers.main.model"),
        (raised("Timeout", "x", 408), TARGET, "idle_timeout"),
        (raised("RateLimitError", "You exceeded your current quota", 429), TARGET, "balance"),
        (raised("BadRequestError", "does not support tools", 400), TARGET, "tools"),
        (raised("ContextWindowExceededError", "x", 400), TARGET, "new conversation"),
    ],
)
def test_hint_says_what_to_do(error: Exception, target: Target, part: str) -> None:
    assert part in classify(error, target, streaming=False).hint


def test_case_077_102_keys_are_taken_out() -> None:
    key = "my-very-own-key"
    error = raised("AuthenticationError", f"key {key} is wrong, Bearer abcdefghijkl", 401)
    failure = classify(error, TARGET, streaming=False, scrub=Redactor([key]).scrub)
    assert key not in failure.message
    assert "abcdefghijkl" not in failure.message


def test_failure_travels_and_becomes_an_error() -> None:
    failure = Failure("rate_limit", "a message", "a hint", True, 2.0, 429)
    error = from_wire(failure.to_wire()).to_error(str.upper)
    assert (error.kind, error.message, error.hint) == ("rate_limit", "A MESSAGE", "A HINT")
    assert (error.retryable, error.retry_after, error.status) == (True, 2.0, 429)
