"""The Textual app, with the engine around it: the engine outlives the app.

First the screen is painted; only then are configuration, pydantic, the MCP SDK and the engine imported,
in a thread, while the person can already type.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tui.cli.options import Options
from mcp_tui.cli.shutdown import Guard
from mcp_tui.config.paths import resolve_paths
from mcp_tui.conversation.pace import collector_rests
from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.preferences import Preferences, load

if TYPE_CHECKING:
    from mcp_tui.cli.wiring import Setup
    from mcp_tui.engine.engine import Engine
    from mcp_tui.ui.slash import Command

log = logging.getLogger(__name__)


def run_app(options: Options, make_session: type[AppSession] | None = None) -> int:
    """Open the app and return its exit code.  Raises `UsageError` where there is no terminal."""
    _require_terminal()
    return asyncio.run(_main(options, make_session or AppSession))


def _require_terminal() -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "The app needs a terminal: standard input and standard error must be one.",
            hint='Without a terminal, use `mcp-tui run "..."`.',
        )
    if os.environ.get("TERM", "") in ("", "dumb"):
        raise UsageError("The terminal cannot address the screen (TERM is not set, or dumb).")


def preferences_path() -> Path:
    """Where the screen's preferences are kept."""
    return resolve_paths(os.environ).data_dir / "state" / "ui.json"


def make_app(preferences: Preferences) -> McpTuiApp:
    """The app with its slash commands; the first paint does not wait for them."""
    return McpTuiApp(preferences, _commands)


def _commands() -> tuple[Command[McpTuiApp], ...]:
    from mcp_tui.ui.commands import COMMANDS

    return COMMANDS


async def _main(options: Options, make_session: type[AppSession]) -> int:
    preferences = load(preferences_path())
    app = make_app(preferences)
    session = make_session(app, options, preferences)
    guard = Guard(app)
    boot = asyncio.create_task(session.boot(), name="boot")
    try:
        await app.run_async(mouse=preferences.mouse)
    finally:
        guard.stopping(screen_left=True)
        telling = guard.say_what_is_waited_for()
        boot.cancel()
        await asyncio.gather(boot, return_exceptions=True)
        await session.aclose()
        telling.cancel()
        guard.close()
    return guard.code or app.return_code or 0


class AppSession:
    """Everything that lives as long as the app: configuration, log file, engine."""

    def __init__(self, app: McpTuiApp, options: Options, preferences: Preferences) -> None:
        self._app = app
        self._options = options
        self._preferences = preferences
        self._stack = ExitStack()
        self._engine: Engine | None = None
        self._preparing: asyncio.Task[Setup] | None = None
        self._closing: asyncio.Task[None] | None = None

    async def boot(self) -> None:
        """After the first paint: import, load, build, attach, start.

        The garbage collector rests meanwhile: what the imports make stays, and walking it stalls the screen.
        """
        await self._app.painted.wait()
        with collector_rests():
            try:
                await self._start()
            except McpTuiError as error:
                await self._in_app(self._app.show_problem, error)
            except Exception as error:
                log.exception("start failed", extra={"operation": "start"})
                problem = McpTuiError(f"The start failed: {type(error).__name__}.", hint="See the log file.")
                await self._in_app(self._app.show_problem, problem)

    async def _in_app(self, call: Callable[..., None], *arguments: object) -> None:
        """Run something as the app's own messages run: what it starts must find the app."""
        done = asyncio.Event()

        def work() -> None:
            call(*arguments)
            done.set()

        self._app.call_later(work)
        await done.wait()

    async def _start(self) -> None:
        self._preparing = asyncio.create_task(asyncio.to_thread(self._prepare), name="prepare")
        made = await asyncio.shield(self._preparing)
        from mcp_tui.cli.run import conversation_id
        from mcp_tui.cli.wiring import build_engine
        from mcp_tui.demo.guide import SUGGESTIONS
        from mcp_tui.ui.app import UiSettings

        self._engine = engine = build_engine(made, interactive=True)
        if self._options.conversation:
            await engine.open_conversation(await conversation_id(engine, self._options.conversation), at_once=True)
        settings = UiSettings(
            theme=made.config.ui.theme,
            themes=made.themes,
            keys=made.config.ui.keys,
            config_path=None if made.demo else made.paths.config_file,
            data_dir=made.paths.data_dir,
            warnings=made.warnings,
            examples=SUGGESTIONS if made.demo else (),
        )
        await self._in_app(self._app.attach, engine, settings)
        if self._options.command == "history":
            await self._in_app(self._app.show_history)
        await engine.start()

    def _prepare(self) -> Setup:
        """Import and load; runs in a thread."""
        from mcp_tui.cli.wiring import open_log, preload, setup
        from mcp_tui.telemetry.logging import silence

        silence()
        preload(self._options.demo)
        made = self._stack.enter_context(setup(self._options, theme=self._preferences.theme.name))
        self._app.scrub = made.redactor.scrub
        self._stack.callback(open_log(made).close)
        return made

    async def aclose(self) -> None:
        """Stop the engine and write everything out; a second call waits for the first."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(), name="close")
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        if self._preparing is not None:
            # A thread cannot be cancelled: what it opens is closed after it.
            await asyncio.wait({self._preparing})
        if self._engine is not None:
            await self._engine.aclose()
        await asyncio.to_thread(self._stack.close)
