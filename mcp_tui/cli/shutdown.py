"""Ways in which the program ends other than by its own quit key (requirements C6, H4).

SIGTERM and SIGINT take the app's normal way out.  When the terminal is gone (SIGHUP, or a hang-up that
nobody signalled because SIGHUP is ignored) nothing may be drawn any more: writing to it would block the
event loop for ever.  A thread watches over both, and ends the process when the way out takes too long;
the servers' process groups are then ended by the reaper, which sees its pipe close.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
import termios
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

STOP_LIMIT = 8.0
"""Seconds from the beginning of the end to the last resort."""

_POLL_SECONDS = 0.5
_LEAVE_SCREEN = b"\x1b[?1049l\x1b[?25h\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b[?1004l\x1b[<u\x1b[0m"


class Stoppable(Protocol):
    """What the guard needs of the app."""

    def exit(self, result: Any = None, return_code: int = 0, message: Any = None) -> None:
        """Take the normal way out."""
        ...

    def abandon_terminal(self) -> None:
        """Draw nothing any more: the terminal is gone."""
        ...


class Guard:
    """Signal handlers and the watching thread, from construction to `close`."""

    def __init__(self, app: Stoppable, aclose: Callable[[], Awaitable[None]]) -> None:
        self._app = app
        self._aclose = aclose
        self._loop = asyncio.get_running_loop()
        self._fd = sys.stdin.fileno()
        self._mode = termios.tcgetattr(self._fd)
        self._stopping = threading.Event()
        self._closed = threading.Event()
        self._code = 0
        self._hangup_task: asyncio.Task[None] | None = None
        for number in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(number, self._terminate, int(number))
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            self._loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        self._thread = threading.Thread(target=self._watch, name="terminal-watch", daemon=True)
        self._thread.start()

    def stopping(self) -> None:
        """The way out has begun: from now on it may take `STOP_LIMIT` seconds."""
        self._stopping.set()

    def close(self) -> None:
        """Everything has ended in good order."""
        self._closed.set()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._loop.remove_signal_handler(number)

    def _terminate(self, number: int) -> None:
        self._code = 128 + number
        self.stopping()
        self._app.exit(return_code=self._code)

    def _hang_up(self) -> None:
        self._code = 128 + signal.SIGHUP
        self.stopping()
        self._app.abandon_terminal()
        if self._hangup_task is None:
            self._hangup_task = self._loop.create_task(self._end_without_terminal(), name="hang-up")

    async def _end_without_terminal(self) -> None:
        try:
            await self._aclose()
        finally:
            os._exit(self._code)

    # -- the thread ----------------------------------------------------------------------

    def _watch(self) -> None:
        poll = select.poll()
        poll.register(self._fd, 0)
        while not self._stopping.wait(_POLL_SECONDS):
            if self._closed.is_set():
                return
            if any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0)):
                self._loop.call_soon_threadsafe(self._hang_up)
                self._stopping.wait(STOP_LIMIT)
        if not self._closed.wait(STOP_LIMIT):
            self._last_resort()

    def _last_resort(self) -> None:
        """Restore the terminal as far as it will have it, and end; never blocks."""
        try:
            os.set_blocking(2, False)
            os.write(2, _LEAVE_SCREEN)
            termios.tcsetattr(self._fd, termios.TCSANOW, self._mode)
        except OSError:
            pass
        except termios.error:
            pass
        finally:
            os._exit(self._code or 1)
