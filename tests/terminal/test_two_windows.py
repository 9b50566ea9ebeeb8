"""Two windows of the program on one conversation, each in a terminal of its own."""

from __future__ import annotations

import json

import pytest

from mcp_tui.events.base import SCHEMA_VERSION
from tests.support.program import EACH_SIZE, Program
from tests.terminal import steps

pytestmark = pytest.mark.terminal

SIZED = pytest.mark.parametrize("size", EACH_SIZE, ids=lambda size: f"{size[0]}x{size[1]}")
ELSEWHERE = "turn in another window"


@SIZED
def test_the_second_window_follows_and_waits_its_turn(program: Program, size: tuple[int, int]) -> None:
    with program.app("demo", size=size) as first:
        steps.open_demo(first)
        steps.ask(first, "What is 12 * (3 + 4)?")
        steps.answer(first, "y")
        first.wait_for("12 * (3 + 4) = 84")
        steps.idle(first)
        with program.app("demo", "--continue", size=size) as second:
            second.wait_for("12 * (3 + 4) = 84")
            second.wait_for("4/4")
            # A card that waits in the first window is seen and cannot be answered in the second.
            steps.ask(first, "What is 7 * 6?")
            steps.card(first)
            second.wait_for("What is 7 * 6?")
            second.wait_for(ELSEWHERE)
            assert not second.shows("approval 1 of 1")
            second.wait_for("waits in another window")
            assert not second.shows("asks you")
            steps.ask(second, "too early")
            second.wait_for("Not sent")
            second.wait_for(str(first.pid))
            second.wait_for("too early")
            first.press("y")
            first.wait_for("7 * 6 = 42")
            second.wait_for("7 * 6 = 42")
            second.wait_for(lambda text: ELSEWHERE not in text)
            # The input is still in the composer, and may be sent now.
            second.press("enter")
            first.wait_for("too early")
            steps.idle(second)
            steps.idle(first)
            steps.quit_idle(second)
        steps.quit_idle(first)
    events = program.events()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert [event["text"] for event in events if event["type"] == "user_message"] == [
        "What is 12 * (3 + 4)?", "What is 7 * 6?", "too early",
    ]  # fmt: skip


@SIZED
def test_a_window_that_is_killed_leaves_nothing_open_in_the_other(program: Program, size: tuple[int, int]) -> None:
    with program.app("demo", size=size) as second:
        steps.open_demo(second)
        steps.ask(second, "hello")
        steps.idle(second)
        with program.app("demo", "--continue", size=size) as first:
            first.wait_for("4/4")
            steps.ask(first, "What is 7 * 6?")
            steps.card(first)
            second.wait_for(ELSEWHERE)
            first.process.kill()
            first.process.wait(30)
        second.wait_for(lambda text: ELSEWHERE not in text)
        second.wait_for("interrupted")
        steps.quit_idle(second)


@SIZED
def test_what_a_newer_release_wrote_is_read_and_not_continued(program: Program, size: tuple[int, int]) -> None:
    with program.app("demo", size=size) as terminal:
        steps.open_demo(terminal)
        steps.ask(terminal, "hello")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    (path,) = program.logs()
    make_newer(path)
    before = path.read_bytes()
    with program.app("demo", "--continue", size=size) as terminal:
        terminal.wait_for("read only")
        terminal.wait_for("hello")
        steps.ask(terminal, "go on")
        terminal.wait_for("Not sent")
        assert terminal.shows("go on")
        steps.quit_idle(terminal)
    assert path.read_bytes() == before


def make_newer(path):  # type: ignore[no-untyped-def]
    """As the next major version would have written it."""
    from mcp_tui.history import lines

    first, *rest = path.read_bytes().splitlines(keepends=True)
    value = json.loads(first)
    value["schema_version"] = SCHEMA_VERSION + 1
    value.pop("crc")
    path.write_bytes(b"".join([lines.prepare(value).numbered(value["seq"]), *rest]))
