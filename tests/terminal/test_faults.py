"""Faults around the whole program: a disk without room, a place that is none, files edited meanwhile, job control."""

from __future__ import annotations

import json
import re
import shutil
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.support.program import LARGE, SMALL, Program, hostile_entry
from tests.support.providers import FakeProvider
from tests.support.terminal import Terminal
from tests.terminal import steps

pytestmark = pytest.mark.terminal

SMALL_FILES = (
    sys.executable,
    "-c",
    "import os, resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000)); "
    "os.execvp(sys.argv[1], sys.argv[1:])",
)
"""No file may grow beyond 30 kB: what a quota or a full disk does, and SIGXFSZ with it."""


READY = "ask, / for commands"
"""What an empty composer says: there is a screen."""


def test_case_002_005_without_room_it_says_so_and_stays_usable(program: Program, provider: FakeProvider) -> None:
    """The input that cannot be kept comes back; small ones are answered again; the program is not ended by a signal."""
    provider.script({"text": "One."}, {"text": "Two."})
    program.configure(provider.openai_base)
    terminal = program.app(size=LARGE)
    terminal.command = [*SMALL_FILES, *terminal.command]
    with terminal:
        terminal.wait_for(READY)
        steps.ask(terminal, "first words")
        terminal.wait_for("One.")
        steps.idle(terminal)
        terminal.paste("too long " * 3_400)
        terminal.press("enter")
        terminal.wait_for(re.compile("File too large|could not be saved|Free some space"))
        terminal.wait_for(re.compile("too long too long|pasted text 1"))
        terminal.press("ctrl+z")
        terminal.wait_gone(re.compile("too long too long|pasted text 1"))
        steps.ask(terminal, "second words")
        terminal.wait_for("Two.")
        steps.idle(terminal)
        terminal.press("ctrl+q")
        steps.ended_well(terminal)
    texts = [event["text"] for event in program.stored("user_message")]
    assert texts == ["first words", "second words"]
    assert [event["outcome"] for event in program.stored("turn_finished")] == ["stop", "stop"]


@pytest.mark.parametrize("demo", [True, False], ids=["demo", "configured"])
def test_case_010_a_data_directory_that_is_none_is_said_at_the_start(program: Program, demo: bool) -> None:
    program.configure("http://127.0.0.1:9/v1")
    program.data_dir.write_text("a file where a directory should be")
    with program.app(*(["demo"] if demo else []), size=SMALL) as terminal:
        text = terminal.wait_for("could not start")
        assert str(program.data_dir)[:40] in text.replace("\n", "")
        terminal.press("q")
        steps.ended_well(terminal, 2)


def test_case_100_files_edited_while_it_runs_change_nothing(
    program: Program, provider: FakeProvider, tmp_path: Path
) -> None:
    """A server that is restarted is started as it was accepted; the model stays the one that was configured."""
    log, other = tmp_path / "log", tmp_path / "other"
    provider.script({"text": "As before.", "repeat": True})
    program.configure(provider.openai_base, {"good": hostile_entry("ok") | {"env": {"HOSTILE_LOG": str(log)}}})
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("1/1 servers")
        edited = {"good": hostile_entry("poison") | {"env": {"HOSTILE_LOG": str(other)}}}
        program.configure("http://127.0.0.1:9/elsewhere", edited, trust=False)
        program.config_file.write_text("llm: [")
        before = log.read_text().count(" start")
        steps.ask(terminal, "/restart good")
        terminal.wait_for(lambda _: log.read_text().count(" start") > before)
        terminal.wait_for("1/1 servers")
        steps.ask(terminal, "hello")
        terminal.wait_for("As before.")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    assert not other.exists()


def test_case_111_another_command_under_a_trusted_name_is_not_started(
    program: Program, provider: FakeProvider, tmp_path: Path
) -> None:
    """Neither in the app, which asks, nor without one, which says so and ends with status 2."""
    other = tmp_path / "other"
    provider.script({"text": "Never said.", "repeat": True})
    program.configure(provider.openai_base, {"good": hostile_entry("ok")})
    edited = {"good": hostile_entry("poison") | {"env": {"HOSTILE_LOG": str(other)}}}
    program.configure(provider.openai_base, edited, trust=False)
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("1 server to accept")
        terminal.settle(quiet=0.3, seconds=2)
        terminal.press("ctrl+q")
        steps.ended_well(terminal)
    result = program.run("run", "hello")
    assert result.returncode == 2
    assert "good" in result.stderr
    assert not other.exists(), "it was never started"


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs a shell with job control")
def test_case_095_suspended_and_resumed(program: Program) -> None:
    """The shell finds its terminal as it was; afterwards the screen is drawn whole, and keys work."""
    shell = Terminal(["bash", "--norc", "--noprofile", "-i"], size=LARGE, env={**program.environ, "PS1": "shell> "})
    with shell:
        shell.wait_for("shell>")
        shell.type(" ".join(program.command("demo")) + "\n")
        steps.open_demo(shell)
        for how in ("command", "signal"):
            if how == "command":
                steps.ask(shell, "/suspend")
            else:
                (app,) = psutil.Process(shell.pid).children()
                app.send_signal(signal.SIGTSTP)
            shell.wait_for("Stopped")
            shell.settle(quiet=0.2, seconds=2)
            private = shell.private_modes()
            assert not [mode for mode in (1000, 1003, 1006, 1049) if private.get(mode)]
            assert private.get(25, True), "the cursor is there"
            shell.type(f"echo {how} $((40 + 2))\n")
            shell.wait_for(f"{how} 42")
            shell.type("fg\n")
            shell.wait_for(steps.WELCOME)
            shell.wait_gone(f"{how} 42")
            shell.type(f"typed after {how}")
            shell.wait_for(f"typed after {how}")
            shell.press(*["backspace"] * 20, pause=0.005)
            shell.wait_gone(f"typed after {how}")
        shell.press("ctrl+q")
        shell.wait_for("shell>")
        shell.type("exit\n")
        assert shell.wait_exit() == 0


def test_case_091_large_pastes_and_a_storm_of_resizes(program: Program, provider: FakeProvider) -> None:
    """2 MB in one paste, forty sizes in a row down to one cell: no crash, and a key is answered within a second."""
    program.configure(provider.openai_base)
    with program.app(size=LARGE) as terminal:
        terminal.wait_for(READY)
        terminal.paste("line of a paste\n" * 130_000)
        terminal.wait_for("pasted text 1")
        for number in range(40):
            terminal.resize(*((1, 1), (200, 60), (20, 5), (80, 24), (1, 60), (300, 1))[number % 6])
            terminal.pump(0.01)
        terminal.resize(*LARGE)
        terminal.wait_for("pasted text 1")
        terminal.settle(quiet=0.2, seconds=3)
        started = time.monotonic()
        terminal.type("q")
        terminal.wait_for(re.compile(r"pasted text 1[^\n]*q"))
        assert time.monotonic() - started < 1
        assert not program.logs(), "a paste sends nothing"
        terminal.press("ctrl+q")
        steps.ended_well(terminal)


def test_case_090_a_paste_with_its_own_end_in_it_decides_and_sends_nothing(
    program: Program, provider: FakeProvider
) -> None:
    """What follows the mark arrives as keys: the card has just been drawn, or keys are asleep after the paste."""
    provider.script({"has_result": False, "calls": [["good__echo", {"x": "hello"}]]}, {"text": "As you say."})
    program.configure(provider.openai_base, {"good": hostile_entry("ok")})
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("1/1 servers")
        terminal.paste("harmless\x1b[201~ and then keys")
        terminal.wait_for("and then keys")
        assert not program.logs()
        terminal.press(*["backspace"] * 40, pause=0.005)
        terminal.wait_gone("harmless")
        steps.ask(terminal, "call it")
        steps.card(terminal)
        terminal.paste("x\x1b[201~yyyssyy")
        terminal.settle(quiet=0.3, seconds=2)
        assert terminal.shows("approval 1 of 1")
        assert not program.stored("approval_decided")
        steps.answer(terminal, "n")
        terminal.wait_for("As you say.")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    assert not program.stored("tool_call_started")


def test_case_123_in_a_plain_locale_files_are_utf8(program: Program, provider: FakeProvider) -> None:
    """LC_ALL=C, an ASCII standard output: what was said is stored and printed whole."""
    words = "Grüße, 世界 \U0001f30d"
    plain = {"LC_ALL": "C", "LANG": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    provider.script({"text": words})
    program.configure(provider.openai_base)
    done = program.run("run", "--json", "-", stdin=words, env=plain)
    assert done.returncode == 0, done.stderr
    (message,) = program.stored("user_message")
    assert message["text"] == words
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert words in [event.get("text") for event in shown]


@pytest.mark.parametrize("redirected", ["</dev/null", "2>errors"])
def test_case_092_a_terminal_in_part_is_refused(redirected: str, program: Program) -> None:
    """Input or errors (where the screen is) lead elsewhere: status 2 and words, without a control sequence."""
    line = f"{' '.join(program.command('demo'))} {redirected}"
    with Terminal(["sh", "-c", line], size=SMALL, env=program.environ, cwd=program.folder) as terminal:
        assert terminal.wait_exit() == 2
        written = terminal.raw + b"".join(path.read_bytes() for path in program.folder.glob("errors"))
        assert b"terminal" in written
        assert b"\x1b" not in written
        assert terminal.unrestored() == []


def test_case_117_a_card_that_was_open_when_the_program_died_reads_as_never_answered(
    program: Program, provider: FakeProvider
) -> None:
    provider.script({"calls": [["good__echo", {"x": "hello"}]]})
    program.configure(provider.openai_base, {"good": hostile_entry("ok")})
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("1/1 servers")
        steps.ask(terminal, "call it")
        steps.card(terminal)
        terminal.signal(signal.SIGKILL)
        terminal.wait_exit(seconds=6)
    assert not program.stored("approval_decided")
    with program.app("--continue", size=LARGE) as terminal:
        terminal.wait_for("call it")
        terminal.wait_for("1/1 servers")
        terminal.settle(quiet=0.3, seconds=3)
        assert not terminal.shows("approval 1 of"), "it is not asked again by itself"
        steps.quit_idle(terminal)
    (decided,) = program.stored("approval_decided")
    assert decided["action"] == "withdrawn"
    assert not program.stored("tool_call_started")


def test_case_078_quit_in_the_middle_of_a_call(program: Program, provider: FakeProvider) -> None:
    """Each start has its end in the log, and the server that ran it is gone."""
    provider.script({"calls": [["good__sleep", {"s": 60}]]})
    program.configure(provider.openai_base, {"good": hostile_entry("ok")})
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("1/1 servers")
        steps.ask(terminal, "sleep")
        steps.answer(terminal, "y")
        terminal.wait_for(re.compile(r"good\.sleep.*running"))
        terminal.press("ctrl+q")
        terminal.wait_for("Stop it and quit?")
        terminal.settle(quiet=0.4, seconds=1)
        terminal.press("q")
        steps.ended_well(terminal)
    (finished,) = program.stored("tool_call_finished")
    assert finished["outcome"] in ("cancelled", "unknown")
    assert len(program.stored("tool_call_started")) == 1
    assert [event["outcome"] for event in program.stored("turn_finished")] == ["cancelled"]
