"""A person's way through the program, in a real pseudo-terminal, with the demo."""

from __future__ import annotations

import re

import pytest

from tests.support.program import EACH_SIZE, LARGE, SMALL, Program
from tests.terminal import steps

pytestmark = pytest.mark.terminal

NAMED = ["80x24", "120x40"]
BOTH = pytest.mark.parametrize("size", [SMALL, LARGE], ids=NAMED)
SIZED = pytest.mark.parametrize("size", EACH_SIZE, ids=NAMED[: len(EACH_SIZE)])
TWO_TOOLS = "What time is it in Tokyo, and what is 12 * (3 + 4)?"


@BOTH
def test_the_first_minute(program: Program, size: tuple[int, int]) -> None:
    """Opened, asked, streamed, allowed, answered, quit; continued later, it looks the same."""
    with program.app("demo", size=size) as terminal:
        steps.open_demo(terminal)
        assert "not an AI" in terminal.text
        steps.ask(terminal, TWO_TOOLS)
        steps.answer(terminal, "y", "approval 1 of 2")
        steps.answer(terminal, "y", "approval 1 of 1")
        terminal.wait_for("12 * (3 + 4) = 84")
        steps.idle(terminal)
        before = steps.conversation(terminal)
        steps.quit_idle(terminal)
    kinds = [event["type"] for event in program.events()]
    assert kinds.count("tool_call_finished") == 2
    assert kinds[-1] == "turn_finished"

    with program.app("demo", "--continue", size=size) as terminal:
        terminal.wait_for("12 * (3 + 4) = 84")
        terminal.wait_for("4/4")
        terminal.settle(quiet=0.25, seconds=3)
        assert steps.conversation(terminal) == before
        steps.quit_idle(terminal)


@SIZED
def test_an_answer_grows_and_is_stopped_in_the_middle(program: Program, size: tuple[int, int]) -> None:
    with program.app("demo", size=size) as terminal:
        steps.open_demo(terminal)
        steps.ask(terminal, "Give me a long answer of 3000 lines")
        seen: set[int] = set()

        def grew(text: str) -> bool:
            seen.update(int(number) for number in re.findall(r"Section (\d+)", text))
            return len(seen) >= 4

        terminal.wait_for(grew)
        terminal.press("esc")
        terminal.wait_for("stopped")
        steps.idle(terminal)
        assert re.search(r"point \d+\.", terminal.text), "what arrived is still there"
        steps.quit_idle(terminal)
    (message,) = program.stored("assistant_message")
    assert f"Section {max(seen)}" in message["text"]
    assert "Section 300" not in message["text"]
    assert program.stored("turn_finished")[0]["outcome"] == "cancelled"


@SIZED
def test_the_card_cannot_be_hit_by_accident(program: Program, size: tuple[int, int]) -> None:
    """Typing goes into the draft, Enter does nothing, keys sleep at first; looking around decides nothing."""
    with program.app("demo", size=size) as terminal:
        steps.open_demo(terminal)
        steps.ask(terminal, TWO_TOOLS)
        terminal.type("yyys")
        terminal.wait_for("approval 1 of 2")
        terminal.type("y yes")
        terminal.wait_for("yyysy yes")
        terminal.press("enter", "tab", "y", "s", "enter")
        terminal.wait_for("queued")
        steps.card(terminal, "approval 1 of 2")
        terminal.press("enter")
        terminal.settle(quiet=0.2, seconds=1)
        assert terminal.shows("approval 1 of 2")
        terminal.paste("y")
        terminal.settle(quiet=0.2, seconds=1)
        steps.card(terminal, "approval 1 of 2")
        terminal.press("v")
        terminal.wait_for('"timezone": "Asia/Tokyo"')
        terminal.press("f")
        terminal.wait_gone("clock.calculate")
        terminal.press("f", "v")
        terminal.wait_for("clock.calculate")
        terminal.press("right")
        terminal.wait_for("approval 2 of 2")
        terminal.press("left")
        terminal.wait_for("approval 1 of 2")
        assert not program.stored("approval_decided")
        steps.answer(terminal, "n", "approval 1 of 2")
        steps.answer(terminal, "esc", "approval 1 of 1")
        terminal.wait_for("I do not understand")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    assert [event["action"] for event in program.stored("approval_decided")] == ["deny", "deny"]
    assert not program.stored("tool_call_started")


@SIZED
def test_every_other_answer_of_the_card(program: Program, size: tuple[int, int]) -> None:
    with program.app("demo", size=size) as terminal:
        steps.open_demo(terminal)
        steps.ask(terminal, "Run a slow task for 20 seconds")
        steps.answer(terminal, "e")
        terminal.wait_for("Ctrl+S checks")
        terminal.press("f8")
        terminal.paste('{"seconds": "soon"}')
        terminal.press("ctrl+s")
        terminal.wait_for(re.compile("seconds: .*number"))
        terminal.press("f8")
        terminal.paste('{"seconds": 0.2}')
        terminal.press("ctrl+s")
        terminal.wait_for("arguments edited by you")
        steps.answer(terminal, "y")
        terminal.wait_for(re.compile(r"slow\.run_task.* ok "))
        steps.idle(terminal)

        steps.ask(terminal, "What time is it in Paris?")
        steps.answer(terminal, "s")
        terminal.wait_for("In Europe/Paris it is")
        steps.idle(terminal)
        steps.ask(terminal, "What time is it in London?")
        terminal.wait_for("In Europe/London it is")
        steps.idle(terminal)

        steps.ask(terminal, "List the files")
        steps.answer(terminal, "d")
        terminal.wait_for("what should the model know?")
        terminal.type("look elsewhere")
        terminal.press("enter")
        terminal.wait_gone("approval 1 of")
        steps.idle(terminal)

        steps.ask(terminal, "List the files, and what is 2 + 2?")
        steps.answer(terminal, "c", "approval 1 of 2")
        terminal.wait_gone("approval 1 of")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    decisions = program.stored("approval_decided")
    assert [event["action"] for event in decisions] == ["allow", "allow", "allow", "deny", "stop", "stop"]
    started = program.stored("tool_call_started")
    assert started[0]["arguments"] == {"seconds": 0.2}
    assert program.stored("tool_call_proposed")[0]["arguments"] == {"seconds": 20}
    assert "look elsewhere" in str(program.events())
    assert len(started) == 3
    assert program.stored("turn_finished")[-1]["outcome"] == "denied"


def test_queue_and_take_back(program: Program) -> None:
    with program.app("demo", size=SMALL) as terminal:
        steps.open_demo(terminal)
        steps.ask(terminal, "Give me a long answer of 5000 lines")
        terminal.wait_for("Section 2")
        steps.ask(terminal, "What is 3 * 3?")
        terminal.wait_for("queued")
        steps.ask(terminal, "taken back")
        terminal.wait_for("2 queued")
        terminal.press("alt+up")
        terminal.wait_for(re.compile(r"^ ?>? ?taken back", re.MULTILINE))
        terminal.press("ctrl+q")
        terminal.wait_for("Stop it and quit?")
        terminal.press("esc")
        terminal.wait_gone("Stop it and quit?")
        terminal.press("esc")
        steps.answer(terminal, "y")
        terminal.wait_for("3 * 3 = 9")
        steps.idle(terminal)
        assert terminal.shows("taken back")
        steps.quit_idle(terminal)
    assert [event["outcome"] for event in program.stored("turn_finished")] == ["cancelled", "stop"]


@BOTH
def test_servers(program: Program, size: tuple[int, int]) -> None:
    """Restarted, turned off and on from the sidebar; one that dies is explained and comes back."""
    with program.app("demo", size=size) as terminal:
        steps.open_demo(terminal)
        pids = {process.pid for process in terminal.descendants()}
        terminal.press("f2")
        terminal.wait_for("SERVERS")
        if size == LARGE:
            terminal.settle(quiet=0.1, seconds=1)
        terminal.wait_for("R restart")
        terminal.press("r")
        terminal.wait_for(lambda text: len({one.pid for one in terminal.descendants()} - pids) == 1)
        terminal.wait_for(re.compile(r"\* files +4 tools"))
        terminal.press("space")
        terminal.wait_for(re.compile(r"- files"))
        terminal.wait_for("3/4")
        terminal.press("space")
        terminal.wait_for("4/4")
        terminal.press("esc")
        terminal.settle(quiet=0.2, seconds=1)
        if size == SMALL:
            terminal.press("f2", "f2")
            terminal.wait_gone("SERVERS")
        steps.ask(terminal, "Crash the flaky server")
        steps.answer(terminal, "y")
        terminal.wait_for(re.compile("it exited.*may have run"))
        steps.idle(terminal)
        terminal.wait_for("4/4")
        steps.quit_idle(terminal)


def test_the_screen_around(program: Program) -> None:
    """Sizes, a theme, a long paste, help, palette, commands, the list of conversations."""
    with program.app("demo", size=LARGE) as terminal:
        steps.open_demo(terminal)
        terminal.paste("\n".join(f"line {number}" for number in range(500)))
        terminal.wait_for("line 499")
        assert not program.logs()
        terminal.press("f8", "backspace")
        terminal.wait_gone("line 499")

        steps.ask(terminal, "What is 6 * 7?")
        steps.answer(terminal, "y")
        terminal.wait_for("6 * 7 = 42")
        steps.idle(terminal)
        for columns, rows in ((40, 12), (1, 1), (200, 60), (80, 24)):
            terminal.resize(columns, rows)
            terminal.settle(quiet=0.2, seconds=2)
        assert terminal.exit_code is None
        terminal.resize(*LARGE)
        terminal.wait_for("6 * 7 = 42")
        terminal.wait_for("4/4 servers")

        terminal.press("f1")
        terminal.wait_for("Keys: everywhere")
        terminal.press("esc")
        terminal.wait_gone("Keys: everywhere")
        before = len(terminal.raw)
        steps.ask(terminal, "/theme mcp-light")
        terminal.wait_gone("/theme mcp-light")
        terminal.settle(quiet=0.2, seconds=2)
        assert len(terminal.raw) - before > 2000, "all of the screen is drawn in other colours"
        terminal.press("ctrl+p")
        terminal.settle(quiet=0.2, seconds=2)
        terminal.type("new conv")
        terminal.wait_for("New conversation")
        terminal.press("enter")
        terminal.wait_for(steps.WELCOME)
        terminal.press("f4")
        terminal.wait_for("What is 6 * 7?")
        terminal.press("c")
        terminal.wait_for("6 * 7 = 42")
        steps.ask(terminal, "/nothing")
        terminal.wait_for(re.compile("no command|unknown|There is no", re.IGNORECASE))
        terminal.press("f8", "backspace")
        steps.ask(terminal, "/quit")
        steps.ended_well(terminal)

    with program.app("demo", size=LARGE) as terminal:
        steps.open_demo(terminal)
        steps.quit_idle(terminal)
