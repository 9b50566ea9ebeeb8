"""A long conversation on the replay screen: a part of it at once, all of it beside that; what needs all of it waits."""

from __future__ import annotations

import asyncio

import pytest
from textual.pilot import Pilot

from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.errors import StoreFailed
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.history.base import StoredConversation, StoredPart
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.recordings import Long
from mcp_tui.ui.screens.replay import ReplayChoice, ReplayScreen
from tests.support.replays import conversation, long_conversation
from tests.support.screen_text import replayed, text_of
from tests.ui.support import Clock, make_app, until
from tests.ui.test_replay import in_sight, inspected, line, playback_of, settled

TURNS = 400
EACH = 9
"""Events of a turn."""


def whole() -> tuple[EventBase, ...]:
    events = tuple(long_conversation(TURNS))
    assert len(events) == TURNS * EACH + 1
    return events


class Source:
    """Gives a part at once, and all of it when the gate is opened."""

    def __init__(self, events: tuple[EventBase, ...], first: int, last: int) -> None:
        """The part: turns ``first`` to ``last``, that one not included."""
        self.events = events
        self.gate = asyncio.Event()
        self.error: Exception | None = None
        self.ended = asyncio.Event()
        begin, end = 1 + first * EACH if first else 0, 1 + last * EACH
        above, below = first > 0, end < len(events)
        head = events[:1] if above else ()
        self.long = Long(StoredPart("c", (*head, *events[begin:end]), above, below), self.rest)

    async def rest(self) -> StoredConversation:
        try:
            await self.gate.wait()
            if self.error is not None:
                raise self.error
            return StoredConversation("c", self.events)
        finally:
            self.ended.set()


async def begun(
    pilot: Pilot[int], app: McpTuiApp, source: Source, **options: object
) -> tuple[ReplayScreen, list[ReplayChoice | None]]:
    await until(app.painted.is_set, pilot)
    left: list[ReplayChoice | None] = []
    screen = ReplayScreen(None, source.long, **options)  # type: ignore[arg-type]
    app.push_screen(screen, left.append)
    await until(lambda: screen.playback is not None and not screen.view.busy, pilot)
    return screen, left


async def finished(pilot: Pilot[int], screen: ReplayScreen, source: Source) -> None:
    source.gate.set()
    await until(lambda: screen.whole and not screen.view.busy, pilot)


def passed(clock: Clock, seconds: float) -> bool:
    """Time goes by."""
    clock.now += seconds
    return True


def same_as_a_replay(screen: ReplayScreen) -> None:
    playback = playback_of(screen)
    events = playback.events[: playback.position]
    assert text_of(screen.view) == text_of(replayed(events, screen.view))


async def test_its_end_is_there_at_once_and_a_key_that_needs_all_of_it_waits_and_says_so() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), TURNS - 40, TURNS)
        screen, _ = await begun(pilot, app, source)
        assert f"Answer {TURNS - 1}." in in_sight(screen)
        assert "the end  .. reading the rest" in line(screen, "place")
        assert "event" not in line(screen, "place")
        assert "#" not in in_sight(screen)
        await pilot.press("home")
        assert "reading the rest, then the beginning" in line(screen, "place")
        assert f"Answer {TURNS - 1}." in in_sight(screen)
        await finished(pilot, screen, source)
        assert playback_of(screen).position == 0
        assert f"event 0 of {TURNS * EACH + 1:,}" in line(screen, "place")
        await pilot.press("end")
        await settled(screen, pilot)
        same_as_a_replay(screen)


async def test_what_was_asked_for_is_done_in_its_order() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), TURNS - 40, TURNS)
        screen, _ = await begun(pilot, app, source)
        await pilot.press("left", "left", "left_square_bracket", "right")
        await finished(pilot, screen, source)
        playback = playback_of(screen)
        playback.move_to(playback.length - 2)
        wanted = playback.turn_stop(-1) + 1
        playback.move_to(wanted)
        assert f"event {wanted:,} of" in line(screen, "place")


async def test_its_end_is_gone_through_without_waiting_and_stands_there_when_the_rest_comes() -> None:
    clock = Clock()
    app = make_app(clock=clock)
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), TURNS - 40, TURNS)
        screen, _ = await begun(pilot, app, source)
        await pilot.press("left_square_bracket", "left_square_bracket", "right", "right", "left")
        await settled(screen, pilot)
        part, place = playback_of(screen), line(screen, "place")
        assert part.length - part.position == 2 * EACH - 3
        assert "paused   .. reading the rest " in place
        assert "event" not in place
        assert f"Question {TURNS - 2}" in in_sight(screen)
        assert f"Question {TURNS - 1}" not in in_sight(screen)
        assert "#" not in in_sight(screen)
        await pilot.press("space")
        await until(lambda: passed(clock, 0.1) and part.position > part.length - EACH, pilot)
        await pilot.press("space")
        await settled(screen, pilot)
        before, left = in_sight(screen), part.length - part.position
        await finished(pilot, screen, source)
        assert playback_of(screen) is not part
        assert playback_of(screen).length - playback_of(screen).position == left
        assert [row[:80] for row in in_sight(screen).split("\n")] == [row[:80] for row in before.split("\n")]
        await pilot.press("right", "left")
        await settled(screen, pilot)
        same_as_a_replay(screen)


async def test_before_the_first_turn_of_what_is_there_a_step_waits() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), TURNS - 2, TURNS)
        screen, _ = await begun(pilot, app, source)
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert "then" not in line(screen, "place")
        await pilot.press("left_square_bracket")
        assert "then a turn back" in line(screen, "place")
        await finished(pilot, screen, source)
        await settled(screen, pilot)
        assert f"turn {TURNS - 2:,} of {TURNS:,}" in line(screen, "place")
        same_as_a_replay(screen)


async def test_what_is_asked_for_after_something_that_waits_is_done_after_it() -> None:
    app = make_app(clock=Clock())
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), 0, 3)
        screen, _ = await begun(pilot, app, source, play=True)
        await pilot.press("space", "right", "right", "right")
        position = playback_of(screen).position
        await pilot.press("end", "left", "left", "home", "right")
        assert playback_of(screen).position == position
        assert "then an event on" in line(screen, "place")
        await finished(pilot, screen, source)
        assert playback_of(screen).position == 1


async def test_what_is_in_sight_stays_there_when_the_rest_comes() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), TURNS - 40, TURNS)
        screen, _ = await begun(pilot, app, source)
        await pilot.press("pageup", "pageup", "up", "up")
        await settled(screen, pilot)
        before, cursor = in_sight(screen), screen.view.cursor_key
        assert cursor is not None
        await pilot.press("y")
        await until(lambda: bool(app._notifications), pilot)
        assert [toast.message[:19] for toast in app._notifications] == ["Copied the message,"], "it has no number yet"
        await finished(pilot, screen, source)
        assert [row[:80] for row in in_sight(screen).split("\n")] == [row[:80] for row in before.split("\n")]
        assert screen.view.cursor_key == cursor
        same_as_a_replay(screen)


@pytest.mark.parametrize("turn", [5, 200, 392])
async def test_a_hit_is_where_it_opens_and_stays_there_when_the_rest_comes(turn: int) -> None:
    app = make_app()
    events = whole()
    calls = {event.call_id: event.id for event in events if isinstance(event, tools.ToolCallFinished)}
    wanted, hits = calls[f"c{turn}"], [calls[f"c{number}"] for number in sorted((9, turn))]
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(events, max(0, turn - 20), min(TURNS, turn + 20))
        screen, _ = await begun(pilot, app, source, event_id=wanted, hits=hits)
        await until(lambda: screen.view.cursor_key == f"c{turn}", pilot)
        await settled(screen, pilot)
        assert "of 2" in line(screen, "place")
        before = in_sight(screen)
        assert f"I look at {turn}." in before
        await finished(pilot, screen, source)
        assert screen.view.cursor_key == f"c{turn}"
        assert [row[:80] for row in in_sight(screen).split("\n")] == [row[:80] for row in before.split("\n")]
        assert screen.view.all_there
        assert playback_of(screen).at_end
        same_as_a_replay(screen)
        await pilot.press("n")
        await until(lambda: screen.view.cursor_key == "c9", pilot)
        await settled(screen, pilot)
        same_as_a_replay(screen)


async def test_a_hit_beyond_what_is_there_waits() -> None:
    app = make_app()
    events = whole()
    said = [event.id for event in events if isinstance(event, turns.UserMessage)]
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(events, 100, 140)
        screen, _ = await begun(pilot, app, source, event_id=said[120], hits=(said[120], said[300]))
        await until(lambda: screen.view.cursor_key == "u120", pilot)
        await pilot.press("n")
        assert "then the hit" in line(screen, "place")
        assert screen.view.cursor_key == "u120"
        await finished(pilot, screen, source)
        await until(lambda: screen.view.cursor_key == "u300", pilot)
        assert "Question 300" in in_sight(screen)


async def test_it_plays_from_its_beginning_and_goes_on_when_the_rest_is_there() -> None:
    clock = Clock()
    app = make_app(clock=clock)
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), 0, 3)
        screen, _ = await begun(pilot, app, source, play=True)
        await until(lambda: "playing  .. reading the rest" in line(screen, "place"), pilot)
        await until(lambda: passed(clock, 0.2) and playback_of(screen).position > EACH, pilot)
        part, position = playback_of(screen), playback_of(screen).position
        assert f"event {position}" in line(screen, "place")
        await finished(pilot, screen, source)
        assert playback_of(screen) is not part
        assert playback_of(screen).position == position
        assert screen.playing
        await until(lambda: passed(clock, 0.5) and playback_of(screen).position > 4 * EACH, pilot)
        await pilot.press("space")
        assert "paused" in line(screen, "place")
        await settled(screen, pilot)
        same_as_a_replay(screen)


async def test_at_the_end_of_what_is_there_it_waits_for_more_and_so_do_steps() -> None:
    clock = Clock()
    app = make_app(clock=clock)
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), 0, 3)
        screen, _ = await begun(pilot, app, source, play=True, speed=float("inf"))
        await until(lambda: playback_of(screen).at_end, pilot)
        assert screen.playing
        await pilot.press("space", "right")
        assert "paused" in line(screen, "place")
        assert "then an event on" in line(screen, "place")
        await finished(pilot, screen, source)
        assert playback_of(screen).position == 3 * EACH + 2
        same_as_a_replay(screen)


async def test_the_rest_cannot_be_read() -> None:
    app = make_app()
    said: list[str] = []
    app.notify = lambda message, **_: said.append(message)  # type: ignore[method-assign,assignment]
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), TURNS - 40, TURNS)
        source.error = StoreFailed("The disk is gone.")
        screen, left = await begun(pilot, app, source)
        await pilot.press("home")
        source.gate.set()
        await until(lambda: bool(said), pilot)
        assert said == ["The disk is gone."]
        assert "the rest could not be read" in line(screen, "place")
        await pilot.press("home", "space")
        assert f"Answer {TURNS - 1}." in in_sight(screen)
        await pilot.press("left_square_bracket", "left_square_bracket")
        await settled(screen, pilot)
        assert f"Answer {TURNS - 1}." not in in_sight(screen)
        await pilot.press("end")
        await settled(screen, pilot)
        assert f"Answer {TURNS - 1}." in in_sight(screen)
        await pilot.press("escape")
        await until(lambda: bool(left), pilot)


async def test_leaving_ends_the_reading() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), TURNS - 40, TURNS)
        _, left = await begun(pilot, app, source)
        await pilot.press("escape")
        await until(lambda: bool(left), pilot)
        await until(source.ended.is_set, pilot)
        assert not source.gate.is_set()


async def test_an_open_inspector_keeps_its_call() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(whole(), TURNS - 40, TURNS)
        screen, _ = await begun(pilot, app, source)
        key = f"c{TURNS - 2}"
        screen.view.show_item(key)
        await until(lambda: screen.view.cursor_key == key, pilot)
        await pilot.press("enter")
        await until(lambda: screen.inspector.has_focus_within, pilot)
        part = screen.inspector.item
        await finished(pilot, screen, source)
        item = screen.inspector.item
        assert isinstance(item, ToolCallItem)
        assert item is not part
        assert item.key == key
        assert any(item is each for each in playback_of(screen).items)
        await pilot.press("tab", "left_square_bracket", "left_square_bracket")
        await settled(screen, pilot)
        assert "closed" in inspected(screen)


async def test_a_fork_at_an_item_waits_for_its_last_event() -> None:
    app = make_app()
    events = whole()
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(events, TURNS - 40, TURNS)
        screen, left = await begun(pilot, app, source)
        key = f"c{TURNS - 3}"
        screen.view.show_item(key)
        await until(lambda: screen.view.cursor_key == key, pilot)
        await pilot.press("f")
        assert "then the fork" in line(screen, "place")
        source.gate.set()
        await until(lambda: bool(left), pilot)
        last = next(e for e in reversed(events) if getattr(e, "call_id", "") == key)
        assert left == [ReplayChoice("fork", last.id)]


def test_a_playback_stands_where_another_one_does_also_in_the_middle_of_a_text() -> None:
    from mcp_tui.conversation.playback import Playback

    events = conversation()
    for cut in (9, 14, len(events)):
        seconds = 0.0
        while True:
            seconds += 0.3
            part, other = Playback(events[:cut]), Playback.at_the_end(lambda: None, events)
            part.advance(seconds)
            if part.at_end:
                break
            other.stand_like(part)
            assert other.position == part.position
            assert [item.key for item in other.items] == [item.key for item in part.items]
            assert other.items == part.items
            assert other.now == part.now
            part.advance(0.1)
            other.advance(0.1)
            assert other.items == part.items


@pytest.mark.parametrize("first", [200, TURNS - 40])
async def test_what_is_looked_for_meanwhile_is_found_in_all_of_it(first: int) -> None:
    app = make_app()
    events = whole()
    async with app.run_test(size=(120, 30)) as pilot:
        source = Source(events, first, first + 40)
        screen, _ = await begun(pilot, app, source)
        await pilot.press("ctrl+f", *"question")
        await until(lambda: screen.view.found.total == 40, pilot)
        assert not screen.view.found.complete
        await finished(pilot, screen, source)
        await until(lambda: screen.view.found.total == TURNS and screen.view.found.complete, pilot)
