"""What benchmarks share: rows of the table, interleaved runs, a terminal that times the echo of a key."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import statistics
import struct
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.children import ROOT, start

__all__ = ["MARK", "ROOT", "Row", "Screen", "environment", "interleaved", "python", "table"]

MARK = "ж"
"""The key whose echo is timed: no screen shows it by itself."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table.  ``ours`` and ``floor`` are in ``unit``; ``goal`` is in words."""

    name: str
    ours: float
    floor: float | None
    goal: str
    unit: str = "s"
    note: str = ""
    met: bool | None = None
    """Whether the goal was met; ``None`` where there is none."""

    @property
    def ratio(self) -> float | None:
        """Ours over the floor."""
        return self.ours / self.floor if self.floor else None


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| measured | ours | floor | ratio | goal | met | note |", "|---|--:|--:|--:|---|---|---|"]
    for row in rows:
        floor = "" if row.floor is None else f"{row.floor:.4g} {row.unit}"
        ratio = "" if row.ratio is None else f"{row.ratio:.2f}"
        met = {None: "", True: "yes", False: "no"}[row.met]
        lines.append(
            f"| {row.name} | {row.ours:.4g} {row.unit} | {floor} | {ratio} | {row.goal} | {met} | {row.note} |"
        )
    return "\n".join(lines)


def interleaved(runs: int, *measurements: Callable[[], float]) -> list[float]:
    """Median of each measurement; they take turns, so that a busy machine slows all of them alike."""
    results: list[list[float]] = [[] for _ in measurements]
    for _ in range(runs):
        for values, measure in zip(results, measurements, strict=True):
            values.append(measure())
    return [statistics.median(values) for values in results]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """An environment whose home and data directory are ``folder``."""
    return {
        **os.environ,
        "HOME": str(folder),
        "MCP_TUI_DATA_DIR": str(folder / "data"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LANG": "C.UTF-8",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        **more,
    }


class Screen:
    """A program in a pseudo-terminal whose output is only collected; ends with the context."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], size: tuple[int, int] = (120, 40)) -> None:
        self._master, slave = pty.openpty()
        mode = termios.tcgetattr(slave)
        mode[3] &= ~termios.ECHO  # only the program itself may echo
        termios.tcsetattr(slave, termios.TCSANOW, mode)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._poll = select.poll()
        self._poll.register(self._master, select.POLLIN)
        self.output = bytearray()
        self.began = time.perf_counter()
        self._process = start(command, slave, env)

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        children = []
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children(recursive=True)
        if self._process.poll() is None:
            self._process.terminate()
        deadline = time.monotonic() + 10
        while self._process.poll() is None and time.monotonic() < deadline:
            self.pump(0.02)
        self._process.kill()
        self._process.wait(5)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        os.close(self._master)

    def send(self, text: str) -> None:
        """Type."""
        os.write(self._master, text.encode())

    def pump(self, seconds: float) -> None:
        """Collect output; returns at the first of it, or after ``seconds``."""
        if self._poll.poll(seconds * 1000):
            try:
                self.output += os.read(self._master, 1 << 16)
            except OSError:
                time.sleep(seconds)

    def rest(self, seconds: float, *, most: float = 1.0) -> None:
        """Collect output until nothing came for ``seconds``; a screen that never rests is left after ``most``."""
        deadline = time.perf_counter() + most
        before = -1
        while before != len(self.output) and time.perf_counter() < deadline:
            before = len(self.output)
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                self.pump(0.01)

    def until(self, words: str, *, timeout: float = 60.0) -> float:
        """Seconds from the start until ``words`` were on the screen."""
        wanted, end = words.encode(), time.perf_counter() + timeout
        while wanted not in self.output:
            if time.perf_counter() > end or self.ended():
                raise RuntimeError(f"no {words!r}: {bytes(self.output[-500:])!r}")
            self.pump(0.002)
        return time.perf_counter() - self.began

    def echo(self, key: str, *, timeout: float = 10.0) -> float:
        """Seconds from a key, which no screen shows by itself, to its echo; then the screen is let come to rest."""
        self.output.clear()
        began = time.perf_counter()
        self.send(key)
        while key.encode() not in self.output:
            if time.perf_counter() - began > timeout or self.ended():
                raise RuntimeError(f"no echo of {key!r}")
            self.pump(0.002)
        took = time.perf_counter() - began
        self.rest(0.02)
        return took

    def ended(self) -> bool:
        """Whether the program is gone."""
        return self._process.poll() is not None

    def until_echo(self, *, timeout: float = 60.0) -> float:
        """Seconds from the start until a typed key was on the screen; the key is typed again every 20 ms."""
        typed = 0.0
        while MARK.encode() not in self.output:
            now = time.perf_counter()
            if now - self.began > timeout or self.ended():
                raise RuntimeError(f"no echo: {bytes(self.output[-500:])!r}")
            if now - typed > 0.02:
                self.send(MARK)
                typed = now
            self.pump(0.002)
        return time.perf_counter() - self.began


def python(*arguments: str) -> list[str]:
    """Command line of this interpreter."""
    return [sys.executable, *arguments]
