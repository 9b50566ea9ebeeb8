"""One server: the owner task that starts it, keeps it, restarts it and stops it (requirements C1-C5).

All of a server's life happens in one task, because the SDK's session must be closed by the task that opened it.
Everybody else sets a wish and wakes the owner; every wait of the owner ends at once when a wish changes.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta

from mcp_tui.config.servers import ServerConfig
from mcp_tui.events.base import utc_now
from mcp_tui.events.servers import ServerFailure, ServerState, ServerStatus
from mcp_tui.host.attempt import Broken, Interrupted, Link, Shared
from mcp_tui.host.backoff import Backoff
from mcp_tui.host.environment import command_line
from mcp_tui.host.reports import ServerReports
from mcp_tui.host.session import ServerSession
from mcp_tui.host.upkeep import Upkeep
from mcp_tui.host.wishes import Wishes

_log = logging.getLogger(__name__)

_REMOTE = ServerFailure(
    step="configuration",
    message="Remote servers are not supported yet: the entry has a url instead of a command.",
    suggestion="Use a server that runs as a program on this machine, or set enabled to false.",
)


class ServerConnection:
    """State machine of one configured server."""

    def __init__(self, name: str, prefix: str, config: ServerConfig, shared: Shared) -> None:
        self.name = name
        self._config = config
        self._shared = shared
        settings = shared.settings
        self._wishes = Wishes(config.enabled)
        self._backoff = Backoff(
            settings.initial_reconnect_delay, settings.max_reconnect_delay, settings.max_reconnect_attempts
        )
        status = ServerStatus(
            name=name,
            state="stopped",
            enabled=config.enabled,
            command=command_line(config, shared.mask),
            transport="stdio" if config.url is None else "http",
        )
        self.reports = ServerReports(status, shared.emit, shared.mask, self._tools_changed)
        self._link = Link(name, prefix, config, shared, self._wishes, self.reports)
        self._upkeep = Upkeep(self._link, self._wishes, self.reports, settings.health_check_interval)
        self._owner: asyncio.Task[None] | None = None
        self._starts = 0
        self.settled = asyncio.Event()
        """Set when the first start succeeded or failed, or none was wanted."""

    @property
    def session(self) -> ServerSession | None:
        """The open connection, while calls can be made on it."""
        session = self._link.session if self.reports.status.state == "running" else None
        return session if session is not None and not session.transport.closed.is_set() else None

    def start(self) -> None:
        """Begin; returns at once."""
        if self._owner is None:
            self._owner = asyncio.create_task(self._own(), name=f"server {self.name}")

    def restart(self) -> None:
        """Stop and start; starts the back-off anew and closes the breaker.  Nothing while disabled."""
        if self._wishes.enabled:
            self._wishes.restart = True
            self._wishes.wake.set()

    def set_enabled(self, enabled: bool) -> None:
        """Start, or stop and keep stopped."""
        if enabled == self._wishes.enabled:
            return
        self._wishes.enabled = enabled
        self._wishes.restart = False
        self._backoff.reset()
        self._wishes.wake.set()

    def stderr(self) -> tuple[str, ...]:
        """Last lines of standard error, masked."""
        return self._link.stderr()

    def review(self) -> None:
        """The person accepted something: what rests untrusted is looked at again, what runs is sorted anew."""
        if self.reports.status.state == "untrusted" or not self._shared.gatekeeper.admits(self.name):
            self.restart()
        else:
            self._link.review()
            self.reports.announce()

    async def aclose(self) -> None:
        """Stop for good.  Immune to cancellation: returns when the process group is gone."""
        self._wishes.close = True
        self._wishes.wake.set()
        owner, cancelled = self._owner, False
        while owner is not None and not owner.done():
            try:
                await asyncio.shield(asyncio.wait({owner}))
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    def _tools_changed(self) -> None:
        self._upkeep.tools_changed()

    async def _own(self) -> None:
        """The whole life of the server."""
        try:
            while not self._wishes.close:
                if not self._wishes.enabled:
                    await self._rest("stopped")
                elif self._config.command is None:
                    await self._rest("failed", _REMOTE)
                elif not self._shared.gatekeeper.admits(self.name):
                    await self._rest("untrusted")
                else:
                    await self._live_once()
        except Exception:  # noqa: BLE001 - the boundary of one server: its faults must not reach the others
            _log.exception("the owner of a server failed", extra={"server": self.name})
            message = "mcp-tui failed to manage this server; the log file says more."
            self.reports.update(state="failed", failure=ServerFailure(step="running", message=message))
        finally:
            await self._link.close(patient=False)
            if self.reports.status.state != "failed" or self._wishes.close:
                self.reports.update(state="stopped", retry_at=None)
            self.settled.set()

    async def _rest(self, state: ServerState, failure: ServerFailure | None = None) -> None:
        """Do nothing until a wish changes."""
        enabled = self._wishes.enabled
        self._wishes.restart = False
        self.reports.update(state=state, enabled=enabled, retry_at=None, failure=failure or self.reports.status.failure)
        self.settled.set()
        while not (self._wishes.close or self._wishes.restart or self._wishes.enabled != enabled):
            await self._wishes.wait(None)

    async def _live_once(self) -> None:
        """Start, run, and handle the end of one connection."""
        if self._wishes.restart:
            self._wishes.restart = False
            self._backoff.reset()
        running_since: float | None = None
        loop = asyncio.get_running_loop()
        try:
            await self._start()
            running_since = loop.time()
            self.settled.set()
            await self._upkeep.run()
        except Interrupted:
            self.reports.update(state="stopping")
            await self._link.close(patient=True)
        except Broken as broken:
            # Told before the cleaning up, which may take seconds: no call may be made any more.
            self.reports.update(state="failed", failure=broken.failure, errors=self.reports.status.errors + 1)
            await self._link.close(patient=False)
            await self._after_failure(broken, loop.time() - running_since if running_since is not None else 0.0)

    async def _start(self) -> None:
        self._starts += 1
        self.reports.update(
            state="starting", enabled=True, retry_at=None, warnings=(), set_aside=(), restarts=self._starts - 1
        )
        place = asyncio.ensure_future(self._shared.gate.enter(self.name))
        try:
            while not place.done():
                await self._wishes.wait_with({place})
                if self._wishes.changed():
                    raise Interrupted("interrupted")
            await self._link.connect()
        finally:
            place.cancel()
            self._shared.gate.leave(self.name)

    async def _after_failure(self, broken: Broken, uptime: float) -> None:
        """Wait for the next attempt, or for a person when there is none (requirement C4)."""
        failure, name = broken.failure, self.name
        _log.warning("server failed: %s", failure.message, extra={"server": name, "step": failure.step})
        pause = None if broken.final else self._backoff.failed(uptime)
        if pause is None:
            if not broken.final:
                given_up = f"It failed {self._backoff.failures} times in a row and is not started again by itself."
                failure = failure.model_copy(update={"suggestion": f"{failure.suggestion} {given_up}".strip()})
            await self._rest("failed", failure)
            return
        self.reports.update(retry_at=utc_now() + timedelta(seconds=pause))
        self.settled.set()
        end = asyncio.get_running_loop().time() + pause
        while not self._wishes.changed() and (left := end - asyncio.get_running_loop().time()) > 0:
            await self._wishes.wait(left)
