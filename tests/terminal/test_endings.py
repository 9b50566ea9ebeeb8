"""Every way in which the program can end, with every kind of server: nothing is left, nothing is lost."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.support import leftovers
from tests.support.program import LARGE, Program, hostile_entry
from tests.support.providers import FakeProvider
from tests.support.terminal import Terminal
from tests.terminal import steps

pytestmark = pytest.mark.terminal


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Its workers start as they do for people: their own life is looked at here."""
    return Program(tmp_path)


LIMIT = 6.0
"""Seconds within which the program is gone, and its servers with it (requirement C6)."""

IGNORING_HANG_UP = (
    sys.executable,
    "-c",
    "import os, signal, sys; signal.signal(signal.SIGHUP, signal.SIG_IGN); os.execvp(sys.argv[1], sys.argv[1:])",
)
"""What nohup does to a program whose streams are not a terminal."""

STREAM = {
    "repeat": True,
    "steps": [{"text": "The answer begins and "}, {"sleep": 0.3}, {"text": "goes on"}, {"stall": True}],
}
KINDS = {
    "polite": "ok",
    "ignore_eof": "ignore_eof",
    "ignore_sigterm": "ignore_sigterm",
    "grandchild": "grandchild",
    "hang_init": "hang_init",
    "wrapper": "fork_wrapper",
}


@dataclass(frozen=True)
class Tree:
    """The program's processes as they were before the end, and their groups."""

    processes: tuple[psutil.Process, ...]
    groups: frozenset[int]

    def left(self, seconds: float) -> list[str]:
        """What is still there after ``seconds``, by pid and by group."""
        deadline = time.monotonic() + seconds

        def remaining() -> float:
            return max(0.0, deadline - time.monotonic())

        pids = [str(one.pid) for one in self.processes if not leftovers.gone(one.pid, seconds=remaining())]
        return pids + [f"group {one}" for one in self.groups if not leftovers.group_gone(one, seconds=remaining())]


def tree(terminal: Terminal) -> Tree:
    processes = tuple(terminal.descendants())
    groups = set()
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            groups.add(os.getpgid(process.pid))
    return Tree(processes, frozenset(groups) - {os.getpgid(0)})


@contextlib.contextmanager
def talking(program: Program, provider: FakeProvider, *kinds: str, prefix: tuple[str, ...] = ()) -> Iterator[Terminal]:
    """The app in the middle of an answer, with servers of these kinds."""
    provider.script(STREAM)
    program.configure(provider.openai_base, {kind: hostile_entry(KINDS[kind]) for kind in kinds})
    terminal = program.app(size=LARGE)
    terminal.command = [*prefix, *terminal.command]
    with terminal:
        up = sum(kind != "hang_init" for kind in kinds)
        terminal.wait_for(f"{up}/{len(kinds)} servers")
        steps.ask(terminal, "go on for ever")
        terminal.wait_for("goes on")
        yield terminal


def end(terminal: Terminal, how: str) -> None:
    match how:
        case "quit":
            terminal.press("ctrl+q")
            terminal.wait_for("Stop it and quit?")
            terminal.settle(quiet=0.4, seconds=1)
            terminal.press("q")
        case "hang-up":
            terminal.hang_up()
        case _:
            terminal.signal(signal.Signals[how])


STATUS = {"quit": 0, "hang-up": 129, "SIGHUP": 129, "SIGTERM": 143, "SIGINT": 130, "SIGKILL": -9}
MATRIX = [
    ("quit", ("polite", "grandchild", "ignore_sigterm")),
    ("quit", ("hang_init", "wrapper")),
    ("SIGTERM", ("polite", "ignore_eof", "hang_init", "grandchild")),
    ("SIGTERM", ("ignore_sigterm", "wrapper")),
    ("SIGINT", ("polite", "hang_init", "ignore_sigterm")),
    ("SIGHUP", ("ignore_eof", "grandchild", "hang_init")),
    ("hang-up", ("polite", "ignore_sigterm", "hang_init")),
    ("hang-up", ("grandchild", "ignore_eof", "wrapper")),
    ("SIGKILL", ("polite", "ignore_eof", "hang_init")),
    ("SIGKILL", ("ignore_sigterm", "grandchild", "wrapper")),
]


@pytest.mark.parametrize(
    ("how", "kinds"), MATRIX, ids=lambda value: value if isinstance(value, str) else "+".join(value)
)
def test_case_039_040_042_043_nothing_is_left(
    how: str, kinds: tuple[str, ...], program: Program, provider: FakeProvider
) -> None:
    with talking(program, provider, *kinds) as terminal:
        before = tree(terminal)
        assert len(before.processes) >= len(kinds) + 2, "servers, the worker of the model layer, the reaper"
        started = time.monotonic()
        end(terminal, how)
        assert terminal.wait_exit(seconds=LIMIT) == STATUS[how]
        assert before.left(LIMIT - (time.monotonic() - started)) == []
        if how not in ("hang-up", "SIGKILL"):
            assert terminal.unrestored() == []
    if how != "SIGKILL":
        (finished,) = program.stored("turn_finished")
        assert finished["outcome"] == "cancelled"
        (message,) = program.stored("assistant_message")
        assert message["text"] == "The answer begins and goes on"
    assert provider.requests[-1].gone.is_set(), "the connection to the model is closed"


def test_case_044_a_closed_terminal_without_the_signal(program: Program, provider: FakeProvider) -> None:
    """nohup: SIGHUP is ignored, and only the terminal itself tells that it is gone."""
    with talking(program, provider, "polite", "ignore_sigterm", prefix=IGNORING_HANG_UP) as terminal:
        before = tree(terminal)
        started = time.monotonic()
        terminal.hang_up()
        assert terminal.wait_exit(seconds=LIMIT) == 129
        assert before.left(LIMIT - (time.monotonic() - started)) == []
    assert program.stored("turn_finished")[0]["outcome"] == "cancelled"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_case_043_a_second_signal_ends_at_once(
    number: signal.Signals, program: Program, provider: FakeProvider
) -> None:
    """The servers are ended by the reaper then; the terminal is restored, the turn is closed."""
    with talking(program, provider, "ignore_sigterm", "grandchild") as terminal:
        before = tree(terminal)
        terminal.signal(number)
        terminal.wait_for("waiting for servers to stop", seconds=4)
        started = time.monotonic()
        terminal.signal(number)
        assert terminal.wait_exit(seconds=1.5) == 128 + number
        assert before.left(LIMIT - (time.monotonic() - started)) == []
        assert terminal.unrestored() == []
    assert program.stored("turn_finished")[0]["outcome"] == "cancelled"


@pytest.mark.parametrize("delay", [0.4, 0.8, 1.3, 2.0])
def test_a_signal_while_it_starts(delay: float, program: Program) -> None:
    with program.app("demo") as terminal:
        terminal.pump(delay)
        before = tree(terminal)
        terminal.signal(signal.SIGTERM)
        assert terminal.wait_exit(seconds=LIMIT) in (143, -signal.SIGTERM)
        assert before.left(LIMIT) == []
        assert terminal.unrestored() == []


def test_case_042_a_partial_answer_survives_the_kill(program: Program, provider: FakeProvider) -> None:
    """All but the last two seconds; the turn reads as interrupted and is closed when it is opened again."""
    with talking(program, provider, "polite") as terminal:
        terminal.pump(2.5)
        terminal.signal(signal.SIGKILL)
        terminal.wait_exit(seconds=LIMIT)
    assert not program.stored("turn_finished")
    with program.app("--continue") as terminal:
        terminal.wait_for("The answer begins and goes on")
        terminal.wait_for("interrupted")
        steps.quit_idle(terminal)
    (finished,) = program.stored("turn_finished")
    assert finished["outcome"] == "interrupted"


def test_case_038_120_a_call_that_ran_when_the_program_was_killed(program: Program, provider: FakeProvider) -> None:
    """It may have run: it is said, and never run again by itself."""
    provider.script(
        {"match": "sleep", "has_result": False, "calls": [["polite__sleep", {"s": 60}]]},
        {"match": "and now", "text": "It is not known."},
    )
    program.configure(provider.openai_base, {"polite": hostile_entry("ok")})
    with program.app() as terminal:
        terminal.wait_for("1/1 servers")
        steps.ask(terminal, "sleep")
        steps.answer(terminal, "y")
        terminal.wait_for(re.compile(r"polite\.sleep.*running"))
        terminal.signal(signal.SIGKILL)
        terminal.wait_exit(seconds=LIMIT)
    with program.app("--continue") as terminal:
        terminal.wait_for("1/1 servers")
        terminal.wait_for(re.compile("may have run|unknown"))
        steps.ask(terminal, "and now")
        terminal.wait_for("It is not known.")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    (result,) = program.stored("tool_call_finished")
    assert result["outcome"] == "unknown"
    assert len(program.stored("tool_call_started")) == 1


# -- start-up and crashes ----------------------------------------------------------------------------


@pytest.mark.parametrize("arguments", [(), ("demo",)])
def test_case_092_no_terminal(arguments: tuple[str, ...], program: Program) -> None:
    result = program.run(*arguments)
    assert result.returncode == 2
    assert "terminal" in result.stderr
    assert "mcp-tui run" in result.stderr
    assert "\x1b" not in result.stdout + result.stderr


@pytest.mark.parametrize("term", ["dumb", ""])
def test_case_092_a_terminal_without_a_screen(term: str, program: Program) -> None:
    with program.app("demo", env={"TERM": term}) as terminal:
        assert terminal.wait_exit() == 2
        assert "cannot address the screen" in terminal.text
        assert b"\x1b" not in terminal.raw
        assert terminal.unrestored() == []


@pytest.mark.parametrize("key", ["q", "esc", "ctrl+q", "ctrl+c"])
def test_without_a_configuration(key: str, program: Program) -> None:
    with program.app(size=(80, 24)) as terminal:
        terminal.wait_for("could not start")
        text = terminal.wait_for("mcp-tui init")
        assert "mcp-tui demo" in text
        assert str(program.config_file)[:40] in text.replace("\n", "")
        terminal.press(key)
        steps.ended_well(terminal, 2)


def test_case_096_every_fault_of_the_configuration_is_listed(program: Program) -> None:
    program.configure("http://127.0.0.1:9/v1", {"x": {"comand": "true"}})
    program.config_file.write_text(program.config_file.read_text().replace("max_tool_hops: 8", "max_tool_hops: no"))
    with program.app() as terminal:
        text = terminal.wait_for("could not start")
        assert "max_tool_hops" in text
        assert "comand" in text
        terminal.press("q")
        steps.ended_well(terminal, 2)


CRASH = """
import sys
from mcp_tui.ui.app import McpTuiApp

def action_help(self):
    password = "hidden-in-a-local"
    raise ValueError("broken with key sk-aaaabbbbccccddddeeeeffff")

McpTuiApp.action_help = action_help
from mcp_tui.cli import main
sys.exit(main(["demo"]))
"""


def test_case_093_a_fault_of_its_own(program: Program) -> None:
    """Requirement H5: exit status 1, the terminal restored, no local variable and no secret anywhere."""
    with program.app("demo") as terminal:
        pass
    terminal = program.app("demo")
    terminal.command = [terminal.command[0], "-c", CRASH]
    with terminal:
        steps.open_demo(terminal)
        terminal.press("f1")
        steps.ended_well(terminal, 1)
        text = terminal.text
        assert "stopped because of a fault of its own: ValueError" in text
    (report,) = program.data_dir.rglob("crash-*.txt")
    assert report.stat().st_mode & 0o777 == 0o600
    assert "action_help" in report.read_text()
    everything = terminal.raw.decode("utf-8", "replace") + program.written()
    assert "hidden-in-a-local" not in everything.replace('password = "hidden-in-a-local"', "")
    assert "sk-aaaabbbb" not in everything
