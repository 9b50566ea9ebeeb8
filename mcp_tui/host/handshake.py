"""Opening a session in the era that the server speaks.

The SDK's own automatic mode waits ten seconds for an answer to ``server/discover`` before it tries ``initialize``.
Here both questions are asked on the same pipe once a short time has passed, and the first useful answer counts:
a slow server is not restarted, a server that ignores unknown requests costs two seconds.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import mcp_types as types
from mcp import MCPError
from mcp.client.session import ClientSession
from mcp_types.version import LATEST_MODERN_VERSION, MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from mcp_tui.errors import HostError

PROBE_SECONDS = 2.0
"""How long ``server/discover`` is waited for before ``initialize`` is sent as well."""


class NotModern(HostError):
    """The server does not speak the 2026-07-28 protocol."""


async def open_legacy(session: ClientSession) -> None:
    """The ``initialize`` handshake (2025-11-25 and older).

    Raises `MCPError`, `RuntimeError` (a version that nobody knows) and `ValidationError`.
    """
    await session.initialize()


async def open_modern(session: ClientSession, closed: asyncio.Event) -> None:
    """``server/discover`` only.

    Raises `NotModern` when the server has no version in common with us.
    """
    try:
        await session.discover()
    except (MCPError, RuntimeError, ValidationError) as error:
        if closed.is_set():
            raise
        text = error.message if isinstance(error, MCPError) else "its answer to server/discover cannot be used"
        raise NotModern(f"The server does not speak protocol {LATEST_MODERN_VERSION}: {text}.") from None


async def open_auto(session: ClientSession, closed: asyncio.Event, probe_seconds: float = PROBE_SECONDS) -> None:
    """Ask ``server/discover``; fall back to ``initialize`` on anything but a modern answer.

    ``closed`` tells that the connection ended: the SDK's error code for that is used by servers, too.
    Raises what the handshake raises.  The caller sets the deadline.
    """
    probe = asyncio.ensure_future(_discover(session, closed))
    try:
        done, _ = await asyncio.wait({probe}, timeout=probe_seconds)
        if done:
            if (result := probe.result()) is not None:
                session.adopt(result)
            else:
                await session.initialize()
            return
        await _race(session, probe, closed)
    finally:
        await _discard(probe)


async def _race(
    session: ClientSession, probe: asyncio.Future[types.DiscoverResult | None], closed: asyncio.Event
) -> None:
    """Both questions are open: a modern answer to the first or any answer to the second decides."""
    handshake = asyncio.ensure_future(session.initialize())
    try:
        both: set[asyncio.Future[Any]] = {probe, handshake}
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if probe.done() and (result := probe.result()) is not None:
            session.adopt(result)
            return
        try:
            await handshake
        except MCPError as error:
            # A server that took the first question as its opening refuses the second one: it is modern.  The SDK
            # stops waiting for the first answer after ten seconds; a server slower than that is asked once more.
            if error.code != types.UNSUPPORTED_PROTOCOL_VERSION:
                raise
            result = await probe or await _discover(session, closed)
            if result is None:
                raise
            session.adopt(result)
    finally:
        await _discard(handshake)


async def _discard(task: asyncio.Future[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        await task


async def _discover(session: ClientSession, closed: asyncio.Event) -> types.DiscoverResult | None:
    """The server's answer, if it is one of the modern era; raises only when the connection is gone."""
    try:
        raw = await session.send_discover(LATEST_MODERN_VERSION)
        result = types.DiscoverResult.model_validate(raw)
    except MCPError:
        if closed.is_set():
            raise
        return None
    except ValidationError:
        return None
    return result if any(version in result.supported_versions for version in MODERN_PROTOCOL_VERSIONS) else None
