"""The log file: one line per record, JSON or text, rotated, private, without secrets (requirement H1).

Everything in this program logs through the standard library.  Records are formatted and written by a
listener thread, so that a slow disk never holds up the screen.  Nothing ever reaches the terminal.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import sys
import threading
import warnings
from contextvars import ContextVar
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener, RotatingFileHandler
from pathlib import Path
from typing import Any, Literal

from mcp_tui.safety.secrets import Redactor
from mcp_tui.safety.text import strict

log = logging.getLogger(__name__)

MAX_BYTES = 5_000_000
BACKUPS = 3

EXTRA_FIELDS = (
    "operation", "duration", "error", "call_id", "server", "tool", "outcome",
    "model", "provider", "request_id", "turn_id", "pid", "protocol", "step",
)  # fmt: skip
"""Fields that callers may pass with ``extra`` and that the file shows."""

conversation_id: ContextVar[str] = ContextVar("conversation_id", default="")
turn_id: ContextVar[str] = ContextVar("turn_id", default="")
"""Correlation of everything that a turn causes, tasks included."""


class _Correlate(logging.Filter):
    """Copies the correlation ids onto the record, in the task that logs."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.conversation_id = conversation_id.get()
        if not getattr(record, "turn_id", ""):
            record.turn_id = turn_id.get()
        return True


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    names = ("conversation_id", *EXTRA_FIELDS)
    return {name: value for name in names if (value := getattr(record, name, None)) not in (None, "")}


class JsonFormatter(logging.Formatter):
    """One JSON object per line, every text scrubbed."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat()
        line: dict[str, Any] = {
            "at": at,
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._redactor.scrub(record.getMessage()),
            **{name: self._scrubbed(value) for name, value in _fields(record).items()},
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["error"] = record.exc_info[0].__name__
            line["traceback"] = self._redactor.scrub(self.formatException(record.exc_info))
        return json.dumps(line, ensure_ascii=True, default=str)

    def _scrubbed(self, value: Any) -> Any:
        return self._redactor.scrub(value) if isinstance(value, str) else value


class TextFormatter(JsonFormatter):
    """The same facts for the eye, still one line each."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as a line."""
        line = json.loads(super().format(record))
        head = f"{line.pop('at')} {line.pop('level'):7} {line.pop('logger')} {strict(line.pop('message'), False)}"
        rest = " ".join(f"{name}={json.dumps(value)}" for name, value in line.items())
        return f"{head} {rest}".rstrip().replace("\n", "\\n")


class _PrivateRotatingFile(RotatingFileHandler):
    """A rotating file that nobody else can read."""

    def _open(self) -> Any:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self.baseFilename, flags, 0o600)
        os.fchmod(descriptor, 0o600)
        return os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace")

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """Never print: a full disk must not tear the screen."""


class LogFile:
    """The open log.  ``close`` writes out what waits."""

    def __init__(
        self,
        path: Path,
        redactor: Redactor,
        *,
        level: Literal["debug", "info", "warning", "error"] = "info",
        style: Literal["json", "text"] = "json",
    ) -> None:
        """Open ``path``, creating its folder.  Raises `OSError` when that cannot be done."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        handler = _PrivateRotatingFile(path, maxBytes=MAX_BYTES, backupCount=BACKUPS)
        handler.setFormatter(JsonFormatter(redactor) if style == "json" else TextFormatter(redactor))
        waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        self._handler = _KeepRecord(waiting)
        self._handler.addFilter(_Correlate())
        self._listener = QueueListener(waiting, handler)
        self._file = handler
        self._attach(level)

    def _attach(self, level: str) -> None:
        root = logging.getLogger()
        root.handlers[:] = [self._handler]
        root.setLevel("WARNING")
        logging.getLogger("mcp_tui").setLevel(level.upper())
        logging.captureWarnings(True)
        self._hooks = threading.excepthook, sys.unraisablehook
        threading.excepthook, sys.unraisablehook = _thread_failed, _unraisable
        self._listener.start()

    def close(self) -> None:
        """Write out what waits, as far as the disk takes it, and detach from the standard library's root logger."""
        root = logging.getLogger()
        if self._handler in root.handlers:
            root.removeHandler(self._handler)
            logging.captureWarnings(False)
            threading.excepthook, sys.unraisablehook = self._hooks
            self._listener.stop()
            with contextlib.suppress(OSError):
                self._file.close()


def _thread_failed(failure: threading.ExceptHookArgs) -> None:
    """Instead of a traceback on the terminal, whose message is not scrubbed."""
    if failure.exc_value is not None and not issubclass(failure.exc_type, SystemExit):
        log.error("a thread failed", exc_info=failure.exc_value, extra={"operation": "thread"})


def _unraisable(failure: sys.UnraisableHookArgs) -> None:
    if failure.exc_value is not None:
        log.error("an error that nobody could take", exc_info=failure.exc_value, extra={"operation": "cleanup"})


class _KeepRecord(QueueHandler):
    """Hands records over as they are: the listener formats, in its own thread."""

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        """Resolve the message now, since arguments may change; keep the exception for the formatter."""
        record.msg, record.args = record.getMessage(), None
        return record


def silence() -> None:
    """Before a log file is open: no record and no warning may reach the terminal."""
    logging.getLogger().handlers[:] = [logging.NullHandler()]
    logging.lastResort = None
    warnings.simplefilter("ignore")
