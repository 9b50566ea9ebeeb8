"""The app on the replay screen: nothing is started until the person wants to go on."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

from mcp_tui.cli.app import AppSession
from mcp_tui.cli.options import Options
from mcp_tui.config.paths import resolve_paths
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.preferences import Preferences

if TYPE_CHECKING:
    from mcp_tui.history.base import StoredConversation
    from mcp_tui.ui.screens.replay import ReplayChoice


class ReplaySession(AppSession):
    """The app on the replay screen; the engine is made when the person wants to go on."""

    def __init__(self, app: McpTuiApp, options: Options, preferences: Preferences) -> None:
        from mcp_tui.ui.screens.replay import ReplayScreen

        super().__init__(app, options, preferences)
        self._screen = ReplayScreen(None, None, play=True, speed=options.speed)
        self._fork_at: ReplayChoice | None = None
        app.cover = self._screen, self._left
        app.data_dir = resolve_paths(os.environ).data_dir

    async def _start(self) -> None:
        if self._going_on is None:
            recording = await asyncio.to_thread(self._read)
            self._options.conversation = recording.id
            await self._in_app(self._screen.open, recording)
            return
        if (at := self._fork_at) is not None and self._options.conversation:
            self._fork_at = None
            library = (await self.shelf()).history
            self._options.conversation = await library.fork(self._options.conversation, at.event_id)
            await self._in_app(self._app.say, "This is the fork; the original stays as it is. F4 has both.")
        await super()._start()

    def _read(self) -> StoredConversation:
        """Import and read; runs in a thread."""
        from mcp_tui.cli.library import read
        from mcp_tui.telemetry.logging import silence

        silence()
        stored = asyncio.run(read(self._options.id))
        first = stored.events[0] if stored.events else None
        if getattr(first, "demo", False) and not resolve_paths(os.environ).config_file.exists():
            self._options.demo = True
        return stored

    def _left(self, choice: ReplayChoice | None) -> None:
        if choice is None or choice.action is None:
            self._app.exit(0, return_code=0)
            return
        if choice.action == "fork":
            self._fork_at = choice
            self.go_on()
        else:
            conversation_id = self._options.conversation or ""
            self.go_on(then=lambda: self._app.replay_left(conversation_id, choice))
