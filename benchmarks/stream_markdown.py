"""A long Markdown answer streamed into the conversation pane, beside Textual's own Markdown stream.

Each case is a program of its own in a pseudo-terminal of 120x40.  Reported: processor time, processor time for
each line, the longest time for which the event loop did not run, memory.  ``python -m benchmarks.stream_markdown``
prints the table; ``--quick`` is a shorter run of the same; ``--case WIDGET LINES RATE`` is what a child runs.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import pty
import resource
import select
import struct
import sys
import tempfile
import time
from datetime import UTC, datetime
from fcntl import ioctl
from pathlib import Path
from termios import TIOCSWINSZ
from typing import Any

from benchmarks.children import ROOT, start

CHUNK = 8
"""Characters of a delta."""

PIECE = """## Step {n}: look at the *proxy*

The first request after **idle** waits for the full `30 s` timeout, see [the issue](https://example.com/{n}), so that
keep-alive has to be shorter than what the proxy grants. Item {n} says the same of another pool.

- first check the pool size, then the age of each connection
- then the *keep-alive* of the proxy
  - nested: `proxy_read_timeout`

```python
def check(pool: Pool, limit: float = {n}.5) -> list[str]:
    # connections that are older than the limit
    return [name for name, age in pool.ages() if age > limit]
```

| issue | since | proxy |
|-------|------:|-------|
| {n} | 2026-08-01 | yes |

1. measure again
2. report

"""


def text_of(lines: int) -> str:
    """Markdown of about ``lines`` lines."""
    height = PIECE.count("\n")
    return "".join(PIECE.replace("{n}", str(number)) for number in range(max(1, lines // height)))


class Stalls:
    """The longest time for which the event loop did not get round."""

    def __init__(self) -> None:
        self.worst = 0.0
        self._task: asyncio.Task[None] | None = None

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.002)
            self.worst = max(self.worst, time.perf_counter() - before - 0.002)

    def start(self) -> None:
        """Watch from now on."""
        self.worst = 0.0
        self._task = asyncio.create_task(self._watch())

    def stop(self) -> float:
        """Seconds of the worst stall."""
        if self._task is not None:
            self._task.cancel()
        return self.worst


async def _feed(text: str, rate: float, write: Any) -> None:
    """Give ``text`` to ``write`` in chunks, ``rate`` of them a second; 0: as fast as it takes them."""
    start = time.perf_counter()
    for number, offset in enumerate(range(0, len(text), CHUNK)):
        await write(text[offset : offset + CHUNK])
        if not rate:
            await asyncio.sleep(0)
        elif (ahead := start + number / rate - time.perf_counter()) > 0.001:
            await asyncio.sleep(ahead)


async def _measure(text: str, rate: float, write: Any, finish: Any) -> dict[str, float]:
    stalls = Stalls()
    gc.collect()
    gc.freeze()  # as the program does once it has started
    stalls.start()
    await asyncio.sleep(0.2)
    stalls.worst = 0.0
    cpu, wall = time.process_time(), time.perf_counter()
    await _feed(text, rate, write)
    await finish()
    await asyncio.sleep(0.1)
    return {
        "lines": text.count("\n"),
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "stall": stalls.stop(),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def case_pane(lines: int, rate: float, report: Path) -> None:
    """The conversation pane."""
    from textual.app import App, ComposeResult

    from mcp_tui.config.theme_data import DEFAULT_THEME
    from mcp_tui.conversation.items import AssistantItem, Change, UserItem
    from mcp_tui.ui.themes import textual_theme
    from mcp_tui.ui.widgets.conversation import ConversationView

    class Pane(App[dict[str, float]]):
        def __init__(self) -> None:
            super().__init__()
            self.register_theme(textual_theme(DEFAULT_THEME))
            self.theme = DEFAULT_THEME.name

        def compose(self) -> ComposeResult:
            yield ConversationView()

        async def on_ready(self) -> None:
            self.streaming = asyncio.create_task(self.stream())

        async def stream(self) -> None:
            pane = self.query_one(ConversationView)
            now = datetime.now(UTC)
            item = AssistantItem("a", now, "t", 2, model="m")
            pane.load([UserItem("u", now, "t", 1, text="go")])
            pane.apply([Change("added", item)])

            async def write(chunk: str) -> None:
                item.pieces.append(chunk)
                pane.apply([Change("appended", item, appended=chunk)])

            async def finish() -> None:
                item.streaming = False
                pane.apply([Change("updated", item)])
                while pane.busy:  # noqa: ASYNC110  # the pane tells nobody when it has caught up
                    await asyncio.sleep(0.002)

            self.exit(await _measure(text_of(lines), rate, write, finish))

    report.write_text(json.dumps(Pane().run()))


def case_textual(lines: int, rate: float, report: Path) -> None:
    """Textual's Markdown widget and its stream."""
    from textual.app import App, ComposeResult
    from textual.containers import VerticalScroll
    from textual.widgets import Markdown

    class Stream(App[dict[str, float]]):
        def compose(self) -> ComposeResult:
            with VerticalScroll() as scroll:
                scroll.anchor()
                yield Markdown()

        async def on_ready(self) -> None:
            self.streaming = asyncio.create_task(self.stream())

        async def stream(self) -> None:
            stream = Markdown.get_stream(self.query_one(Markdown))
            self.exit(await _measure(text_of(lines), rate, stream.write, stream.stop))

    report.write_text(json.dumps(Stream().run()))


CASES = {"pane": case_pane, "textual": case_textual}


def in_terminal(arguments: list[str], columns: int = 120, rows: int = 40, timeout: float = 900) -> dict[str, float]:
    """Run a case as a program in a pseudo-terminal, swallow its screen and return what it reported."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        master, slave = pty.openpty()
        ioctl(slave, TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        environment = {**os.environ, "TERM": "xterm-256color", "COLORTERM": "truecolor"}
        environment["PYTHONPATH"] = os.pathsep.join([str(ROOT), environment.get("PYTHONPATH", "")])
        command = [sys.executable, *arguments, "--report", str(report)]
        process = start(command, slave, environment)
        end = time.monotonic() + timeout
        screen = bytearray()
        try:
            while time.monotonic() < end:
                if select.select([master], [], [], 0.2)[0]:
                    try:
                        screen = (screen + os.read(master, 1 << 16))[-20_000:]
                    except OSError:
                        break
                elif process.poll() is not None:
                    break
            process.wait(5)
        finally:
            process.kill()
            process.wait()
            os.close(master)
        if not report.exists():
            raise RuntimeError(f"{arguments} reported nothing: {screen.decode(errors='replace')[-2000:]}")
        result: dict[str, float] = json.loads(report.read_text())
        return result


def run(quick: bool = False) -> list[dict[str, Any]]:
    """Every case; one dictionary each."""
    plan = [("pane", 500, 0), ("pane", 1000, 0), ("textual", 500, 0), ("pane", 500, 1000)]
    if not quick:
        plan = [
            *(("pane", lines, rate) for rate in (0, 1000) for lines in (2000, 4000)),
            *(("textual", lines, 0) for lines in (2000, 4000)),
            ("textual", 2000, 1000),
        ]
    out = []
    for widget, lines, rate in plan:
        result = in_terminal([__file__, "--case", widget, str(lines), str(rate)])
        out.append({"widget": widget, "asked": lines, "rate": rate, **result})
    return out


def table(results: list[dict[str, Any]]) -> str:
    """The results for people, with ratios against Textual's stream in the same run."""
    head = "widget    lines  chunks/s   CPU s  µs/line  stall ms    MB CPU/floor"
    rows = [head, "-" * len(head)]
    floors = {(each["asked"], each["rate"]): each["cpu"] for each in results if each["widget"] == "textual"}
    for each in results:
        floor = floors.get((each["asked"], each["rate"]))
        ratio = f"{each['cpu'] / floor:9.3f}" if floor else f"{'':>9}"
        rate = str(each["rate"]) if each["rate"] else "full"
        rows.append(
            f"{each['widget']:<8} {each['lines']:>6} {rate:>9} {each['cpu']:7.2f} "
            f"{each['cpu'] / each['lines'] * 1e6:8.0f} {each['stall'] * 1e3:9.1f} {each['memory']:5.0f} {ratio}"
        )
    return "\n".join(rows)


def main() -> None:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--case", nargs=3, metavar=("WIDGET", "LINES", "RATE"))
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    if options.case:
        widget, lines, rate = options.case
        CASES[widget](int(lines), float(rate), options.report)
    else:
        print(table(run(options.quick)))


if __name__ == "__main__":
    main()
