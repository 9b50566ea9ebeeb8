"""One attempt to get a server running: spawn, handshake in the right era, first listing, in one deadline."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mcp import MCPError
from pydantic import ValidationError

from mcp_tui.config.models import ConnectionConfig
from mcp_tui.config.servers import ServerConfig
from mcp_tui.errors import HostError
from mcp_tui.events.base import utc_now
from mcp_tui.events.servers import ServerFailure
from mcp_tui.host.arguments import Schemas
from mcp_tui.host.base import EventSink, Gatekeeper
from mcp_tui.host.catalog import Catalog, build_catalog
from mcp_tui.host.environment import fingerprint, server_environment
from mcp_tui.host.eras import EraStore
from mcp_tui.host.failures import Step, cause_of, failure_of, failure_to_spawn
from mcp_tui.host.gate import StartGate
from mcp_tui.host.handshake import open_auto, open_legacy, open_modern
from mcp_tui.host.process import ServerProcess
from mcp_tui.host.reaping import Reaper
from mcp_tui.host.reports import ServerReports
from mcp_tui.host.session import ServerSession
from mcp_tui.host.stdio import EXIT_GRACE, PIPE_CLOSED
from mcp_tui.host.wishes import Wishes

_log = logging.getLogger(__name__)

_MANY_TOOLS = 20
"""Above it a list is read in a thread, so that the screen does not wait."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What all servers of a host have in common."""

    settings: ConnectionConfig
    emit: EventSink
    environ: Mapping[str, str]
    mask: Callable[[str], str]
    client_version: str
    reaper: Reaper
    eras: EraStore
    schemas: Schemas
    gate: StartGate
    gatekeeper: Gatekeeper
    spawning: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One spawn at a time: each holds up the event loop a little, several at once would be seen on the screen."""


class Broken(HostError):
    """A start or a connection failed; ``final``: trying again by itself would not help."""

    def __init__(self, failure: ServerFailure, *, final: bool = False) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.final = final


class Interrupted(HostError):
    """A wish changed while something was awaited."""


class Link:
    """The process and session of one server, from spawn to end.  Used by its owner task only."""

    def __init__(
        self, name: str, prefix: str, config: ServerConfig, shared: Shared, wishes: Wishes, reports: ServerReports
    ) -> None:
        self.name = name
        self._prefix = prefix
        self._config = config
        self._shared = shared
        self._wishes = wishes
        self._reports = reports
        self._fingerprint = fingerprint(config)
        self.process: ServerProcess | None = None
        self.session: ServerSession | None = None
        self.last_stderr: tuple[str, ...] = ()
        self._listed = Catalog()
        """The last listing as it came, before the gatekeeper."""

    async def connect(self) -> None:
        """Get the server running and its tools listed.

        Raises `Broken` with the step that failed, `Interrupted` when a wish changed.
        """
        limit = self._config.connection_timeout or self._shared.settings.connection_timeout
        deadline = asyncio.get_running_loop().time() + limit
        protocol: str = self._config.protocol
        remembered = self._shared.eras.get(self._fingerprint) if protocol == "auto" else None
        if remembered == "legacy" and await self._open_as_before(deadline, limit):
            return
        try:
            await self._open(protocol, deadline, limit)
        except Broken as broken:
            if protocol != "auto" or not self._died_of_the_probe(broken, deadline):
                raise
            _log.info("starting again without server/discover", extra={"server": self.name})
            await self.close(patient=False)
            await self._open("legacy", deadline, limit)

    async def _open_as_before(self, deadline: float, limit: float) -> bool:
        """Try the handshake that worked last time; False when it does not any more and there is time to ask again."""
        half = asyncio.get_running_loop().time() + limit / 2
        try:
            await self._open("legacy", half, limit / 2)
        except Broken as broken:
            if broken.final or broken.failure.step != "handshake":
                raise
            self._shared.eras.forget(self._fingerprint)
            await self.close(patient=False)
            return asyncio.get_running_loop().time() >= deadline
        return True

    def _died_of_the_probe(self, broken: Broken, deadline: float) -> bool:
        """Whether the server died or fell silent on ``server/discover``: it deserves a start without it."""
        return (
            not broken.final
            and broken.failure.step == "handshake"
            and self.session is not None
            and self.session.transport.received == 0
            and asyncio.get_running_loop().time() < deadline
        )

    async def _open(self, protocol: str, deadline: float, limit: float) -> None:
        process = await self._spawn()
        session = ServerSession(process, self._reports, self._shared.client_version)
        self.process, self.session = process, session
        self._reports.update(pid=process.pid, started_at=utc_now())
        sdk = await session.enter()
        if protocol == "auto":
            # A silent server may have choked on the question: half of the time is kept for a start without it.
            half = (asyncio.get_running_loop().time() + deadline) / 2
            await self.race(
                "handshake",
                open_auto(sdk, session.transport.closed),
                lambda: deadline if session.transport.received else half,
                limit,
            )
        elif protocol == "legacy":
            await self.race("handshake", open_legacy(sdk), lambda: deadline, limit)
        else:
            await self.race("handshake", open_modern(sdk, session.transport.closed), lambda: deadline, limit)
        self._remember_era(session)
        await self.race("list", self.list_tools(), lambda: deadline, limit)
        version = session.protocol_version
        self._reports.update(state="running", protocol_version=version, failure=None)
        _log.info("server running", extra={"server": self.name, "pid": process.pid, "protocol": version})
        self._reports.announce()

    async def _spawn(self) -> ServerProcess:
        config = self._config
        try:
            async with self._shared.spawning:
                return await ServerProcess.spawn(
                    config.command or "",
                    config.args,
                    env=server_environment(config.env, self._shared.environ),
                    cwd=config.cwd,
                    reaper=self._shared.reaper,
                )
        except (OSError, ValueError) as error:
            raise Broken(failure_to_spawn(error, config), final=True) from None

    def _remember_era(self, session: ServerSession) -> None:
        if self._config.protocol == "auto":
            new = self._shared.eras.put(self._fingerprint, "modern" if session.modern else "legacy")
            if new:
                asyncio.get_running_loop().run_in_executor(None, self._shared.eras.save)

    async def list_tools(self) -> None:
        """List all tools and replace the catalogue; when that fails the old one stays."""
        assert self.session is not None
        listing = await self.session.list_tools()
        build = (self.name, self._prefix, listing.tools, self._shared.schemas)
        if len(listing.tools) > _MANY_TOOLS:
            self._listed = await asyncio.to_thread(build_catalog, *build)
        else:
            self._listed = build_catalog(*build)
        if listing.warning:
            self._reports.warn(listing.warning)
        self.review()

    def review(self) -> None:
        """Put the last listing before the gatekeeper: what it does not admit is not in the catalogue."""
        if self.session is None:
            return
        admitted, held = self._shared.gatekeeper.review(self.name, self._listed.tools, self.session.instructions)
        self._reports.catalog = catalog = replace(self._listed, tools=admitted, held=held)
        self._reports.update(tools=len(admitted), set_aside=catalog.set_aside, held=len(held))

    async def race(
        self, step: Step, work: Coroutine[Any, Any, None], deadline: Callable[[], float], limit: float
    ) -> None:
        """Await ``work``, unless the deadline passes, the connection ends, or a wish changes first.

        Raises `Broken` and `Interrupted`; errors of the SDK become `Broken`.
        """
        assert self.session is not None
        transport = self.session.transport
        task = asyncio.ensure_future(work)
        closed = asyncio.ensure_future(transport.closed.wait())
        try:
            while not task.done():
                left = max(0.0, deadline() - asyncio.get_running_loop().time())
                await self._wishes.wait_with({task, closed}, left)
                if self._wishes.changed():
                    raise Interrupted("interrupted")
                if task.done():
                    break
                if closed.done():
                    raise await self.broken(step, transport.reason)
                if asyncio.get_running_loop().time() >= deadline():
                    raise await self.broken(step, f"it did not answer within {limit:g} s")
            task.result()
        except (MCPError, RuntimeError, ValidationError, TimeoutError) as error:
            raise await self.broken(step, transport.reason or cause_of(error)) from None
        except HostError as error:
            if isinstance(error, (Broken, Interrupted)):
                raise
            raise await self.broken(step, transport.reason or cause_of(error)) from None
        finally:
            closed.cancel()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def broken(self, step: Step, cause: str) -> Broken:
        """The failure of this connection, with what its process left behind."""
        assert self.process is not None
        assert self.session is not None
        if self.session.transport.closed.is_set():
            # The pipes often close a moment before the exit code is known, and it says more than they do.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.process.exited.wait(), EXIT_GRACE)
        if self.process.exited.is_set() and cause in PIPE_CLOSED:
            cause = "it exited"
        return Broken(failure_of(step, cause or "the connection ended", self.process, self._shared.mask))

    def stderr(self) -> tuple[str, ...]:
        """Last lines of standard error, masked; those of the last process when none runs."""
        if self.process is None:
            return self.last_stderr
        return tuple(self._shared.mask(line) for line in self.process.stderr.lines())

    async def close(self, *, patient: bool) -> None:
        """End the connection and the process group, whatever state they are in.  Immune to cancellation."""
        session, process = self.session, self.process
        self.session = None
        if process is None:
            return
        self._reports.catalog = self._listed = Catalog()
        with contextlib.ExitStack() as at_end:
            at_end.callback(self._closed, process)
            if session is not None:
                await session.aclose(patient=patient)
            else:
                await process.aclose()

    def _closed(self, process: ServerProcess) -> None:
        self.last_stderr = tuple(self._shared.mask(line) for line in process.stderr.lines())
        self.process = None
        self._reports.update(pid=None, started_at=None, latency_seconds=None, tools=0, held=0)
        self._reports.announce()
