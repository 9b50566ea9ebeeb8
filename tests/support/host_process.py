"""A program that owns a host, for tests that kill it: prints the pids of its servers and of the reaper, then waits.

python -m tests.support.host_process [NAME=MODE ...]
"""

from __future__ import annotations

import asyncio
import json
import os
import sys

from mcp_tui.events.base import EventBase
from mcp_tui.host.base import AdmitEverything
from mcp_tui.host.host import McpHost
from tests.support.hosts import PATIENCE, connection_config, hostile, tools_config


def _ignore(event: EventBase) -> None:
    """Nobody looks."""


async def main() -> None:
    """Start the servers named on the command line and wait for the end."""
    servers = {name: hostile(mode) for name, mode in (word.split("=") for word in sys.argv[1:])}
    host = McpHost(
        servers,
        connection_config(),
        tools_config(),
        emit=_ignore,
        environ=os.environ,
        mask=str,
        client_version="0",
        gatekeeper=AdmitEverything(),
    )
    await host.start()
    await host.settled(PATIENCE)
    sys.stdout.write(json.dumps([status.pid for status in host.servers()]) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
