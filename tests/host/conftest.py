"""The host under test, closed at the end."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.config.servers import ServerConfig
from mcp_tui.events.base import EventBase
from mcp_tui.host.base import AdmitEverything, Gatekeeper
from mcp_tui.host.host import McpHost
from mcp_tui.safety.secrets import Redactor
from tests.support.hosts import PATIENCE, HostFactory, HostKit, connection_config, tools_config


@pytest.fixture
async def make_host(tmp_path: Path) -> AsyncIterator[HostFactory]:
    """Builds and starts a host; closes it at the end."""
    kits: list[HostKit] = []

    async def make(
        servers: dict[str, ServerConfig],
        *,
        connection: dict[str, Any] | None = None,
        tools: dict[str, Any] | None = None,
        environ: dict[str, str] | None = None,
        secrets: tuple[str, ...] = (),
        state_dir: Path | None = None,
        gatekeeper: Gatekeeper | None = None,
        wait: bool = True,
    ) -> HostKit:
        events: list[EventBase] = []
        host = McpHost(
            servers,
            connection_config(**(connection or {})),
            tools_config(**(tools or {})),
            emit=events.append,
            environ=os.environ if environ is None else environ,
            mask=Redactor(secrets),
            client_version="0.0-test",
            gatekeeper=gatekeeper or AdmitEverything(),
            state_dir=state_dir,
        )
        kit = HostKit(host, events)
        kits.append(kit)
        await host.start()
        if wait:
            assert await host.settled(PATIENCE)
        return kit

    yield make
    for kit in kits:
        await kit.host.aclose()
