"""Opening a stored conversation of 10,000 messages beside one of 100, in the real app in a real terminal.

Measured: from the command line (``demo --continue ID``) and from Enter on ``/continue ID`` until the end of the
conversation is on the screen; the longest stall of the screen until all of it is there; key to echo afterwards; memory.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from benchmarks import children
from benchmarks.measure import Row, Screen, environment, python

SHORT, LONG = 100, 10_000
"""Messages."""
GOAL_MS = 50.0
_KEYS = "бвгдёжзийклмнпрстуфхцчшщъыьэюя"
_IDS = {SHORT: "0000000000000000000000100a", LONG: "0000000000000000000010000a"}


@dataclass(slots=True)
class Opened:
    """One run."""

    command: float = 0.0
    """Seconds from the command line to the end of the conversation on the screen."""
    chosen: float = 0.0
    """Seconds from Enter to the end of the conversation on the screen."""
    whole: float = 0.0
    """Seconds from Enter until all of the conversation is there."""
    stall: float = 0.0
    """Seconds, the longest, from Enter until a second after all of it is there."""
    before: float = 0.0
    """MB before it was opened."""
    after: float = 0.0
    """MB when all of it is there."""
    peak: float = 0.0
    """MB, the most until then."""
    echoes: list[float] = field(default_factory=list)
    """Seconds from a key to its echo, afterwards."""


# -- in the app's process ------------------------------------------------------------------------


async def _app(conversation_id: str, report: Path) -> None:
    from mcp_tui.cli.app import AppSession, make_app
    from mcp_tui.cli.options import Options
    from mcp_tui.ui.preferences import Preferences

    app = make_app(Preferences())
    session = AppSession(app, Options(command="demo", demo=True), Preferences())
    boot = asyncio.create_task(session.boot())
    watcher = asyncio.create_task(_reported(app, report))
    try:
        await app.run_async()
    finally:
        await asyncio.gather(boot, watcher, return_exceptions=True)
        await session.aclose()


async def _reported(app: Any, report: Path) -> None:
    with children.reporting(report):
        await asyncio.to_thread(children.write, report, await _watch(app))


async def _watch(app: Any) -> dict[str, float]:
    from benchmarks.stall import Probe, within
    from benchmarks.stored_conversation import BEGINNING
    from mcp_tui.conversation.items import UserItem

    chosen = asyncio.Event()
    began = 0.0
    original = app.open_conversation

    def open_conversation(conversation_id: str) -> None:
        nonlocal began
        chosen.set()
        began = time.perf_counter()
        original(conversation_id)

    def whole() -> bool:
        items = app.view.bridge.transcript.items if app.view.bridge is not None else []
        first = items[0] if items else None
        return isinstance(first, UserItem) and first.text.startswith(BEGINNING) and not app.view.conversation.busy

    app.open_conversation = open_conversation
    await chosen.wait()
    memory = psutil.Process().memory_info
    noted: dict[str, float] = {"before": memory().rss / 2**20}
    probe = Probe()
    task = asyncio.create_task(probe.watch())
    await within(whole, "all of the conversation")
    noted["whole"] = time.perf_counter() - began
    await asyncio.sleep(1)
    task.cancel()
    noted |= {"stall": probe.worst, "after": memory().rss / 2**20}
    noted["peak"] = psutil.Process().memory_info().rss / 2**20
    return noted


# -- outside ------------------------------------------------------------------------------------


@contextmanager
def stored(*lengths: int) -> Iterator[dict[int, Path]]:
    """A data directory for each length, with one conversation in it."""
    from benchmarks.stored_conversation import write

    with tempfile.TemporaryDirectory() as name:
        folders = {}
        for length in lengths:
            folders[length] = Path(name) / str(length)
            write(folders[length] / "data", _IDS[length], length)
        yield folders


def from_command(folder: Path, length: int) -> float:
    """Seconds from the command line until the end is on the screen."""
    from benchmarks.stored_conversation import END

    with Screen(python("-m", "mcp_tui", "demo", "--continue", _IDS[length]), environment(folder)) as screen:
        return screen.until(END)


def chosen(folder: Path, length: int) -> Opened:
    """Choose the conversation in the running app, wait for all of it, type."""
    from benchmarks.stored_conversation import END

    report = folder / "report.json"
    report.unlink(missing_ok=True)
    command = python("-m", "benchmarks.open_conversation", _IDS[length], str(report))
    with Screen(command, environment(folder)) as screen:
        screen.until("4/4")
        for text in ("\x05", "\x15", f"/continue {_IDS[length]}"):
            screen.send(text)
            screen.rest(0.3)
        screen.output.clear()
        began = time.perf_counter()
        screen.send("\r")
        screen.until(END)
        opened = Opened(chosen=time.perf_counter() - began)
        deadline = time.monotonic() + 90
        while not report.exists() and time.monotonic() < deadline:
            screen.pump(0.02)
        for name, value in children.read(report, bytes(screen.output)).items():
            setattr(opened, name, float(value))
        screen.rest(0.3)
        opened.echoes = [screen.echo(key) for key in _KEYS]
        return opened


def measured(runs: int, folders: dict[int, Path]) -> dict[int, Opened]:
    """Medians for each length; the lengths take turns.  Of stalls the median of the worst ones."""
    results: dict[int, list[Opened]] = {length: [] for length in folders}
    for _ in range(runs):
        for length, folder in folders.items():
            opened = chosen(folder, length)
            opened.command = from_command(folder, length)
            results[length].append(opened)
    return {length: _median(each) for length, each in results.items()}


def _median(results: list[Opened]) -> Opened:
    names = ("command", "chosen", "whole", "stall", "before", "after", "peak")
    values = {name: statistics.median(getattr(each, name) for each in results) for name in names}
    return Opened(**values, echoes=[echo for each in results for echo in each.echoes])


def run(quick: bool) -> list[Row]:
    """The rows of the table."""
    with stored(SHORT, LONG) as folders:
        found = measured(1 if quick else 5, folders)
    short, long = found[SHORT], found[LONG]
    note = f"floor: {SHORT} messages"
    echo, floor = (statistics.median(each.echoes) for each in (long, short))
    name, stall, quiet = f"{LONG:,} messages", long.stall * 1e3, short.stall * 1e3
    return [
        _row(f"{name}: command line to their end", long.command, short.command, 2.0, note),
        _row(f"{name}: chosen to their end", long.chosen, short.chosen, 2.0, note),
        Row(f"{name}: chosen to all of them", long.whole, short.whole, "", note=note),
        Row(f"{name}: worst stall while they are opened", stall, quiet, "under 50 ms", "ms", note, stall < GOAL_MS),
        _row(f"{name}: key to echo afterwards", echo * 1e3, floor * 1e3, 1.2, note, "ms"),
        Row(f"{name}: memory they take", long.after - long.before, short.after - short.before, "", "MB", note),
    ]


def _row(name: str, ours: float, floor: float, most: float, note: str, unit: str = "s") -> Row:
    return Row(name, ours, floor, f"at most {most:g}", unit, note, ours / floor <= most)


if __name__ == "__main__":
    asyncio.run(_app(sys.argv[1], Path(sys.argv[2])))
