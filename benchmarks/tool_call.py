"""One tool call through the engine (validation, permission, log on disk) beside the bare SDK call to the server."""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.measure import Row, environment

GOAL = 1.5


async def _measure(calls: int) -> tuple[float, float]:
    from mcp import Client, StdioServerParameters, stdio_client

    from mcp_tui.cli.options import Options
    from mcp_tui.cli.wiring import build_engine, setup
    from mcp_tui.permissions.rules import Policy

    engine_calls: list[float] = []
    bare: list[float] = []
    with setup(Options(command="demo", demo=True)) as made:
        entry = made.servers["clock"]
        assert entry.command is not None
        engine = build_engine(made, fallback=Policy("allow"), server_wait=30.0)
        transport = stdio_client(StdioServerParameters(command=entry.command, args=entry.args))
        async with Client(transport, mode=entry.protocol) as client:
            try:
                await engine.start()
                await _turn(engine)
                await client.list_tools()
                for _ in range(calls):
                    began = time.perf_counter()
                    await client.call_tool("now", {"timezone": "UTC"})
                    bare.append(time.perf_counter() - began)
                    engine_calls.append(await _turn(engine))
            finally:
                await engine.aclose()
    return statistics.median(engine_calls), statistics.median(bare)


async def _turn(engine: object) -> float:
    """A turn with one call: seconds from the proposal of the call to its end."""
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events import tools

    assert isinstance(engine, Engine)
    subscription = engine.subscribe()
    engine.submit('/call clock.now {"timezone": "UTC"}')
    finished = await engine.idle()
    subscription.close()
    times = {}
    async for batch in subscription:
        for event in batch.events if batch.live else ():
            if isinstance(event, tools.ToolCallProposed | tools.ToolCallFinished):
                times[event.type] = event.at
    if finished is None or finished.outcome != "stop" or len(times) != 2:
        raise RuntimeError(f"the turn did not run its call: {finished}")
    return (times["tool_call_finished"] - times["tool_call_proposed"]).total_seconds()


def run(quick: bool) -> list[Row]:
    """Interleaved calls, one engine and one bare client alive for the whole run."""
    with tempfile.TemporaryDirectory() as folder:
        before = dict(os.environ)
        os.environ.update(environment(Path(folder)))
        try:
            ours, floor = asyncio.run(_measure(20 if quick else 100))
        finally:
            os.environ.clear()
            os.environ.update(before)
    note = "proposed to finished, durable log included; both with a process of the same server"
    return [
        Row(
            "one tool call through the engine",
            ours * 1000,
            floor * 1000,
            f"at most {GOAL}",
            "ms",
            note,
            ours / floor <= GOAL,
        )
    ]
