"""A replay in a real pseudo-terminal: it shows what was on the screen when it happened, and starts nothing."""

from __future__ import annotations

import asyncio
import re

import pytest

from mcp_tui.history.jsonl import JsonlStore
from tests.support.program import EACH_SIZE, LARGE, SMALL, Program
from tests.support.replays import conversation
from tests.support.terminal import Terminal
from tests.terminal import steps

pytestmark = pytest.mark.terminal

SIZED = pytest.mark.parametrize("size", EACH_SIZE, ids=lambda size: f"{size[0]}x{size[1]}")
TWO_TOOLS = "What time is it in Tokyo, and what is 12 * (3 + 4)?"
KEPT = "01m7y3g2f5ph6vawg2f336c38d"
ANSWER = "12 * (3 + 4) = 84"
PLACE = re.compile(r"event (\d+) of (\d+)")


def talk(program: Program, size: tuple[int, int]) -> list[str]:
    """A turn with two allowed calls; the rows of the conversation that are on the screen at its end.

    `tests.support.watched` has compared them with a replay by then.
    """
    with program.app("demo", size=size) as terminal:
        steps.open_demo(terminal)
        if size == LARGE:
            terminal.press("f2", "f2")
            terminal.wait_for(lambda text: "CONTEXT" not in text)
        steps.ask(terminal, TWO_TOOLS)
        steps.answer(terminal, "y", "approval 1 of 2")
        steps.answer(terminal, "y", "approval 1 of 1")
        terminal.wait_for(ANSWER)
        steps.idle(terminal)
        rows = steps.conversation(terminal)
        terminal.wait_for(lambda _: (program.replays / "same").exists())
        steps.quit_idle(terminal)
    return said(rows)


def said(rows: list[str]) -> list[str]:
    """The rows without the empty ones at both ends, and without the scroll bar."""
    text = "\n".join(re.sub(r"[ ▁-█]+$", "", row) for row in rows)
    return text.strip("\n").split("\n")


def position(terminal: Terminal) -> int:
    found = PLACE.search(terminal.text)
    assert found is not None, terminal.text
    return int(found[1])


@SIZED
def test_step_speed_and_quit_in_the_middle(program: Program, size: tuple[int, int]) -> None:
    live = talk(program, size)
    with program.app("replay", "last", "--speed", "0.1", size=size) as terminal:
        terminal.wait_for("playing")
        terminal.wait_for("a recording: nothing runs")
        terminal.press("space")
        terminal.wait_for("paused")
        assert not [process for process in terminal.descendants() if process.pid != terminal.process.pid]
        terminal.press("end")
        terminal.wait_for("the end")
        terminal.wait_for(ANSWER)
        terminal.settle(quiet=0.25, seconds=3)
        replayed = said(terminal.lines[1:-2])
        shared = min(len(live), len(replayed))
        assert replayed[-shared:] == live[-shared:]
        assert shared > 10

        last = position(terminal)
        terminal.press("left")
        terminal.wait_for(lambda _: position(terminal) == last - 1)
        terminal.press("[")
        terminal.wait_for("turn 1 of 1")
        terminal.wait_for(lambda text: ANSWER not in text and TWO_TOOLS in text)
        while "?? waiting" not in terminal.text:
            before = position(terminal)
            terminal.press("right")
            terminal.wait_for(lambda _, before=before: position(terminal) == before + 1)
            assert before < last
            terminal.settle(quiet=0.1, seconds=1)
        terminal.press("+", "+", "+")
        terminal.wait_for("4x")
        terminal.press("space")
        terminal.wait_for("playing")
        terminal.wait_for(ANSWER)
        terminal.press("home", "space")
        terminal.wait_for("playing")
        terminal.press("q")
        steps.ended_well(terminal)
    kinds = [event["type"] for event in program.events()]
    assert kinds.count("turn_started") == 1, "nothing was added"


def test_from_the_chat_and_back(program: Program) -> None:
    with program.app("demo", size=SMALL) as terminal:
        steps.open_demo(terminal)
        steps.ask(terminal, "/replay")
        terminal.wait_for("Nothing has happened")
        steps.ask(terminal, "What is 2 + 3?")
        steps.answer(terminal, "y")
        terminal.wait_for("2 + 3 = 5")
        steps.idle(terminal)
        steps.ask(terminal, "/replay")
        terminal.wait_for("a recording: nothing runs")
        terminal.press("+", "+", "+")
        terminal.wait_for("the end")
        terminal.wait_for("2 + 3 = 5")
        terminal.press("c")
        terminal.wait_for("ask, / for commands")
        steps.quit_idle(terminal)


def test_going_on_from_the_command_line(program: Program) -> None:
    """c starts what the replay did not: servers and model; the conversation goes on."""
    talk(program, SMALL)
    with program.app("replay", "last", "--speed", "once", size=SMALL) as terminal:
        terminal.wait_for("the end")
        terminal.press("c")
        terminal.wait_for("4/4")
        terminal.wait_for(ANSWER)
        steps.ask(terminal, "What is 2 + 3?")
        steps.answer(terminal, "y")
        terminal.wait_for("2 + 3 = 5")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    assert len(program.stored("turn_finished")) == 2


def test_what_is_not_there_is_said_without_the_app(program: Program) -> None:
    with program.app("replay", "nope", size=SMALL) as terminal:
        assert terminal.wait_exit(seconds=30) == 2
        assert "There is no conversation 'nope'" in terminal.text
        assert b"\x1b[?1049h" not in terminal.raw


def keep(program: Program, *, newer: bool) -> None:
    """A stored conversation, of a model that has to be configured or of the demo's; ``newer``: of a newer release."""
    events = [event.model_copy(update={"conversation_id": KEPT, "seq": 0}) for event in conversation()]
    events[0] = events[0].model_copy(update={"schema_version": 99, "demo": True} if newer else {})

    async def store() -> None:
        kept = JsonlStore(program.data_dir / "conversations")
        await kept.append(KEPT, events)
        await kept.aclose()

    asyncio.run(store())


def test_without_a_configuration_nothing_is_forked(program: Program) -> None:
    keep(program, newer=False)
    with program.app("replay", KEPT, "--speed", "once", size=SMALL) as terminal:
        terminal.wait_for("the end")
        terminal.press("f")
        terminal.wait_for("could not start")
        assert "This is the fork" not in terminal.text
        terminal.press("q")
        assert terminal.wait_exit(seconds=30) == 2
    assert len(list((program.data_dir / "conversations").glob("*.jsonl"))) == 1


def test_what_a_newer_release_wrote_is_opened_instead_of_forked(program: Program) -> None:
    keep(program, newer=True)
    with program.app("replay", KEPT, "--speed", "once", size=LARGE) as terminal:
        terminal.wait_for("the end")
        terminal.wait_for("A newer release of mcp-tui")
        terminal.press("f")
        terminal.wait_for("Upgrade mcp-tui")
        terminal.wait_for("read only")
        steps.quit_idle(terminal)
    assert len(list((program.data_dir / "conversations").glob("*.jsonl"))) == 1
