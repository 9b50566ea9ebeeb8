"""A recorded call is run again from the inspector, in the whole program; all of a conversation with /verify."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.support.program import EACH_SIZE, SMALL, Program
from tests.support.terminal import Terminal
from tests.terminal import steps

pytestmark = pytest.mark.terminal

CALL = '/call clock.now {"timezone": "Asia/Tokyo"}'


def of_kind(program: Program, kind: str) -> list[dict[str, Any]]:
    """Events of one kind in all logs."""
    lines = (line for path in program.logs() for line in path.read_text(encoding="utf-8").splitlines())
    return [event for event in map(json.loads, lines) if event["type"] == kind]


def jump(terminal: Terminal, letter: str) -> None:
    """Go to a pane."""
    terminal.press("ctrl+o")
    terminal.wait_for("jump to")
    terminal.press(letter)
    terminal.wait_gone("jump to")


def answer(terminal: Terminal, key: str) -> None:
    """Answer the card, wherever the focus is."""
    terminal.wait_for("approval 1 of")
    jump(terminal, "a")
    steps.answer(terminal, key)


@pytest.mark.parametrize("size", EACH_SIZE, ids=lambda size: f"{size[0]}x{size[1]}")
def test_run_again_compare_and_verify(program: Program, size: tuple[int, int]) -> None:
    with program.app("demo", size=size) as terminal:
        steps.open_demo(terminal)
        steps.ask(terminal, CALL)
        steps.answer(terminal, "y")
        terminal.wait_for("In Asia/Tokyo it is")
        steps.idle(terminal)

        jump(terminal, "i")
        terminal.wait_for("structured content")
        terminal.press("r")
        terminal.wait_for("re-run of #3, by you")
        assert len(of_kind(program, "tool_call_started")) == 1
        answer(terminal, "y")
        steps.idle(terminal)
        jump(terminal, "i")
        terminal.wait_for(re.compile(r"re-run of #3: (same result|1 difference)"))
        assert terminal.shows("6 Diff")
        (compared,) = of_kind(program, "tool_call_compared")
        if not compared["same"]:
            assert terminal.shows("- recorded   + today")
            assert terminal.shows(re.compile(r"- \"20\d\d-"))
            assert terminal.shows(re.compile(r"\+ \"20\d\d-"))
        terminal.press("d")
        terminal.wait_for("beside #3")

        terminal.press("e")
        terminal.wait_for("run clock.now again with")
        terminal.press("f8")
        terminal.type('{"timezone": "Europe/Rome"}')
        terminal.press("ctrl+s")
        answer(terminal, "y")
        steps.idle(terminal)
        jump(terminal, "i")
        terminal.wait_for("arguments.timezone")
        started = of_kind(program, "tool_call_started")
        assert [event["arguments"]["timezone"] for event in started] == ["Asia/Tokyo"] * 2 + ["Europe/Rome"]

        jump(terminal, "p")
        steps.ask(terminal, "/verify")
        terminal.wait_for("verification of")
        answer(terminal, "n")
        terminal.wait_for("verified: 1 could not be run (clock.now)")
        steps.idle(terminal)
        assert len(program.logs()) == 2
        assert len(of_kind(program, "model_request_started")) == 2
        steps.quit_idle(terminal)


def test_v_in_a_replay_verifies(program: Program) -> None:
    """From the recording to the servers of today: only then is anything started."""
    recorded = program.run("run", "--demo", "--policy", "allow", CALL)
    assert recorded.returncode == 0, recorded.stderr
    with program.app("replay", "last", "--demo", "--speed", "once", size=SMALL) as terminal:
        terminal.wait_for("In Asia/Tokyo it is")
        terminal.press("v")
        terminal.wait_for("verification of", seconds=60)
        answer(terminal, "y")
        terminal.wait_for(re.compile(r"verified: 1 (same|differs)"))
        steps.idle(terminal)
        steps.quit_idle(terminal)
    (compared,) = of_kind(program, "tool_call_compared")
    (created,) = [event for event in of_kind(program, "conversation_created") if event.get("origin")]
    assert created["origin"]["kind"] == "verification"
    assert created["origin"]["conversation_id"] == compared["recorded"]["conversation_id"]


def test_verify_leaves_out_what_is_new_each_time(program: Program) -> None:
    recorded = program.run("run", "--demo", "--policy", "allow", CALL)
    assert recorded.returncode == 0, recorded.stderr
    with program.app("demo", "--continue", size=SMALL) as terminal:
        terminal.wait_for("In Asia/Tokyo it is", seconds=60)
        steps.ask(terminal, "/verify structuredContent.time content[x]")
        terminal.wait_for("at character 9")
        assert len(program.logs()) == 1
        terminal.wait_for(re.compile(r"^ /verify structuredContent.time content\[x\]", re.M))
        terminal.press("backspace", "backspace")
        steps.ask(terminal, "9]")
        answer(terminal, "y")
        terminal.wait_for("ignored: structuredContent.time (1 place)")
        assert terminal.shows("verified: 1 same;")
        steps.idle(terminal)
        jump(terminal, "i")
        terminal.wait_for("as recorded")
        assert terminal.shows("ignored: structuredContent.time (1 place)")
        steps.quit_idle(terminal)
    (compared,) = of_kind(program, "tool_call_compared")
    assert compared["same"]
    assert compared["ignored"] == [
        {"rule": "structuredContent.time", "places": 1}, {"rule": "content[9]", "places": 0}
    ]  # fmt: skip
