from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.gateway import wire
from mcp_tui.gateway.assembler import Assembler
from mcp_tui.gateway.base import FinishChunk, TextChunk, ToolCallChunk
from mcp_tui.gateway.deltas import DeltaReader, read_usage
from mcp_tui.gateway.prices import Prices, cost_of
from mcp_tui.gateway.surrogates import SurrogateJoiner


def test_line_survives_everything_that_could_break_it() -> None:
    message = {"id": 1, "chunks": [["text", "a\nb\r\u2028\u0085\ud83d"]]}
    line = wire.encode(message)
    assert line.count(b"\n") == 1
    assert line.isascii()
    assert wire.decode(line) == message


@pytest.mark.parametrize("line", [b"hello\n", b"[1]\n", b"\n", b"\xff\n"])
def test_line_that_is_none(line: bytes) -> None:
    with pytest.raises(ValueError, match=r"Expecting|object|codec"):
        wire.decode(line)


def test_unknown_kind_of_chunk() -> None:
    with pytest.raises(ValueError, match="smell"):
        wire.to_chunk(["smell", "x"])


def gather(*items: wire.Item) -> list[wire.Item]:
    gathered: list[wire.Item] = []
    for item in items:
        wire.append(gathered, item)
    return gathered


def test_burst_joins_what_continues() -> None:
    call = ["call", 0, "a", "one", "", None]
    gathered = gather(
        ["text", "a"], ["text", "b"], ["reasoning", "r"], ["text", "c"], call, ["call", 0, None, None, "{", None],
        ["call", 0, None, None, "}", None], ["call", 1, None, None, "x", None], ["finish", "stop"],
    )  # fmt: skip
    assert gathered == [
        ["text", "ab"], ["reasoning", "r"], ["text", "c"], ["call", 0, "a", "one", "{}", None],
        ["call", 1, None, None, "x", None], ["finish", "stop"],
    ]  # fmt: skip


items = st.one_of(
    st.text().map(lambda text: ["text", text]),
    st.tuples(st.integers(0, 1), st.sampled_from([None, "a"]), st.sampled_from([None, "n"]), st.text()).map(
        lambda fields: ["call", *fields, None]
    ),
)


@given(st.lists(items))
def test_joining_changes_nothing_of_the_answer(sent: list[wire.Item]) -> None:
    one, other = Assembler(), Assembler()
    for item in sent:
        one.feed(wire.to_chunk(item))
    for item in gather(*[list(item) for item in sent]):
        other.feed(wire.to_chunk(item))
    for assembler in (one, other):
        assembler.feed(FinishChunk("stop"))
    mine, theirs = one.close(), other.close()
    assert mine.text == theirs.text
    assert [(c.wire_name, c.arguments, c.raw_arguments) for c in mine.tool_calls] == [
        (c.wire_name, c.arguments, c.raw_arguments) for c in theirs.tool_calls
    ]


@given(st.text(st.characters(exclude_categories=["Cs"])), st.integers(1, 3))
def test_halves_are_joined_wherever_the_cut_is(text: str, size: int) -> None:
    units = text.encode("utf-16-le")
    fragments = [units[i : i + 2 * size].decode("utf-16-le", "surrogatepass") for i in range(0, len(units), 2 * size)]
    joiner = SurrogateJoiner()
    assert "".join([*map(joiner.feed, fragments), joiner.close()]) == text


def delta(finish: str | None = None, **fields: Any) -> SimpleNamespace:
    return SimpleNamespace(choices=[SimpleNamespace(delta=SimpleNamespace(**fields), finish_reason=finish)])


def test_reader_of_chunks() -> None:
    reader = DeltaReader()
    assert reader.read(SimpleNamespace(choices=[])) == []
    assert reader.read(SimpleNamespace(choices=[SimpleNamespace(delta=None, finish_reason=None)])) == []
    assert reader.read(delta(content=None, role="assistant")) == []
    assert not reader.spoke
    assert reader.read(delta(reasoning_content="r", content="t")) == [["reasoning", "r"], ["text", "t"]]
    assert reader.spoke
    assert reader.read(delta("stop", content="")) == []
    assert reader.finish_reason == "stop"


def test_reader_of_calls() -> None:
    function = SimpleNamespace(name="one", arguments="{}", provider_specific_fields={"thought_signature": "s"})
    call = SimpleNamespace(index=1, id="a", function=function)
    (item,) = DeltaReader().read(delta(tool_calls=[call]))
    assert wire.to_chunk(item) == ToolCallChunk(1, "a", "one", "{}", "s")
    (item,) = DeltaReader().read(delta(function_call=SimpleNamespace(name="old", arguments="{}")))
    assert wire.to_chunk(item) == ToolCallChunk(0, None, "old", "{}")


def test_text_chunk_on_the_wire() -> None:
    assert wire.to_chunk(["text", "x"]) == TextChunk("x")


def test_usage_in_every_shape() -> None:
    details = SimpleNamespace(reasoning_tokens=3)
    usage = SimpleNamespace(
        prompt_tokens=10, completion_tokens=5, completion_tokens_details=details,
        prompt_tokens_details=SimpleNamespace(cached_tokens=4), cache_creation_input_tokens=2,
    )  # fmt: skip
    assert read_usage(usage) == {
        "prompt_tokens": 10, "completion_tokens": 5, "reasoning_tokens": 3,
        "cached_tokens": 4, "cache_creation_tokens": 2,
    }  # fmt: skip
    assert set(read_usage(SimpleNamespace()).values()) == {0}


@pytest.mark.parametrize(
    ("prices", "mapped", "cost"),
    [
        (Prices(1.0, 10.0), None, 2.0), (Prices(1.0, None), (0.5, 0.25), 1.25), (Prices(), (0.5, 0.25), 0.75),
        (Prices(1.0, None), None, None), (Prices(), None, None), (Prices(0.0, 0.0), None, 0.0),
    ],
)  # fmt: skip
def test_cost(prices: Prices, mapped: tuple[float, float] | None, cost: float | None) -> None:
    assert cost_of(prices, {"prompt_tokens": 1_000_000, "completion_tokens": 100_000}, mapped) == cost
