"""Server states and catalogues.  All of these pass; none is stored in a conversation."""

from __future__ import annotations

import shlex
from typing import ClassVar, Literal

from pydantic import AwareDatetime

from mcp_tui.events.base import Durability, EventBase, Model
from mcp_tui.safety.text import strict

ServerState = Literal["stopped", "starting", "running", "needs_authorisation", "untrusted", "stopping", "failed"]
"""``untrusted``: it is not started before the person has accepted its command line."""


class ServerFailure(Model):
    """Why a server is not running (requirement C3)."""

    step: Literal["configuration", "spawn", "handshake", "list", "running", "health"]
    message: str
    exit_code: int | None = None
    signal: str | None = None
    """Name of the signal that ended the process, such as ``SIGKILL``."""
    stderr: tuple[str, ...] = ()
    """The last lines the process wrote to its standard error."""
    suggestion: str = ""


class TrustRequest(Model):
    """What the person is shown before a server may start: everything that its fingerprint covers."""

    server: str
    command: tuple[str, ...]
    """The command line word by word, as configured, secrets masked; the address of a remote server."""
    program: str
    """The file that the command resolves to; empty when it is not found."""
    folder: str
    """Its working directory."""
    variables: tuple[str, ...] = ()
    """Names of the environment variables that its entry sets; never their values."""
    warnings: tuple[str, ...] = ()
    """What deserves a second look, such as a shell, or a package without a version."""
    before: TrustRequest | None = None
    """What was accepted under this name earlier; ``None`` for a server that is new."""
    changes: tuple[str, ...] = ()
    """What differs from ``before``, in words."""

    def text(self) -> str:
        """All of it in lines, what a reader would not see spelled out."""
        lines = [*self._lines(), *(f"! {strict(warning)}" for warning in self.warnings)]
        if self.before is not None:
            lines.append(f"changed: {strict('; '.join(self.changes))}")
            lines += [f"  before: {line}" for line in self.before._lines()[1:]]
        return "\n".join(lines)

    def _lines(self) -> list[str]:
        lines = [f"server    {strict(self.server)}", f"command   {strict(shlex.join(self.command))}"]
        lines += [f"program   {strict(self.program) or 'not found'}", f"folder    {strict(self.folder)}"]
        if self.variables:
            lines.append(f"variables {strict(', '.join(self.variables))}")
        return lines


class SetAsideTool(Model):
    """A tool that the model is not offered, and why."""

    name: str
    reason: str


class ServerStatus(Model):
    """All that the sidebar shows of one server (requirement C2)."""

    name: str
    state: ServerState
    enabled: bool = True
    command: str = ""
    """The command line, secrets masked."""
    transport: Literal["stdio", "http"] = "stdio"
    pid: int | None = None
    started_at: AwareDatetime | None = None
    protocol_version: str | None = None
    latency_seconds: float | None = None
    """Round trip of the last health check."""
    memory_bytes: int | None = None
    """Resident memory of its process and what that started; ``None`` where the system does not tell."""
    cpu_share: float | None = None
    """Share of one processor since the reading before; 1.0 is all of it."""
    tools: int = 0
    prompts: int = 0
    resources: int = 0
    errors: int = 0
    """Failed calls and failed starts."""
    restarts: int = 0
    failure: ServerFailure | None = None
    """Cause of the last failure; stays while the server is tried again."""
    retry_at: AwareDatetime | None = None
    """When the next attempt starts by itself; ``None``: it does not."""
    warnings: tuple[str, ...] = ()
    """What works in spite of a fault, such as output that is no protocol message."""
    set_aside: tuple[SetAsideTool, ...] = ()
    held: int = 0
    """Tools that wait for a review because they are new or changed."""


class ServerStateChanged(EventBase):
    """Something about a server changed; carries all of it."""

    type: Literal["server_state_changed"] = "server_state_changed"
    durability: ClassVar[Durability] = "passing"
    status: ServerStatus


class ServerCatalogChanged(EventBase):
    """The tools of a server are known now, or changed."""

    type: Literal["server_catalog_changed"] = "server_catalog_changed"
    durability: ClassVar[Durability] = "passing"
    server: str
    tools: tuple[str, ...]
    """Wire names."""


class ServerLogged(EventBase):
    """A log message of a server (MCP's ``notifications/message``)."""

    type: Literal["server_logged"] = "server_logged"
    durability: ClassVar[Durability] = "passing"
    server: str
    level: str
    logger: str = ""
    text: str
