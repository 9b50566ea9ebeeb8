"""The app on the history screen: no engine, and no configuration needed, until the person goes on to the chat."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from mcp_tui.cli.app import AppSession, run_app
from mcp_tui.cli.options import Options
from mcp_tui.config.paths import resolve_paths
from mcp_tui.errors import McpTuiError
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.preferences import Preferences

if TYPE_CHECKING:
    from mcp_tui.ui.app import UiSettings


def browse(options: Options) -> int:
    """``mcp-tui history`` without a subcommand."""
    return run_app(options, HistorySession)


class HistorySession(AppSession):
    """The app on the history screen; the engine is made when the person goes on."""

    def __init__(self, app: McpTuiApp, options: Options, preferences: Preferences) -> None:
        super().__init__(app, options, preferences)
        self._screen = app.history_screen()
        self._screen.alone = True
        app.cover = self._screen, self._left
        app.data_dir = resolve_paths(os.environ).data_dir

    async def _start(self) -> None:
        """First what is stored, then its colours and keys from the configuration, or what is wrong with that."""
        if self._going_on is not None:
            await super()._start()
            return
        await self._in_app(self._screen.open, await self.shelf())
        try:
            made = await self._prepared()
        except McpTuiError as error:
            await self._in_app(self._screen.warn, error)
        else:
            await self._in_app(self._dress, self._settings(made))

    def _left(self, conversation_id: str | None) -> None:
        """Esc leads to the chat; where there can be none, out."""
        if conversation_id is None and self._screen.is_all:
            self._app.request_quit()
        else:
            self._app.history_left(conversation_id)

    def _dress(self, settings: UiSettings) -> None:
        self._app.dress(settings)
        if self._screen.is_attached:
            self._screen.draw_keys()
