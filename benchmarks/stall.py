"""The longest time for which the screen stood still, from the first paint until after the first streamed token.

The real app runs in a real terminal, in a process of its own; a probe in its event loop notes how late it is woken.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.measure import ROOT, Row, Screen, environment, interleaved, python

GOAL_MS = 50.0
AFTER_SECONDS = 0.5
"""How long it is watched after the first token."""
_STEP = 0.001


class Probe:
    """Notes the longest delay of the event loop since `start`, in seconds."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def watch(self) -> None:
        """Run until cancelled."""
        while True:
            before = time.perf_counter()
            await asyncio.sleep(_STEP)
            self.worst = max(self.worst, time.perf_counter() - before - _STEP)


async def _ours(report: Path) -> None:
    from mcp_tui.cli.app import AppSession, make_app
    from mcp_tui.cli.options import Options
    from mcp_tui.ui.preferences import Preferences

    app = make_app(Preferences())
    session = AppSession(app, Options(command="demo", demo=True), Preferences())
    boot = asyncio.create_task(session.boot())
    watcher = asyncio.create_task(_watch_ours(app, report))
    try:
        await app.run_async()
    finally:
        await asyncio.gather(boot, watcher, return_exceptions=True)
        await session.aclose()


async def _watch_ours(app: Any, report: Path) -> None:
    await app.painted.wait()
    await _watched(app, _first_token(app), report)


async def _watched(app: Any, first_token: Any, report: Path) -> None:
    probe = Probe()
    task = asyncio.create_task(probe.watch())
    await asyncio.wait_for(first_token, 60)
    await asyncio.sleep(AFTER_SECONDS)
    task.cancel()
    await asyncio.to_thread(report.write_text, json.dumps(probe.worst))
    app.exit()


async def _first_token(app: Any) -> None:
    from mcp_tui.conversation.items import AssistantItem

    def begun() -> bool:
        return app.engine is not None and any(isinstance(item, AssistantItem) for item in app.engine.transcript.items)

    await _until(begun)


async def _until(condition: Callable[[], bool]) -> None:
    """Polled from outside of the apps, which are measured as they are."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


async def _floor(report: Path) -> None:
    from textual.widgets import Input, Markdown

    from benchmarks.bare_app import BareApp

    app = BareApp()

    async def answered() -> None:
        await _until(lambda: "show me markdown" in app.query_one(Input).value)
        await app.query_one(Markdown).append("one token\n")

    async def watch() -> None:
        await app.ready.wait()
        await _watched(app, answered(), report)

    watcher = asyncio.create_task(watch())
    watcher.add_done_callback(lambda _: app.exit())
    await app.run_async()
    await watcher


def stall_seconds(which: str) -> float:
    """Run one of the two apps, type a question, and read what its probe noted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = folder / "report.json"
        command = python(str(ROOT / "benchmarks" / "stall.py"), which, str(report))
        with Screen(command, environment(folder)) as screen:
            screen.until_echo()
            deadline = time.monotonic() + 60
            while which == "ours" and b"4/4" not in screen.output and time.monotonic() < deadline:
                screen.pump(0.02)
            for key in ("\x05", "\x15", "show me markdown", *(["\r"] if which == "ours" else [])):
                screen.send(key)
                screen.pump(0.1)
            while not screen.ended() and time.monotonic() < deadline:
                screen.pump(0.02)
            if not report.exists():
                raise RuntimeError(f"the {which} app reported nothing: {bytes(screen.output[-300:])!r}")
        return float(json.loads(report.read_text()))


def run(quick: bool) -> list[Row]:
    """Worst stalls: median over the runs, for the app and for a bare Textual app."""
    ours, floor = interleaved(2 if quick else 5, lambda: stall_seconds("ours"), lambda: stall_seconds("floor"))
    return [
        Row(
            "worst screen stall, first paint to first token",
            ours * 1000,
            floor * 1000,
            f"under {GOAL_MS:.0f} ms",
            "ms",
            "floor: bare Textual app",
            ours * 1000 < GOAL_MS,
        )
    ]


if __name__ == "__main__":
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    asyncio.run({"ours": _ours, "floor": _floor}[sys.argv[1]](Path(sys.argv[2])))
