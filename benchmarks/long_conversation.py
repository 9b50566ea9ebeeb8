"""A conversation of 100 messages beside one of 10,000 in the conversation pane.

Each case is a program of its own in a pseudo-terminal of 120x40, with the pane above an input as in the app.
Reported: time until the end of the conversation is on the screen, time from a key to its echo in the input while the
pane is there (median and worst), time of a scrolled page, memory.  ``python -m benchmarks.long_conversation``
prints the table; ``--quick`` is a shorter run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import pty
import re
import resource
import select
import statistics
import struct
import sys
import tempfile
import time
from datetime import UTC, datetime
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ

from benchmarks.children import ROOT, start

KEYS = 120

ANSWER = (
    """Answer **{n}** about `item {n}`:

- first point, with [a link](https://example.com/{n})
- second point

```python
value = {n}
```

"""
    + "Some words of running text that wrap around the end of the line. " * 4
)


def case(messages: int, report: Path) -> None:
    """The pane with ``messages`` items above an input; the program ends when it reads ``q`` at the end."""
    from textual.app import App, ComposeResult
    from textual.widgets import Input

    from mcp_tui.config.theme_data import DEFAULT_THEME
    from mcp_tui.conversation.items import AssistantItem, Item, UserItem
    from mcp_tui.ui.themes import textual_theme
    from mcp_tui.ui.widgets.conversation import ConversationView

    now = datetime.now(UTC)
    items: list[Item] = []
    for number in range(1, messages + 1):
        if number % 2:
            items.append(UserItem(f"u{number}", now, "t", number, text=f"Question {number}?"))
        else:
            text = ANSWER.replace("{n}", str(number))
            items.append(AssistantItem(f"a{number}", now, "t", number, model="m", pieces=[text], streaming=False))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    class Conversation(App[dict[str, float]]):
        def __init__(self) -> None:
            super().__init__()
            self.register_theme(textual_theme(DEFAULT_THEME))
            self.theme = DEFAULT_THEME.name

        def compose(self) -> ComposeResult:
            yield ConversationView()
            yield Input()

        async def on_ready(self) -> None:
            self.opening = asyncio.create_task(self.open())

        async def open(self) -> None:
            pane = self.query_one(ConversationView)
            await asyncio.sleep(0.3)
            start = time.perf_counter()
            pane.load(items)
            await self._caught_up(pane)
            opened = time.perf_counter() - start
            start = time.perf_counter()
            for _page in range(20):
                pane.action_page(-1)
                await self._caught_up(pane)
            paged = (time.perf_counter() - start) / 20
            pane.action_bottom()
            field = self.query_one(Input)
            field.focus()
            field.value = "ready"
            self.results = {"messages": messages, "open": opened, "page": paged, "before": before}

        async def _caught_up(self, pane: ConversationView) -> None:
            await asyncio.sleep(0)
            while pane.busy:  # noqa: ASYNC110  # the pane tells nobody when it has caught up
                await asyncio.sleep(0.001)

        def on_input_submitted(self) -> None:
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            self.exit({**self.results, "memory": memory})

    report.write_text(json.dumps(Conversation().run()))


def measure(messages: int, keys: int = KEYS) -> dict[str, float]:
    """Run a case in a pseudo-terminal, type into it and time each echo."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        master, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor", "PYTHONPATH": path}
        command = [sys.executable, __file__, "--case", str(messages), "--report", str(report)]
        process = start(command, slave, environment)
        try:
            _read_until(master, b"ready", 120)
            time.sleep(0.5)
            _drain(master)
            echoes = [_echo(master, bytes([97 + number % 26])) for number in range(keys)]
            os.write(master, b"\r")
            end = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < end:
                _drain(master)
        finally:
            process.kill()
            process.wait()
            os.close(master)
        result: dict[str, float] = json.loads(report.read_text())
        return {**result, "echo": statistics.median(echoes), "worst": max(echoes)}


def _drain(master: int) -> bytes:
    out = b""
    while select.select([master], [], [], 0.02)[0]:
        try:
            out += os.read(master, 1 << 16)
        except OSError:
            break
    return out


def _read_until(master: int, mark: bytes, timeout: float) -> None:
    end, seen = time.monotonic() + timeout, b""
    while mark not in re.sub(rb"\x1b\[[0-9;?]*[A-Za-z]", b"", seen):
        if time.monotonic() > end:
            raise TimeoutError(f"{mark!r} did not appear")
        if select.select([master], [], [], 0.1)[0]:
            seen = (seen + os.read(master, 1 << 16))[-200_000:]


def _echo(master: int, key: bytes) -> float:
    """Seconds from writing a key until it comes back as text."""
    start = time.perf_counter()
    os.write(master, key)
    seen = b""
    while key not in re.sub(rb"\x1b\[[0-9;?<=>]*[A-Za-z]", b"", seen):
        if time.perf_counter() - start > 10:
            raise TimeoutError(f"no echo of {key!r}")
        if select.select([master], [], [], 0.05)[0]:
            seen += os.read(master, 1 << 16)
    took = time.perf_counter() - start
    _drain(master)
    return took


def run(quick: bool = False) -> list[dict[str, float]]:
    """Every case; one dictionary each, the floor (100 messages) first."""
    return [measure(messages, 40 if quick else KEYS) for messages in ((100, 2_000) if quick else (100, 10_000))]


def table(results: list[dict[str, float]]) -> str:
    """The results for people, with ratios against the shortest conversation of the same run."""
    rows = ["messages  open ms  page ms  echo ms  worst ms    MB  echo/floor"]
    floor = results[0]["echo"]
    for each in results:
        rows.append(
            f"{each['messages']:>8.0f} {each['open'] * 1e3:8.1f} {each['page'] * 1e3:8.1f} {each['echo'] * 1e3:8.2f} "
            f"{each['worst'] * 1e3:9.2f} {each['memory']:5.0f} {each['echo'] / floor:11.2f}"
        )
    return "\n".join(rows)


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--case", type=int)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    if options.case:
        case(options.case, options.report)
    else:
        print(table(run(options.quick)))


if __name__ == "__main__":
    main()
