"""Writing files that only their owner may read: complete or not at all, never over something by accident."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path


def make_private_dirs(folder: Path) -> None:
    """Create a folder and its parents with mode 0700; folders that exist keep theirs.

    Raises `NotADirectoryError` when something else is in the way, another `OSError` when the system refuses.
    """
    absent = []
    while not folder.exists():
        absent.append(folder)
        folder = folder.parent
    for path in reversed(absent):
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            if not path.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path)) from None


def write_new(path: Path, text: str | Iterable[str]) -> None:
    """Write a file with mode 0600.  ``text`` may come in pieces.

    Raises `FileExistsError` when anything is at ``path``, `OSError` when it fails.
    """
    temporary = _temporary(path, text)
    try:
        try:
            os.link(temporary, path)
        except FileExistsError:
            raise
        except OSError:  # a file system without hard links
            if os.path.lexists(path):
                raise FileExistsError(path) from None
            temporary.rename(path)
    finally:
        temporary.unlink(missing_ok=True)


def replace_keeping_old(path: Path, text: str) -> Path | None:
    """Write a file with mode 0600, over what is there; the old one stays beside it, and its new path is returned.

    A symbolic link is followed: what it points to is replaced.
    """
    target = path.resolve() if path.is_symlink() else path
    temporary = _temporary(target, text)
    try:
        kept = _set_aside(target, text)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return kept


def replace_file(path: Path, text: str | Iterable[str]) -> None:
    """Write a file with mode 0600 in the place of what is there, complete or not at all, and safely on disk.

    A symbolic link is followed: what it points to is replaced.  Raises `OSError`; the old file is whole then.
    """
    target = path.resolve() if path.is_symlink() else path
    temporary = _temporary(target, text)
    try:
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _set_aside(target: Path, new: str) -> Path | None:
    """Copy the old file to the first free name ``NAME.bak``, ``NAME.bak2``, ...; nothing when it says the same."""
    if not target.exists():
        return None
    old = target.read_bytes()
    if old == new.encode():
        return None
    number = 1
    while True:
        kept = target.with_name(f"{target.name}.bak{number if number > 1 else ''}")
        try:
            descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            number += 1
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(old)
        return kept


def _temporary(path: Path, text: str | Iterable[str]) -> Path:
    """A file of mode 0600 beside ``path`` with the text safely on disk."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.writelines([text] if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    return Path(name)
