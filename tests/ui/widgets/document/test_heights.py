from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.ui.widgets.document.heights import Heights

heights = st.lists(st.integers(0, 7), max_size=60)
steps = st.lists(
    st.tuples(
        st.sampled_from(["set", "append", "insert", "remove", "truncate"]), st.integers(0, 59), st.integers(0, 9)
    ),
    max_size=40,
)


def step(model: list[int], tree: Heights, verb: str, index: int, value: int) -> None:
    if verb == "append":
        model.append(value)
        tree.append(value)
    elif verb == "insert":
        index = min(index, len(model))
        model.insert(index, value)
        tree.insert(index, value)
    elif verb == "truncate":
        del model[index:]
        tree.truncate(index)
    elif model:
        index %= len(model)
        if verb == "set":
            assert tree.set(index, value) == value - model[index]
            model[index] = value
        else:
            del model[index]
            tree.remove(index)


@given(heights, steps)
def test_agrees_with_plain_sums(start: list[int], script: list[tuple[str, int, int]]) -> None:
    model, tree = list(start), Heights(start)
    for verb, index, value in script:
        step(model, tree, verb, index, value)
        assert len(tree) == len(model)
        assert tree.total == sum(model)
        assert [tree.offset(each) for each in range(len(model) + 1)] == [
            sum(model[:each]) for each in range(len(model) + 1)
        ]
        rows = [(thing, row) for thing, height in enumerate(model) for row in range(height)]
        assert [tree.find(row) for row in range(len(rows))] == rows


def test_rows_outside_are_clamped() -> None:
    tree = Heights([0, 2, 0, 3, 0])
    assert tree.find(-5) == (1, 0)
    assert tree.find(99) == (3, 2)


def test_nothing_to_find() -> None:
    with pytest.raises(IndexError):
        Heights([0, 0]).find(0)
