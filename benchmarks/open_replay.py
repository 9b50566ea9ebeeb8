"""Reading a stored conversation of 10,000 messages beside one of 100, in the real app in a real terminal.

Measured: from Enter on it in the list until its end is on the screen, from the key that plays it until it plays, and
from a hit in its middle until that is in sight; the longest stall of the screen until all of it is there, and while
Home, End and a place in the middle are gone to; memory.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import psutil

from benchmarks import children
from benchmarks.measure import Row, Screen, environment, python
from benchmarks.open_conversation import GOAL_MS, LONG, SHORT, _row, stored

AFTERWARDS = 0.5
"""Seconds for which stalls are noted after something was done."""
_F4 = "\x1bOS"


@dataclass(slots=True)
class Read:
    """One run; seconds, and MB."""

    read: float = 0.0
    """From Enter to the end of the conversation on the screen."""
    played: float = 0.0
    """From the key until it plays."""
    whole: float = 0.0
    """From Enter until all of the conversation is there."""
    opening: float = 0.0
    """The longest stall until then."""
    home: float = 0.0
    """The longest stall after Home."""
    end: float = 0.0
    """The longest stall after End."""
    middle: float = 0.0
    """The longest stall after going to a place in the middle, and back to the end."""
    found: float = 0.0
    """From the moment a hit in the middle is opened until it is in sight."""
    hit: float = 0.0
    """The longest stall until all of the conversation is around it."""
    memory: float = 0.0
    """What it takes."""


# -- in the app's process ------------------------------------------------------------------------


async def _app(report: Path, *, watched: bool) -> None:
    from mcp_tui.cli.app import AppSession, make_app
    from mcp_tui.cli.options import Options
    from mcp_tui.ui.preferences import Preferences

    app = make_app(Preferences())
    session = AppSession(app, Options(command="demo", demo=True), Preferences())
    boot = asyncio.create_task(session.boot())
    watcher = asyncio.create_task(_reported(app, report)) if watched else asyncio.create_task(asyncio.sleep(0))
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
    from mcp_tui.ui.screens.history import HistoryScreen
    from mcp_tui.ui.screens.replay import ReplayScreen

    chosen = asyncio.Event()
    began = 0.0
    original = HistoryScreen.action_read

    def action_read(screen: HistoryScreen) -> None:
        nonlocal began
        chosen.set()
        began = time.perf_counter()
        original(screen)

    HistoryScreen.action_read = action_read  # type: ignore[method-assign]
    await chosen.wait()
    memory = psutil.Process().memory_info
    before = memory().rss

    def whole() -> bool:
        screen = app.screen
        return isinstance(screen, ReplayScreen) and screen.whole and not screen.view.busy

    async def stall(act: Any) -> float:
        probe = Probe()
        task = asyncio.create_task(probe.watch())
        act()
        await within(whole, "all of the conversation")
        await asyncio.sleep(AFTERWARDS)
        task.cancel()
        return probe.worst

    noted: dict[str, float] = {}

    def done() -> None:
        pass

    async def all_there() -> None:
        await within(whole, "all of the conversation")
        noted["whole"] = time.perf_counter() - began

    watching = asyncio.create_task(all_there())
    noted["opening"] = await stall(done)
    await watching
    noted["memory"] = (memory().rss - before) / 2**20
    screen = app.screen
    noted["home"] = await stall(screen.action_start)
    noted["end"] = await stall(screen.action_end)
    there = await stall(lambda: screen.player.go(screen.playback.length // 2))
    noted["middle"] = max(there, await stall(screen.action_end))
    return noted | await _at_a_hit(app, screen, stall)


async def _at_a_hit(app: Any, screen: Any, stall: Any) -> dict[str, float]:
    """Open the conversation once more, at an event in its middle."""
    from benchmarks.stall import within
    from mcp_tui.ui.recordings import read
    from mcp_tui.ui.screens.replay import ReplayScreen

    event = screen.playback.events[screen.playback.length // 2]
    app.call_later(screen.leave)
    await within(lambda: app.screen is not screen, "the list")
    began = time.perf_counter()
    seen: list[float] = []

    async def opened() -> None:
        recording = await read(app.engine.history, event.conversation_id, event.id)
        again = ReplayScreen(app.engine, recording, event_id=event.id)
        app.call_later(app.push_screen, again)
        await within(lambda: again.is_mounted and again.view.cursor_key is not None, "the hit")
        seen.append(time.perf_counter() - began)

    tasks: list[asyncio.Task[None]] = []
    worst = await stall(lambda: tasks.append(asyncio.create_task(opened())))
    await asyncio.gather(*tasks)
    return {"hit": worst, "found": seen[0]}


# -- outside ------------------------------------------------------------------------------------


def _shown(folder: Path, length: int, key: str, words: str, *, watched: bool = False) -> tuple[float, dict[str, float]]:
    """Seconds from a key in the list to words on the screen; what was noted in the app, where that is ``watched``."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    command = python("-m", "benchmarks.open_replay", str(report), "watched" if watched else "alone")
    with Screen(command, environment(folder)) as screen:
        screen.until("4/4")
        screen.rest(0.3)
        screen.send(_F4)
        screen.until(f"{length:,} messages")
        screen.rest(0.3)
        screen.output.clear()
        began = time.perf_counter()
        screen.send(key)
        screen.until(words)
        took = time.perf_counter() - began
        deadline = time.monotonic() + 90
        while watched and not report.exists() and time.monotonic() < deadline:
            screen.pump(0.02)
        return took, children.read(report, bytes(screen.output)) if watched else {}


def measured(runs: int, folders: dict[int, Path]) -> dict[int, Read]:
    """Medians for each length; the lengths take turns.  Of stalls the median of the worst ones."""
    from benchmarks.stored_conversation import END

    results: dict[int, list[Read]] = {length: [] for length in folders}
    for _ in range(runs):
        for length, folder in folders.items():
            read, noted = _shown(folder, length, "\r", END, watched=True)
            played, _ = _shown(folder, length, "p", "playing")
            results[length].append(Read(read=read, played=played, **noted))
    names = [each.name for each in fields(Read)]
    return {
        length: Read(**{name: statistics.median(getattr(each, name) for each in found) for name in names})
        for length, found in results.items()
    }


def run(quick: bool) -> list[Row]:
    """The rows of the table."""
    with stored(SHORT, LONG) as folders:
        found = measured(1 if quick else 5, folders)
    short, long = found[SHORT], found[LONG]
    note, name = f"floor: {SHORT} messages", f"{LONG:,} messages"

    def stall(what: str, ours: float, floor: float) -> Row:
        return Row(f"{name}: {what}", ours * 1e3, floor * 1e3, "under 50 ms", "ms", note, ours * 1e3 < GOAL_MS)

    return [
        _row(f"{name}: read, to their end", long.read, short.read, 2.0, note),
        _row(f"{name}: played, until it plays", long.played, short.played, 2.0, note),
        Row(f"{name}: read, to all of them", long.whole, short.whole, "", note=note),
        stall("worst stall while they are read", long.opening, short.opening),
        stall("worst stall after Home in a recording", long.home, short.home),
        stall("worst stall after End in a recording", long.end, short.end),
        stall("worst stall to its middle and back", long.middle, short.middle),
        _row(f"{name}: read, to a hit in their middle", long.found, short.found, 2.0, note),
        stall("worst stall while they are read around a hit", long.hit, short.hit),
        Row(f"{name}: memory that a recording takes", long.memory, short.memory, "", "MB", note),
    ]


if __name__ == "__main__":
    asyncio.run(_app(Path(sys.argv[1]), watched=sys.argv[2] == "watched"))
