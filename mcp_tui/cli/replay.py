"""``mcp-tui replay``: a conversation as it happened.  Starts no server and no model.

In a terminal it is played in the app; what the person chooses there (continue, fork, verify) starts the engine.
Without a terminal, or with ``--plain``, it is written as text; with ``--json`` as events, one per line.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from mcp_tui.cli import EXIT_ERROR, EXIT_OK
from mcp_tui.cli.app import AppSession, run_app
from mcp_tui.cli.arguments import Options
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.preferences import Preferences

if TYPE_CHECKING:
    from mcp_tui.history.base import StoredConversation
    from mcp_tui.ui.screens.replay import ReplayChoice


def replay(options: Options) -> int:
    """Play or write a conversation and return the exit code.  Raises `ConversationNotFound` and `UsageError`."""
    from mcp_tui.cli.replay_arguments import check_flags

    check_flags(options)
    if options.verify:
        from mcp_tui.cli.verify import verify

        return verify(options)
    if options.offline_tools:
        from mcp_tui.cli.offline import replay_offline

        return replay_offline(options)
    if options.json or options.plain or not (sys.stdin.isatty() and sys.stdout.isatty() and sys.stderr.isatty()):
        return _write(options)
    return run_app(options, ReplaySession)


def _write(options: Options) -> int:
    from mcp_tui.cli.conversation_text import text_lines
    from mcp_tui.events.codec import to_object
    from mcp_tui.export.masking import without_keys

    events = asyncio.run(_read(options)).events
    lines: Iterable[str] = (
        (json.dumps(to_object(event)) for event in without_keys(events)[0]) if options.json else text_lines(events)
    )
    try:
        for line in lines:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    return EXIT_OK


async def _read(options: Options) -> StoredConversation:
    from mcp_tui.cli.conversations import ID_LENGTH, find
    from mcp_tui.cli.history import opened_library

    async with opened_library() as library:
        wanted = options.id
        if len(wanted) != ID_LENGTH:
            wanted = find(await library.list(), wanted).id
        return await library.read(wanted)


class ReplaySession(AppSession):
    """The app on the replay screen; the engine is made when the person wants to go on."""

    def __init__(self, app: McpTuiApp, options: Options, preferences: Preferences) -> None:
        from mcp_tui.ui.screens.replay import ReplayScreen

        super().__init__(app, options, preferences)
        self._screen = ReplayScreen(None, None, play=True, speed=options.speed)
        self._choice: ReplayChoice | None = None
        self._going_on: asyncio.Task[None] | None = None
        app.cover = self._screen, self._left

    async def _start(self) -> None:
        if self._choice is not None:
            await super()._start()
            await self._in_app(self._app.replay_left, self._options.conversation, self._choice)
            return
        recording = await asyncio.to_thread(self._read)
        self._options.conversation = recording.id
        await self._in_app(self._screen.open, recording)

    async def aclose(self) -> None:
        """As `AppSession.aclose`, whatever was begun after the replay."""
        if self._going_on is not None:
            self._going_on.cancel()
            await asyncio.gather(self._going_on, return_exceptions=True)
        await super().aclose()

    def _read(self) -> StoredConversation:
        """Import and read; runs in a thread."""
        from mcp_tui.config.paths import resolve_paths
        from mcp_tui.telemetry.logging import silence

        silence()
        stored = asyncio.run(_read(self._options))
        first = stored.events[0] if stored.events else None
        if getattr(first, "demo", False) and not resolve_paths(os.environ).config_file.exists():
            self._options.demo = True
        return stored

    def _left(self, choice: ReplayChoice | None) -> None:
        if choice is None or choice.action is None:
            self._app.exit(0, return_code=0)
            return
        self._choice = choice
        self._going_on = asyncio.create_task(self.boot(), name="boot after the replay")
