"""Programs that a benchmark starts in a terminal of their own: they end with it, and say what went wrong in them."""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def start(command: Sequence[str], terminal: int, env: Mapping[str, str]) -> subprocess.Popen[bytes]:
    """Start a program on the slave side of a pseudo-terminal, which is closed here.

    It does not outlive this process, however that ends: the terminal is its own, so that its closing hangs up, and
    where the system can do that it is killed when its parent dies.  Called in the main thread: for Linux the thread is
    the parent.
    """
    parent = os.getpid()

    def tie() -> None:
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != parent:
                os._exit(1)

    try:
        return subprocess.Popen(
            command,
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env=env,
            cwd=ROOT,
            start_new_session=True,
            preexec_fn=tie,
        )
    finally:
        os.close(terminal)


@contextmanager
def reporting(report: Path) -> Iterator[None]:
    """In a program that is measured: what goes wrong becomes its report."""
    try:
        yield
    except BaseException as error:
        write(report, {"error": f"{type(error).__name__}: {error}"})
        raise


def write(report: Path, found: Any) -> None:
    """Write a report; whoever waits for it sees it whole."""
    part = report.with_suffix(".part")
    part.write_text(json.dumps(found))
    part.rename(report)


def read(report: Path, screen: bytes) -> Any:
    """What a program reported; raises `RuntimeError` with what went wrong in it, or with the end of its screen."""
    if not report.exists():
        raise RuntimeError(f"nothing was reported: {screen[-500:]!r}")
    found = json.loads(report.read_text())
    if isinstance(found, dict) and "error" in found:
        raise RuntimeError(found["error"])
    return found
