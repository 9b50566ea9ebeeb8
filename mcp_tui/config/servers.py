"""``servers_config.json``: ``mcpServers`` as other MCP clients write it, plus a few fields of our own (B3)."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mcp_tui.config.models import Seconds


class ServerConfig(BaseModel):
    """One entry of ``mcpServers``.

    The format is shared with other programs, so its optional fields have defaults, documented here.
    References (``env:NAME``, ``${NAME}``) are resolved by the loader before a model is built.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True)

    type: Literal["stdio", "http", "streamable-http", "sse"] | None = None
    """Transport, where another program wrote it; derived from ``command`` or ``url`` otherwise."""
    command: str | None = None
    """Program to start; searched on ``PATH``."""
    args: list[str] = Field(default_factory=list, repr=False)
    """Its arguments; other users of the machine can see them, so keep secrets out."""
    env: dict[str, str] = Field(default_factory=dict, repr=False)
    """Added to the minimal environment that a server gets."""
    cwd: str | None = None
    """Working directory; this program's own by default."""
    url: str | None = None
    """Address of a remote server."""
    headers: dict[str, str] = Field(default_factory=dict, repr=False)
    """Sent with every request to ``url``."""
    enabled: bool = True
    """``false`` keeps the entry but does not start it."""
    protocol: Literal["auto", "legacy", "2026-07-28"] = "auto"
    """Protocol era: ``auto`` asks the server, ``legacy`` is the ``initialize`` handshake (2025-11-25 and older)."""
    connection_timeout: Seconds | None = None
    """Seconds; ``mcp.connection.connection_timeout`` by default."""
    idle_timeout: Seconds | None = None
    """Seconds; ``chat.service.tools.idle_timeout`` by default."""
    total_timeout: Seconds | None = None
    """Seconds; ``chat.service.tools.total_timeout`` by default."""
