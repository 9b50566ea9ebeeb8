"""One server: the owner task that starts it, keeps it, restarts it and stops it (requirements C1-C5).

All of a server's life happens in one task, because the SDK's session must be closed by the task that opened it.
Everybody else sets a wish (`enable`, `disable`, `restart`, `close`) and wakes the owner; every wait of the owner
ends at once when a wish changes, also in the middle of a start.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from mcp import MCPError
from pydantic import ValidationError

from mcp_tui.config.models import ConnectionConfig
from mcp_tui.config.servers import ServerConfig
from mcp_tui.errors import HostError
from mcp_tui.events.base import utc_now
from mcp_tui.events.servers import (
    ServerCatalogChanged,
    ServerFailure,
    ServerLogged,
    ServerState,
    ServerStateChanged,
    ServerStatus,
)
from mcp_tui.host.adapters import NEEDS
from mcp_tui.host.arguments import Schemas
from mcp_tui.host.backoff import Backoff
from mcp_tui.host.base import EventSink
from mcp_tui.host.catalog import Catalog, build_catalog
from mcp_tui.host.environment import command_line, fingerprint, server_environment
from mcp_tui.host.eras import EraStore
from mcp_tui.host.failures import Step, cause_of, failure_of, failure_to_spawn
from mcp_tui.host.gate import StartGate
from mcp_tui.host.handshake import open_auto, open_legacy, open_modern
from mcp_tui.host.process import ServerProcess
from mcp_tui.host.rates import TokenBucket
from mcp_tui.host.reaping import Reaper
from mcp_tui.host.session import ServerSession

_log = logging.getLogger(__name__)

HEALTH_TIMEOUT = 10.0
"""Longest wait for the answer to a health check."""

RELIST_INTERVAL = 1.0
"""Least seconds between two listings, however often a server says that its tools changed."""

RELIST_TIMEOUT = 30.0
MAX_WARNINGS = 20
_LOG_TEXT = 4000


@dataclass(frozen=True, slots=True)
class Shared:
    """What all connections of a host have in common."""

    settings: ConnectionConfig
    emit: EventSink
    environ: Mapping[str, str]
    mask: Callable[[str], str]
    client_version: str
    reaper: Reaper
    eras: EraStore
    schemas: Schemas
    gate: StartGate


class _Broken(HostError):
    """An attempt failed; carries what the status shows."""

    def __init__(self, failure: ServerFailure, *, final: bool = False) -> None:
        super().__init__(failure.message)
        self.failure = failure
        self.final = final


class _Interrupted(HostError):
    """A wish changed while something was awaited."""


class ServerConnection:
    """State machine of one configured server."""

    def __init__(self, name: str, prefix: str, config: ServerConfig, shared: Shared) -> None:
        self.name = name
        self._prefix = prefix
        self._config = config
        self._shared = shared
        self._settings = shared.settings
        self._emit = shared.emit
        self._mask = shared.mask
        self._fingerprint = fingerprint(config)
        self._backoff = Backoff(
            self._settings.initial_reconnect_delay,
            self._settings.max_reconnect_delay,
            self._settings.max_reconnect_attempts,
        )
        self._wish_enabled = config.enabled
        self._wish_restart = False
        self._wish_close = False
        self._wake = asyncio.Event()
        self.settled = asyncio.Event()
        """Set when the first start succeeded or failed, or none was wanted."""
        self._owner: asyncio.Task[None] | None = None
        self._process: ServerProcess | None = None
        self.session: ServerSession | None = None
        """The open connection, while the state is ``running``."""
        self.catalog = Catalog()
        self._listed: tuple[str, ...] = ()
        self._relist = False
        self._relist_after = 0.0
        self._last_stderr: tuple[str, ...] = ()
        self._logs = TokenBucket(rate=10, burst=30)
        self._logs_dropped = 0
        self.status = ServerStatus(
            name=name,
            state="stopped",
            enabled=config.enabled,
            command=command_line(config, shared.mask),
            transport="stdio" if config.url is None else "http",
        )

    # -- wishes, from any task ------------------------------------------------

    def start(self) -> None:
        """Begin; returns at once."""
        if self._owner is None:
            self._owner = asyncio.create_task(self._own(), name=f"server {self.name}")

    def restart(self) -> None:
        """Stop and start; resets the back-off and closes the breaker."""
        self._wish_restart = True
        self._wake.set()

    def set_enabled(self, enabled: bool) -> None:
        """Start, or stop and keep stopped."""
        self._wish_enabled = enabled
        if enabled:
            self._wish_restart = self._wish_restart or self.status.state == "failed"
        self._wake.set()

    async def aclose(self) -> None:
        """Stop for good.  Immune to cancellation: returns when the process group is gone."""
        self._wish_close = True
        self._wake.set()
        owner, cancelled = self._owner, False
        while owner is not None and not owner.done():
            try:
                await asyncio.shield(asyncio.wait({owner}))
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    def stderr(self) -> tuple[str, ...]:
        """Last lines of standard error, masked; those of the last process when none runs."""
        if self._process is None:
            return self._last_stderr
        return tuple(self._mask(line) for line in self._process.stderr.lines())

    def count_error(self) -> None:
        """A call failed."""
        self._update(errors=self.status.errors + 1)

    # -- the owner ------------------------------------------------------------

    async def _own(self) -> None:
        """The whole life of the server; one of the places where every error is caught."""
        try:
            while not self._wish_close:
                if self._config.url is not None or self._config.command is None:
                    await self._unsupported()
                elif not self._wish_enabled:
                    await self._rest("stopped")
                else:
                    await self._live_once()
        except Exception:
            _log.exception("the owner of a server failed", extra={"server": self.name})
            self._update(
                state="failed",
                failure=ServerFailure(step="running", message="mcp-tui failed to manage this server; see the log file."),
            )
        finally:
            self.settled.set()
            if self.status.state not in ("failed", "stopped"):
                self._update(state="stopped", pid=None)

    async def _unsupported(self) -> None:
        failure = ServerFailure(
            step="configuration",
            message="Remote servers are not supported yet: the entry has a url instead of a command.",
            suggestion="Use a server that runs as a program on this machine, or set enabled to false.",
        )
        await self._rest("failed" if self._wish_enabled else "stopped", failure if self._wish_enabled else None)

    async def _rest(self, state: ServerState, failure: ServerFailure | None = None) -> None:
        """Do nothing until a wish changes."""
        self._update(state=state, failure=failure or self.status.failure, retry_at=None, enabled=self._wish_enabled)
        self.settled.set()
        enabled = self._wish_enabled
        self._wish_restart = False
        while not self._wish_close and not self._wish_restart and self._wish_enabled == enabled:
            await self._wait_for_wake(None)
        self._update(enabled=self._wish_enabled)

    async def _live_once(self) -> None:
        """Start, run, and handle the end of one connection."""
        if self._wish_restart:
            self._wish_restart = False
            self._backoff.reset()
        loop = asyncio.get_running_loop()
        running_since: float | None = None
        try:
            self._update(state="starting", enabled=True, retry_at=None, warnings=(), set_aside=())
            await self._shared.gate.enter(self.name)
            try:
                await self._connect()
            finally:
                self._shared.gate.leave(self.name)
            running_since = loop.time()
            self.settled.set()
            await self._run()
        except _Interrupted:
            await self._close(patient=True)
            self._update(state="stopped", enabled=self._wish_enabled)
        except _Broken as broken:
            await self._close(patient=False)
            uptime = loop.time() - running_since if running_since is not None else 0.0
            await self._after_failure(broken, uptime)

    async def _after_failure(self, broken: _Broken, uptime: float) -> None:
        """Show the cause; wait for the next attempt, or for a person when there is none."""
        wait = None if broken.final else self._backoff.failed(uptime)
        _log.warning(
            "server failed: %s", broken.failure.message, extra={"server": self.name, "step": broken.failure.step}
        )
        self._update(
            state="failed",
            failure=broken.failure,
            errors=self.status.errors + 1,
            retry_at=_in_seconds(wait) if wait is not None else None,
        )
        self.settled.set()
        if wait is None:
            await self._rest("failed")
            return
        end = asyncio.get_running_loop().time() + wait
        while not self._wish_changed() and (left := end - asyncio.get_running_loop().time()) > 0:
            await self._wait_for_wake(left)
        if not self._wish_changed():
            self._update(restarts=self.status.restarts + 1)

    def _wish_changed(self) -> bool:
        return self._wish_close or self._wish_restart or not self._wish_enabled

    async def _wait_for_wake(self, timeout: float | None) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), timeout)
        self._wake.clear()

    # -- connecting -----------------------------------------------------------

    async def _connect(self) -> None:
        """Spawn, handshake, first listing, all within one deadline.

        Raises `_Broken` with the step that failed, `_Interrupted` when a wish changed.
        """
        limit = self._config.connection_timeout or self._settings.connection_timeout
        deadline = asyncio.get_running_loop().time() + limit
        legacy = self._config.protocol == "legacy"
        if self._config.protocol == "auto" and self._shared.eras.get(self._fingerprint) == "legacy":
            try:
                await self._open("legacy", deadline, limit)
                return
            except _Broken as broken:
                if broken.final:
                    raise
                # What worked before does not any more: ask again.
                self._shared.eras.forget(self._fingerprint)
                await self._close(patient=False)
        try:
            await self._open("legacy" if legacy else self._config.protocol, deadline, limit)
        except _Broken as broken:
            if self._config.protocol != "auto" or not self._probe_may_be_the_cause(broken, deadline):
                raise
            _log.info("trying again without the probe", extra={"server": self.name})
            await self._close(patient=False)
            await self._open("legacy", deadline, limit)

    def _probe_may_be_the_cause(self, broken: _Broken, deadline: float) -> bool:
        """Whether the server died or fell silent on ``server/discover``, so that it deserves a start without it."""
        session = self.session_in_progress
        return (
            not broken.final
            and broken.failure.step == "handshake"
            and session is not None
            and session.transport.received == 0
            and asyncio.get_running_loop().time() < deadline
            and not self._wish_changed()
        )

    session_in_progress: ServerSession | None = None

    async def _open(self, protocol: str, deadline: float, limit: float) -> None:
        process = await self._spawn()
        session = ServerSession(process, self, self._shared.client_version)
        self._process, self.session_in_progress = process, session
        self._update(pid=process.pid, started_at=utc_now())
        sdk = await session.enter()
        handshake: Coroutine[Any, Any, None]
        until = deadline
        if protocol == "auto":
            handshake = open_auto(sdk)
            # A silent server may have choked on the probe: half of the time is left for a start without it.
            now = asyncio.get_running_loop().time()
            until = now + (deadline - now) / 2
        elif protocol == "legacy":
            handshake = open_legacy(sdk)
        else:
            handshake = open_modern(sdk)
        await self._race_silence("handshake", handshake, until, deadline, limit, session)
        self._remember_era(session)
        await self._first_listing(session, deadline, limit)
        self.session, self.session_in_progress = session, None
        version = session.protocol_version
        self._update(state="running", protocol_version=version, failure=None, tools=len(self.catalog.tools))
        _log.info("server running", extra={"server": self.name, "pid": process.pid, "protocol": version})
        self._announce_catalog()

    async def _race_silence(
        self,
        step: Step,
        handshake: Coroutine[Any, Any, None],
        until: float,
        deadline: float,
        limit: float,
        session: ServerSession,
    ) -> None:
        """The handshake up to ``until``, and on to ``deadline`` if the server has said anything by then."""
        task = asyncio.ensure_future(handshake)
        try:
            try:
                await self._race(step, _join(task), until, limit, session, shielded=True)
            except _Broken:
                if task.done() or session.transport.closed.is_set() or session.transport.received == 0:
                    raise
                await self._race(step, _join(task), deadline, limit, session, shielded=True)
        finally:
            if not task.done():
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    async def _spawn(self) -> ServerProcess:
        config = self._config
        assert config.command is not None
        try:
            return await ServerProcess.spawn(
                config.command,
                config.args,
                env=server_environment(config.env, self._shared.environ),
                cwd=config.cwd,
                reaper=self._shared.reaper,
            )
        except (OSError, ValueError) as error:
            raise _Broken(failure_to_spawn(error, config), final=True) from None

    def _remember_era(self, session: ServerSession) -> None:
        if self._config.protocol != "auto":
            return
        if self._shared.eras.put(self._fingerprint, "modern" if session.modern else "legacy"):
            asyncio.get_running_loop().run_in_executor(None, self._shared.eras.save)

    async def _first_listing(self, session: ServerSession, deadline: float, limit: float) -> None:
        await self._race("list", self._list(session), deadline, limit, session)

    async def _list(self, session: ServerSession) -> None:
        """List all tools and replace the catalogue; on failure the old one stays."""
        self._relist = False
        self._relist_after = asyncio.get_running_loop().time() + RELIST_INTERVAL
        listing = await session.list_tools()
        build = (self.name, self._prefix, listing.tools, self._shared.schemas)
        if len(listing.tools) > 40:
            self.catalog = await asyncio.to_thread(build_catalog, *build)
        else:
            self.catalog = build_catalog(*build)
        if listing.warning:
            self._warn(listing.warning)
        self._update(tools=len(self.catalog.tools), set_aside=self.catalog.set_aside)

    async def _race(
        self,
        step: Step,
        work: Coroutine[Any, Any, None],
        deadline: float,
        limit: float,
        session: ServerSession,
        *,
        shielded: bool = False,
    ) -> None:
        """Await ``work``, unless the deadline passes, the connection ends, or a wish changes first."""
        loop = asyncio.get_running_loop()
        task = asyncio.ensure_future(work)
        closed = asyncio.ensure_future(session.transport.closed.wait())
        try:
            while not task.done():
                wake = asyncio.ensure_future(self._wake.wait())
                try:
                    left = deadline - loop.time()
                    await asyncio.wait({task, closed, wake}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    wake.cancel()
                if self._wish_changed():
                    raise _Interrupted("interrupted")
                self._wake.clear()
                if task.done():
                    break
                if closed.done():
                    # Words for what the work made of it are worse than the transport's own.
                    raise self._broken(step, session.transport.reason or "the connection ended", session)
                if loop.time() >= deadline:
                    raise self._broken(step, f"it did not answer within {limit:g} s", session)
            task.result()
        except (MCPError, RuntimeError, ValidationError, HostError, TimeoutError) as error:
            if isinstance(error, (_Broken, _Interrupted)):
                raise
            cause = session.transport.reason if session.transport.closed.is_set() else cause_of(error)
            raise self._broken(step, cause or cause_of(error), session) from None
        finally:
            closed.cancel()
            if not task.done():
                task.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):
                await task

    def _broken(self, step: Step, cause: str, session: ServerSession) -> _Broken:
        return _Broken(failure_of(step, cause, session.process, self._mask))

    # -- running --------------------------------------------------------------

    async def _run(self) -> None:
        """Watch over the open connection: changes of tools, health, its end."""
        session = self.session
        assert session is not None
        loop = asyncio.get_running_loop()
        watcher = asyncio.create_task(self._wake_when_closed(session), name=f"end of {self.name}")
        listener = asyncio.create_task(self._hold_subscription(session), name=f"subscription of {self.name}")
        health_at = loop.time()
        try:
            while not session.transport.closed.is_set():
                now = loop.time()
                if self._relist and now >= self._relist_after:
                    await self._list_again(session)
                if now >= health_at:
                    health_at = now + self._settings.health_check_interval
                    await self._check_health(session)
                due = min(health_at, self._relist_after if self._relist else health_at)
                await self._wait_for_wake(max(0.0, due - loop.time()))
                if self._wish_changed():
                    raise _Interrupted("interrupted")
            raise self._broken("running", session.transport.reason or "the connection ended", session)
        finally:
            for task in (watcher, listener):
                task.cancel()
            await asyncio.gather(watcher, listener, return_exceptions=True)

    async def _wake_when_closed(self, session: ServerSession) -> None:
        await session.transport.closed.wait()
        self._wake.set()

    async def _hold_subscription(self, session: ServerSession) -> None:
        """Keep a 2026-07-28 server telling us when its tools change; gives up when it will not."""
        if not session.modern or not session.announces_changes:
            return
        wait = 1.0
        while True:
            try:
                await session.listen(lambda: None)
            except Exception as error:
                _log.info("no subscription: %s", cause_of(error), extra={"server": self.name})
                if session.transport.closed.is_set() or wait > 60:
                    return
            await asyncio.sleep(wait)
            wait *= 2
            self._relist = True
            self._wake.set()

    async def _list_again(self, session: ServerSession) -> None:
        deadline = asyncio.get_running_loop().time() + RELIST_TIMEOUT
        try:
            await self._race("list", self._list(session), deadline, RELIST_TIMEOUT, session)
        except _Broken as broken:
            if session.transport.closed.is_set():
                raise
            self._warn(f"Its tools changed, but could not be listed again: {broken.failure.message}")
            return
        self._announce_catalog()

    async def _check_health(self, session: ServerSession) -> None:
        """Requirement C2.  Not while calls run: a server that works on one thing at a time answers nothing else."""
        if session.transport.exchanges:
            return
        limit = min(HEALTH_TIMEOUT, self._settings.connection_timeout)
        deadline = asyncio.get_running_loop().time() + limit
        await self._race("health", self._ping(session), deadline, limit, session)

    async def _ping(self, session: ServerSession) -> None:
        self._update(latency_seconds=await session.ping())

    async def _close(self, *, patient: bool) -> None:
        """End the connection and the process group, whatever state they are in."""
        session, process = self.session or self.session_in_progress, self._process
        self.session = self.session_in_progress = None
        if process is None:
            return
        if patient:
            self._update(state="stopping")
        try:
            if session is not None:
                await session.aclose(patient=patient)
            else:
                await process.aclose()
        finally:
            self._last_stderr = tuple(self._mask(line) for line in process.stderr.lines())
            self._process = None
            self.catalog = Catalog()
            self._update(pid=None, started_at=None, latency_seconds=None, tools=0)
            self._announce_catalog()

    # -- what the transport tells ---------------------------------------------

    def on_notification(self, method: str, params: dict[str, Any]) -> None:
        """A notification of the server."""
        if method == "notifications/tools/list_changed":
            if not self._relist:
                self._relist = True
                self._wake.set()
        elif method == "notifications/message":
            self._log_message(params)

    def _log_message(self, params: dict[str, Any]) -> None:
        if not self._logs.take():
            self._logs_dropped += 1
            if self._logs_dropped == 1:
                self._warn("It logs so much that not every message is kept.")
            return
        data = params.get("data")
        text = data if isinstance(data, str) else json.dumps(data, ensure_ascii=False)
        logger = params.get("logger")
        self._emit(
            ServerLogged(
                server=self.name,
                level=str(params.get("level", "info"))[:20],
                logger=logger[:200] if isinstance(logger, str) else "",
                text=self._mask(text[:_LOG_TEXT]),
            )
        )

    def on_request(self, method: str) -> None:
        """The server asks for something that this program may not offer; the SDK refuses it."""
        if method not in NEEDS:
            return
        self._warn(f"It asks for {NEEDS[method]}, which mcp-tui does not offer yet; it was refused.")
        session = self.session
        if session is not None:
            for exchange in session.transport.exchanges.values():
                exchange.refused.add(method)

    def on_junk(self, text: str) -> None:
        """Standard output that is no protocol message."""
        shown = self._mask(text.strip())[:80]
        self._warn(f"It writes text to its standard output that is no protocol message, such as: {shown}")

    def on_dropped(self, what: str) -> None:
        """Something was thrown away."""
        self._warn(f"It sent {what}; it was dropped.")

    # -- status ---------------------------------------------------------------

    def _warn(self, text: str) -> None:
        """Show a warning, once."""
        if text in self.status.warnings or len(self.status.warnings) >= MAX_WARNINGS:
            return
        _log.warning("%s", text, extra={"server": self.name})
        self._update(warnings=(*self.status.warnings, text))

    def _update(self, **changes: Any) -> None:
        """Change the status and say so, if anything changed."""
        changed = {key: value for key, value in changes.items() if getattr(self.status, key) != value}
        if changed:
            self.status = self.status.model_copy(update=changed)
            self._emit(ServerStateChanged(status=self.status))

    def _announce_catalog(self) -> None:
        names = tuple(tool.wire_name for tool in self.catalog.tools)
        digests = tuple(f"{tool.wire_name} {tool.digest}" for tool in self.catalog.tools)
        if digests != self._listed:
            self._listed = digests
            self._emit(ServerCatalogChanged(server=self.name, tools=names))


async def _join(task: asyncio.Future[None]) -> None:
    await asyncio.shield(task)


def _in_seconds(seconds: float) -> datetime:
    return utc_now() + timedelta(seconds=seconds)


