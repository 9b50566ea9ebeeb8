"""The app's contract with ``cli``, its engine, and where inputs go; `mcp_tui.ui.app` adds the actions.

The app runs before there is an engine: what is typed is kept, what is sent is submitted on `attach`.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.ui.base_app import BaseApp
from mcp_tui.ui.preferences import Preferences
from mcp_tui.ui.prompt_history import PromptHistory
from mcp_tui.ui.screens.chat import ChatScreen
from mcp_tui.ui.view import ChatView

if TYPE_CHECKING:
    from pathlib import Path

    from textual.screen import Screen

    from mcp_tui.config.theme_data import ThemeData
    from mcp_tui.engine.engine import Engine
    from mcp_tui.ui.bridge import Bridge
    from mcp_tui.ui.shelf import Starter
    from mcp_tui.ui.slash import Command
    from mcp_tui.ui.widgets.composer import Composer


@dataclass(frozen=True, slots=True)
class UiSettings:
    """What the configuration says about the screen."""

    theme: str
    themes: tuple[ThemeData, ...]
    keys: dict[str, str] = field(default_factory=dict)
    """Binding id -> keys, checked by `mcp_tui.ui.keymap.check_keys`."""
    config_path: Path | None = None
    data_dir: Path | None = None
    """Where files of the person's own may be written: results, crash reports."""
    warnings: tuple[str, ...] = ()
    """What the configuration allows but should not stay so; shown once."""
    examples: tuple[tuple[str, str], ...] = ()
    """Inputs that a newcomer can pick in an empty conversation: (what it shows, the input)."""


LATE = (
    "mcp_tui.ui.bridge",
    "mcp_tui.ui.widgets.conversation",
    "mcp_tui.ui.widgets.approval",
    "mcp_tui.ui.widgets.question",
    "mcp_tui.ui.widgets.server_sidebar",
    "mcp_tui.ui.widgets.inspector",
    "mcp_tui.ui.screens.choosers",
    "mcp_tui.ui.screens.history",
)
"""What the first paint does not need; imported in a thread, so that the screen does not stall when it is used."""


class ChatApp(BaseApp):
    """The chat screen connected to an engine."""

    TITLE = "mcp-tui"
    CSS_PATH = "app.tcss"

    def __init__(
        self, preferences: Preferences, commands: Callable[[], Sequence[Command[Self]]], **options: Any
    ) -> None:
        super().__init__(preferences, **options)
        self.commands = commands
        """Gives the slash commands, imported when they are first asked for."""
        self.engine: Engine | None = None
        self.starter: Starter | None = None
        """Who can show what is stored without an engine, and make one."""
        self.problem: McpTuiError | None = None
        """What keeps the engine from starting; shown as long as it does."""
        self.mouse_on = True
        self.cover: tuple[Screen[Any], Callable[[Any], None]] | None = None
        """A screen that is there from the first paint on, above the chat, and who is told what it was left with."""
        self._early: list[str] = []
        history = PromptHistory(preferences.prompts_path, self.scrubbed)
        self.chat = ChatScreen(self.submit, self._complete, history, sidebar=preferences.sidebar is not False)
        self.view = ChatView(self, self.chat, lambda: self.problem_shown)

    @property
    def problem_shown(self) -> bool:
        """Whether the engine could not start."""
        return self.problem is not None

    # -- contract with the command line --------------------------------------------------------

    def get_default_screen(self) -> ChatScreen:
        """The chat is what the app opens with."""
        return self.chat

    def on_mount(self) -> None:
        """Show the cover.  After ``fg`` the terminal shows nothing of ours any more: draw all of it."""
        self.app_resume_signal.subscribe(self, lambda _: self.call_later(self.refresh, layout=True))
        if self.cover is not None:
            screen, left = self.cover
            self.push_screen(screen, left)

    def screen_painted(self) -> None:
        """The first paint is on the terminal."""
        if not self.painted.is_set():
            self.view.draw_header()
            self.view.draw_status()
            self.view.draw_hints()
            self.painted.set()

    def focus_moved(self) -> None:
        """Another pane has the focus."""
        if self.painted.is_set() and self.view.alive and (self.engine is None or self.view.bridge is not None):
            self.view.draw_hints()

    def on_inspector_pages_changed(self) -> None:
        """The hint line has the keys that turn pages where there are any."""
        self.focus_moved()

    def attach(self, engine: Engine, settings: UiSettings) -> None:
        """Connect the screen to a running engine.  Called once, after the app has started."""
        self.dress(settings)
        self.view.examples = settings.examples
        self.engine = self.view.engine = engine
        if not self.preferences.mouse:
            self.set_mouse(False)
        for warning in settings.warnings:
            self.say(warning, severity="warning", timeout=12)
        self.run_worker(self._follow(engine), name="bridge", exit_on_error=True)

    def dress(self, settings: UiSettings) -> None:
        """Take over colours and keys of the configuration."""
        self.data_dir = settings.data_dir
        for theme in settings.themes:
            self.add_theme(theme)
        if settings.theme in self.theme_data:
            self.use_theme(settings.theme)
        self.key_overrides = dict(settings.keys)
        self.set_keymap(self.key_overrides)

    async def _follow(self, engine: Engine) -> None:
        await asyncio.to_thread(self._import_late)
        from mcp_tui.ui.bridge import Bridge

        await self.view.adopt_conversation()
        bridge: Bridge = Bridge(engine, self.view, clock=self.clock)
        self.view.bridge = bridge
        self.chat.set_interval(0.5, self._tick)
        if self.chat.wants_sidebar:
            await self.open_pane("sidebar")
        early, self._early = self._early, []
        for text in early:
            self.submit(text)
        await bridge.run()

    def _import_late(self) -> None:
        for name in LATE:
            importlib.import_module(name)
        self.commands()

    def _tick(self) -> None:
        """Countdowns and clocks move on without events, and the engine's turn is over a moment after its last one."""
        if self.engine is not None and self.view.alive:
            self.view.draw_header()
        sidebar = self.view.sidebar
        if self.view.alive and sidebar is not None and self.chat.is_open("sidebar"):
            sidebar.show()

    def show_problem(self, error: McpTuiError) -> None:
        """Startup failed: say everything that is wrong and what can be done."""
        from mcp_tui.ui.screens.config_error import ConfigErrorScreen

        self.problem = error
        self.engine = self.view.engine = None
        self.view.draw_header()
        self.push_screen(ConfigErrorScreen(error, history=self.starter is not None))

    def problem_solved(self) -> None:
        """What kept the engine from starting is mended: it is being made now."""
        from mcp_tui.ui.screens.config_error import ConfigErrorScreen

        self.problem = None
        if isinstance(self.screen, ConfigErrorScreen):
            self.screen.dismiss(None)
        self.view.draw_header()

    # -- input ---------------------------------------------------------------------------------

    def submit(self, text: str) -> bool:
        """Carry out a command, or submit an input (it waits for the engine, or for the running turn).

        False when it was not taken: the composer keeps it.
        """
        try:
            if text.startswith("/") and not text.startswith("//"):
                return self._command(text)
            if self.problem_shown:
                return False
            self._submit_input(text[1:] if text.startswith("//") else text)
        except McpTuiError as error:
            self.say(str(error), severity="error")
            return False
        return True

    def _submit_input(self, text: str) -> None:
        if self.engine is None:
            self._early.append(text)
            self.say("Queued: it is sent as soon as the engine is up.")
        elif (errand := self.composer.errand) is not None:
            errand.send(text)
        else:
            self.engine.submit(text)

    def _command(self: Self, line: str) -> bool:
        from mcp_tui.ui.slash import parse

        command, argument = parse(line, self.commands())
        if command.passed_on:
            self._submit_input(line)
        else:
            command.run(self, argument)
        return True

    def _complete(self: Self, text: str) -> list[tuple[str, str]]:
        from mcp_tui.ui.slash import complete

        return complete(text, self.commands(), self)

    @property
    def composer(self) -> Composer:
        """The input."""
        return self.chat.composer

    def return_input(self, text: str) -> None:
        """Put an input back into the composer, before what is written there."""
        self.chat.composer.put_before(text)

    def require_engine(self) -> Engine:
        """The engine.  Raises `UsageError` while it is not up."""
        if self.engine is None:
            raise UsageError("The engine is not up yet.", hint="Try again in a moment.")
        return self.engine

    # -- the open conversation -----------------------------------------------------------------

    def open_conversation(self, conversation_id: str) -> None:
        """Continue a stored conversation."""
        self.start(self._open_conversation(conversation_id))

    async def _open_conversation(self, conversation_id: str) -> None:
        await self.require_engine().open_conversation(conversation_id, at_once=True)
        self.chat.composer.focus()

    # -- panes ---------------------------------------------------------------------------------

    async def open_pane(self, name: str) -> None:
        """Open ``sidebar`` or ``inspector``, mounting it on first use."""
        engine = self.require_engine()
        if name == "sidebar":
            from mcp_tui.ui.widgets.server_sidebar import ServerSidebar

            await self.chat.mount_pane(name, lambda: ServerSidebar(engine, lambda: self.view.live))
            self.chat.set_pane(name, opened=True)
            assert self.view.sidebar is not None
            self.view.sidebar.show()
        else:
            from mcp_tui.ui.widgets.inspector import Inspector

            await self.chat.mount_pane(name, lambda: Inspector(self.data_dir, self.view.calls, engine.rules.explain))
            self.chat.set_pane(name, opened=True)

    # -- the terminal --------------------------------------------------------------------------

    def set_mouse(self, on: bool) -> None:
        """Take the mouse, or leave it to the terminal for its own selection."""
        driver = self._driver
        if driver is None:
            return
        driver._mouse = True
        name = "_enable_mouse_support" if on else "_disable_mouse_support"
        switch = getattr(driver, name, None)
        if switch is not None:
            switch()
        self.mouse_on = on
