"""Text that the person takes out of the app, as files of their own."""

from __future__ import annotations

import os
from pathlib import Path

from mcp_tui.errors import UsageError


def save_text(folder: Path, name: str, text: str) -> Path:
    """Write ``text`` to a new file, mode 0600, and return its path.  Raises `UsageError` when that fails."""
    stem, _, ending = name.rpartition(".")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = folder / (name if number == 1 else f"{stem}-{number}.{ending}")
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                continue
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as file:
                file.write(text)
            return path
    except OSError as error:
        raise UsageError(f"{folder} cannot be written to: {error.strerror}.") from None
    raise UsageError(f"{folder} is full of files of this name.")
