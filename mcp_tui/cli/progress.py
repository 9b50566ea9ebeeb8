"""How far something is that takes a while: a line on standard error that is written over, on a terminal only."""

from __future__ import annotations

import sys
import time
from types import TracebackType

PATIENCE = 0.5
"""Seconds after which something takes long."""


class Progress:
    """To be used around the work; the line is gone afterwards."""

    def __init__(self) -> None:
        self._began, self._told = time.monotonic(), 0

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        if self._told:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def show(self, words: str) -> None:
        """Say how far it is, if it takes long."""
        if sys.stderr.isatty() and time.monotonic() - self._began >= PATIENCE:
            sys.stderr.write(f"\r{words:<{self._told}} ")
            sys.stderr.flush()
            self._told = len(words)
