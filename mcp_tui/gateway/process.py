"""One life of the worker process, seen from the app."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mcp_tui.gateway import wire

logger = logging.getLogger(__name__)

STDERR_LINES = 200
"""Latest lines of the worker's stderr that are kept."""

POLITE_EXIT = 1.0
"""Seconds the worker gets to end by itself after its stdin closed."""

_ROOT = str(Path(__file__).resolve().parents[2])
_START = (
    "import sys; root = sys.argv.pop(); sys.path.insert(0, root); import mcp_tui; sys.path.remove(root); "
    "from mcp_tui.gateway.worker import main; main()"
)
"""Runs the worker of this very package, wherever another one is installed, and searches its folder for nothing else."""


START_LIMIT = 60.0
"""Seconds until a worker that did not become ready counts as hung and is killed."""


class WorkerFailed(Exception):
    """The process could not start or has ended; the text says how, with the last words of its stderr."""


class WorkerProcess:
    """Starts the worker, passes lines both ways, ends it.

    ``greeting`` is its first line.  ``on_message`` gets every line that concerns a request; ``on_exit`` is called
    once, when the process has ended.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        greeting: bytes,
        on_message: Callable[[dict[str, Any]], None],
        on_exit: Callable[[WorkerProcess], None],
    ) -> None:
        self._environ, self._greeting = dict(environ), greeting
        self._on_message, self._on_exit = on_message, on_exit
        self._process: asyncio.subprocess.Process | None = None
        self._life: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self._started_at = time.monotonic()
        self._problem = ""
        self.ended = False
        self.stderr: deque[str] = deque(maxlen=STDERR_LINES)

    @property
    def pid(self) -> int | None:
        """Process id, which is also its group's."""
        return self._process.pid if self._process else None

    @property
    def lifetime(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started_at

    def start(self) -> None:
        """Start the process in the background."""
        self._life = asyncio.create_task(self._live(), name="model worker")

    async def wait_ready(self) -> None:
        """Wait until LiteLLM is loaded; raises `WorkerFailed` when the process ends before."""
        await self._ready.wait()
        if self.ended:
            raise self.failed()

    def failed(self) -> WorkerFailed:
        """The end of this process as an exception."""
        last = f": {self.stderr[-1]}" if self.stderr else ""
        return WorkerFailed(self.describe_end() + last)

    def describe_end(self) -> str:
        """How it ended."""
        code = self._process.returncode if self._process else None
        if self._problem or code is None:
            return self._problem or "not started"
        return f"signal {-code}" if code < 0 else f"exit code {code}"

    async def _live(self) -> None:
        """The whole life of the process, from its start until its pipes are read empty."""
        try:
            await self._run(await self._spawn())
        except OSError as error:
            self._problem = f"it cannot be started: {error}"
        finally:
            self.ended = True
            self._ready.set()
            self._on_exit(self)

    async def _run(self, process: asyncio.subprocess.Process) -> None:
        watchdog = asyncio.get_running_loop().call_later(START_LIMIT, self._kill_unless_ready)
        self.send(self._greeting)
        await asyncio.gather(self._read_stdout(process), self._read_stderr(process))
        await process.wait()
        watchdog.cancel()

    async def _spawn(self) -> asyncio.subprocess.Process:
        """A process in a group of its own (Ctrl-C is not for it) that imports nothing from the working directory."""
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _START, _ROOT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self._environ,
            start_new_session=True,
            limit=wire.MAX_LINE,
        )
        return self._process

    def _kill_unless_ready(self) -> None:
        if not self._ready.is_set():
            self._problem = f"it was not ready within {START_LIMIT:g} seconds"
            self.kill()

    def send(self, line: bytes) -> None:
        """Queue one line; lost when the process is gone, which ``on_exit`` tells."""
        stdin = self._process.stdin if self._process else None
        if stdin is not None and not stdin.is_closing():
            stdin.write(line)

    def kill(self) -> None:
        """End the process group now."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                self._process.kill()
            else:
                os.killpg(self._process.pid, signal.SIGKILL)

    async def aclose(self) -> None:
        """Close its stdin, which ends it; kill it when that takes longer than `POLITE_EXIT` seconds."""
        if self._life is None:
            return
        if self._process is None:
            self._life.cancel()
        elif self._process.stdin is not None:
            self._process.stdin.close()
        _, living = await asyncio.wait([self._life], timeout=POLITE_EXIT)
        if living:
            self.kill()
            _, living = await asyncio.wait([self._life], timeout=POLITE_EXIT / 2)
        for task in living:
            task.cancel()
        await asyncio.gather(self._life, return_exceptions=True)

    async def _read_stdout(self, process: asyncio.subprocess.Process) -> None:
        """Pass lines on until the process ends; one that is none of the protocol's ends the process."""
        assert process.stdout is not None
        try:
            while line := await process.stdout.readline():
                self._take(line)
        except ValueError:
            self._problem = "it broke the line protocol"
            self.kill()

    def _take(self, line: bytes) -> None:
        """Act on one line.  Before the worker is ready, start-up files of the Python installation may print."""
        try:
            message = wire.decode(line)
        except ValueError:
            if self._ready.is_set():
                raise
            self._keep(line)
            return
        if "ready" in message:
            self._ready.set()
        else:
            self._on_message(message)

    async def _read_stderr(self, process: asyncio.subprocess.Process) -> None:
        """Keep the latest lines, cut to a sane length, for error messages and the log."""
        assert process.stderr is not None
        rest = b""
        while data := await process.stderr.read(8192):
            *lines, rest = (rest + data)[-65_536:].split(b"\n")
            for line in lines:
                self._keep(line)
        self._keep(rest)

    def _keep(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").strip()[:500]
        if text:
            self.stderr.append(text)
