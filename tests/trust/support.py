"""Definitions and keepers for the tests of trust."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mcp_tui.config.servers import ServerConfig
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.safety.secrets import Redactor
from mcp_tui.trust.keeper import TrustKeeper

SERVER = ServerConfig(command=sys.executable, args=["-V"])


def tool(name: str = "echo", description: str = "Return x", **fields: Any) -> ToolDefinition:
    """A definition with a digest over what it says."""
    digest = hashlib.sha256(json.dumps([name, description, fields], sort_keys=True).encode()).hexdigest()
    return ToolDefinition(
        wire_name=f"s__{name}", server="s", name=name, description=description, digest=digest, **fields
    )


def keeper(
    folder: Path | None = None, servers: Mapping[str, ServerConfig] | None = None, secrets: tuple[str, ...] = ()
) -> TrustKeeper:
    """A keeper as a new run of the program has it."""
    return TrustKeeper(servers or {"s": SERVER}, dict(os.environ), Redactor(secrets), "1.2.3", folder=folder)


def names(tools: tuple[ToolDefinition, ...]) -> list[str]:
    return [one.name for one in tools]
