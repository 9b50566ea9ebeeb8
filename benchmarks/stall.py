"""The longest time for which the screen stood still, from the first paint until after the first streamed token.

The real app runs in a real terminal, in a process of its own; a probe in its event loop notes how late it is woken.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import children
from benchmarks.measure import ROOT, Row, Screen, environment, interleaved, python

if TYPE_CHECKING:
    from textual.app import App

GOAL_MS = 50.0
QUESTION = "show me markdown"
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
    from mcp_tui.conversation.items import AssistantItem
    from mcp_tui.ui.preferences import Preferences

    app = make_app(Preferences())
    session = AppSession(app, Options(command="demo", demo=True), Preferences())
    boot = asyncio.create_task(session.boot())

    def begun() -> bool:
        return app.engine is not None and any(isinstance(item, AssistantItem) for item in app.engine.transcript.items)

    async def answered() -> None:
        await within(begun, "a first token")

    try:
        await _watched(app, app.painted, answered, report)
    finally:
        await asyncio.gather(boot, return_exceptions=True)
        await session.aclose()


async def _floor(report: Path) -> None:
    from textual.widgets import Input, Markdown

    from benchmarks.bare_app import BareApp

    app = BareApp()

    async def answered() -> None:
        typed = app.query_one(Input)
        await within(lambda: QUESTION in typed.value, lambda: f"the question in the input, which holds {typed.value!r}")
        await app.query_one(Markdown).append("one token\n")

    await _watched(app, app.ready, answered, report)


async def _watched(
    app: App[Any], painted: asyncio.Event, answered: Callable[[], Coroutine[Any, Any, None]], report: Path
) -> None:
    """Run an app, and note its worst stall from the first paint until after the first token.

    Raises what went wrong in it, or that it ended by itself.
    """

    async def watch() -> None:
        await painted.wait()
        probe = Probe()
        task = asyncio.create_task(probe.watch())
        await answered()
        await asyncio.sleep(AFTER_SECONDS)
        task.cancel()
        await asyncio.to_thread(children.write, report, probe.worst)

    watcher = asyncio.create_task(watch())
    watcher.add_done_callback(lambda _: app.exit())
    await app.run_async()
    if not watcher.done():
        watcher.cancel()
        raise RuntimeError("the app ended before the first token")
    watcher.result()


async def within(condition: Callable[[], bool], what: str | Callable[[], str], seconds: float = 60) -> None:
    """Wait until a condition holds.  Raises `TimeoutError`, which says what was waited for."""
    try:
        await asyncio.wait_for(_until(condition), seconds)
    except TimeoutError:
        raise TimeoutError(f"{seconds:g} s without {what if isinstance(what, str) else what()}") from None


async def _until(condition: Callable[[], bool]) -> None:
    """Polled from outside of the apps, which are measured as they are."""
    while not condition():  # noqa: ASYNC110
        await asyncio.sleep(0.005)


def stall_seconds(which: str) -> float:
    """Run one of the two apps, type a question, and read what its probe noted."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = folder / "report.json"
        command = python(str(ROOT / "benchmarks" / "stall.py"), which, str(report))
        with Screen(command, environment(folder)) as screen:
            screen.until_echo()
            deadline = time.monotonic() + 90
            while which == "ours" and b"4/4" not in screen.output and time.monotonic() < deadline:
                screen.pump(0.02)
            for key in ("\x05", "\x15", QUESTION, *(["\r"] if which == "ours" else [])):
                screen.send(key)
                screen.rest(0.2)  # a key that edits the line takes effect after letters that come right behind it
            while not screen.ended() and not report.exists() and time.monotonic() < deadline:
                screen.pump(0.02)
            return float(children.read(report, bytes(screen.output)))


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
    with children.reporting(Path(sys.argv[2])):
        asyncio.run({"ours": _ours, "floor": _floor}[sys.argv[1]](Path(sys.argv[2])))
