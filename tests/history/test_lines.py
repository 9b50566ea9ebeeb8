from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.history import lines

TEXT = st.text(st.characters(codec=None, categories=None), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def joined(value: Any) -> Any:
    """Halves of a surrogate pair that stand side by side are one character in JSON."""
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass")
    if isinstance(value, list):
        return [joined(item) for item in value]
    if isinstance(value, dict):
        return {joined(key): joined(item) for key, item in value.items()}
    return value


def event(**fields: Any) -> dict[str, Any]:
    return {"type": "user_message", "id": "x1", "seq": 0, "at": "2026-01-01T00:00:00Z", **fields}


def reader(data: bytes) -> Any:
    return lambda size, offset: data[offset : offset + size]


def scan(data: bytes, **where: int) -> list[lines.RawLine]:
    return list(lines.read_lines(reader(data), **where))


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_any_value_comes_back_and_is_ascii(fields: dict[str, Any]) -> None:
    value = {**event(), "data": fields}
    raw = lines.prepare(value).numbered(7)
    assert raw.isascii()
    assert raw.endswith(b"\n")
    assert raw.count(b"\n") == 1
    (line,) = scan(raw)
    assert lines.problem_of(line) == ""
    assert lines.decode(line.raw) == joined({**value, "seq": 7})
    assert lines.head_of(line.raw) == lines.LineHead("user_message", "x1", 7, "2026-01-01T00:00:00Z")


@given(st.binary(max_size=60), st.integers(0, 400))
def test_case_006_007_damage_is_never_an_exception_and_never_an_event(noise: bytes, at: int) -> None:
    whole = lines.prepare(event(text="some text")).numbered(1)
    at %= len(whole)
    damaged = whole[:at] + noise + whole[at + len(noise) + 1 :]
    good = [line for line in scan(damaged) if not lines.problem_of(line)]
    assert all(line.raw + b"\n" == whole for line in good)


def test_case_008_a_flipped_bit_is_noticed_anywhere() -> None:
    whole = lines.prepare(event(text="some text")).numbered(1)
    for at in range(len(whole) - 1):
        for bit in (1, 0x20):
            damaged = bytearray(whole)
            damaged[at] ^= bit
            assert not [line for line in scan(bytes(damaged)) if not lines.problem_of(line)], (at, bit)


def test_lines_are_readable_with_any_json_tool() -> None:
    value = json.loads(lines.prepare(event(text="é")).numbered(3))
    assert value.pop("crc").isalnum()
    assert value == event(text="é", seq=3)


def test_numbers_that_json_lacks_become_strings() -> None:
    raw = lines.prepare(event(a=[float("nan"), float("inf"), -float("inf")], b=10**5000)).numbered(1)
    value = lines.decode(raw)
    assert value is not None
    assert value["a"] == ["NaN", "Infinity", "-Infinity"]
    assert int(value["b"], 16) == 10**5000


def test_depth_is_refused_in_words() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deeply"):
        lines.prepare(event(deep=value))


@pytest.mark.parametrize("tail", [b"\0" * 4096, b'{"type":"user', b"\xff\xfe garbage", b"[1,2]", b"{}", b"null"])
def test_case_007_foreign_tails_are_set_aside_and_what_follows_is_read(tail: bytes) -> None:
    good = lines.prepare(event()).numbered(1)
    after = lines.prepare(event(id="x2")).numbered(2)
    first, bad = scan(good + tail)
    assert (lines.problem_of(first), lines.problem_of(bad)) == ("", "unfinished")
    first, bad, last = scan(good + tail + b"\n" + after)
    assert not lines.problem_of(first)
    assert lines.problem_of(bad)
    assert not lines.problem_of(last)
    assert (last.number, last.offset) == (3, len(good) + len(tail) + 1)


def test_blank_lines_and_carriage_returns_are_no_damage() -> None:
    good = lines.prepare(event()).numbered(1)
    (line,) = scan(b"\n\r\n  \n" + good.replace(b"\n", b"\r\n") + b"\n")
    assert lines.problem_of(line) == ""


def test_reading_goes_on_at_an_offset() -> None:
    one, two = lines.prepare(event()).numbered(1), lines.prepare(event(id="x2")).numbered(2)
    (line,) = scan(one + two, offset=len(one), number=2)
    assert (line.number, line.offset, line.end) == (2, len(one), len(one + two))


def test_case_014_long_lines_cost_no_memory() -> None:
    size = 60 * 1024 * 1024
    good = lines.prepare(event()).numbered(1)

    def pread(count: int, offset: int) -> bytes:
        if offset < size:
            return b"x" * min(count, size - offset)
        return (b"\n" + good)[offset - size :][:count]

    tracemalloc.start()
    try:
        long, short = list(lines.read_lines(pread))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "longer than" in lines.problem_of(long)
    assert lines.problem_of(short) == ""
    assert short.number == 2
    assert peak < 3 * lines.MAX_LINE


def test_a_line_over_a_chunk_border_is_whole() -> None:
    parts = [lines.prepare(event(id=f"x{n}", text="y" * 70_000)).numbered(n) for n in range(1, 60)]
    found = scan(b"".join(parts))
    assert [line.raw + b"\n" for line in found] == parts
    assert not any(lines.problem_of(line) for line in found)
