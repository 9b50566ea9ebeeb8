"""A person's way through the program, in a real pseudo-terminal, with the demo."""

from __future__ import annotations

import re

import pytest

from tests.support.program import LARGE, SMALL, Program
from tests.terminal import steps

pytestmark = pytest.mark.terminal

BOTH = pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "120x40"])
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


@BOTH
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
