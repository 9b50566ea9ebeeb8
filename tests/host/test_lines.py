"""Lines from chunks: any cut gives the same lines, and cost grows with the bytes only."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.host.lines import Line, LineAssembler, TooLong, TooLongEnd


@given(st.lists(st.binary(max_size=30), max_size=20), st.integers(1, 7))
def test_any_cut_gives_the_same_lines(lines: list[bytes], size: int) -> None:
    stream = b"".join(line.replace(b"\n", b"") + b"\n" for line in lines)
    assembler = LineAssembler()
    found = [event for at in range(0, len(stream), size) for event in assembler.feed(stream[at : at + size])]
    assert found == [Line(line) for line in stream.split(b"\n") if line.strip()]


@given(st.integers(1, 50), st.integers(1, 9))
def test_case_036_a_line_over_the_cap_is_reported_once_and_skipped(length: int, size: int) -> None:
    stream = b"a" * length + b"\nnext\n"
    assembler = LineAssembler(max_line=10)
    found = [event for at in range(0, len(stream), size) for event in assembler.feed(stream[at : at + size])]
    if length <= 10:
        assert found == [Line(b"a" * length), Line(b"next")]
    else:
        assert isinstance(found[0], TooLong)
        assert found[0].head.startswith(b"a" * 11)
        assert found[1:] == [TooLongEnd(b"a" * length, 10), Line(b"next")]


def test_case_036_cost_is_linear() -> None:
    """A 60 MB line in small chunks takes well under a second, where joining each time would take minutes."""
    assembler = LineAssembler(max_line=1 << 30)
    chunk = b"x" * 4096
    started = time.monotonic()
    for _ in range(15_000):
        assert not list(assembler.feed(chunk))
    (line,) = assembler.feed(b"\n")
    assert isinstance(line, Line)
    assert len(line.data) == 15_000 * 4096
    assert time.monotonic() - started < 5
