"""Ten thousand conversations: the list, the search index built behind the running app, and searches.

The index is built by the real app in a real terminal, in a process of its own; a probe in its event loop notes how
late it is woken while somebody types.  ``--quick`` takes a thousand conversations.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks import browsing
from benchmarks.generate import RARE_WORD, generate
from benchmarks.measure import ROOT, Row, Screen, environment, python
from benchmarks.stall import GOAL_MS, Probe

LIST_GOAL = 0.3
SEARCH_GOAL = 0.1
HITS = 50
START_LIMIT = 60.0
QUERIES: tuple[tuple[str, str | None], ...] = (
    ("timeout ", '"timeout"'),
    ("the of and ", "the of and"),
    ("login timeout ", "login timeout"),
    ('"login timeout"', '"login timeout"'),
    ("timeo", "timeo*"),
    ("con", "con*"),
    (f"{RARE_WORD} ", RARE_WORD),
    ("connection proxy -the ", "connection proxy NOT the"),
    ("retry_count ", '"retry count"'),
    ("src/net/proxy.py ", '"src net proxy py"'),
    ("#812", '"812"'),
    ("getUserName ", "getusername"),
    ("データ", None),
    ("接続", None),
    ("数据", None),
    ("tool:git.* timeout ", None),
    ("server:db status:error query ", None),
    ("kind:user login ", None),
    ("model:llama after:2026-01 proxy ", None),
    ("nosuchwordatall ", "nosuchwordatall"),
)
"""A search, and the same in FTS5's own language where it has words for it."""


# -- the app -----------------------------------------------------------------------------------


async def _app(report: Path, least_seconds: float) -> None:
    from mcp_tui.cli.app import AppSession, make_app
    from mcp_tui.cli.options import Options
    from mcp_tui.ui.preferences import Preferences

    app = make_app(Preferences())
    session = AppSession(app, Options(command="demo", demo=True), Preferences())
    boot = asyncio.create_task(session.boot())
    watcher = asyncio.create_task(_watch(app, report, least_seconds))
    try:
        await app.run_async()
    finally:
        await asyncio.gather(boot, watcher, return_exceptions=True)
        await session.aclose()


async def _watch(app: Any, report: Path, least_seconds: float) -> None:
    """From a moment after the start until everything is indexed, and at least for so long."""
    await app.painted.wait()
    limit = time.monotonic() + START_LIMIT
    while app.engine is None or not all(server.state == "running" for server in app.engine.servers):
        if time.monotonic() > limit:
            app.exit()
            return
        await asyncio.sleep(0.01)
    probe = Probe()
    task = asyncio.create_task(probe.watch())
    began = time.perf_counter()
    await asyncio.sleep(least_seconds)
    while not ((state := app.engine.history.index_state).complete and state.total_bytes):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    task.cancel()
    seconds = time.perf_counter() - began
    await asyncio.to_thread(report.write_text, json.dumps({"stall": probe.worst, "seconds": seconds}))
    app.exit()


def app_run(folder: Path, quick: bool, least_seconds: float = 3.0) -> dict[str, float]:
    """Run the app on ``folder`` until its index is complete, typing a key now and then."""
    report = folder / "report.json"
    report.unlink(missing_ok=True)
    with Screen(
        python(str(ROOT / "benchmarks" / "history.py"), str(report), str(least_seconds)), environment(folder)
    ) as screen:
        screen.until_echo()
        deadline = time.monotonic() + (60 if quick else 400)
        while not screen.ended() and time.monotonic() < deadline:
            screen.send("x")
            until = time.monotonic() + 0.1
            while time.monotonic() < until and not screen.ended():
                screen.pump(0.02)
        if not report.exists():
            raise RuntimeError(f"the app reported nothing: {bytes(screen.output[-300:])!r}")
    found: dict[str, float] = json.loads(report.read_text())
    return found


# -- plain sqlite3 and a search through the files, as floors -----------------------------------------


def plain_index(directory: Path, path: Path) -> float:
    """Seconds that the plainest FTS5 table takes, texts included, in one transaction."""
    began = time.perf_counter()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE VIRTUAL TABLE plain USING fts5(text)")
        for file in sorted(directory.glob("*.jsonl")):
            for line in file.read_bytes().splitlines():
                value = json.loads(line)
                text = value.get("text") or "".join(block["text"] for block in value.get("content", ()))
                if text:
                    connection.execute("INSERT INTO plain (text) VALUES (?)", (text,))
        connection.commit()
    return time.perf_counter() - began


def _plain_search(connection: sqlite3.Connection, query: str) -> None:
    sql = (
        "SELECT rowid, snippet(plain, 0, '', '', '...', 16) FROM plain WHERE plain MATCH ? ORDER BY rowid DESC LIMIT ?"
    )
    connection.execute(sql, (query, HITS)).fetchall()


def _scan_command(directory: Path) -> list[str]:
    if rg := shutil.which("rg"):
        return [rg, "-l", "-F", RARE_WORD, str(directory)]
    return ["grep", "-rlF", RARE_WORD, str(directory)]


# -- measuring ---------------------------------------------------------------------------------


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


async def _searches(history: Path, cache: Path, rounds: int) -> list[tuple[str, float]]:
    from mcp_tui.history.search import SearchIndex

    search = SearchIndex(history, cache)
    await search.update()
    times = []
    for _ in range(rounds):
        for query, _plain in QUERIES:
            began = time.perf_counter()
            await search.search(query, limit=HITS)
            times.append((query, time.perf_counter() - began))
            await asyncio.sleep(0.05)
    await search.aclose()
    return times


def _list_rows(history: Path, size: str) -> Row:
    from mcp_tui.history.catalog import list_conversations
    from mcp_tui.history.fs import REAL

    found = list_conversations(history, REAL)
    ours = statistics.median(_timed(lambda: list_conversations(history, REAL)) for _ in range(5))
    with closing(sqlite3.connect(":memory:")) as plain:
        plain.execute("CREATE TABLE plain (id, title, created, updated, events, messages, calls, model, size)")
        rows = [
            (c.id, c.title, c.created_at.isoformat(), c.updated_at.isoformat(), c.events, c.messages, c.tool_calls,
             c.model, c.size) for c in found
        ]  # fmt: skip
        plain.executemany("INSERT INTO plain VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        order = "SELECT * FROM plain ORDER BY updated DESC"
        floor = statistics.median(_timed(plain.execute(order).fetchall) for _ in range(5))
    note = f"{size}; floor: plain sqlite3 table in memory, no look at the files"
    return Row("list of the conversations, warm", ours * 1e3, floor * 1e3, "under 300 ms", "ms", note, ours < LIST_GOAL)


def run(quick: bool) -> list[Row]:
    """Every row."""
    with tempfile.TemporaryDirectory(prefix="mcp-tui-history-") as name:
        folder = Path(name)
        history, cache = folder / "data" / "conversations", folder / "data" / "cache"
        began = time.perf_counter()
        made = generate(history, 1_000 if quick else 10_000)
        size = f"{made.conversations:,} conversations, {made.events:,} events, {made.size / 1e6:.0f} MB"
        print(f"{size}, generated in {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
        rows = [_list_rows(history, size)]
        building = app_run(folder, quick)
        resting = app_run(folder, quick, building["seconds"])  # the worst of as long a time
        rows += browsing.rows(folder, made.conversations)
        plain_path = folder / "plain.sqlite3"
        plain_seconds = plain_index(history, plain_path)
        rows += [
            Row(
                "worst screen stall while the index is built",
                building["stall"] * 1e3,
                resting["stall"] * 1e3,
                f"under {GOAL_MS:.0f} ms",
                "ms",
                "floor: the same app, nothing to index",
                building["stall"] * 1e3 < GOAL_MS,
            ),
            Row(
                "index of everything, built behind the app",
                building["seconds"],
                plain_seconds,
                "",
                "s",
                "niced; floor: a plain FTS5 table in one transaction",
            ),
            Row(
                "size of the index",
                sum(path.stat().st_size for path in cache.rglob("*") if path.is_file()) / 1e6,
                plain_path.stat().st_size / 1e6,
                "",
                "MB",
                "floor: a plain FTS5 table with its texts",
            ),
        ]
        times = asyncio.run(_searches(history, cache, 3 if quick else 5))
        with closing(sqlite3.connect(plain_path)) as connection:
            plain = [
                _timed(lambda query=query: _plain_search(connection, query))  # type: ignore[misc]
                for _ in range(3 if quick else 5)
                for _, query in QUERIES
                if query is not None
            ]
        ours = _p95([seconds for _, seconds in times])
        slowest = max(times, key=lambda pair: pair[1])
        rows.append(
            Row(
                f"first {HITS} hits of a search, p95 of {len(times)}",
                ours * 1e3,
                _p95(plain) * 1e3,
                "under 100 ms",
                "ms",
                f"slowest: {slowest[0].strip()} {slowest[1] * 1e3:.0f} ms; floor: the plain table, words only",
                ours < SEARCH_GOAL,
            )
        )
        command = _scan_command(history)
        scan = _timed(lambda: subprocess.run(command, capture_output=True, check=False))
        rare = statistics.median(seconds for query, seconds in times if query.startswith(RARE_WORD))
        rows.append(
            Row("a rare word", rare * 1e3, scan * 1e3, "", "ms", f"floor: {Path(command[0]).name} over the files")
        )
        return rows


if __name__ == "__main__":
    os.environ.setdefault("TEXTUAL_ANIMATIONS", "none")
    asyncio.run(_app(Path(sys.argv[1]), float(sys.argv[2])))
