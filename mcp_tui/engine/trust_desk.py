"""Where the person answers for servers and their tools: what waits, what is accepted, what must be told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from typing import Any

from mcp_tui.errors import UsageError
from mcp_tui.events.base import EventBase
from mcp_tui.events.servers import ServerStateChanged, ServerStatus, TrustRequest
from mcp_tui.events.tools import HeldTool
from mcp_tui.events.turns import Notice
from mcp_tui.host.base import EventSink, ToolHost
from mcp_tui.trust.diff import FieldDiff, diff_tools
from mcp_tui.trust.keeper import TrustKeeper

log = logging.getLogger(__name__)

TOGETHER = 0.3
"""Seconds in which notices about several servers become one."""

WATCH = 1.0
"""Seconds between looks at the file of trusted servers."""

Spawn = Callable[[Coroutine[Any, Any, object], str], object]


class TrustDesk:
    """Reachable as ``engine.trust``.  Everything returns at once; writing happens in a thread.

    ``keeper`` is ``None`` where every server is admitted anyway: then nothing ever waits.  ``watched`` tells whether
    anybody reads notices; those of the start wait until somebody does.
    """

    def __init__(
        self, keeper: TrustKeeper | None, publish: EventSink, spawn: Spawn, watched: Callable[[], bool]
    ) -> None:
        self._keeper = keeper
        self._publish = publish
        self._watched = watched
        self._spawn = spawn
        self._host: ToolHost | None = None
        self._waiting: set[str] = set()
        self._held: dict[str, int] = {}
        self._untold: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._told_stale = False

    def connect(self, host: ToolHost) -> None:
        """Take the host whose servers this is about."""
        self._host = host

    # -- what waits ------------------------------------------------------------------------

    def requests(self) -> tuple[TrustRequest, ...]:
        """Servers that wait to be accepted, in the order of the configuration."""
        return tuple(self.request(status.name) for status in self._servers() if status.state == "untrusted")

    def request(self, server: str) -> TrustRequest:
        """What the person is shown of one server, trusted or not.  Raises `UsageError` for one that is not there."""
        keeper = self._keeper
        if keeper is None or server not in keeper.servers:
            raise UsageError(f"There is no server {server!r} that needs to be trusted.")
        return keeper.request(server)

    def held(self, server: str) -> tuple[HeldTool, ...]:
        """Tools of a server that are new or changed and wait for a review."""
        return self._host.held(server) if self._host is not None else ()

    def diff(self, held: HeldTool) -> tuple[FieldDiff, ...]:
        """What changed in a held tool, field by field; all of it when it is new.  May take a moment for long ones."""
        keeper = self._keeper
        now = keeper.masked(held.definition) if keeper is not None else held.definition
        return diff_tools(held.accepted, now)

    # -- answers ---------------------------------------------------------------------------

    def accept(self, server: str, shown: TrustRequest | None = None) -> None:
        """Accept the command line and start the server; its first listing is accepted with it.

        ``shown`` is what the person looked at.  Raises `UsageError` when the server does not wait for that, and
        `TrustError` when something else would be started by now.
        """
        waits = any(status.name == server and status.state == "untrusted" for status in self._servers())
        if self._keeper is None or not waits:
            raise UsageError(f"The server {server!r} does not wait to be trusted.")
        self._keeper.accept(server, shown)
        self._after(server)

    def accept_tools(self, server: str, digests: Collection[str]) -> None:
        """Accept exactly these held definitions; what was allowed for earlier ones of the same tools is void.

        Raises `UsageError` when one of them is not held any more: it is not what the person was shown.
        """
        held = {tool.definition.digest: tool.definition for tool in self.held(server)}
        if gone := set(digests) - set(held):
            raise UsageError(
                f"{len(gone)} of the definitions of {server} are not what it lists any more; nothing was accepted.",
                hint="Look at them again.",
            )
        if self._keeper is None or not digests:
            return
        self._keeper.accept_tools(server, [held[digest] for digest in digests])
        self._after(server)

    @property
    def stale(self) -> bool:
        """Whether another program changed what is trusted; applied by `reload` only."""
        return self._keeper is not None and self._keeper.stale

    def reload(self) -> None:
        """Take over what the file of trusted servers says now; servers that are no longer trusted are stopped."""
        if self._keeper is None:
            return
        self._told_stale = False
        self._keeper.reload()
        for status in self._servers():
            self._review(status.name)
        self._tell_problems()

    def _after(self, server: str) -> None:
        self._review(server)
        self._write()

    def _review(self, server: str) -> None:
        if self._host is not None:
            self._host.review(server)

    # -- telling ---------------------------------------------------------------------------

    def observe(self, event: EventBase) -> None:
        """See a server's state: what begins to wait is told, what was pinned is written."""
        if self._keeper is None or not isinstance(event, ServerStateChanged):
            return
        status = event.status
        if status.state == "untrusted" and status.name not in self._waiting:
            self._tell_soon(status.name)
        if status.held > self._held.get(status.name, 0):
            self._tell_soon(status.name)
        self._waiting = (self._waiting - {status.name}) | ({status.name} if status.state == "untrusted" else set())
        if status.state == "running" or status.held:
            self._held[status.name] = status.held
        self._tell_problems()
        self._write()

    def _tell_soon(self, server: str) -> None:
        self._untold.add(server)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TOGETHER, self._tell)

    def _tell(self) -> None:
        self._timer = None
        if not self._watched():
            self._timer = asyncio.get_running_loop().call_later(TOGETHER, self._tell)
            return
        untold, self._untold = self._untold, set()
        waiting = [name for name in untold if name in self._waiting]
        for name in sorted(waiting):
            log.info("server waits to be trusted", extra=_extra(name, self._standing(name)))
        if waiting and self._keeper is not None:
            changed = [name for name in sorted(waiting) if self._keeper.known(name)]
            new = [name for name in sorted(waiting) if name not in changed]
            words = [f"{_list(new)} {_wait(new)} to be trusted."] if new else []
            if changed:
                words.append(f"What {_list(changed)} would start is not what was accepted.")
            names = " or ".join(f"/trust {name}" for name in [*changed, *new][:3])
            self._notice(" ".join(words), f"Nothing was started. Look with {names}.")
        for name in sorted(untold):
            if held := self.held(name):
                for tool in held:
                    extra = {**_extra(name, tool.reason), "tool": tool.definition.name}
                    log.warning("tool held", extra=extra)
                self._notice(
                    f"{name}: {_list([tool.definition.name for tool in held])} {_wait(held)} for a review: "
                    f"{_reasons(held)}. Until then no model sees them and no call reaches them.",
                    f"Look at what changed with /trust {name}.",
                )

    async def watch(self) -> None:
        """Say it once when another program changes what is trusted; runs beside the engine."""
        while self._keeper is not None and self._keeper.folder is not None:
            self._tell_problems()
            if self._watched() and self.stale and not self._told_stale:
                self._told_stale = True
                self._notice("Another program changed what is trusted.", "It is not applied before /trust reads it.")
            await asyncio.sleep(WATCH)

    def _tell_problems(self) -> None:
        problems = self._keeper.problems if self._keeper is not None else []
        while problems and self._watched():
            self._notice(problems.pop(0), "")

    def _notice(self, message: str, hint: str) -> None:
        self._publish(Notice(severity="warning", message=message, hint=hint))

    def _standing(self, server: str) -> str:
        return self._keeper.standing(server) if self._keeper is not None else ""

    # -- the file --------------------------------------------------------------------------

    def _write(self) -> None:
        if self._keeper is not None and self._keeper.unwritten:
            self._spawn(self._flush(self._keeper), "write what is trusted")

    async def _flush(self, keeper: TrustKeeper) -> None:
        await asyncio.to_thread(keeper.flush)
        self._tell_problems()

    async def aclose(self) -> None:
        """Write what is not written yet."""
        if self._timer is not None:
            self._timer.cancel()
        if self._keeper is not None:
            await asyncio.to_thread(self._keeper.flush)

    def _servers(self) -> tuple[ServerStatus, ...]:
        return self._host.servers() if self._host is not None else ()


def _extra(server: str, outcome: str) -> dict[str, str]:
    return {"operation": "trust", "server": server, "outcome": outcome}


def _list(names: Collection[str], limit: int = 5) -> str:
    shown = [*names][:limit]
    return ", ".join(shown) + (f" and {len(names) - limit} more" if len(names) > limit else "")


def _wait(items: Collection[object]) -> str:
    return "waits" if len(items) == 1 else "wait"


def _reasons(held: Collection[HeldTool]) -> str:
    changed = sum(tool.reason == "changed" for tool in held)
    return ", ".join(f"{count} {word}" for count, word in ((changed, "changed"), (len(held) - changed, "new")) if count)
