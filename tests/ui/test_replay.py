"""A stored conversation on the screen: read, stepped through, played."""

from __future__ import annotations

import math
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Static

from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.conversation.playback import Playback
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.content import TextContent
from mcp_tui.history.base import SetAsideLine, StoredConversation
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.commands import COMMANDS
from mcp_tui.ui.preferences import Preferences
from mcp_tui.ui.screens.replay import ReplayChoice, ReplayScreen
from mcp_tui.ui.widgets.bars import Line
from mcp_tui.ui.widgets.find_bar import FindBar
from tests.support.hostile_text import DECEIT, MARKUP, SEQUENCES
from tests.support.replays import conversation, long_conversation
from tests.support.screen_text import replayed, text_of
from tests.ui.support import Clock, make_app, until
from tests.ui.test_hostile_text import Unfiltered, looked_at, stored


def playback_of(screen: ReplayScreen) -> Playback:
    assert screen.playback is not None
    return screen.playback


def line(screen: ReplayScreen, name: str) -> str:
    return screen.query_one(f"#{name}", Line).plain


def inspected(screen: ReplayScreen) -> str:
    return "\n".join(str(static.content) for static in screen.inspector.query(Static))


def in_sight(screen: ReplayScreen) -> str:
    return "\n".join(screen.view.render_line(row).text for row in range(screen.view.size.height))


def marked(screen: ReplayScreen) -> list[str]:
    """What is drawn as found, from top to bottom."""
    palette = screen.view._canvas.pen.palette
    styles = [style.reverse or style.bgcolor for style in (palette.found, palette.found_here)]
    return [
        segment.text
        for row in range(screen.view.size.height)
        for segment in screen.view.render_line(row)
        if segment.style is not None and (segment.style.reverse or segment.style.bgcolor) in styles
    ]


async def settled(screen: ReplayScreen, pilot: Pilot[int]) -> None:
    await until(lambda: not screen.view.busy, pilot)


async def opened(pilot: Pilot[int], app: McpTuiApp, **options: Any) -> tuple[ReplayScreen, list[ReplayChoice | None]]:
    """The screen on an example, and what it is left with."""
    await until(app.painted.is_set, pilot)
    left: list[ReplayChoice | None] = []
    events: list[EventBase] = options.pop("events", None) or conversation()
    screen = ReplayScreen(None, StoredConversation("c", tuple(events)), **options)
    app.push_screen(screen, left.append)
    await until(lambda: screen.playback is not None and not screen.view.busy, pilot)
    return screen, left


async def test_reading_opens_at_the_end_and_leaves_with_a_choice() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, left = await opened(pilot, app)
        assert screen.playback is not None
        assert screen.playback.at_end
        assert len(screen.view.document.entries) == len(screen.playback.items)
        await pilot.press("escape")
        await until(lambda: left, pilot)
        assert left == [ReplayChoice(None)]


async def test_text_is_found_in_a_recording_and_its_keys_come_back_afterwards() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, left = await opened(pilot, app)
        place = playback_of(screen).position
        await pilot.press("ctrl+f", *"fnc x")
        bar = screen.query_one(FindBar)
        assert bar.input.value == "fnc x"
        assert playback_of(screen).position == place
        bar.input.value = "the"
        await until(lambda: screen.view.found.total > 1 and screen.view.found.number and not screen.view.busy, pilot)
        number = screen.view.found.number
        await pilot.press("enter")
        await until(lambda: screen.view.found.number != number, pilot)
        await pilot.press("tab", "N")
        await until(lambda: screen.view.found.number == number, pilot)
        await pilot.press("escape")
        assert not bar.is_open
        assert not left
        await pilot.press("left")
        await until(lambda: playback_of(screen).position == place - 1, pilot)
        await pilot.press("escape")
        await until(lambda: left, pilot)


async def test_an_event_of_a_call_is_where_it_opens() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        events = conversation()
        wanted = next(event for event in events if event.type == "tool_call_finished")
        screen, _ = await opened(pilot, app, events=events, event_id=wanted.id)
        await until(lambda: screen.view.cursor_item is not None, pilot)
        item = screen.view.cursor_item
        assert isinstance(item, ToolCallItem)
        assert item.key == wanted.call_id  # type: ignore[attr-defined]


async def test_what_a_search_found_is_marked_and_the_first_of_it_in_sight() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(app.painted.is_set, pilot)
        events = conversation()
        wanted = next(event for event in events if isinstance(event, turns.AssistantMessage) and event.text)
        text = (
            "\n\n".join(f"paragraph {number}" for number in range(200)) + "\n\nThe Needle, and a thread: the needle.\n"
        )
        events[events.index(wanted)] = wanted.model_copy(update={"text": text})
        screen, _ = await opened(
            pilot, app, events=events, event_id=wanted.id, hits=(wanted.id,), matches=("needle", "proxy")
        )

        async def at_the_needle() -> None:
            await until(lambda: "The Needle" in in_sight(screen), pilot)
            await settled(screen, pilot)
            assert marked(screen) == ["Needle", "needle"]

        await at_the_needle()
        assert screen.view.cursor_item is not None
        assert not screen.view.finding
        await pilot.press("g", "home", "end", "n")
        await at_the_needle()
        bar = screen.query_one(FindBar)
        await pilot.press("ctrl+f", *"thread")
        await until(lambda: marked(screen) == ["thread"], pilot)
        await pilot.press("escape")
        assert not bar.is_open
        await until(lambda: marked(screen) == [], pilot)


async def test_a_hit_in_an_item_that_does_not_show_it_is_gone_to_all_the_same() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        events = conversation()
        first = next(event for event in events if isinstance(event, turns.UserMessage))
        screen, _ = await opened(pilot, app, events=events, event_id=first.id, matches=("pool",))
        await until(lambda: screen.view.cursor_key == first.message_id, pilot)
        await settled(screen, pilot)
        assert screen.view.cursor_key == first.message_id


async def test_steps_forward_and_back_are_on_the_screen() -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        screen, _ = await opened(pilot, app)
        playback = playback_of(screen)
        await pilot.press("home")
        await settled(screen, pilot)
        assert screen.view.document.entries == []
        seen = []
        while not playback.at_end:
            await pilot.press("right")
            await settled(screen, pilot)
            seen.append(text_of(screen.view))
        for rows in reversed(seen[:-1]):
            await pilot.press("left")
            await settled(screen, pilot)
            assert text_of(screen.view) == rows
        assert playback.position == 1


async def test_turns_by_keys_that_every_terminal_sends() -> None:
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        screen, _ = await opened(pilot, app)
        await pilot.press("home", "right_square_bracket")
        first = playback_of(screen).position
        await pilot.press("shift+right")
        assert playback_of(screen).turn == 2
        await pilot.press("left_square_bracket")
        assert playback_of(screen).position == first
        await pilot.press("end")
        assert playback_of(screen).at_end
        assert "turn 3 of 3" in line(screen, "place")
        assert line(screen, "place").startswith("the end")


async def test_it_plays_at_the_chosen_speed_and_pauses() -> None:
    clock = Clock()
    app = make_app(clock=clock)
    async with app.run_test(size=(100, 30)) as pilot:
        screen, _ = await opened(pilot, app, play=True)
        playback = playback_of(screen)
        await until(lambda: screen.playing and "playing" in line(screen, "place"), pilot)
        begun = playback.position
        clock.now += 1.0
        await pilot.pause(0.2)
        slow = playback.position
        assert slow >= begun
        await pilot.press("plus", "plus")
        assert "4x" in line(screen, "place")
        clock.now += 4.0
        await until(lambda: playback.position > slow, pilot)
        await pilot.press("space")
        where = playback.position
        assert not screen.playing
        assert "paused" in line(screen, "place")
        clock.now += 60
        await pilot.pause(0.2)
        assert playback.position == where
        await pilot.press("plus")
        assert "at once" in line(screen, "place")
        await pilot.press("space")
        await until(lambda: playback.at_end and not screen.playing, pilot)
        await pilot.press("space")
        await until(lambda: playback.at_end, pilot)
        await settled(screen, pilot)
        assert text_of(screen.view) == text_of(replayed(playback.events, screen.view))


async def test_a_call_is_in_the_inspector_as_it_was() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        screen, _ = await opened(pilot, app)
        playback = playback_of(screen)
        call = next(item for item in playback.items if isinstance(item, ToolCallItem) and item.key == "c2")
        asked = next(n for n, event in enumerate(playback.events) if event.type == "approval_requested")
        screen.view.show_item(call.key)
        await until(lambda: screen.view.cursor_item is call, pilot)
        await pilot.press("enter")
        await until(lambda: screen.inspector.has_focus_within, pilot)
        assert screen.inspector.item is call
        assert "success" in inspected(screen)
        await until(lambda: "Left Right tab" in line(screen, "keys"), pilot)
        assert "re-run" not in line(screen, "keys")
        await pilot.press("left")
        assert playback.at_end, "in the inspector, Left is a tab"
        playback_before = playback.position
        await pilot.press("tab")
        await until(lambda: "Left Right step" in line(screen, "keys"), pilot)
        while playback.position > asked + 1:
            await pilot.press("left")
        await settled(screen, pilot)
        assert playback.position < playback_before
        assert "waiting" in inspected(screen)
        assert "?? waiting" in "\n".join(text_of(screen.view))
        await pilot.press("home")
        assert "no tool call yet" in inspected(screen)


async def test_a_chosen_call_comes_back_into_the_inspector() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        screen, _ = await opened(pilot, app)
        calls = {item.key: item for item in playback_of(screen).items if isinstance(item, ToolCallItem)}
        assert list(calls) == ["c1", "c2"]
        screen.view.show_item("c1")
        await until(lambda: screen.view.cursor_key == "c1", pilot)
        await pilot.press("enter")
        await until(lambda: screen.inspector.item is calls["c1"], pilot)
        await until(lambda: screen.inspector.has_focus_within, pilot)
        await pilot.press(*["left_square_bracket"] * 3)
        assert screen.inspector.item is None
        await pilot.press("right_square_bracket", "right_square_bracket")
        assert screen.inspector.item is calls["c1"]
        assert "success" in inspected(screen)
        await pilot.press("tab", "end")
        assert screen.inspector.item is calls["c1"], "a later one does not take its place"
        screen.view.show_item("c2")
        await until(lambda: screen.inspector.item is calls["c2"], pilot)
        await pilot.press("home", "end")
        assert screen.inspector.item is calls["c2"]


async def test_effects_never_happen_again() -> None:
    """No bell, no toast, no card, whatever was asked in the recording."""
    app = make_app()
    rung: list[str] = []
    app.bell = lambda: rung.append("bell")  # type: ignore[method-assign]
    app.notify = lambda message, **_: rung.append(message)  # type: ignore[method-assign,assignment]
    async with app.run_test(size=(100, 30)) as pilot:
        screen, _ = await opened(pilot, app, play=True, speed=math.inf)
        await until(lambda: playback_of(screen).at_end, pilot)
        await pilot.press("home")
        while not playback_of(screen).at_end:
            await pilot.press("right")
        assert rung == []
        assert not screen.query("ApprovalCard")


async def test_keys_that_would_run_a_call_say_that_nothing_runs() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        screen, left = await opened(pilot, app)
        assert "a recording: nothing runs" in line(screen, "title")
        screen.view.show_item("c1")
        await until(lambda: screen.view.cursor_key == "c1", pilot)
        await pilot.press("e", "r", "R", "y", "enter")
        await until(lambda: screen.inspector.has_focus_within, pilot)
        await pilot.press("r")
        await pilot.pause(0.1)
        assert app.screen is screen
        assert left == []


async def test_hits_are_gone_through_and_around() -> None:
    app = make_app()
    events = conversation()
    said = [event.id for event in events if event.type == "user_message"]
    async with app.run_test(size=(80, 24)) as pilot:
        screen, _ = await opened(pilot, app, events=events, event_id=said[1], hits=said)
        await until(lambda: screen.view.cursor_key == "u2", pilot)
        assert "hit 2 of 3" in line(screen, "place")
        for key, wanted in (("n", "u3"), ("n", "u1"), ("N", "u3"), ("N", "u2")):
            await pilot.press(key)
            await until(lambda wanted=wanted: screen.view.cursor_key == wanted, pilot)  # type: ignore[misc]
        await pilot.press("home", "n")
        await until(lambda: screen.view.cursor_key == "u3", pilot)


@pytest.mark.parametrize(("key", "action"), [("c", "continue"), ("v", "verify"), ("f", "fork")])
async def test_it_is_left_with_what_the_person_wants(key: str, action: str) -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, left = await opened(pilot, app)
        await pilot.press("home", "right_square_bracket", "right_square_bracket")
        event = playback_of(screen).event
        assert event is not None
        await pilot.press(key)
        await until(lambda: left, pilot)
        assert left == [ReplayChoice(action, event.id if action == "fork" else None)]  # type: ignore[arg-type]


async def test_before_everything_there_is_nothing_to_fork() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, left = await opened(pilot, app)
        await pilot.press("home", "f")
        await pilot.pause(0.1)
        assert app.screen is screen
        assert left == []


async def test_at_the_end_a_fork_is_at_the_item_under_the_cursor() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        screen, left = await opened(pilot, app)
        finished = next(event for event in playback_of(screen).events if event.type == "tool_call_finished")
        screen.view.show_item("c1")
        await until(lambda: screen.view.cursor_key == "c1", pilot)
        await pilot.press("f")
        await until(lambda: left, pilot)
        assert left == [ReplayChoice("fork", finished.id)]


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
async def test_in_a_narrow_terminal_bar_title_and_the_way_out_stay(width: int) -> None:
    """What can be done without gives way, and nothing is cut."""
    app = make_app()
    async with app.run_test(size=(width, 12)) as pilot:
        screen, _ = await opened(pilot, app, events=long_conversation(80))
        await pilot.press("left", "minus", *["plus"] * 4)
        place = line(screen, "place")
        assert place.count("━") + place.count("─") >= (10 if width >= 60 else 4)
        assert "720 of 721" in place
        assert "at once" in place
        assert "(untitled)" in line(screen, "title")
        assert "a recording" in line(screen, "title")
        assert "Esc leave" in line(screen, "keys")
        for name in ("title", "place", "keys"):
            assert len(line(screen, name).rstrip()) <= width - 2, name
        await pilot.press("home", "home")
        assert len(line(screen, "place").rstrip()) <= width - 2
        await pilot.press("f3")
        await until(lambda: "close" in line(screen, "keys"), pilot)
        assert len(line(screen, "keys").rstrip()) <= width - 2


async def test_an_event_is_named_where_there_is_room() -> None:
    app = make_app()
    async with app.run_test(size=(120, 30)) as pilot:
        screen, _ = await opened(pilot, app)
        for event in reversed(playback_of(screen).events):
            assert f" {event.type.replace('_', ' ')}  " in line(screen, "place")
            await pilot.press("left")
        assert "the beginning" in line(screen, "place")


async def test_what_looks_like_a_key_is_masked() -> None:
    secret = "sk-live-0123456789abcdefghijklmnopqrstuv"
    events = [
        event.model_copy(update={"sensitive": True, "content": (TextContent(text=f"token {secret}"),)})
        if isinstance(event, tools.ToolCallFinished)
        else event
        for event in conversation()
    ]
    app = make_app()
    async with app.run_test(size=(120, 40)) as pilot:
        screen, _ = await opened(pilot, app, events=events)
        screen.view.show_item("c1", opened=True)
        await until(lambda: screen.view.cursor_key == "c1", pilot)
        await pilot.press("enter")
        await until(lambda: screen.inspector.has_focus_within, pilot)
        await settled(screen, pilot)
        shown = "\n".join([*text_of(screen.view), inspected(screen)])
        assert "token" in shown
        assert secret not in shown


async def test_a_long_conversation_goes_back_without_a_stall() -> None:
    """10,000 messages: a step back costs what a step costs, and the end is never shown anew for it."""
    app = make_app()
    async with app.run_test(size=(100, 30)) as pilot:
        events = long_conversation(2_500)
        screen, _ = await opened(pilot, app, events=events)
        playback = playback_of(screen)
        assert len(playback.items) == 10_000
        loaded: list[int] = []
        load = screen.view.load
        screen.view.load = lambda items, **more: (loaded.append(len(items)), load(items, **more))  # type: ignore[method-assign,assignment,func-returns-value]
        await pilot.press(*["left"] * 40)
        assert playback.position == playback.length - 40
        assert loaded == []
        await pilot.press("home")
        assert loaded == [0]


@pytest.mark.parametrize("newer", [False, True])
async def test_what_cannot_be_shown_is_said(newer: bool) -> None:
    app = make_app()
    said: list[str] = []
    app.notify = lambda message, **_: said.append(message)  # type: ignore[method-assign,assignment]
    async with app.run_test(size=(120, 30)) as pilot:
        await until(app.painted.is_set, pilot)
        aside = () if newer else (SetAsideLine(3, 400, "checksum does not match"), SetAsideLine(9, 900, "unfinished"))
        screen = ReplayScreen(None, StoredConversation("c", tuple(conversation()), aside, newer))
        app.push_screen(screen)
        await until(lambda: bool(said), pilot)
        assert said == [screen_words := StoredConversation("c", (), aside, newer).missing]
        assert ("newer release" if newer else "1 line of its file is damaged") in screen_words


async def test_an_empty_conversation_can_be_looked_at() -> None:
    app = make_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await until(app.painted.is_set, pilot)
        screen = ReplayScreen(None, StoredConversation("c", ()), play=True)
        app.push_screen(screen)
        await until(lambda: screen.playback is not None, pilot)
        await pilot.press("space", "left", "right", "home", "end", "n", "plus", "x", "enter")
        assert "event 0 of 0" in line(screen, "place")
        await pilot.press("q")
        await until(lambda: app.screen is app.chat, pilot)


@pytest.mark.parametrize("pieces", [SEQUENCES, DECEIT, MARKUP], ids=["sequences", "deceit", "markup"])
async def test_case_081_hostile_text_is_harmless_at_every_position(pieces: tuple[str, ...]) -> None:
    """Without the line filter, which is the last line of defence."""
    text = stored("\n".join(pieces))
    events = []
    for event in conversation():
        more: dict[str, Any] = {}
        if isinstance(event, turns.UserMessage | turns.AssistantMessage):
            more = {"text": text}
        elif isinstance(event, turns.ConversationTitled):
            more = {"title": text}
        elif isinstance(event, tools.ToolCallProposed):
            more = {"arguments": {text: text}, "name": text}
        elif isinstance(event, tools.ApprovalRequested):
            more = {"reason": text}
        elif isinstance(event, tools.ToolCallFinished):
            more = {"content": (TextContent(text=text),)}
        events.append(event.model_copy(update=more))
    app = Unfiltered(Preferences(), lambda: COMMANDS)
    async with app.run_test(size=(120, 40)) as pilot:
        screen, _ = await opened(pilot, app, events=events)
        screen.toggle_inspector()
        await pilot.press("home", "tab")
        for _ in events:
            screen.action_step(1)
            await settled(screen, pilot)
            await pilot.pause()
            looked_at(app, f"event {playback_of(screen).position} of a replay")
        assert playback_of(screen).at_end
