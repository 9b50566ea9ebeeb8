"""What every screen of the app stands on: colours, keys, safety of the output, the crash report, the clipboard."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import App, ScreenError
from textual.dom import NoScreen
from textual.filter import LineFilter
from textual.timer import Timer, TimerCallback
from textual.worker import WorkerFailed

from mcp_tui.errors import McpTuiError
from mcp_tui.safety.text import for_clipboard, hidden_report, prose
from mcp_tui.ui.keymap import PANES
from mcp_tui.ui.line_filter import SafetyFilter
from mcp_tui.ui.preferences import Preferences, save
from mcp_tui.ui.terminal import is_gone, mute
from mcp_tui.ui.themes import textual_theme

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.notifications import SeverityLevel
    from textual.screen import Screen

    from mcp_tui.config.theme_data import ThemeData

log = logging.getLogger(__name__)

TERMINAL_GONE = 129
"""Exit status when the terminal was closed: 128 + SIGHUP."""

MAX_TOAST = 600
"""Characters of a message that pops up; what it is about has its own place."""

_SAFETY = SafetyFilter()


class BaseApp(App[int], inherit_bindings=False):
    """A Textual app that shows outside text safely and fails without giving anything away."""

    ENABLE_COMMAND_PALETTE = False
    SUSPENDED_SCREEN_CLASS = "-behind"
    """Of a screen under another one: its toasts are those of the one in front, and shown there."""

    def __init__(self, preferences: Preferences, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self.preferences = preferences
        self.clock = clock
        """Seconds; injected by tests."""
        self.last_input = float("-inf")
        """When the last key or paste came, on `clock`."""
        self.previous_input = float("-inf")
        """When the one before it came: what a card that handles a key looks at."""
        self.key_overrides: dict[str, str] = {}
        """Binding id -> keys, where the configuration has others than `mcp_tui.ui.keymap`."""
        self.data_dir: Path | None = None
        self.painted = asyncio.Event()
        """Set once the first paint is on the terminal."""
        self.scrub: Callable[[str], str] | None = None
        """Takes secrets out of a text; set as soon as the configured ones are known."""
        self.crash: str = ""
        """The report of an unhandled error, without any local variable; empty when there was none."""
        self.terminal_gone = False
        self.on_exit: Callable[[], None] = lambda: None
        """Called when the way out begins; set by the command line, which bounds it."""
        self.theme_data: dict[str, ThemeData] = {}
        self.add_theme(preferences.theme)
        self.theme = preferences.theme.name

    # -- colours -----------------------------------------------------------------------------

    def set_timer(
        self, delay: float, callback: TimerCallback | None = None, *, name: str | None = None, pause: bool = False
    ) -> Timer:
        """As Textual's, but a timer that comes late still fires.

        Textual skips a one-shot timer that is late by more than its delay.  On a busy machine that loses the one
        of 8 ms behind a resize, and every later resize with it: the screen keeps the old size.
        """
        timer = super().set_timer(delay, callback, name=name, pause=pause)
        timer._skip = False
        return timer

    def add_theme(self, data: ThemeData) -> None:
        """Make a theme available; one of the same name is replaced."""
        self.theme_data[data.name] = data
        self.register_theme(textual_theme(data))

    def use_theme(self, name: str, *, remember: bool = True) -> None:
        """Draw in these colours, now and, with ``remember``, at the next start."""
        self.theme = name
        if remember:
            self.remember(replace(self.preferences, theme=self.theme_data[name]))

    def theme_names(self) -> list[str]:
        """All themes, sorted."""
        return sorted(self.theme_data)

    def remember(self, preferences: Preferences) -> None:
        """Keep ``preferences`` for the next run; a failing disk only costs them."""
        self.preferences = preferences
        if preferences.path is not None:
            try:
                save(preferences.path, preferences)
            except OSError as error:
                self.say(f"The preferences could not be saved: {error.strerror}.", severity="warning")

    # -- what a screen tells ---------------------------------------------------------------------

    def screen_painted(self) -> None:
        """All of a screen is on the terminal."""

    def focus_moved(self) -> None:
        """Another pane of the screen has the focus."""

    # -- output ------------------------------------------------------------------------------

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's filters, and ours as the last."""
        return [*super().get_line_filters(), _SAFETY]

    def say(self, message: str, *, severity: str = "information", title: str = "", timeout: float = 6) -> None:
        """A toast; ``message`` is never read as markup."""
        known = severity if severity in ("information", "warning", "error") else "information"
        self.notify(message, title=title, severity=known, timeout=timeout)  # type: ignore[arg-type]

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """A toast.  Every one comes through here, also those that a widget asks for: literal, harmless, not endless."""
        text = prose(message[: MAX_TOAST + 1])
        text = f"{text[:MAX_TOAST]}…" if len(text) > MAX_TOAST else text
        super().notify(text, title=prose(title[:MAX_TOAST]), severity=severity, timeout=timeout, markup=False)

    def copy_to_clipboard(self, text: str) -> None:
        """Ask the terminal (OSC 52) to take ``text``: its source, without what acts or hides when it is pasted.

        Every copy of the app, of a text area or of a selection comes through here.
        """
        copied = for_clipboard(text)
        super().copy_to_clipboard(copied)
        if hidden := sum(hidden_report(text).values()) - sum(hidden_report(copied).values()):
            self.say(f"{hidden:,} hidden or control characters were not copied as they are.", severity="warning")

    # -- work --------------------------------------------------------------------------------

    def attempt(self, call: Callable[[], object]) -> None:
        """Call something of the engine; an error of ours becomes a toast."""
        try:
            call()
        except McpTuiError as error:
            self.say(str(error), severity="error")

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something that waits; an error of ours becomes a toast."""
        self.run_worker(self._guarded(work))

    async def _guarded(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except McpTuiError as error:
            self.say(str(error), severity="error")

    # -- input -------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Note when the person last pressed anything: a card that decides must not take typed-ahead keys."""
        if isinstance(event, events.Key | events.Paste) and not event.is_forwarded:
            self.previous_input, self.last_input = self.last_input, self.clock()
        await super().on_event(event)

    def focused_pane(self, screen: Screen[Any] | None = None) -> str:
        """The pane that has the focus on ``screen`` (the one on top): a key of `PANES`."""
        if not self.screen_stack:
            return "app"
        screen = screen or self.screen
        for node in (screen.focused or screen).ancestors_with_self:
            pane = getattr(node, "PANE", "conversation" if node.id == "conversation" else "")
            if pane in PANES:
                return str(pane)
        return "app"

    # -- end ---------------------------------------------------------------------------------

    def exit(self, result: int | None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Take the way out."""
        self.on_exit()
        super().exit(result, return_code, message)

    def abandon_terminal(self) -> None:
        """Draw and read nothing any more: the terminal is gone.  May be called from any thread."""
        self.terminal_gone = True
        if self._driver is not None:
            mute(self._driver)

    def panic(self, *renderables: RenderableType) -> None:
        """End because of a fault of the terminal's driver, such as a terminal that cannot be read any more."""
        if self.terminal_gone or is_gone(sys.__stdin__.fileno() if sys.__stdin__ is not None else 0):
            self.abandon_terminal()
            self.exit(return_code=TERMINAL_GONE)
        else:
            super().panic(*renderables)

    def _print_error_renderables(self) -> None:
        """As Textual does, where there is somebody to read it."""
        if not self.terminal_gone:
            with contextlib.suppress(OSError):
                super()._print_error_renderables()

    def _handle_exception(self, error: Exception) -> None:
        """As Textual does, but every kind of error takes our report.

        A widget or worker that asks for a screen while the screens are being taken down is no fault that
        anybody could see: it goes to the log, and the exit status stays as it is.
        """
        cause = error.error if isinstance(error, WorkerFailed) else error
        if self._exit and isinstance(cause, ScreenError | NoScreen):
            log.warning("asked for a screen after the end", exc_info=cause, extra={"operation": "ui"})
            return
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
        self._report_crash(error)
        self.on_exit()
        self._close_messages_no_wait()

    def scrubbed(self, text: str) -> str:
        """``text`` without any secret that is known by now, and without anything that looks like one."""
        from mcp_tui.safety.secrets import mask_keys

        return (self.scrub or mask_keys)(text)

    def _report_crash(self, error: BaseException) -> None:
        """Keep a report without local variables and with secrets masked, in a file of the person's own."""
        import traceback

        from rich.text import Text

        if self.crash:
            return
        self.crash = prose(self.scrubbed("".join(traceback.format_exception(error))))
        where = self._write_crash()
        lines = [f"mcp-tui stopped because of a fault of its own: {type(error).__name__}."]
        lines.append(f"The report is in {where}" if where else self.crash)
        self._exit_renderables.append(Text("\n".join(lines)))

    def _write_crash(self) -> Path | None:
        if self.data_dir is None:
            return None
        path = self.data_dir / f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt"
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(self.crash)
        except OSError:
            return None
        return path


def overrides_in(app: App[Any]) -> Mapping[str, str]:
    """The person's own keys, binding id -> keys, for what is drawn in ``app``; none in an app that is not ours."""
    return app.key_overrides if isinstance(app, BaseApp) else {}


def last_input_in(app: App[Any]) -> float:
    """When the last key or paste came, on the app's clock."""
    return app.last_input if isinstance(app, BaseApp) else float("-inf")
