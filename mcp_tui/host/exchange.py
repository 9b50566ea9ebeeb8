"""What crossed the pipe for one tool call: the frames, the raw result, progress and its effect on the deadline."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from mcp_tui.events.base import utc_now
from mcp_tui.events.tools import WireMessage
from mcp_tui.host.base import ProgressCallback

MAX_PROGRESS_FRAMES = 100
"""Progress notifications kept with a call; later ones count but are not kept."""

MAX_FRAME_BYTES = 256 << 10
"""A larger frame is noted in the wire log by its size; the result itself is kept whole elsewhere."""

PROGRESS_INTERVAL = 0.05
"""Seconds between two reports to the caller; what comes faster is merged, the last one is always delivered."""

CURRENT: ContextVar[Exchange | None] = ContextVar("mcp_tui_exchange", default=None)
"""The call on whose behalf the running task writes: ties a request id to its call without touching the message."""


class Exchange:
    """One tool call on the wire."""

    def __init__(self, call_id: str, idle_timeout: float, total_timeout: float, on_progress: ProgressCallback | None):
        self.call_id = call_id
        self._loop = asyncio.get_running_loop()
        self.started = self._loop.time()
        self.idle_timeout = idle_timeout
        self.total_at = self.started + total_timeout
        self.timeout = asyncio.timeout_at(min(self.started + idle_timeout, self.total_at))
        self._on_progress = on_progress
        self._pending: tuple[float, float | None, str] | None = None
        self._last_report = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self.request_id: int | str | None = None
        self.state: str = "new"
        """``new``, ``writing`` (the pipe is full), ``sent``."""
        self.result: Any = None
        self.error: dict[str, Any] | None = None
        self.answered = False
        self.refused: set[str] = set()
        """Requests of the server that came while this call ran and that are not offered."""
        self._frames: list[tuple[str, datetime, dict[str, Any]]] = []
        self._progress_frames = 0

    def sent(self, message: dict[str, Any], size: int) -> None:
        """A frame of this call was written."""
        self._keep("sent", message, size)

    def answer(self, message: dict[str, Any], size: int) -> None:
        """The answer arrived; only the first counts."""
        if self.answered:
            return
        self.answered = True
        self.result, self.error = message.get("result"), message.get("error")
        self._keep("received", message, size)

    def fail(self, error: dict[str, Any]) -> None:
        """The answer arrived but cannot be used."""
        if not self.answered:
            self.answered, self.error = True, error

    def progress(self, message: dict[str, Any], size: int) -> None:
        """The server reported progress: the idle deadline moves, the total one does not (requirement D2)."""
        if self.timeout.when() is not None and not self.timeout.expired():
            self.timeout.reschedule(min(self._loop.time() + self.idle_timeout, self.total_at))
        self._progress_frames += 1
        if self._progress_frames <= MAX_PROGRESS_FRAMES:
            self._keep("received", message, size)
        params = message.get("params")
        if self._on_progress is not None and isinstance(params, dict):
            self._report(params)

    def _report(self, params: dict[str, Any]) -> None:
        done, total, text = params.get("progress"), params.get("total"), params.get("message")
        if not isinstance(done, (int, float)):
            return
        self._pending = (
            float(done),
            float(total) if isinstance(total, (int, float)) else None,
            text[:2000] if isinstance(text, str) else "",
        )
        wait = self._last_report + PROGRESS_INTERVAL - self._loop.time()
        if wait <= 0:
            self.flush()
        elif self._timer is None:
            self._timer = self._loop.call_later(wait, self.flush)

    def flush(self) -> None:
        """Deliver the latest progress now, if it was not delivered yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._pending is not None and self._on_progress is not None:
            pending, self._pending = self._pending, None
            self._last_report = self._loop.time()
            self._on_progress(*pending)

    def stop_reports(self) -> None:
        """The caller is gone: nothing is reported any more."""
        self._on_progress = None
        self.flush()

    def _keep(self, direction: str, message: dict[str, Any], size: int) -> None:
        if size > MAX_FRAME_BYTES:
            message = {key: message[key] for key in ("jsonrpc", "id", "method") if key in message}
            message["omitted"] = f"{size} bytes; what they carry is kept with the call"
        self._frames.append((direction, utc_now(), message))

    def wire(self) -> tuple[WireMessage, ...]:
        """The frames in order (requirement A8 and the inspector)."""
        return tuple(WireMessage(direction=d, at=at, message=m) for d, at, m in self._frames)  # type: ignore[arg-type]
