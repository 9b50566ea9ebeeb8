"""The pseudo-terminal harness itself."""

from __future__ import annotations

import re
import signal
import sys

import pytest

from tests.support import leftovers
from tests.support.terminal import Terminal, key_bytes

ECHO = "import sys\nprint('ready', flush=True)\nfor line in sys.stdin: print('got', repr(line.strip()), flush=True)"
RAW = (
    "import os, sys, tty\nprint('\\x1b[?1049h\\x1b[?25lready', flush=True)\ntty.setraw(0)\n"
    "while (data := os.read(0, 99)) != b'q': os.write(1, ascii(data).encode() + b'\\r\\n')\n"
)
TREE = (
    "import subprocess, sys\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(99)'])\n"
    "print('ready', flush=True)\ninput()"
)


def program(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def test_typing_and_the_screen() -> None:
    with Terminal(program(ECHO), size=(60, 10)) as terminal:
        terminal.wait_for("ready")
        terminal.type("hello")
        terminal.press("enter")
        assert "got 'hello'" in terminal.wait_for(re.compile(r"got 'hel+o'"))
        assert terminal.cursor[0] == 0
        terminal.press("ctrl+d")
        assert terminal.wait_exit() == 0
        assert terminal.unrestored() == []


def test_keys_and_pasted_text_arrive_as_a_terminal_sends_them() -> None:
    with Terminal(program(RAW)) as terminal:
        terminal.wait_for("ready")
        terminal.press("shift+tab", "f2")
        terminal.paste("two\nlines")
        assert r"\x1b[Z" in terminal.wait_for(r"\x1b[201~")
        assert r"\x1bOQ" in terminal.text


@pytest.mark.parametrize(
    ("name", "sent"),
    [("ctrl+p", "\x10"), ("alt+up", "\x1b[1;3A"), ("shift+enter", "\x1b[13;2u"), ("alt+enter", "\x1b\r"), ("x", "x")],
)
def test_names_of_keys(name: str, sent: str) -> None:
    assert key_bytes(name) == sent


def test_what_is_not_restored_is_named() -> None:
    with Terminal(program(RAW)) as terminal:
        terminal.wait_for("ready")
        terminal.send("q")
        terminal.wait_exit()
        left = terminal.unrestored()
        assert "private mode 1049 on" in left
        assert "cursor hidden" in left
        assert "termios lflag changed" in left


def test_resize_reaches_the_program() -> None:
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGWINCH, lambda *_: print('size', os.get_terminal_size().columns, flush=True))\n"
        "print('ready', flush=True)\nwhile True: time.sleep(0.05)"
    )
    with Terminal(program(code), size=(80, 24)) as terminal:
        terminal.wait_for("ready")
        terminal.resize(100, 30)
        terminal.wait_for("size 100")


@pytest.mark.parametrize("how", ["signal", "hang-up"])
def test_ends_by_signal_and_by_a_closed_window(how: str) -> None:
    with Terminal(program(ECHO)) as terminal:
        terminal.wait_for("ready")
        if how == "signal":
            terminal.signal(signal.SIGTERM)
            assert terminal.wait_exit() == -signal.SIGTERM
        else:
            terminal.hang_up()
            assert terminal.wait_exit() == -signal.SIGHUP


def test_nothing_survives_the_context() -> None:
    with Terminal(program(TREE)) as terminal:
        terminal.wait_for("ready")
        (child,) = terminal.descendants()
    assert leftovers.gone(child.pid)
    assert leftovers.gone(terminal.pid)


def test_a_wait_fails_in_time_and_shows_the_screen() -> None:
    with Terminal(program(ECHO)) as terminal:
        terminal.wait_for("ready")
        with pytest.raises(AssertionError, match=r"no 'nothing like it'[^$]*ready"):
            terminal.wait_for("nothing like it", seconds=0.2)
