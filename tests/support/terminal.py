"""A program in a real pseudo-terminal: type, look at the screen, resize, hang up, compare the terminal's modes.

Every wait has a limit, and leaving the context ends the program and everything it started.
"""

from __future__ import annotations

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import psutil
import pyte

KEYS = {
    "enter": "\r", "esc": "\x1b", "escape": "\x1b", "tab": "\t", "shift+tab": "\x1b[Z", "space": " ",
    "backspace": "\x7f", "delete": "\x1b[3~", "insert": "\x1b[2~", "up": "\x1b[A", "down": "\x1b[B",
    "right": "\x1b[C", "left": "\x1b[D", "home": "\x1b[H", "end": "\x1b[F", "pgup": "\x1b[5~", "pgdn": "\x1b[6~",
    "f1": "\x1bOP", "f2": "\x1bOQ", "f3": "\x1bOR", "f4": "\x1bOS", "f5": "\x1b[15~", "f6": "\x1b[17~",
    "f7": "\x1b[18~", "f8": "\x1b[19~", "f9": "\x1b[20~", "f10": "\x1b[21~", "f11": "\x1b[23~", "f12": "\x1b[24~",
}  # fmt: skip
_MODIFIERS = {"shift": 2, "alt": 3, "ctrl": 5}
_UNKNOWN_TO_PYTE = re.compile(
    r"\x1b\[[<>=?][0-9;]*[uqm]|\x1b\[\?[0-9;]*\$p|\x1bP.*?\x1b\\|\x1b_.*?\x1b\\|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)", re.S
)
_UNFINISHED = re.compile(r"\x1b(?:\[[0-9;<>=?]*|[P_\]][^\x07\x1b]*)?\Z", re.S)
_TAKE_TERMINAL = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
)
"""Makes the pseudo-terminal the controlling one, so that a hang-up reaches the program; then becomes the program."""
_MODE_FIELDS = ("iflag", "oflag", "cflag", "lflag", "ispeed", "ospeed", "cc")

Wanted = str | re.Pattern[str] | Callable[[str], Any]
"""What to wait for on the screen: a text, a pattern, or a test of the whole screen."""


def key_bytes(name: str) -> str:
    """What a terminal sends for a key such as ``enter``, ``ctrl+p``, ``alt+up`` or ``f1``."""
    lowered = name.lower()
    if lowered in KEYS:
        return KEYS[lowered]
    modifier, _, base = lowered.rpartition("+")
    if not modifier:
        return name
    if modifier == "ctrl" and len(base) == 1:
        return chr(ord(base) & 0x1F)
    if modifier == "alt" and (len(base) == 1 or base == "enter"):
        return "\x1b" + KEYS.get(base, base)
    sequence, code = KEYS[base], _MODIFIERS[modifier]
    if base == "enter":
        return f"\x1b[13;{code}u"
    return f"{sequence[:-1]};{code}~" if sequence.endswith("~") else f"\x1b[1;{code}{sequence[-1]}"


class Terminal:
    """One program in one pseudo-terminal, and a screen that follows its output.

    ``env`` is added to the environment of the tests.  The terminal's own end is kept open, so its modes
    can be read after the program has gone; `modes_before` holds them as they were at the start.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        size: tuple[int, int] = (120, 40),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.command = list(command)
        self.raw = bytearray()
        """Every byte that the program wrote to the terminal."""
        self._screen = pyte.Screen(*size)
        self._screen.write_process_input = self._answer
        self._stream = pyte.Stream(self._screen)
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._pending = ""
        self._env = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "LANG": "C.UTF-8", **(env or {})}
        self._cwd = cwd
        self._master = self._slave = -1
        self._process: subprocess.Popen[bytes] | None = None
        self._known: set[psutil.Process] = set()
        self.modes_before: list[Any] = []

    # -- life ------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        self._master, self._slave = pty.openpty()
        os.set_blocking(self._master, False)
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)
        self._set_size(self._screen.columns, self._screen.lines)
        self.modes_before = termios.tcgetattr(self._slave)
        self._process = subprocess.Popen(
            [sys.executable, "-S", "-E", "-c", _TAKE_TERMINAL, *self.command],
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            env=self._env,
            cwd=self._cwd,
            start_new_session=True,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._end()
        finally:
            for descriptor in (self._master, self._slave):
                if descriptor >= 0:
                    os.close(descriptor)
            self._master = self._slave = -1

    def _end(self) -> None:
        self.descendants()
        if self.exit_code is None:
            self.process.terminate()
            with contextlib.suppress(AssertionError):
                self.wait_exit(seconds=6)
        for left in self._known:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        if self.exit_code is None:
            self.process.kill()
        self.process.wait(timeout=10)

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The program; only inside of the context."""
        assert self._process is not None, "the terminal is not started"
        return self._process

    @property
    def pid(self) -> int:
        """Process id of the program."""
        return self.process.pid

    @property
    def exit_code(self) -> int | None:
        """Exit status, negative for a signal; ``None`` while it runs."""
        return self.process.poll()

    def descendants(self) -> list[psutil.Process]:
        """Processes that the program started and that live; all ever seen are ended with the context."""
        with contextlib.suppress(psutil.NoSuchProcess):
            self._known.update(psutil.Process(self.pid).children(recursive=True))
        return [process for process in self._known if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the program."""
        self.descendants()
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """Close the window: the program gets SIGHUP, and errors when it reads or writes."""
        self.descendants()
        for descriptor in (self._slave, self._master):
            os.close(descriptor)
        self._master = self._slave = -1

    def wait_exit(self, *, seconds: float = 30.0) -> int:
        """Wait for the end of the program, taking in what it still writes; returns its exit status."""
        deadline = time.monotonic() + seconds
        while self.exit_code is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"still running after {seconds} s\n{self.text}")
            self.pump(0.02)
        self.pump(0.05)
        return self.process.wait(timeout=1)

    # -- input -----------------------------------------------------------------------------------

    def type(self, text: str) -> None:
        """Type characters one after the other, as fingers do: the program sees them as keys."""
        for character in text:
            self.send(character)
            self.pump(0.002)

    def press(self, *names: str, pause: float = 0.02) -> None:
        """Press keys by name; after Esc a longer pause, so that it is not taken for the start of a sequence."""
        for name in names:
            self.send(key_bytes(name))
            self.pump(0.15 if name in ("esc", "escape") else pause)

    def paste(self, text: str) -> None:
        """Paste as a terminal does: in brackets, in one piece."""
        self.send(f"\x1b[200~{text}\x1b[201~")

    def send(self, text: str | bytes, *, seconds: float = 10.0) -> None:
        """Write bytes as they stand; output is taken in meanwhile, so that neither side blocks for good."""
        data = text.encode() if isinstance(text, str) else text
        deadline = time.monotonic() + seconds
        while data:
            if time.monotonic() > deadline:
                raise AssertionError("the program does not read its input")
            try:
                data = data[os.write(self._master, data) :]
            except BlockingIOError:
                self.pump(0.01)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size; the program gets SIGWINCH."""
        self._screen.resize(rows, columns)
        self._set_size(columns, rows)

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    # -- output ----------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """The screen as lines of text, blanks at their ends removed."""
        return "\n".join(line.rstrip() for line in self._screen.display)

    @property
    def lines(self) -> list[str]:
        """The screen line by line."""
        return self.text.split("\n")

    @property
    def cursor(self) -> tuple[int, int]:
        """Column and row of the cursor, from 0."""
        return self._screen.cursor.x, self._screen.cursor.y

    def pump(self, seconds: float) -> bool:
        """Take in output for a while; true when there was some."""
        deadline = time.monotonic() + seconds
        any_output = False
        while True:
            left = deadline - time.monotonic()
            if self._master < 0:
                time.sleep(max(0.0, left))
                return any_output
            ready = bool(self._poll.poll(max(0.0, left) * 1000))
            if ready and not self._take():
                time.sleep(max(0.0, min(left, 0.02)))
            any_output = any_output or ready
            if left <= 0:
                return any_output

    def _take(self) -> bool:
        try:
            data = os.read(self._master, 65536)
        except (BlockingIOError, OSError):
            return False
        self.raw += data
        text = self._pending + self._decoder.decode(data)
        unfinished = _UNFINISHED.search(text)
        cut = unfinished.start() if unfinished and len(text) - unfinished.start() < 4096 else len(text)
        self._pending = text[cut:]
        self._stream.feed(_UNKNOWN_TO_PYTE.sub("", text[:cut]))
        return bool(data)

    def _answer(self, text: str) -> None:
        """What pyte answers to a question of the program, such as where the cursor is."""
        with contextlib.suppress(OSError):
            os.write(self._master, text.encode())

    # -- waiting ---------------------------------------------------------------------------------

    def shows(self, wanted: Wanted) -> bool:
        """Whether the screen shows a text, matches a pattern, or passes a test."""
        text = self.text
        if isinstance(wanted, str):
            return wanted in text
        if isinstance(wanted, re.Pattern):
            return wanted.search(text) is not None
        return bool(wanted(text))

    def wait_for(self, wanted: Wanted, *, seconds: float = 30.0) -> str:
        """Wait until the screen shows something; returns the screen, fails with it when it never does."""
        return self._wait(wanted, True, seconds)

    def wait_gone(self, wanted: Wanted, *, seconds: float = 30.0) -> str:
        """Wait until the screen no longer shows something."""
        return self._wait(wanted, False, seconds)

    def _wait(self, wanted: Wanted, present: bool, seconds: float) -> str:
        deadline = time.monotonic() + seconds
        while self.shows(wanted) is not present:
            ended = self.exit_code is not None and not self.pump(0.05)
            if ended or time.monotonic() > deadline:
                state = f"ended with {self.exit_code}" if ended else f"waited {seconds} s"
                raise AssertionError(f"{'no' if present else 'still'} {wanted!r} on the screen ({state})\n{self.text}")
            self.pump(0.02)
        return self.text

    def settle(self, *, quiet: float = 0.3, seconds: float = 10.0) -> str:
        """Wait until nothing was written for ``quiet`` seconds; a screen that never rests is returned as it is."""
        deadline = time.monotonic() + seconds
        last = time.monotonic()
        while time.monotonic() - last < quiet and time.monotonic() < deadline:
            if self.pump(0.02):
                last = time.monotonic()
        return self.text

    # -- restored? -------------------------------------------------------------------------------

    def modes(self) -> list[Any]:
        """The terminal's modes now (``termios.tcgetattr``)."""
        return termios.tcgetattr(self._slave)

    def changed_modes(self) -> list[str]:
        """Names of the modes that differ from those at the start; empty when all were restored."""
        return [
            name for name, old, new in zip(_MODE_FIELDS, self.modes_before, self.modes(), strict=True) if old != new
        ]

    def private_modes(self) -> dict[int, bool]:
        """Private modes (DEC) that the program switched, and how it left them: read from the raw bytes."""
        state: dict[int, bool] = {}
        for numbers, switch in re.findall(rb"\x1b\[\?([0-9;]+)([hl])", bytes(self.raw)):
            for number in numbers.split(b";"):
                state[int(number)] = switch == b"h"
        return state

    def unrestored(self) -> list[str]:
        """What the program left behind in the terminal: modes, alternate screen, mouse, paste, hidden cursor."""
        private = self.private_modes()
        left = [f"private mode {number} on" for number, on in sorted(private.items()) if on and number not in (7, 25)]
        if private.get(25) is False:
            left.append("cursor hidden")
        return left + [f"termios {name} changed" for name in self.changed_modes()]
