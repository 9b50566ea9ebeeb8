"""The person's own editor for a long input."""

from __future__ import annotations

import asyncio
import os
import shlex
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from mcp_tui.errors import UsageError


def editor_command() -> list[str]:
    """``$VISUAL`` or ``$EDITOR`` as words; ``vi`` where neither is set.  Raises `UsageError` if it cannot be read."""
    value = os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        words = shlex.split(value)
    except ValueError:
        words = []
    if not words:
        raise UsageError(
            f"$EDITOR cannot be read: {value!r}.", hint="Set it to a command such as nano or 'code --wait'."
        )
    return words


async def edit(text: str) -> str:
    """``text`` after the editor closed; the file is temporary and readable by its owner only.

    Raises `UsageError` when the editor cannot be started, fails, or leaves something that is no text.
    """
    command = editor_command()
    with _file_with(text) as path:
        await _run([*command, str(path)])
        return _read(path)


@contextmanager
def _file_with(text: str) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix="mcp-tui-", suffix=".md")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(f"{text}\n".encode("utf-8", "replace"))
        yield Path(name)
    finally:
        with suppress(OSError):
            Path(name).unlink()


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except (UnicodeDecodeError, OSError):
        raise UsageError("The editor left no file that can be read as UTF-8; the draft is unchanged.") from None


async def _run(command: list[str]) -> None:
    try:
        process = await asyncio.create_subprocess_exec(*command)
    except OSError as error:
        raise UsageError(
            f"{command[0]} could not be started: {error.strerror}.", hint="Set $EDITOR to an editor you have."
        ) from None
    if status := await process.wait():
        raise UsageError(f"{command[0]} ended with status {status}; the draft is unchanged.")
