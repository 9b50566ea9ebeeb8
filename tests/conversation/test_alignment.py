"""Lists beside each other: what differs, told in runs that turn the one into the other."""

from __future__ import annotations

import random

import pytest

from mcp_tui.conversation.alignment import MOST_ITEMS, Run, differing


@pytest.mark.parametrize("length", [3, 40, MOST_ITEMS + 200])
@pytest.mark.parametrize("words", [2, 60, 1_000_000])
def test_the_runs_turn_one_list_into_the_other(length: int, words: int) -> None:
    for seed in range(12):
        chance = random.Random(seed)
        old = [str(chance.randrange(words)) for _ in range(length)]
        new = list(old)
        for _ in range(seed):
            at = chance.randrange(len(new) + 1)
            new[at : at + chance.randrange(4)] = [str(chance.randrange(words)) for _ in range(chance.randrange(4))]
        made: list[str] = []
        a = c = 0
        for run in differing(old, new):
            assert old[a : run.a] == new[c : run.c]
            assert old[run.a : run.b] != new[run.c : run.d]
            assert run.kind == ("added" if run.a == run.b else "removed" if run.c == run.d else "changed")
            made += old[a : run.a] + new[run.c : run.d]
            a, c = run.b, run.d
        assert made + old[a:] == new


def test_long_lists_are_cut_at_what_stands_once_in_each() -> None:
    old = [f"{n}" for n in range(20_000)]
    new = [*old[:500], "x", *old[500:10_000], *old[10_003:15_000], "y", *old[15_001:]]
    assert list(differing(old, new)) == [
        Run("added", 500, 500, 500, 501),
        Run("removed", 10_000, 10_003, 10_001, 10_001),
        Run("changed", 15_000, 15_001, 14_998, 14_999),
    ]


def test_what_is_long_and_has_no_such_place_is_one_run() -> None:
    old = [f"{n % 7}" for n in range(100_000)]
    assert list(differing(old, old[::-1])) == [Run("changed", 0, 100_000, 0, 100_000)]
