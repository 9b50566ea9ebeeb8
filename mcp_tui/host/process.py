"""One server process: its pipes, its standard error, its exit, and the end of its whole process group."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from asyncio.subprocess import SubprocessStreamProtocol
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import cast

from mcp_tui.host.reaper import group_alive, signal_group
from mcp_tui.host.reaping import Reaper

EOF_GRACE = 2.0
"""Seconds that a server has to leave after the end of its input (specification, "stdio: Shutdown")."""

TERMINATE_GRACE = 2.0
"""Seconds between SIGTERM and SIGKILL."""

STDERR_LINES, STDERR_LINE_BYTES = 400, 2048
_STDERR_CHUNK = 1 << 15
_PIPE_LIMIT = 1 << 16


class _Protocol(SubprocessStreamProtocol):
    """asyncio's stream protocol, plus word of the exit at once (``Process.wait`` waits for the pipes too)."""

    def __init__(self, on_exit: Callable[[], None], on_input_lost: Callable[[], None]) -> None:
        super().__init__(limit=_PIPE_LIMIT, loop=asyncio.get_running_loop())
        self._on_exit = on_exit
        self._on_input_lost = on_input_lost

    def process_exited(self) -> None:
        super().process_exited()
        self._on_exit()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        super().pipe_connection_lost(fd, exc)
        if fd == 0:
            self._on_input_lost()


class StderrRing:
    """The last lines of a server's standard error: bounded in lines and bytes, escape sequences kept as data."""

    def __init__(self) -> None:
        self._lines: deque[bytes] = deque(maxlen=STDERR_LINES)
        self._open = b""

    def feed(self, chunk: bytes) -> None:
        """Take what was read."""
        *complete, rest = (self._open + chunk).split(b"\n")
        self._lines.extend(line[:STDERR_LINE_BYTES] for line in complete[-STDERR_LINES:])
        self._open = rest[:STDERR_LINE_BYTES]

    def lines(self) -> tuple[str, ...]:
        """What is kept, oldest first, without blank lines."""
        raw = [*self._lines, self._open]
        return tuple(line.decode("utf-8", "replace").rstrip("\r") for line in raw if line.strip())


class ServerProcess:
    """A running server program, leader of its own session and process group.

    Create with `spawn`.  `aclose` must be called; it cannot be cut short by cancellation and leaves no process
    of the group behind.  A descendant that made a session of its own escapes: no portable way reaches it.
    """

    def __init__(self, reaper: Reaper) -> None:
        self._reaper = reaper
        self.exited = asyncio.Event()
        self.input_lost = asyncio.Event()
        self.stderr = StderrRing()
        self.pid = 0
        self.stdin: asyncio.StreamWriter
        self.stdout: asyncio.StreamReader
        self._transport: asyncio.SubprocessTransport
        self._drain: asyncio.Task[None]
        self._closing: asyncio.Task[None] | None = None

    @classmethod
    async def spawn(
        cls, command: str, args: Sequence[str], *, env: Mapping[str, str], cwd: str | None, reaper: Reaper
    ) -> ServerProcess:
        """Start a program.

        Raises `OSError` (no such program or folder, not executable) and `ValueError` (a NUL in an argument).
        """
        self = cls(reaper)
        if reaper.prepare():
            # Each start of a process holds up the event loop: the screen gets a turn between the two.
            await asyncio.sleep(0)
        transport, protocol = await asyncio.get_running_loop().subprocess_exec(
            lambda: _Protocol(self.exited.set, self.input_lost.set),
            command,
            *args,
            env=dict(env),
            cwd=cwd,
            start_new_session=True,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        self._transport = transport
        self.pid = transport.get_pid()
        reaper.watch(self.pid)
        self.stdin = cast(asyncio.StreamWriter, protocol.stdin)
        self.stdout = cast(asyncio.StreamReader, protocol.stdout)
        self._drain = asyncio.create_task(
            self._read_stderr(cast(asyncio.StreamReader, protocol.stderr)), name=f"stderr of {self.pid}"
        )
        return self

    @property
    def exit_code(self) -> int | None:
        """Exit status of the program; ``None`` while it runs and when a signal ended it."""
        code = self._transport.get_returncode()
        return code if code is None or code >= 0 else None

    @property
    def signal_name(self) -> str | None:
        """Name of the signal that ended the program."""
        code = self._transport.get_returncode()
        if code is None or code >= 0:
            return None
        try:
            return signal.Signals(-code).name
        except ValueError:
            return f"signal {-code}"

    async def _read_stderr(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(_STDERR_CHUNK):
            self.stderr.feed(chunk)
            if len(chunk) > _STDERR_CHUNK // 2:
                await asyncio.sleep(0.02)  # a flood is slowed down by its own pipe

    async def aclose(self, eof_grace: float = EOF_GRACE, terminate_grace: float = TERMINATE_GRACE) -> None:
        """Close the input, wait, SIGTERM to the group, wait, SIGKILL; always until nothing of the group is left."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._close(eof_grace, terminate_grace), name=f"end of {self.pid}")
        cancelled = False
        while not self._closing.done():
            try:
                await asyncio.shield(asyncio.wait({self._closing}))
            except asyncio.CancelledError:
                cancelled = True
        if cancelled:
            raise asyncio.CancelledError

    async def _discard_output(self) -> None:
        """Read on and throw away, so that a server that is writing can come to its end."""
        while await self.stdout.read(_STDERR_CHUNK):
            continue

    async def _close(self, eof_grace: float, terminate_grace: float) -> None:
        discard = asyncio.create_task(self._discard_output(), name=f"rest of {self.pid}")
        try:
            if not self.stdin.is_closing():
                self.stdin.close()
            await self._wait(lambda: not self.exited.is_set(), eof_grace)
            if self._alive():
                self._send(signal.SIGTERM)
                if sys.platform != "win32":
                    self._send(signal.SIGCONT)  # a stopped process gets no other signal
                await self._wait(self._alive, terminate_grace)
        finally:
            if self._alive():
                self._send(signal.SIGKILL if os.name == "posix" else signal.SIGTERM)
                await self._wait(self._alive, 1.0)
            for task in (self._drain, discard):
                task.cancel()
            await asyncio.wait({self._drain, discard})
            self._transport.close()
            self._reaper.forget(self.pid)

    def _alive(self) -> bool:
        return group_alive(self.pid) if sys.platform != "win32" else not self.exited.is_set()

    def _send(self, number: signal.Signals) -> None:
        if sys.platform != "win32":
            signal_group(self.pid, number)
        elif not self.exited.is_set():
            self._transport.kill()

    @staticmethod
    async def _wait(condition: Callable[[], bool], seconds: float) -> None:
        """Wait while ``condition`` holds, at most ``seconds``; a cancellation does not cut it short."""
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while condition() and loop.time() < end:
            try:
                await asyncio.sleep(0.01)
            except asyncio.CancelledError:
                continue
