from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.conversation.messages import ImagePart, MessageToolCall, ModelMessage, ToolSpec
from mcp_tui.gateway import tokens
from mcp_tui.gateway.tokens import IMAGE_TOKENS, TokenCounter, load_encoding, vocabulary_folder, vocabulary_of


@pytest.fixture
async def counter() -> TokenCounter:
    ready = TokenCounter("openai/gpt-4o")
    await ready.ready()
    return ready


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


async def test_counts_are_exact_once_ready(counter: TokenCounter) -> None:
    assert not counter.estimated
    assert counter.count("hello world") == 2
    assert counter.count("") == 0


async def test_before_it_is_ready_counts_are_estimates_and_not_kept() -> None:
    counter = TokenCounter()
    assert counter.estimated
    assert counter.count("hello world") == 3
    await counter.ready()
    assert counter.count("hello world") == 2


async def test_without_vocabulary_counting_still_works(tmp_path: Path) -> None:
    counter = TokenCounter(folder=tmp_path)
    assert await counter.count_async("x" * 10) == 3
    assert counter.estimated
    (tmp_path / "9b5ad71b2ce5302211f9c61530b329a4922fc6a4").write_text("this is no vocabulary")
    broken = TokenCounter(folder=tmp_path)
    await broken.ready()
    assert broken.estimated


@pytest.mark.parametrize("text", ["<|endoftext|>", "<|fim_prefix|>x", "\ud83d alone", "\x00\x1b[31m", "\u202e"])
async def test_no_text_makes_counting_raise(counter: TokenCounter, text: str) -> None:
    assert counter.count(text) > 0


@given(st.text(st.characters(exclude_categories=[]), max_size=200))
def test_whatever_the_text_counting_never_raises(text: str) -> None:
    assert TokenCounter("openai/gpt-4o").count(text) >= 0


async def test_long_text_is_counted_off_the_event_loop(counter: TokenCounter) -> None:
    text = "The quick brown fox jumps over the lazy dog. " * 60_000
    longest, last, done = 0.0, time.perf_counter(), False

    async def watch() -> None:
        nonlocal longest, last
        while not done:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now

    watching = asyncio.create_task(watch())
    begun = time.perf_counter()
    exact = await counter.count_async(text)
    took = time.perf_counter() - begun
    done = True
    await watching
    assert exact == pytest.approx(600_000, rel=0.01)
    assert longest < max(0.5, took), "the loop stood still while counting"
    begun = time.perf_counter()
    assert counter.count(text) == exact
    assert time.perf_counter() - begun < took / 2, "the count was not remembered"


async def test_long_text_counted_at_once_is_judged_by_samples(counter: TokenCounter) -> None:
    text = "word " * 100_000
    assert counter.count(text) == pytest.approx(100_000, rel=0.05)


async def test_messages_and_tools(counter: TokenCounter) -> None:
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
    assert counter.count_tools(tools) == await counter.count_tools_async(tools) > 10


async def test_another_model_counts_with_its_own_vocabulary(counter: TokenCounter) -> None:
    text = "Übergrößenträger und Straßenbahnhaltestelle"
    before = counter.count(text)
    counter.select("anthropic/claude-sonnet-4-5")
    assert counter.estimated
    await counter.ready()
    assert not counter.estimated
    assert counter.count(text) != before


async def test_environment_and_modules_stay_as_they_are(counter: TokenCounter) -> None:
    assert "TIKTOKEN_CACHE_DIR" not in os.environ
    assert "litellm" not in sys.modules
    assert counter.count("x") == 1
