"""Standard output, which may be a full disk, a pipe whose reader has left, or closed.

Every command writes through `write`, so that a fault of the output is told from one of the program.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mcp_tui.errors import McpTuiError


class ReaderLeft(Exception):
    """Nobody reads the output any more, as behind ``| head -1``: there is nothing to say, and nobody to say it to."""


class OutputFailed(McpTuiError):
    """What was to be written did not arrive."""


def prepare() -> None:
    """Give each of the three standard streams a descriptor, and let standard output take any character.

    One that is closed would be taken by the next file that is opened: what somebody then writes to "standard error"
    would end in a conversation.  Writing to a standard output that was closed fails.
    """
    for number, flags in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, flags)
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115 - for the whole run
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def write(text: str, *, at_once: bool = False) -> None:
    """Write ``text``; with ``at_once`` it is seen now.  Raises `ReaderLeft` and `OutputFailed`."""
    with _refusals():
        sys.stdout.write(text)
        if at_once:
            sys.stdout.flush()


def write_bytes(data: bytes) -> None:
    """Write ``data`` as it is, behind all text.  Raises as `write` does."""
    with _refusals():
        sys.stdout.flush()
        sys.stdout.buffer.write(data)


def flush() -> None:
    """See to it that everything arrived.  Raises as `write` does."""
    with _refusals():
        sys.stdout.flush()


def give_up() -> None:
    """Throw away what could not be written: the end of the interpreter would try, and complain, once more."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise ReaderLeft from None
        raise OutputFailed(f"Standard output cannot be written: {error.strerror}.") from None
