"""Every position of a conversation, forward and back, equals a fold of the events before it."""

from __future__ import annotations

import math
import random
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_tui.conversation import beats
from mcp_tui.conversation import playback as moving
from mcp_tui.conversation.items import AssistantItem, ToolCallItem
from mcp_tui.conversation.playback import Playback
from mcp_tui.engine.recovery import closing_events
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from tests.conversation.test_golden import LOGS, read
from tests.support.laws import assert_closed, folded
from tests.support.replays import conversation
from tests.ui.support import AT


def same(playback: Playback) -> None:
    """The position is what a fold makes of it."""
    whole = folded(playback.events[: playback.position])
    assert playback.items == whole.items


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
async def test_every_prefix_of_a_golden_log_folds_and_closes(log: Path, tmp_path: Path) -> None:
    events = await read(log, tmp_path)
    for length in range(len(events) + 1):
        prefix = list(events[:length])
        whole = folded(prefix)
        ended = folded([*prefix, *closing_events(prefix)])
        assert ended.open_turn is None
        assert not ended.waiting()
        assert not [item for item in ended.items if isinstance(item, ToolCallItem) and not item.finished]
        assert not [item for item in ended.items if isinstance(item, AssistantItem) and item.streaming]
        assert len(ended.items) >= len(whole.items) - 1


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log.stem)
async def test_every_position_of_a_golden_log_there_and_back(log: Path, tmp_path: Path) -> None:
    playback = Playback(await read(log, tmp_path))
    for _ in range(playback.length):
        playback.step(1)
        same(playback)
    for _ in range(playback.length):
        playback.step(-1)
        same(playback)
    assert playback.items == []


def scrambled(seed: int) -> list[EventBase]:
    """A log that no program writes: events left out, twice and out of order, with other ids."""
    chance = random.Random(seed)
    events = [event for event in conversation() * 2 if chance.random() < 0.8]
    for _ in range(6):
        a, b = chance.randrange(len(events)), chance.randrange(len(events))
        events[a], events[b] = events[b], events[a]
    selected = turns.ModelSelected(provider="other", model=f"other/{seed}")
    events.insert(chance.randrange(len(events)), selected)
    return [event.model_copy(update={"seq": n, "id": f"{n:026}"}) for n, event in enumerate(events, 1)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(-2, 120), max_size=25), st.sampled_from((3, 10_000)))
def test_any_walk_through_any_log_is_where_a_fold_is(seed: int, walk: list[int], far: int) -> None:
    playback = Playback(scrambled(seed))
    before, moving.FAR = moving.FAR, far
    try:
        for number, position in enumerate(walk):
            if number % 3 == 2:
                playback.advance(position / 7)
                playback.step(0)
            else:
                playback.move_to(position)
            same(playback)
    finally:
        moving.FAR = before


def test_the_changes_of_a_step_are_those_of_the_conversation_itself() -> None:
    from mcp_tui.conversation.transcript import Transcript

    events = conversation()
    playback, transcript = Playback(events), Transcript()
    for event in events:
        there = playback.step(1)
        assert there is not None
        assert [(c.kind, c.item.key, c.appended) for c in there] == [
            (c.kind, c.item.key, c.appended) for c in transcript.apply(event)
        ]


def test_items_keep_their_identity() -> None:
    playback = Playback(conversation())
    playback.move_to(playback.length)
    known = {item.key: id(item) for item in playback.items}
    playback.move_to(playback.length // 2)
    playback.move_to(playback.length)
    assert {item.key: id(item) for item in playback.items} == known


def test_turns_stop_after_what_the_person_said() -> None:
    playback = Playback(conversation())
    stops = [0]
    while not playback.at_end:
        playback.move_to(playback.turn_stop(1))
        stops.append(playback.position)
    assert playback.turn_count == 3
    assert [playback.events[stop - 1].type for stop in stops[1:-1]] == ["user_message"] * 3
    back = []
    while playback.position:
        playback.move_to(playback.turn_stop(-1))
        back.append(playback.position)
    assert back == stops[-2::-1]


# -- time --------------------------------------------------------------------------------------


def length(playback: Playback, step: float = 1 / 30) -> float:
    """Seconds that it plays at 1x."""
    seconds = 0.0
    while not playback.at_end:
        playback.advance(step)
        seconds += step
        assert seconds < 600
    return seconds


def test_recorded_pauses_are_kept_up_to_a_limit() -> None:
    """A minute without events takes two seconds; the whole is no longer than its pauses and its texts."""
    events = conversation()
    gaps = [min(2.0, (b.at - a.at).total_seconds()) for a, b in pairwise(events)]
    assert max((b.at - a.at).total_seconds() for a, b in pairwise(events)) > 20
    assert sum(gaps) * 0.7 < length(Playback(events)) < sum(gaps) + 3 * beats.LONGEST_TYPING


def test_a_clock_that_ran_backwards_costs_nothing() -> None:
    events = [
        event.model_copy(update={"at": AT - timedelta(hours=number)}) for number, event in enumerate(conversation())
    ]
    assert length(Playback(events)) < 3 * beats.LONGEST_TYPING + 3


def test_at_once_is_at_once() -> None:
    playback = Playback(conversation())
    playback.advance(math.inf)
    assert playback.at_end
    same(playback)


@pytest.mark.parametrize("size", [40, 4_000, 400_000])
def test_whole_answers_are_typed_out_in_bounded_time(size: int) -> None:
    """Compacted logs hold whole messages only."""
    text = "word " * (size // 5)
    events = [
        turns.ModelRequestStarted(
            turn_id="t", message_id="m", hop=1, provider="p", model="x/y", messages=1, prompt_tokens=1, tools_tokens=0
        ),
        turns.AssistantMessage(
            turn_id="t", message_id="m", hop=1, provider="p", model="x/y", text=text, reasoning="hm " * 9
        ),
    ]
    playback = Playback([e.model_copy(update={"at": AT, "seq": n}) for n, e in enumerate(events, 1)])
    playback.advance(0.01)
    seen: set[int] = set()
    grown = 0
    while not playback.at_end:
        grown += sum(len(change.appended) for change in playback.advance(0.05) or [])
        item = playback.items[0]
        assert isinstance(item, AssistantItem)
        assert text.startswith(item.text)
        seen.add(len(item.text))
    assert len(seen) > 2 or size == 40
    assert length(Playback(playback.events)) <= beats.LONGEST_TYPING + 0.2
    same(playback)


def test_a_step_back_takes_back_what_was_half_typed() -> None:
    playback = Playback(conversation())
    while not (playback._beat is not None and playback._beat.shown):
        playback.advance(0.02)
    position, before = playback.position, folded(playback.events[: playback.position])
    assert playback.items != before.items
    changes = playback.step(-1)
    assert playback.position == position
    assert playback.items == before.items
    assert [change.kind for change in changes or []] == ["updated"]
    playback.step(1)
    same(playback)


def test_calls_wait_and_run_at_the_positions_in_between() -> None:
    playback = Playback(conversation())
    states = []
    for _ in range(playback.length):
        playback.step(1)
        states += [item.state for item in playback.items if isinstance(item, ToolCallItem) and item.key == "c2"]
    assert list(dict.fromkeys(states)) == ["proposed", "waiting", "running", "success"]


def test_an_event_belongs_to_an_item() -> None:
    events = conversation()
    playback = Playback(events)
    for event in events:
        key = playback.film.item_of(event.id)
        assert key is not None
        if isinstance(event, tools.ToolCallFinished):
            assert key == event.call_id
            last = playback.film.last_event_of(key)
            assert last is not None
            assert last.id == event.id
    assert playback.film.item_of("no such event") is None


def test_any_prefix_of_a_conversation_can_be_closed() -> None:
    events = conversation()
    for stop in range(1, len(events) + 1):
        whole = [*events[:stop], *closing_events(events[:stop])]
        assert_closed([event.model_copy(update={"seq": n}) for n, event in enumerate(whole, 1)])
