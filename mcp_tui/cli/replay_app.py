"""The app on the replay screen: nothing is started until the person wants to go on."""

from __future__ import annotations

import asyncio
import importlib
import os
from typing import TYPE_CHECKING

from mcp_tui.cli.app import AppSession
from mcp_tui.cli.options import Options
from mcp_tui.config.paths import resolve_paths
from mcp_tui.errors import McpTuiError
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.preferences import Preferences
from mcp_tui.ui.recordings import Long, read

if TYPE_CHECKING:
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
            await self._open()
            return
        at, self._fork_at = self._fork_at, None
        if at is not None and self._options.conversation:
            await self._prepared()  # what is wrong with the configuration is said before there is a fork
            library = (await self.shelf()).history
            try:
                self._options.conversation = await library.fork(self._options.conversation, at.event_id)
            except McpTuiError as error:
                await self._in_app(self._app.say, str(error))
            else:
                await self._in_app(self._app.say, "This is the fork; the original stays as it is. F4 has both.")
        await super()._start()

    async def _open(self) -> None:
        """Play what was asked for; of a long conversation its beginning is there at once."""
        await asyncio.to_thread(_import)
        from mcp_tui.cli.stored import id_in, opened_library

        library = await self._shelf_stack.enter_async_context(opened_library())
        recording = await read(library, await id_in(library, self._options.id), play=True)
        there = recording.first if isinstance(recording, Long) else recording
        first = next(iter(there.events), None)
        if getattr(first, "demo", False) and not resolve_paths(os.environ).config_file.exists():
            self._options.demo = True
        self._options.conversation = there.id
        await self._in_app(self._screen.open, recording)

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


def _import() -> None:
    """What reading and folding need; in a thread, so that the screen does not stall."""
    from mcp_tui.telemetry.logging import silence

    silence()
    for name in ("mcp_tui.cli.stored", "mcp_tui.conversation.playback"):
        importlib.import_module(name)
