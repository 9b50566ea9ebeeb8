"""The history screen over ten thousand conversations, and Ctrl+F in one of ten thousand messages, in a real terminal.

The app is the real one; a probe in its event loop notes the longest stall from F4 until the history is left.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.generate import generate
from benchmarks.measure import ROOT, Row, Screen, environment, python
from benchmarks.stall import GOAL_MS, Probe

ROWS_GOAL_MS = 300.0
FEW = 100
RUNS = 3
_KEYS = "бвгдёжзийк"
"""Typed one after the other: no screen shows them by itself."""
_LONG, _SHORT = 10_000, 100
"""Messages."""
_IDS = {_SHORT: "0000000000000000000000100a", _LONG: "0000000000000000000010000a"}
_LIMIT = 120.0


async def _app(report: Path) -> None:
    from mcp_tui.cli.app import AppSession, make_app
    from mcp_tui.cli.options import Options
    from mcp_tui.ui.preferences import Preferences

    app = make_app(Preferences())
    session = AppSession(app, Options(command="demo", demo=True), Preferences())
    boot = asyncio.create_task(session.boot())
    watcher = asyncio.create_task(_watch(app, report))
    try:
        await app.run_async()
    finally:
        watcher.cancel()
        await asyncio.gather(boot, watcher, return_exceptions=True)
        await session.aclose()


async def _watch(app: Any, report: Path) -> None:
    """From when the app is at rest, which a file beside the report says, until the history is left."""
    await app.painted.wait()
    while app.engine is None or not all(server.state == "running" for server in app.engine.servers):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    await asyncio.sleep(1.5)
    while not app.engine.history.index_state.complete:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    await asyncio.to_thread(report.with_suffix(".ready").touch)
    probe = Probe()
    task = asyncio.create_task(probe.watch())
    for open_now in (True, False):
        while (app.screen is not app.chat) is not open_now:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.to_thread(report.write_text, json.dumps(probe.worst), encoding="ascii")
    app.exit()


def _wait_for(path: Path, screen: Screen) -> None:
    deadline = time.monotonic() + _LIMIT
    while not path.exists():
        if screen.ended() or time.monotonic() > deadline:
            raise RuntimeError(f"the app did not come to rest: {bytes(screen.output[-300:])!r}")
        screen.pump(0.02)


def browsed(folder: Path) -> tuple[float, float, float]:
    """Seconds from F4 to the first rows, from a key in the filter to its echo (median), and of the worst stall."""
    report = folder / "browsing.json"
    ready = report.with_suffix(".ready")
    ready.unlink(missing_ok=True)
    command = python(str(ROOT / "benchmarks" / "browsing.py"), str(report))
    with Screen(command, environment(folder)) as screen:
        screen.until_echo()
        _wait_for(ready, screen)
        screen.rest(0.2)
        screen.output.clear()
        began = time.perf_counter()
        screen.send("\x1bOS")
        while b" events, " not in screen.output:  # the details of the row under the cursor
            if time.perf_counter() - began > _LIMIT or screen.ended():
                raise RuntimeError(f"no rows: {bytes(screen.output[-300:])!r}")
            screen.pump(0.002)
        rows = time.perf_counter() - began
        screen.rest(0.5, most=5.0)
        screen.send("\t")
        screen.rest(0.3)
        report.unlink(missing_ok=True)
        echoes = [screen.echo(key) for key in _KEYS]
        for _ in range(3):
            screen.send("\x1b")
            screen.rest(0.5)
        deadline = time.monotonic() + 20
        while not screen.ended() and time.monotonic() < deadline:
            screen.pump(0.05)
    return rows, statistics.median(echoes), float(json.loads(report.read_text(encoding="ascii")))


def found(folder: Path, length: int) -> float:
    """Seconds from the last key of a word in the find bar to how often it occurs."""
    with Screen(python("-m", "mcp_tui", "demo", "--continue", _IDS[length]), environment(folder)) as screen:
        screen.until("4/4")
        screen.rest(0.5, most=10.0)
        screen.send("\x06")
        screen.rest(0.3)
        screen.send("resul")
        screen.rest(0.5, most=10.0)
        screen.output.clear()
        began = time.perf_counter()
        screen.send("t")
        while b" of " not in screen.output:
            if time.perf_counter() - began > _LIMIT or screen.ended():
                raise RuntimeError(f"nothing was found: {bytes(screen.output[-300:])!r}")
            screen.pump(0.002)
        return time.perf_counter() - began


def rows(folder: Path, conversations: int) -> list[Row]:
    """The table's rows for a folder whose list was read before."""
    from benchmarks.stored_conversation import write

    few = folder / "few"
    generate(few / "data" / "conversations", FEW)
    runs = [(*browsed(folder), *browsed(few)) for _ in range(RUNS)]
    first, echo, stall, *floor = (statistics.median(values) * 1e3 for values in zip(*runs, strict=True))
    finds = {}
    for length in (_SHORT, _LONG):
        own = folder / str(length)
        write(own / "data", _IDS[length], length)
        finds[length] = statistics.median(found(own, length) for _ in range(RUNS))
    name = f"{conversations:,} conversations"
    note = f"floor: {FEW} conversations"
    goal = GOAL_MS
    return [
        Row(f"{name}: F4 to first rows", first, floor[0], "under 300 ms", "ms", f"warm; {note}", first < ROWS_GOAL_MS),
        Row(f"{name}: key in the filter to echo", echo, floor[1], "under 50 ms", "ms", note, echo < GOAL_MS),
        Row(f"{name}: worst stall from F4 on", stall, floor[2], f"under {goal:.0f} ms", "ms", note, stall < goal),
        Row(
            f"Ctrl+F in {_LONG:,} messages, key to count",
            finds[_LONG] * 1e3,
            finds[_SHORT] * 1e3,
            "",
            "ms",
            f"floor: {_SHORT} messages",
        ),
    ]


if __name__ == "__main__":
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    asyncio.run(_app(Path(sys.argv[1])))
