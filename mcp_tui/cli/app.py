"""The Textual app, with the engine around it: the engine outlives the app.

First the screen is painted; only then are configuration, pydantic, the MCP SDK and the engine imported,
in a thread, while the person can already type.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mcp_tui.cli.options import Options
from mcp_tui.cli.shutdown import Guard
from mcp_tui.config.paths import resolve_paths
from mcp_tui.conversation.pace import collector_rests
from mcp_tui.errors import HistoryError, McpTuiError, UsageError
from mcp_tui.ui.app import McpTuiApp
from mcp_tui.ui.preferences import Preferences, load

if TYPE_CHECKING:
    from mcp_tui.cli.wiring import Setup
    from mcp_tui.engine.engine import Engine
    from mcp_tui.engine.history import Library
    from mcp_tui.ui.app import UiSettings
    from mcp_tui.ui.slash import Command

log = logging.getLogger(__name__)


def run_app(options: Options, make_session: type[AppSession] | None = None) -> int:
    """Open the app and return its exit code.  Raises `UsageError` where there is no terminal."""
    _require_terminal(_WITHOUT_TERMINAL.get(options.command, 'mcp-tui run "..."'))
    return asyncio.run(_main(options, make_session or AppSession))


_WITHOUT_TERMINAL = {"history": "mcp-tui history list", "replay": "mcp-tui replay --plain"}


def _require_terminal(instead: str) -> None:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "The app needs a terminal: standard input and standard error must be one.",
            hint=f"Without a terminal, use `{instead}`.",
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


@dataclass(slots=True)
class Browsing:
    """The stored conversations without an engine (`mcp_tui.ui.shelf.Shelf`)."""

    history: Library
    conversation_id: str = ""


class AppSession:
    """Everything that lives as long as the app: configuration, log file, engine (`mcp_tui.ui.shelf.Starter`)."""

    def __init__(self, app: McpTuiApp, options: Options, preferences: Preferences) -> None:
        self._app = app
        self._options = options
        self._preferences = preferences
        self._stack = ExitStack()
        self._engine: Engine | None = None
        self._preparing: asyncio.Task[Setup] | None = None
        self._made: Setup | None = None
        self._one_at_a_time = asyncio.Lock()
        self._shelf: Browsing | None = None
        self._shelf_stack = AsyncExitStack()
        self._going_on: asyncio.Task[None] | None = None
        self._then: Callable[[], None] | None = None
        self._closing: asyncio.Task[None] | None = None
        app.starter = self

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

    # -- without an engine -----------------------------------------------------------------------

    async def shelf(self) -> Browsing:
        """The stored conversations; what is missing in their index is brought up to date meanwhile."""
        async with self._one_at_a_time:
            if self._shelf is None:
                self._shelf = await self._open_shelf()
            return self._shelf

    async def _open_shelf(self) -> Browsing:
        await asyncio.to_thread(_import_library)
        from mcp_tui.cli.stored import opened_library

        library = await self._shelf_stack.enter_async_context(opened_library())
        indexing = asyncio.create_task(library.update_index(), name="search index")

        async def stop() -> None:
            indexing.cancel()
            await asyncio.gather(indexing, return_exceptions=True)

        self._shelf_stack.push_async_callback(stop)
        return Browsing(library)

    async def _close_shelf(self) -> None:
        async with self._one_at_a_time:
            self._shelf = None
            await self._shelf_stack.aclose()

    async def prepare(self, *, demo: bool = False) -> None:
        """Read the configuration, unless that was done; ``demo``: the demo's will do where there is none.

        Raises `ConfigError` and `UsageError`.
        """
        if (
            demo
            and self._made is None
            and not resolve_paths(os.environ, config=self._options.config).config_file.exists()
        ):
            self._options.demo = True
        await self._prepared()

    async def _prepared(self) -> Setup:
        async with self._one_at_a_time:
            if self._made is None:
                self._preparing = asyncio.create_task(asyncio.to_thread(self._prepare), name="prepare")
                self._made = await asyncio.shield(self._preparing)
            return self._made

    # -- the engine --------------------------------------------------------------------------------

    def go_on(self, conversation_id: str = "", then: Callable[[], None] | None = None) -> None:
        """Make the engine after all, with this conversation open or a new one; then call ``then``."""
        if self._going_on is None or self._going_on.done():
            self._options.conversation, self._then = conversation_id or self._options.conversation, then
            self._going_on = asyncio.create_task(self.boot(), name="boot after browsing")

    async def _start(self) -> None:
        made = await self._prepared()
        await self._close_shelf()
        from mcp_tui.cli.run import conversation_id
        from mcp_tui.cli.wiring import build_engine

        self._engine = engine = build_engine(made, interactive=True)
        if self._options.conversation:
            try:
                await engine.open_conversation(await conversation_id(engine, self._options.conversation), at_once=True)
            except HistoryError as error:
                if self._going_on is None:
                    raise
                await self._in_app(self._app.say, str(error))
        if self._app.problem_shown:
            await self._in_app(self._app.problem_solved)
        await self._in_app(self._app.attach, engine, self._settings(made))
        await engine.start()
        if self._then is not None:
            await self._in_app(self._then)

    @staticmethod
    def _settings(made: Setup) -> UiSettings:
        from mcp_tui.demo.guide import SUGGESTIONS
        from mcp_tui.ui.app import UiSettings

        return UiSettings(
            theme=made.config.ui.theme,
            themes=made.themes,
            keys=made.config.ui.keys,
            config_path=None if made.demo else made.paths.config_file,
            data_dir=made.paths.data_dir,
            warnings=made.warnings,
            examples=SUGGESTIONS if made.demo else (),
        )

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
        if self._going_on is not None:
            self._going_on.cancel()
            await asyncio.gather(self._going_on, return_exceptions=True)
        if self._preparing is not None:
            # A thread cannot be cancelled: what it opens is closed after it.
            await asyncio.wait({self._preparing})
        await self._close_shelf()
        if self._engine is not None:
            await self._engine.aclose()
        await asyncio.to_thread(self._stack.close)


def _import_library() -> None:
    """What the shelf needs; imported in a thread, so that the screen does not stall."""
    from mcp_tui.telemetry.logging import silence

    silence()
    importlib.import_module("mcp_tui.cli.stored")
