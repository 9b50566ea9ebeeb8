"""Sixteen servers started through the host beside sixteen bare spawns of the same program at once."""

from __future__ import annotations

import asyncio
import json
import os
import time
from typing import Any

from benchmarks.measure import Row, interleaved, python

GOAL = 1.2
COUNT = 16
_COMMAND = python("-P", "-m", "mcp_tui.demo.servers.clock")
_INITIALIZE = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "bare", "version": "1"},
}


async def _ask(process: asyncio.subprocess.Process, message: dict[str, Any]) -> None:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}).encode() + b"\n")
    while json.loads(await process.stdout.readline()).get("id") != message["id"]:
        pass


async def _bare() -> float:
    """Until the last of the spawns has listed its tools; their end is not counted."""
    began = time.perf_counter()
    listed: list[float] = []

    async def one() -> None:
        process = await asyncio.create_subprocess_exec(
            *_COMMAND, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20
        )
        assert process.stdin is not None
        try:
            await _ask(process, {"id": 1, "method": "initialize", "params": _INITIALIZE})
            process.stdin.write(b'{"jsonrpc": "2.0", "method": "notifications/initialized"}\n')
            await _ask(process, {"id": 2, "method": "tools/list"})
            listed.append(time.perf_counter() - began)
            while len(listed) < COUNT:  # noqa: ASYNC110  # all are alive at once, as with the host
                await asyncio.sleep(0.01)
        finally:
            process.stdin.close()
            await process.wait()

    await asyncio.gather(*(one() for _ in range(COUNT)))
    return max(listed)


async def _host() -> float:
    from mcp_tui.config.servers import ServerConfig
    from mcp_tui.demo.configuration import demo_config
    from mcp_tui.host.base import AdmitEverything
    from mcp_tui.host.host import McpHost

    config = demo_config(theme="mcp-dark")
    connection = config.mcp.connection.model_copy(update={"max_concurrent_starts": COUNT, "connection_timeout": 120.0})
    entry = ServerConfig(command=_COMMAND[0], args=_COMMAND[1:], protocol="legacy")
    host = McpHost(
        {f"clock{number}": entry for number in range(COUNT)},
        connection,
        config.chat.service.tools,
        emit=lambda event: None,
        environ=os.environ,
        mask=str,
        client_version="0",
        gatekeeper=AdmitEverything(),
    )
    began = time.perf_counter()
    try:
        await host.start()
        settled = await host.settled(120)
        took = time.perf_counter() - began
        running = sum(status.state == "running" for status in host.servers())
        if not settled or running != COUNT or len(host.tools()) != 4 * COUNT:
            raise RuntimeError(f"only {running} of {COUNT} servers are running")
    finally:
        await host.aclose()
    return took


def run(quick: bool) -> list[Row]:
    """From the first spawn until the last server's tools are known."""
    import mcp_tui.host.host  # noqa: F401  # the import of the SDK is part of no start of a server

    ours, floor = interleaved(1 if quick else 5, lambda: asyncio.run(_host()), lambda: asyncio.run(_bare()))
    note = "floor: spawn, initialize and tools/list by hand"
    return [
        Row(f"{COUNT} servers started at once", ours, floor, f"at most {GOAL}", note=note, met=ours / floor <= GOAL)
    ]
