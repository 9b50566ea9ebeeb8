"""The app's side of the reaper: starts it with the first server and tells it which groups live."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

from mcp_tui.host.reaper import start_time

_log = logging.getLogger(__name__)


class Reaper:
    """Speaks to one reaper process.  On systems without process groups it does nothing."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._groups: dict[int, str] = {}

    @property
    def pid(self) -> int | None:
        """Process id of the reaper, while there is one."""
        return self._process.pid if self._process is not None else None

    def prepare(self) -> bool:
        """Start the reaper, if there is none: before the first server, so that none is unwatched.

        True when it was started now.
        """
        if os.name != "posix" or self._process is not None:
            return False
        self._process = self._spawn()
        return True

    def watch(self, group: int) -> None:
        """Have ``group`` ended should this program die."""
        if os.name != "posix":
            return
        self.prepare()
        self._groups[group] = start_time(group)
        self._tell(f"+{group} {self._groups[group]}\n")

    def forget(self, group: int) -> None:
        """``group`` is gone."""
        if self._groups.pop(group, None) is not None:
            self._tell(f"-{group}\n")

    async def aclose(self, timeout: float = 0.5) -> None:
        """Let the reaper go.  It ends any group still on its list before it does."""
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()
        end = time.monotonic() + timeout
        while process.poll() is None and time.monotonic() < end:  # noqa: ASYNC110 - a process has no event to wait for
            await asyncio.sleep(0.005)
        if process.poll() is None:
            # It is ending groups that resisted; it outlives us on purpose and is nobody's zombie.
            process.returncode = 0

    def _spawn(self) -> subprocess.Popen[bytes] | None:
        try:
            return subprocess.Popen(
                [sys.executable, "-I", "-S", str(Path(__file__).with_name("reaper.py"))],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
                env={},
            )
        except OSError as error:
            _log.warning("no reaper process: %s; servers may stay behind if this program is killed", error)
            return None

    def _tell(self, line: str) -> None:
        if self._process is None or self._write(self._process, line):
            return
        _log.warning("the reaper process was gone; starting another")
        self._abandon(self._process)
        self._process = process = self._spawn()
        lines = "".join(f"+{group} {started}\n" for group, started in self._groups.items())
        if process is not None and not self._write(process, lines):
            _log.warning("the reaper cannot be reached; servers may stay behind if this program is killed")

    @staticmethod
    def _write(process: subprocess.Popen[bytes], lines: str) -> bool:
        """False when the reaper is gone."""
        if process.stdin is None:
            return False
        try:
            os.write(process.stdin.fileno(), lines.encode())
        except OSError:
            return False
        return True

    @staticmethod
    def _abandon(process: subprocess.Popen[bytes]) -> None:
        """Release what belongs to a reaper that is gone."""
        if process.stdin is not None:
            with contextlib.suppress(OSError):
                process.stdin.close()
        process.poll()
