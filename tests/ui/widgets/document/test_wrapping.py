from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from mcp_tui.safety.text import prose
from mcp_tui.ui.widgets.document.wrapping import breaks, clip, fold_cuts, fold_height, strip_of, wrap

text = st.text(st.sampled_from("ab c日本é👩‍💻\u0301x-"), max_size=80).map(prose)
width = st.integers(2, 30)
PLAIN = Style()


def rows(source: str, cells: int) -> list[str]:
    return [source[start:end] for start, end in breaks(source, cells)]


@pytest.mark.parametrize(
    ("source", "cells", "expected"),
    [
        ("one two three", 7, ["one two", "three"]),
        ("one two three", 3, ["one", "two", "thr", "ee"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("one  two", 4, ["one", "two"]),
        ("日本語のテキスト", 6, ["日本語", "のテキ", "スト"]),
        ("ab 日本", 5, ["ab 日", "本"]),
        ("", 5, [""]),
    ],
)
def test_breaks(source: str, cells: int, expected: list[str]) -> None:
    assert rows(source, cells) == expected


@given(text, width)
def test_lines_fit_and_lose_only_spaces(source: str, cells: int) -> None:
    lines = rows(source, cells)
    assert all(cell_len(line) <= cells for line in lines)
    assert "".join(lines).replace(" ", "") == source.replace(" ", "")


@given(text, width)
def test_code_loses_nothing(source: str, cells: int) -> None:
    cuts = fold_cuts(source, cells)
    assert "".join(source[start:end] for start, end in cuts) == source
    assert len(cuts) == fold_height(source, cells)
    assert all(cell_len(source[start:end]) <= cells for start, end in cuts)


@given(st.lists(text, max_size=5), width)
def test_styles_stay_on_their_characters(pieces: list[str], cells: int) -> None:
    styles = [Style(bold=bool(index % 2)) for index in range(len(pieces))]
    wrapped = wrap(list(zip(pieces, styles, strict=True)), cells)
    expected = [(char, bool(index % 2)) for index, piece in enumerate(pieces) for char in piece if char not in " \n"]
    found = [(char, bool(style.bold)) for line in wrapped for part, style in line for char in part if char != " "]
    assert found == expected


@given(text, width)
def test_strips_are_as_wide_as_asked(source: str, cells: int) -> None:
    assert strip_of([(source.replace("\n", " "), PLAIN)], cells, PLAIN).cell_length == cells


@given(text, width)
def test_clip(source: str, cells: int) -> None:
    source = source.replace("\n", " ")
    clipped = clip(source, cells)
    assert cell_len(clipped) <= cells
    assert clipped == source or clipped.endswith("…")
