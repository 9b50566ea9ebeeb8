"""Parts of a long conversation that are read in a moment are what all of it holds there."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mcp_tui.errors import ConversationNotFound
from mcp_tui.events import turns
from mcp_tui.events.base import EventBase
from mcp_tui.history.base import StoredPart
from mcp_tui.history.fs import REAL
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.parts import read_around, read_beginning
from tests.history.test_ending import ID, first, turn, write


def stored(folder: Path) -> tuple[EventBase, ...]:
    return asyncio.run(JsonlStore(folder).read(ID)).events


def inside(part: StoredPart | None, whole: tuple[EventBase, ...], head: int) -> int:
    """The events of a part are neighbours in the whole; where they begin there."""
    assert part is not None
    begin = whole.index(part.events[head])
    assert part.events[head:] == whole[begin : begin + len(part.events) - head]
    assert part.events[:head] == whole[:head]
    assert len(part.events) < len(whole) / 2
    return begin


@pytest.fixture
def long(tmp_path: Path) -> Path:
    write(tmp_path, *first(), *(event for number in range(600) for event in turn(number, 3000)))
    return tmp_path


def test_the_beginning_is_what_it_begins_with(long: Path) -> None:
    part = read_beginning(long, ID, REAL)
    assert inside(part, stored(long), 0) == 0
    assert part is not None
    assert (part.more_above, part.more_below) == (False, True)
    assert len(part.events) > 100


@pytest.mark.parametrize("number", [5, 300, 598])
def test_around_an_event_are_whole_turns(long: Path, number: int) -> None:
    whole = stored(long)
    wanted = next(event for event in whole if getattr(event, "message_id", "") == f"a{number}")
    part = read_around(long, ID, wanted.id, REAL)
    assert part is not None
    assert wanted in part.events
    head = 3 if part.more_above else 0
    inside(part, whole, head)
    assert isinstance(part.events[3], turns.TurnStarted)
    assert (part.more_above, part.more_below) == (number > 200, number < 500)


def test_an_event_that_is_not_there_is_to_be_looked_for_in_all_of_it(long: Path) -> None:
    assert read_around(long, ID, "0123456789abcdefghjkmnpqrs", REAL) is None
    assert read_around(long, ID, 'a"*', REAL) is None


def test_a_short_conversation_has_no_parts(tmp_path: Path) -> None:
    write(tmp_path, *first(), *turn(1, 100))
    assert read_beginning(tmp_path, ID, REAL) is None
    assert read_around(tmp_path, ID, stored(tmp_path)[0].id, REAL) is None
    with pytest.raises(ConversationNotFound):
        read_beginning(tmp_path, "0123456789abcdefghjkmnpqrt", REAL)
    with pytest.raises(ConversationNotFound):
        read_around(tmp_path, "0123456789abcdefghjkmnpqrt", "x", REAL)


def test_an_event_in_a_turn_that_is_longer_than_what_is_read(tmp_path: Path) -> None:
    many = [
        turns.AssistantMessage(
            message_id=f"m{n}", hop=n, provider="p", model="m", text="x" * 50_000, conversation_id=ID, turn_id="t1"
        )
        for n in range(400)
    ]
    write(tmp_path, *first(), *turn(1, 10)[:2], *many)
    part = read_around(tmp_path, ID, many[200].id, REAL)
    assert part is not None
    assert many[200].id in [event.id for event in part.events]
    assert len(part.events) < 390


def test_an_event_in_the_second_file(tmp_path: Path) -> None:
    write(tmp_path, *first(), *(event for number in range(600) for event in turn(number, 3000)))
    second = Journal(tmp_path / "other", ID, REAL, lock_timeout=5)
    second.append([turn(1000, 10)])
    second.close()
    (tmp_path / "other" / f"{ID}.jsonl").rename(tmp_path / f"{ID}.2.jsonl")
    added = asyncio.run(JsonlStore(tmp_path).read(ID)).events
    wanted = next(event for event in added if getattr(event, "message_id", "") == "a1000")
    part = read_around(tmp_path, ID, wanted.id, REAL)
    assert part is not None
    assert wanted in part.events
    assert (part.more_above, part.more_below) == (True, False)


async def test_the_store_gives_them(long: Path) -> None:
    store = JsonlStore(long)
    whole = (await store.read(ID)).events
    part = await store.read_part(ID)
    assert part is not None
    assert part.events == whole[: len(part.events)]
    around = await store.read_part(ID, whole[1200].id)
    assert around is not None
    assert whole[1200] in around.events
    await store.aclose()
