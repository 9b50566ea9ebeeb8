"""Ways in which the program ends other than by its own quit key (requirements C6, H4).

All of them take the app's normal way out, which stops the turn, the servers and the model layer.  When the terminal
is gone (SIGHUP, or a hang-up that nobody signalled because SIGHUP is ignored) nothing may be drawn any more:
writing to it would block the event loop for ever.  A thread watches for that, and ends the process when the way
out takes too long, or at once when it is asked to a second time; the servers' process groups are then ended by
the reaper, and the model layer by itself: both see their pipe close.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import termios
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

from mcp_tui.ui.terminal import is_gone

log = logging.getLogger(__name__)

STOP_LIMIT = 8.0
"""Seconds from the beginning of the end to the last resort."""

HURRY_AFTER = 0.5
"""Seconds after which a further signal means: at once.  Until then it is another sender of the same wish."""

PATIENCE = 1.0
"""Seconds that the way out may take before the person is told what it waits for."""

_POLL_SECONDS = 0.25
_LEAVE_SCREEN = (
    b"\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1015l\x1b[?2004l\x1b[?1004l\x1b[?2048l\x1b[?7h"
    b"\x1b[<u\x1b[?1049l\x1b[?25h\x1b[0m"
)


def _waiting(loop: asyncio.AbstractEventLoop) -> str:
    """Every unfinished task and the line at which it waits."""
    lines = []
    for task in asyncio.all_tasks(loop):
        inner: Any = task.get_coro()
        while (deeper := getattr(inner, "cr_await", None)) is not None and hasattr(deeper, "cr_frame"):
            inner = deeper
        frame = getattr(inner, "cr_frame", None)
        where = f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno}" if frame is not None else "?"
        lines.append(f"{task.get_name()} at {where}")
    return "; ".join(sorted(lines))


class Stoppable(Protocol):
    """What the guard needs of the app."""

    on_exit: Callable[[], None]
    """Called when the app begins its way out, whoever asked for it."""

    def exit(self, result: Any = None, return_code: int = 0, message: Any = None) -> None:
        """Take the normal way out."""
        ...

    def abandon_terminal(self) -> None:
        """Draw nothing any more: the terminal is gone.  Called from any thread."""
        ...


class Guard:
    """Signal handlers and the watching thread, from construction to `close`."""

    def __init__(self, app: Stoppable) -> None:
        self._app = app
        app.on_exit = self.stopping
        self._loop = asyncio.get_running_loop()
        self._fd = sys.stdin.fileno()
        self._mode = termios.tcgetattr(self._fd)
        self._stopping_since: float | None = None
        self._closed = threading.Event()
        self._gone = False
        self._screen_left = False
        self.code = 0
        """128 + the number of the signal that ends the program; 0 when none does."""
        self._handled = [signal.SIGTERM, signal.SIGINT]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._handled.append(signal.SIGHUP)
        for number in self._handled:
            self._loop.add_signal_handler(number, self._signalled, int(number))
        threading.Thread(target=self._watch, name="terminal-watch", daemon=True).start()

    def stopping(self, *, screen_left: bool = False) -> None:
        """The way out has begun: from now on it may take `STOP_LIMIT` seconds."""
        self._screen_left = self._screen_left or screen_left
        if self._stopping_since is None:
            self._stopping_since = time.monotonic()

    def close(self) -> None:
        """Everything has ended in good order."""
        self._closed.set()
        for number in self._handled:
            self._loop.remove_signal_handler(number)

    def say_what_is_waited_for(self) -> asyncio.TimerHandle:
        """Tell the person, should the rest of the way out take long; to be cancelled when it did not."""
        return self._loop.call_later(PATIENCE, self._say_wait)

    def _say_wait(self) -> None:
        if not self._gone:
            with contextlib.suppress(OSError):
                os.write(2, b"mcp-tui: waiting for servers to stop; Ctrl+C ends them at once.\n")

    def _signalled(self, number: int) -> None:
        begun = self._stopping_since
        if begun is not None and time.monotonic() - begun > HURRY_AFTER and number != signal.SIGHUP:
            self.code = self.code or 128 + number
            self._last_resort()
        if number == signal.SIGHUP and is_gone(self._fd):
            self._abandon()
        self._end(128 + number)

    def _end(self, code: int) -> None:
        self.code = self.code or code
        self.stopping()
        self._app.exit(return_code=self.code)

    def _abandon(self) -> None:
        self._gone = True
        self._app.abandon_terminal()

    # -- the thread ----------------------------------------------------------------------

    def _watch(self) -> None:
        while not self._closed.is_set():
            if self._gone:
                self._closed.wait(_POLL_SECONDS)
            elif is_gone(self._fd, wait=_POLL_SECONDS):
                self._abandon()
                with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
                    self._loop.call_soon_threadsafe(self._end, 128 + signal.SIGHUP)
                self.stopping()
            if self._stopping_since is not None and time.monotonic() - self._stopping_since > STOP_LIMIT:
                self._last_resort()

    def _last_resort(self) -> None:
        """Restore the terminal as far as it will have it, and end; never blocks."""
        with contextlib.suppress(Exception):  # whatever is wrong with a task, the program ends
            log.error("the way out took too long; it waits for: %s", _waiting(self._loop), extra={"operation": "end"})
        try:
            if not (self._gone or self._screen_left):
                # The flag belongs to everybody who has this terminal open: it is put back.
                os.set_blocking(2, False)
                os.write(2, _LEAVE_SCREEN)
                os.set_blocking(2, True)
            termios.tcsetattr(self._fd, termios.TCSANOW, self._mode)
        except (OSError, termios.error):
            return
        finally:
            os._exit(self.code or 1)
