"""Find, fork, edit and resend, ask again: in a real pseudo-terminal, with real servers."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.program import EACH_SIZE, Program
from tests.support.terminal import Terminal
from tests.terminal import steps

pytestmark = pytest.mark.terminal

SIZED = pytest.mark.parametrize("size", EACH_SIZE, ids=lambda size: f"{size[0]}x{size[1]}")
TOKYO, BERLIN = "What time is it in Tokyo?", "What time is it in Berlin?"
DRAFT = "not sent yet"


def logs(program: Program) -> dict[Path, bytes]:
    """Every conversation on the disk."""
    return {path: path.read_bytes() for path in (program.data_dir / "conversations").glob("*.jsonl")}


def header(terminal: Terminal) -> str:
    return terminal.lines[0]


def to_conversation(terminal: Terminal) -> None:
    """From the composer, by its key."""
    terminal.press("ctrl+o", "c")
    terminal.wait_for("e edit")


@SIZED
def test_find_fork_edit_and_resend_and_ask_again(program: Program, size: tuple[int, int]) -> None:
    with program.app("demo", size=size) as terminal:
        steps.open_demo(terminal)
        steps.ask(terminal, TOKYO)
        steps.answer(terminal, "s")
        terminal.wait_for("In Asia/Tokyo it is")
        steps.idle(terminal)
        steps.ask(terminal, BERLIN)
        terminal.wait_for("In Europe/Berlin it is")
        steps.idle(terminal)
        (original,) = logs(program)
        recorded = logs(program)[original]
        terminal.type(DRAFT)

        terminal.press("ctrl+f")
        terminal.wait_for("in this conversation")
        terminal.type("europe/berlin")
        total = int(re.search(r"1/(\d+)", terminal.wait_for(re.compile(r" 1/\d+ ?$", re.M)))[1])  # type: ignore[index]
        assert total >= 4
        for number in (*range(2, total + 1), 1):
            terminal.press("enter")
            terminal.wait_for(re.compile(rf" {number}/{total} ?$", re.M))
        terminal.wait_for(re.compile(r"\[-\]"))
        terminal.press("esc")
        terminal.wait_gone("find europe")
        terminal.wait_for(DRAFT)

        to_conversation(terminal)
        terminal.press("g", "j", "f")
        terminal.wait_for(lambda _: "(fork)" in header(terminal))
        terminal.wait_for(lambda text: BERLIN not in text and DRAFT in text)
        assert len(logs(program)) == 2
        terminal.press("ctrl+u")
        steps.ask(terminal, TOKYO)
        steps.answer(terminal, "y")
        terminal.wait_for("In Asia/Tokyo it is")
        steps.idle(terminal)

        terminal.type(DRAFT)
        to_conversation(terminal)
        terminal.press("G", "e")
        terminal.wait_for("Enter sends it in a fork that ends before it, Esc leaves it")
        terminal.wait_for(re.compile(rf"^ {re.escape(TOKYO)}", re.M))
        terminal.wait_for(lambda text: DRAFT not in text)
        terminal.press("esc")
        terminal.wait_for(re.compile(rf"^ {DRAFT}", re.M))
        terminal.wait_gone("Esc leaves it")
        to_conversation(terminal)
        terminal.press("G", "e")
        terminal.wait_for("Esc leaves it")
        assert len(logs(program)) == 2
        terminal.press(*["backspace"] * len("Tokyo?"))
        steps.ask(terminal, "Berlin?")
        steps.answer(terminal, "y")
        terminal.wait_for("In Europe/Berlin it is")
        steps.idle(terminal)
        assert len(logs(program)) == 3
        terminal.wait_for(re.compile(rf"^ {DRAFT}", re.M))
        assert not terminal.shows("Esc leaves it")

        to_conversation(terminal)
        terminal.press("r")
        terminal.wait_for(lambda _: len(logs(program)) == 4)
        steps.answer(terminal, "n")
        steps.idle(terminal)
        assert terminal.shows("denied")
        assert logs(program)[original] == recorded
        steps.quit_idle(terminal)
    assert logs(program)[original] == recorded
    checked = program.run("history", "check", "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
