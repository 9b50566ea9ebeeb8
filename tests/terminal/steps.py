"""What a person does, step by step, for the tests of the whole program."""

from __future__ import annotations

import re

from tests.support import leftovers
from tests.support.terminal import Terminal

WELCOME = "Try one of these"
AWAKE = "keys are awake"
LOCKED = "have scrolled to the end"
WAITING = re.compile(r"! .*(approvals?|questions?) waiting$")
"""The right end of the header while somebody has to answer."""


def open_demo(terminal: Terminal) -> None:
    """Wait until the demo can be used: all servers up."""
    terminal.wait_for(WELCOME)
    terminal.wait_for("4/4")


def ask(terminal: Terminal, text: str) -> None:
    """Type and send."""
    terminal.type(text)
    terminal.press("enter")


def card(terminal: Terminal, title: str = "approval 1 of") -> None:
    """Wait for the card, go to it, look at all of its arguments, and wait until its keys count."""
    terminal.wait_for(title)
    terminal.settle(quiet=0.1, seconds=1)
    if not any(terminal.shows(words) for words in (AWAKE, "keys wake up", LOCKED)):
        terminal.press("tab")
    terminal.wait_for(re.compile(f"{AWAKE}|{LOCKED}"))
    if terminal.shows(LOCKED):
        terminal.press("end")
    terminal.wait_for(AWAKE)


def answer(terminal: Terminal, key: str, title: str = "approval 1 of") -> None:
    """Answer the card that is shown with a key."""
    card(terminal, title)
    terminal.press(key)


def write_rule(terminal: Terminal) -> None:
    """From the card to the page of a rule, and write the first one that is proposed."""
    answer(terminal, "p")
    terminal.wait_for("Allow from now on, without asking")
    terminal.settle(quiet=0.1, seconds=1)  # the rows below it are those of the page too
    terminal.wait_for(AWAKE)
    terminal.press("w")


def idle(terminal: Terminal) -> None:
    """Wait until no turn runs and none waits: the header says nothing of one, and stays so."""
    terminal.wait_for(_at_rest)
    terminal.settle(quiet=0.25, seconds=1)
    terminal.wait_for(_at_rest)


def _at_rest(text: str) -> bool:
    header = text.partition("\n")[0]
    return "Esc stops" not in header and WAITING.search(header) is None


def conversation(terminal: Terminal) -> list[str]:
    """The lines of the conversation pane, without the sidebar beside it."""
    rows = terminal.lines[1:]
    end = next(number for number, row in enumerate(rows) if row.startswith("─────"))
    return [row.partition("│")[2] if "│" in row else row for row in rows[:end]]


def ended_well(terminal: Terminal, status: int = 0, *, seconds: float = 15.0) -> None:
    """The program ends: exit status, terminal restored, nothing left running."""
    started = terminal.descendants()
    assert terminal.wait_exit(seconds=seconds) == status, terminal.text
    assert terminal.unrestored() == []
    assert [process for process in started if not leftovers.gone(process.pid, seconds=6)] == []


def quit_idle(terminal: Terminal) -> None:
    """Ctrl+Q while nothing runs."""
    terminal.press("ctrl+q")
    ended_well(terminal)
