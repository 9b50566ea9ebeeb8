from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.conversation.messages import ImagePart, MessageToolCall, ModelMessage, ToolSpec
from mcp_tui.errors import GatewayError
from mcp_tui.gateway import tokens
from mcp_tui.gateway.tokens import IMAGE_TOKENS, TokenCounter
from mcp_tui.gateway.vocabulary import count_texts, load_encoding, vocabulary_folder, vocabulary_of


@pytest.fixture
def counter() -> TokenCounter:
    return TokenCounter("openai/gpt-4o")


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("openai/gpt-4o-mini", "o200k_base"), ("azure/gpt-5", "o200k_base"), ("openai/o3-mini", "o200k_base"),
        ("groq/openai/gpt-oss-20b", "o200k_base"), ("openai/gpt-4.1", "o200k_base"), ("openai/gpt-4", "cl100k_base"),
        ("anthropic/claude-sonnet-4-5", "cl100k_base"), ("ollama_chat/qwen3", "cl100k_base"), ("", "cl100k_base"),
    ],
)  # fmt: skip
def test_vocabulary(model: str, name: str) -> None:
    assert vocabulary_of(model) == name


@pytest.mark.parametrize("name", ["cl100k_base", "o200k_base"])
def test_same_tokens_as_tiktoken_itself(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import tiktoken

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(vocabulary_folder()))
    theirs, ours = tiktoken.get_encoding(name), load_encoding(name)
    assert ours is not None
    for text in (
        "Hello, world!",
        "Grüße, 世界 🌍",
        "  def f(x):\n\treturn x*1234567\n\n",
        "don't WON'T it's",
        "a" * 300,
    ):
        assert ours.encode_ordinary(text) == theirs.encode_ordinary(text)


async def test_counts_are_exact_once_counted(counter: TokenCounter) -> None:
    assert counter.estimated
    assert counter.count("hello world") == 3
    assert await counter.count_async("hello world") == counter.count("hello world") == 2
    assert not counter.estimated
    assert await counter.count_async("") == 0


async def test_case_080_without_vocabulary_counting_still_works(tmp_path: Path) -> None:
    for _ in range(2):
        counter = TokenCounter(count=partial(count_in, tmp_path))
        assert await counter.count_async("x" * 10) == 3
        assert counter.estimated
        (tmp_path / "9b5ad71b2ce5302211f9c61530b329a4922fc6a4").write_text("this is no vocabulary")


async def count_in(folder: Path, vocabulary: str, texts: Sequence[str]) -> list[int] | None:
    return count_texts(vocabulary, texts, folder)


async def test_case_080_a_model_layer_that_cannot_count_leaves_estimates() -> None:
    async def broken(vocabulary: str, texts: Sequence[str]) -> list[int] | None:
        raise GatewayError("The worker died.", kind="worker")

    counter = TokenCounter(count=broken)
    assert await counter.count_async("x" * 10) == 3
    assert counter.estimated
    assert await TokenCounter(count=None).count_async("x" * 10) == 3


async def test_each_text_is_counted_once_and_many_go_together() -> None:
    asked: list[list[str]] = []

    async def count(vocabulary: str, texts: Sequence[str]) -> list[int] | None:
        asked.append(list(texts))
        return [7 for _ in texts]

    counter = TokenCounter(count=count)
    messages = [ModelMessage("user", "a"), ModelMessage("assistant", "b"), ModelMessage("user", "a")]
    first = await counter.count_messages(messages)
    assert first == await counter.count_messages(messages)
    assert asked == [["a", "b"]]


@pytest.mark.parametrize("text", ["<|endoftext|>", "<|fim_prefix|>x", "\ud83d alone", "\x00\x1b[31m", "\u202e"])
async def test_case_080_no_text_makes_counting_raise(counter: TokenCounter, text: str) -> None:
    assert await counter.count_async(text) > 0


@given(st.text(st.characters(exclude_categories=[]), max_size=200))
def test_case_080_whatever_the_text_counting_never_raises(text: str) -> None:
    assert count_texts("o200k_base", [text]) is not None


async def test_a_long_text_is_judged_by_samples(counter: TokenCounter) -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 60_000
    assert await counter.count_async(text) == pytest.approx(600_000, rel=0.02)
    assert counter.count(text) == pytest.approx(600_000, rel=0.02)


async def test_messages_and_tools(counter: TokenCounter) -> None:
    await counter.count_async("hello world")
    plain = counter.count_message(ModelMessage("user", "hello world"))
    image = counter.count_message(ModelMessage("user", "hello world", images=(ImagePart("A" * 10_000, "image/png"),)))
    calling = ModelMessage("assistant", "", tool_calls=(MessageToolCall("a", "weather", {"city": "Paris"}),))
    assert plain == 2 + tokens.MESSAGE_TOKENS
    assert image == plain + IMAGE_TOKENS
    assert counter.count_message(calling) > 2 * tokens.MESSAGE_TOKENS
    assert await counter.count_messages([ModelMessage("user", "hello world"), calling]) == [
        plain,
        counter.count_message(calling),
    ]
    tools = [ToolSpec("weather", "Weather of a city", {"type": "object"})]
    assert await counter.count_tools_async(tools) > 10


async def test_another_model_counts_with_its_own_vocabulary(counter: TokenCounter) -> None:
    text = "Übergrößenträger und Straßenbahnhaltestelle"
    before = await counter.count_async(text)
    counter.select("anthropic/claude-sonnet-4-5")
    assert counter.estimated
    assert await counter.count_async(text) != before
    assert not counter.estimated


async def test_environment_and_modules_stay_as_they_are(counter: TokenCounter) -> None:
    assert "TIKTOKEN_CACHE_DIR" not in os.environ
    assert "litellm" not in sys.modules
    assert counter.count("x") == 1
