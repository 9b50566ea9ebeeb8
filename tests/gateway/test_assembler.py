from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.events.turns import Usage
from mcp_tui.gateway.assembler import UNNAMED, Assembler, CallProgress, Draft
from mcp_tui.gateway.base import (
    Chunk,
    FinishChunk,
    ReasoningChunk,
    TextChunk,
    ThinkingBlockChunk,
    ToolCallChunk,
    UsageChunk,
)

Call = ToolCallChunk


def assemble(*chunks: Chunk, finish: str | None = "stop", used: tuple[str, ...] = ()) -> Draft:
    assembler = Assembler(used)
    for chunk in chunks:
        assembler.feed(chunk)
    if finish:
        assembler.feed(FinishChunk(finish))
    return assembler.close()


def calls(draft: Draft) -> list[tuple[str, dict[str, object]]]:
    return [(call.wire_name, call.arguments) for call in draft.tool_calls]


SHAPES: dict[str, tuple[Chunk, ...]] = {
    "fragments": (
        Call(0, "a", "one", ""), Call(0, None, None, '{"x"'), Call(0, None, None, ":1}"),
        Call(1, "b", "two", ""), Call(1, None, None, '{"x":2}'),
    ),
    "interleaved": (
        Call(0, "a", "one", ""), Call(1, "b", "two", ""), Call(0, None, None, '{"x":1'),
        Call(1, None, None, '{"x":2}'), Call(0, None, None, "}"),
    ),
    "whole calls with equal index": (Call(0, "a", "one", '{"x":1}'), Call(0, "b", "two", '{"x":2}')),
    "no index": (Call(None, "a", "one", '{"x":1}'), Call(None, "b", "two", '{"x":2}')),
    "no id": (Call(0, None, "one", '{"x":1}'), Call(1, None, "two", '{"x":2}')),
    "neither index nor id": (Call(None, None, "one", '{"x":1}'), Call(None, None, "two", '{"x":2}')),
    "empty ids": (Call(0, "", "one", '{"x":1}'), Call(0, "", "two", '{"x":2}')),
    "id in every fragment": (
        Call(0, "a", "one", '{"x"'), Call(0, "a", None, ":1}"), Call(1, "b", "two", '{"x"'), Call(1, "b", None, ":2}"),
    ),
    "name in every fragment": (
        Call(0, "a", "one", '{"x"'), Call(0, "a", "one", ":1}"),
        Call(1, "b", "two", '{"x"'), Call(1, "b", "two", ":2}"),
    ),
    "objects": (Call(0, "a", "one", {"x": 1}), Call(1, "b", "two", {"x": 2})),
    "one id for both": (Call(0, "a", "one", '{"x":1}'), Call(1, "a", "two", '{"x":2}')),
    "indexes in disorder": (Call(1, "b", "two", '{"x":2}'), Call(0, "a", "one", '{"x":1}')),
    "gemini signature in the id": (
        Call(0, "a__thought__c2ln", "one", '{"x":1}'), Call(1, "b", "two", '{"x":2}'),
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", SHAPES)
def test_every_shape_gives_the_same_two_calls(shape: str) -> None:
    draft = assemble(*SHAPES[shape], finish="tool_calls")
    assert calls(draft) == [("one", {"x": 1}), ("two", {"x": 2})]
    assert all(call.error is None and call.raw_arguments is None for call in draft.tool_calls)
    ids = {call.call_id for call in draft.tool_calls}
    assert len(ids) == 2
    assert all(call_id.isalnum() for call_id in ids)


def test_signature_leaves_the_id() -> None:
    (call,) = assemble(Call(0, "a__thought__c2ln", "one", "{}")).tool_calls
    assert (call.call_id, call.signature) == ("a", "c2ln")
    (call,) = assemble(Call(0, "a__thought__c2ln", "one", "{}", "own")).tool_calls
    assert call.signature == "own"


@pytest.mark.parametrize("arguments", ["", None, "{}", "null", "  "])
def test_no_arguments(arguments: str | None) -> None:
    (call,) = assemble(Call(0, "a", "one", arguments)).tool_calls
    assert (call.arguments, call.error) == ({}, None)


@pytest.mark.parametrize(
    "arguments", ['{"x":', "[1]", '"text"', "1", "nonsense", '{"x": NaN}', "[" * 100_000, '{"a":1}{"b":2}']
)
def test_case_072_arguments_that_are_no_object_are_an_error(arguments: str) -> None:
    (call,) = assemble(Call(0, "a", "one", arguments)).tool_calls
    assert call.error
    assert (call.arguments, call.raw_arguments) == ({}, arguments)


@pytest.mark.parametrize("arguments", ["", '{"x":1}', '{"x"'])
def test_call_of_an_answer_without_finish_is_an_error(arguments: str) -> None:
    draft = assemble(Call(0, "a", "one", arguments), finish=None)
    assert draft.tool_calls[0].error
    assert "truncated" in draft.problems


def test_case_072_token_limit_spoils_only_the_call_it_cut() -> None:
    whole = Call(0, "a", "one", '{"x":1}')
    assert [c.error is None for c in assemble(whole, Call(1, "b", "two", ""), finish="length").tool_calls] == [
        True,
        False,
    ]
    draft = assemble(whole, finish="length")
    assert draft.tool_calls[0].error is None
    assert draft.problems == ("length",)


def test_call_without_name() -> None:
    (call,) = assemble(Call(0, "a", None, "{}")).tool_calls
    assert call.wire_name == UNNAMED
    assert call.error


def test_case_073_ids_of_the_conversation_are_not_given_again() -> None:
    draft = assemble(Call(0, "a", "one", "{}"), Call(1, "b", "one", "{}"), used=("a",))
    first, second = (call.call_id for call in draft.tool_calls)
    assert len(first) == 9
    assert first.isalnum()
    assert second == "b"


def test_text_reasoning_usage() -> None:
    usage = Usage(prompt_tokens=3, completion_tokens=2)
    draft = assemble(
        ReasoningChunk("hm "), TextChunk("a"), ReasoningChunk("so"), TextChunk("b"), UsageChunk(usage, 0.5)
    )
    assert (draft.text, draft.reasoning, draft.usage, draft.cost) == ("ab", "hm so", usage, 0.5)
    assert draft.problems == ()
    assert assemble(TextChunk(" \n")).problems == ("empty",)


def test_thinking_blocks_are_joined_until_signed() -> None:
    fragments = [
        {"type": "thinking", "thinking": "a"}, {"type": "thinking", "thinking": "b"},
        {"type": "thinking", "thinking": "", "signature": "s1"},
        {"type": "redacted_thinking", "data": "xyz", "index": 1},
        {"type": "thinking", "thinking": "c"},
    ]  # fmt: skip
    draft = assemble(*(ThinkingBlockChunk(block) for block in fragments))
    assert draft.thinking_blocks == (
        {"type": "thinking", "thinking": "ab", "signature": "s1"},
        {"type": "redacted_thinking", "data": "xyz"},
        {"type": "thinking", "thinking": "c"},
    )


def test_progress_of_a_call() -> None:
    assembler = Assembler()
    assert assembler.feed(TextChunk("x")) is None
    assert assembler.feed(Call(0, "a", "one", "")) == CallProgress(0, "one", 0)
    assert assembler.feed(Call(0, None, None, '{"x"')) == CallProgress(0, "one", 4)
    assert assembler.feed(Call(0, "b", "two", "{}")) == CallProgress(1, "two", 2)


def test_case_075_output_cap() -> None:
    assembler = Assembler(output_cap=10)
    for _ in range(5):
        assembler.feed(TextChunk("12345"))
    assert assembler.full
    assembler.feed(Call(0, "a", "one", '{"x":1}'))
    assembler.feed(FinishChunk("stop"))
    draft = assembler.close()
    assert draft.text == "1234512345"
    assert "output_cap" in draft.problems
    assert draft.tool_calls[0].error


def test_case_076_halves_of_characters_never_leave_the_assembler() -> None:
    draft = assemble(TextChunk("a\ud83c"), TextChunk("\udf0d"), Call(0, "a", "one", '{"k\\ud83d": ["\\ud83d"]}'))
    assert draft.text == "a🌍"
    assert draft.tool_calls[0].arguments == {"k\ufffd": ["\ufffd"]}
    draft.tool_calls[0].model_dump_json()


json_objects = st.dictionaries(st.text(), st.none() | st.integers(-9, 9) | st.text() | st.lists(st.text()), max_size=4)


@given(st.lists(json_objects, min_size=1, max_size=4), st.integers(1, 7), st.booleans())
def test_fragments_of_any_length_give_the_arguments(objects: list[dict[str, object]], size: int, ids: bool) -> None:
    chunks: list[Chunk] = []
    for index, arguments in enumerate(objects):
        chunks.append(Call(index, f"id{index}" if ids else None, f"tool{index}", ""))
        text = json.dumps(arguments)
        chunks += [Call(index, None, None, text[start : start + size]) for start in range(0, len(text), size)]
    assert calls(assemble(*chunks)) == [(f"tool{i}", arguments) for i, arguments in enumerate(objects)]


chunk_strategy = st.one_of(
    st.builds(TextChunk, st.text()),
    st.builds(
        ToolCallChunk,
        st.none() | st.integers(0, 2),
        st.none() | st.sampled_from(["", "a", "b"]),
        st.none() | st.sampled_from(["", "one"]),
        st.none() | st.sampled_from(["", "{", "}", "{}", '{"x":1}', "[]"]),
    ),
    st.builds(FinishChunk, st.sampled_from(["stop", "length", "tool_calls"])),
)


@given(st.lists(chunk_strategy))
def test_case_072_073_whatever_comes_ids_are_unique_and_arguments_are_objects(chunks: list[Chunk]) -> None:
    draft = assemble(*chunks, finish=None)
    ids = [call.call_id for call in draft.tool_calls]
    assert len(set(ids)) == len(ids)
    assert all(call.wire_name and isinstance(call.arguments, dict) for call in draft.tool_calls)
