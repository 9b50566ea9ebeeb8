"""The app's side of the indexer process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)
_ROOT = str(Path(__file__).resolve().parents[3])
_START = (
    "import sys; root = sys.argv.pop(); sys.path.insert(0, root); import mcp_tui; sys.path.remove(root); "
    "from mcp_tui.history.search.indexer import main; main()"
)
"""Runs the indexer of this very package, wherever another is installed, and searches its folder for nothing else."""
_POLITE_EXIT = 1.0
"""Seconds that it gets to end after its standard input was closed."""
_KEPT = ("HOME", "PATH", "LANG", "LC_ALL", "LC_CTYPE", "TMPDIR", "SQLITE_TMPDIR", "SYSTEMROOT", "LD_LIBRARY_PATH", "TZ")
"""Of the environment; keys of models are none of its business."""


class IndexerProcess:
    """Starts the indexer with the first request, hands its answers on, ends it."""

    def __init__(self, history_dir: Path, cache_dir: Path, on_answer: Callable[[dict[str, Any]], None]) -> None:
        self._arguments = (str(history_dir.absolute()), str(cache_dir.absolute()))
        self._on_answer = on_answer
        self._process: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """Its process id while it runs."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def ask(self, ticket: int) -> None:
        """Request an update.  Raises `OSError` where the process cannot be started."""
        async with self._starting:
            if self._process is None or self._process.returncode is not None or self._reading is None:
                await self._start()
        if self._process is not None and self._process.stdin is not None:
            with contextlib.suppress(OSError, RuntimeError):  # it died: its reader tells
                self._process.stdin.write(b"%d\n" % ticket)

    async def aclose(self) -> None:
        """End it."""
        async with self._starting:
            process, self._process = self._process, None
            if process is None:
                return
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), _POLITE_EXIT)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
            if self._reading is not None:
                await asyncio.gather(self._reading, return_exceptions=True)
                self._reading = None

    async def _start(self) -> None:
        environ = {name: value for name, value in os.environ.items() if name in _KEPT}
        self._process = process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-c", _START, *self._arguments, _ROOT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environ,
            cwd="/",
            start_new_session=True,
        )
        self._reading = asyncio.create_task(self._read(process), name="indexer")

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        assert process.stderr is not None
        errors = asyncio.create_task(process.stderr.read())
        while line := await process.stdout.readline():
            with contextlib.suppress(ValueError):
                answer = json.loads(line)
                if isinstance(answer, dict):
                    self._on_answer(answer)
        words = (await errors).decode("utf-8", "replace").strip()
        code = await process.wait()
        if self._process is process:
            self._process = None
            last = words.splitlines()[-1] if words else f"exit code {code}"
            log.warning("the indexer ended: %s", last, extra={"operation": "search"})
            self._on_answer({"ended": last})
