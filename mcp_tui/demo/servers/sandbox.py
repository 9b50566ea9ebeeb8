"""File access that cannot leave one folder: no absolute path, no ``..``, no symbolic link to elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Literal

MAX_BYTES = 1_000_000
"""Largest file that is read or may grow here."""

WriteMode = Literal["create", "overwrite", "append"]
_FLAGS = {"create": os.O_CREAT | os.O_EXCL, "overwrite": os.O_CREAT | os.O_TRUNC, "append": os.O_CREAT | os.O_APPEND}
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


class SandboxProblem(Exception):
    """A path or file that may not or cannot be used; the message says why, without the outside path."""


class Sandbox:
    """One folder and what may be done inside."""

    def __init__(self, folder: Path) -> None:
        self._root = folder.resolve(strict=True)

    def name(self, path: Path) -> str:
        """The path as callers know it: relative, with forward slashes."""
        return path.relative_to(self._root).as_posix()

    def entries(self, folder: str, *, recursive: bool) -> list[Path]:
        """Files and folders below ``folder``, sorted; links that lead outside are left out."""
        top = self._resolve(folder)
        if not top.is_dir():
            raise SandboxProblem(f"There is no folder {folder!r}.")
        found = top.rglob("*") if recursive else top.glob("*")
        return sorted(path for path in found if path.exists() and path.resolve().is_relative_to(self._root))

    def read(self, name: str) -> str:
        """Contents of a text file."""
        path = self._resolve(name)
        if not path.is_file():
            raise SandboxProblem(f"There is no file {name!r}.")
        if path.stat().st_size > MAX_BYTES:
            raise SandboxProblem(f"{name!r} is larger than {MAX_BYTES:,} bytes.")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise SandboxProblem(f"{name!r} is not a UTF-8 text file.") from None

    def write(self, name: str, content: str, mode: WriteMode) -> int:
        """Write a text file, creating folders on the way; returns its size in bytes afterwards."""
        path = self._resolve(name)
        data = content.encode()
        present = path.stat().st_size if mode == "append" and path.is_file() else 0
        if present + len(data) > MAX_BYTES:
            raise SandboxProblem(f"Files here may not grow beyond {MAX_BYTES:,} bytes.")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | _FLAGS[mode] | _NO_FOLLOW, 0o600)
        except FileExistsError:
            raise SandboxProblem(f"{name!r} exists already; use overwrite or append.") from None
        except OSError as error:
            raise SandboxProblem(f"{name!r} cannot be written: {error.strerror}.") from None
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        return path.stat().st_size

    def lines_with(self, path: Path, text: str, *, match_case: bool) -> Iterator[tuple[int, str]]:
        """Numbered lines of a file that hold ``text``; a file that is no text has none."""
        wanted = text if match_case else text.casefold()
        try:
            lines = self.read(self.name(path)).splitlines()
        except SandboxProblem:
            return
        for number, line in enumerate(lines, 1):
            if wanted in (line if match_case else line.casefold()):
                yield number, line

    def _resolve(self, name: str) -> Path:
        given = PurePosixPath(name)
        if "\0" in name or "\\" in name or given.is_absolute() or ".." in given.parts or Path(name).drive:
            raise SandboxProblem(f"{name!r} leaves the folder; only paths inside are allowed.")
        path = (self._root / given).resolve()
        if not path.is_relative_to(self._root):
            raise SandboxProblem(f"{name!r} leaves the folder; only paths inside are allowed.")
        return path
