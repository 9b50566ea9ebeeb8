"""Looking after an open connection: changed tools, health, what it takes, its end (requirements C2, D1)."""

from __future__ import annotations

import asyncio
import logging

from mcp import MCPError
from mcp.client.subscriptions import SubscriptionLost

from mcp_tui.host.attempt import Broken, Interrupted, Link
from mcp_tui.host.failures import cause_of
from mcp_tui.host.reports import ServerReports
from mcp_tui.host.session import ServerSession
from mcp_tui.host.usage import UsageMeter
from mcp_tui.host.wishes import Wishes

_log = logging.getLogger(__name__)

HEALTH_TIMEOUT = 10.0
"""Longest wait for the answer to a health check, in seconds."""

RELIST_INTERVAL = 1.0
"""Least seconds between two listings, however often a server says that its tools changed."""

RELIST_TIMEOUT = 30.0

UNANNOUNCED_INTERVAL = 300.0
"""Seconds after which tools are listed again although the server said nothing: a change may come without notice."""

USAGE_INTERVAL = 5.0
"""Seconds between two readings of what a server takes of the machine."""

MAX_LISTEN_PAUSE = 60.0


class Upkeep:
    """Runs beside an open connection, in the owner task."""

    def __init__(self, link: Link, wishes: Wishes, reports: ServerReports, health_interval: float) -> None:
        self._link = link
        self._wishes = wishes
        self._reports = reports
        self._health_interval = health_interval
        self._relist = False
        self._relist_after = 0.0
        self._listed_at = 0.0
        self._usage = UsageMeter()

    def tools_changed(self) -> None:
        """The server says that its tools changed; may come in any number."""
        if not self._relist:
            self._relist = True
            self._wishes.wake.set()

    async def run(self) -> None:
        """Look after the connection until it ends.

        Raises `Broken` when it broke, `Interrupted` when a wish changed; never returns.
        """
        session = self._link.session
        assert session is not None
        tasks = (
            asyncio.create_task(self._wake_at_end(session), name=f"end of {self._link.name}"),
            asyncio.create_task(self._hold_subscription(session), name=f"subscription of {self._link.name}"),
        )
        try:
            await self._watch(session)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._reports.update(memory_bytes=None, cpu_share=None)

    async def _watch(self, session: ServerSession) -> None:
        loop = asyncio.get_running_loop()
        health_at = usage_at = self._listed_at = loop.time()
        while True:
            if self._wishes.changed():
                raise Interrupted("interrupted")
            if session.transport.closed.is_set():
                raise await self._link.broken("running", session.transport.reason)
            if loop.time() >= self._listed_at + UNANNOUNCED_INTERVAL and not session.transport.exchanges:
                self._relist = True
            if self._relist and loop.time() >= self._relist_after:
                await self._list_again(session)
            if loop.time() >= health_at:
                health_at = loop.time() + self._health_interval
                await self._check_health(session)
            if loop.time() >= usage_at:
                usage_at = loop.time() + USAGE_INTERVAL
                memory, share = self._usage.read(self._reports.status.pid)
                self._reports.update(memory_bytes=memory, cpu_share=share)
            due = min(health_at, usage_at, self._relist_after if self._relist else health_at)
            await self._wishes.wait(max(0.0, due - loop.time()))

    async def _wake_at_end(self, session: ServerSession) -> None:
        await session.transport.closed.wait()
        self._wishes.wake.set()

    async def _list_again(self, session: ServerSession) -> None:
        loop = asyncio.get_running_loop()
        self._relist = False
        self._listed_at = loop.time()
        self._relist_after = self._listed_at + RELIST_INTERVAL
        deadline = loop.time() + RELIST_TIMEOUT
        try:
            await self._link.race("list", self._link.list_tools(), lambda: deadline, RELIST_TIMEOUT)
        except Broken as broken:
            if session.transport.closed.is_set():
                raise
            self._reports.warn(f"Its tools could not be listed again: {broken.failure.message}")
            return
        self._reports.announce()

    async def _check_health(self, session: ServerSession) -> None:
        """Not while calls run: a server that does one thing at a time answers nothing else meanwhile."""
        loop = asyncio.get_running_loop()
        busy = session.transport.exchanges
        if busy:
            return
        end = loop.time() + HEALTH_TIMEOUT
        await self._link.race(
            "health", self._ping(session), lambda: loop.time() + HEALTH_TIMEOUT if busy else end, HEALTH_TIMEOUT
        )

    async def _ping(self, session: ServerSession) -> None:
        latency = await session.ping()
        if latency is not None:
            self._reports.update(latency_seconds=latency)

    async def _hold_subscription(self, session: ServerSession) -> None:
        """Have a 2026-07-28 server tell when its tools change; one that refuses is left alone.

        A stream that ends is opened again after a pause that grows, so that one cut at once does not spin, and
        the tools are listed again for what was missed.
        """
        if not session.modern or not session.announces_changes:
            return
        loop = asyncio.get_running_loop()
        pause = 1.0
        while not session.transport.closed.is_set():
            opened = loop.time()
            try:
                # What changed before the subscription was open is found by listing again.
                await session.listen(self.tools_changed)
            except SubscriptionLost as error:
                _log.info("subscription lost: %s", error, extra={"server": self._link.name})
            except (MCPError, TimeoutError) as error:
                _log.info("no subscription: %s", cause_of(error), extra={"server": self._link.name})
                return
            pause = 1.0 if loop.time() - opened > MAX_LISTEN_PAUSE else min(pause * 2, MAX_LISTEN_PAUSE)
            await asyncio.sleep(pause)
