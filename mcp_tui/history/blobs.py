"""Large values in content-addressed side files, so that a line stays short enough to be read and written at once.

A string of more than `LIMIT` bytes becomes ``{"$blob": sha256, "size": bytes, "preview": "…"}``, and the file
``<conversation>.blobs/<sha256>`` holds it as UTF-8.  What UTF-8 cannot hold, and large objects and lists of a line that
is long without a long string, are kept as JSON and say so: ``"encoding": "json"``.

An object of the user's own with such a key is told apart by one more ``$`` on the key.
"""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mcp_tui.errors import StoreFailed
from mcp_tui.history import lines
from mcp_tui.history.fs import NEW, READ, FileSystem
from mcp_tui.history.write import remove_abandoned, write_all

LIMIT = 64 * 1024
"""Bytes of a value that still stands in the line."""
LONG_LINE = 4 * LIMIT
"""Bytes of a line from which on objects and lists larger than `LIMIT` leave it too, the same one once: what a server
answers stands in the result and in the raw message."""
PREVIEW = 400
"""Characters that stay in the line."""
_SHARED_FIELDS = frozenset({"type", "id", "seq", "at", "conversation_id", "turn_id"})
_MARK = b'$blob"'
_KEY = re.compile(r"\$+blob")
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """The side files of one conversation."""

    def __init__(self, directory: Path, fs: FileSystem) -> None:
        self._directory = directory
        self._fs = fs
        self.missed = False
        """Whether a value could not be brought back."""

    def prepare(self, value: dict[str, Any]) -> lines.PreparedLine:
        """The line for an event's object; raises `OSError` when a side file cannot be made durable."""
        value = {key: item if key in _SHARED_FIELDS else self._move_out(item) for key, item in value.items()}
        line = lines.prepare(value)
        if len(line) > LONG_LINE:
            value = {key: item if key in _SHARED_FIELDS else self._move_large(item)[0] for key, item in value.items()}
            line = lines.prepare(value)
        if len(line) <= lines.MAX_LINE:
            return line
        return lines.prepare({key: self._move_whole(key, item) for key, item in value.items()})

    def restore(self, raw: bytes, value: dict[str, Any]) -> dict[str, Any]:
        """Undo `prepare` on the object ``value`` decoded from ``raw``; a lost side file leaves its preview."""
        if _MARK not in raw:
            return value
        loaded: dict[str, Any] = {}
        return {key: self._bring_back(item, loaded) for key, item in value.items()}

    def lost(self, raw: bytes, known: dict[str, bool]) -> list[str]:
        """Names of the values that the line ``raw`` refers to and that are missing or altered.

        ``known`` collects whether a value is there, by name, over many lines.
        """
        if _MARK not in raw:
            return []
        value = lines.decode(raw) or {}
        return list(dict.fromkeys(digest for digest in self._named(value, known) if not known[digest]))

    def _named(self, value: Any, known: dict[str, bool]) -> Iterator[str]:
        match value:
            case {"$blob": str(digest)}:
                data = None
                if digest not in known or value.get("encoding") == "json":
                    data = self._whole(digest, value)
                    known[digest] = data is not None
                yield digest
                if data is not None and value.get("encoding") == "json":
                    yield from self._named(_json(data), known)
            case dict():
                for item in value.values():
                    yield from self._named(item, known)
            case list():
                for item in value:
                    yield from self._named(item, known)

    def _move_out(self, value: Any) -> Any:
        match value:
            case str() if len(value) * 4 > LIMIT:
                return self._move_text(value)
            case dict():
                return {_escape(key): self._move_out(item) for key, item in value.items()}
            case list():
                return [self._move_out(item) for item in value]
        return value

    def _move_large(self, value: Any) -> tuple[Any, int]:
        """Move out the innermost objects and lists that are too large; what is left, and about how long it is.

        One that names a side file stays, so that side files do not name others: its length is then ``-1``.
        """
        match value:
            case {"$blob": str()}:
                return value, -1
            case dict():
                moved: Any = {key: self._move_large(item) for key, item in value.items()}
                left: Any = {key: item for key, (item, _) in moved.items()}
                lengths = [length for _, length in moved.values()] + [len(key) + 4 for key in moved]
            case list():
                moved = [self._move_large(item) for item in value]
                left, lengths = [item for item, _ in moved], [length for _, length in moved]
            case str():
                return value, len(value) + 2
            case _:
                return value, 8
        if -1 in lengths:
            return left, -1
        if sum(lengths) + len(lengths) <= LIMIT:
            return left, sum(lengths) + len(lengths)
        data = lines.dumps(left).encode("ascii")
        if len(data) <= LIMIT:
            return left, len(data)
        return self._store(data, data[:PREVIEW].decode("ascii"), encoding="json"), -1

    def _move_text(self, text: str) -> Any:
        try:
            data, extra = text.encode("utf-8"), {}
        except UnicodeEncodeError:
            data, extra = lines.dumps(text).encode("ascii"), {"encoding": "json"}
        return text if len(data) <= LIMIT else self._store(data, text[:PREVIEW], **extra)

    def _move_whole(self, key: str, value: Any) -> Any:
        if key in _SHARED_FIELDS or not isinstance(value, (dict, list)):
            return value
        data = lines.dumps(value).encode("ascii")
        if len(data) <= LIMIT:
            return value
        return self._store(data, data[:PREVIEW].decode("ascii"), encoding="json")

    def _store(self, data: bytes, preview: str, **extra: str) -> dict[str, Any]:
        digest = hashlib.sha256(data).hexdigest()
        if not self._has(digest, len(data)):
            self._write(digest, data)
        self._fs.sync_directory(self._directory)
        return {"$blob": digest, "size": len(data), "preview": preview, **extra}

    def _has(self, digest: str, size: int) -> bool:
        """True when the file is there; its data was durable before it got its name."""
        try:
            return self._fs.lstat(self._directory / digest).st_size == size
        except OSError:
            return False

    def _write(self, digest: str, data: bytes) -> None:
        self._make_directory()
        remove_abandoned(self._fs, self._directory)
        temporary = self._directory / f"{digest}.{os.getpid()}.{os.urandom(4).hex()}.tmp"
        fd = self._fs.open(temporary, NEW)
        try:
            self._fs.fchmod(fd, 0o600)
            write_all(self._fs, fd, data)
            self._fs.fsync(fd)
            self._fs.replace(temporary, self._directory / digest)
        except BaseException:
            with suppress(OSError):
                self._fs.unlink(temporary)
            raise
        finally:
            self._fs.close(fd)

    def _make_directory(self) -> None:
        self._fs.mkdir(self._directory)
        if not stat.S_ISDIR(self._fs.lstat(self._directory).st_mode):
            raise StoreFailed(f"{self._directory} is not a plain directory.", hint="Move it away; nothing was written.")

    def _bring_back(self, value: Any, loaded: dict[str, Any]) -> Any:
        """``loaded``: values of side files that were read already; the same one is one object."""
        match value:
            case {"$blob": str(digest)}:
                key = f"{digest} {value.get('size')} {value.get('encoding')}"
                if key not in loaded:
                    loaded[key] = self._load(digest, value, loaded)
                return loaded[key]
            case dict():
                return {_unescape(key): self._bring_back(item, loaded) for key, item in value.items()}
            case list():
                return [self._bring_back(item, loaded) for item in value]
        return value

    def _load(self, digest: str, reference: dict[str, Any], loaded: dict[str, Any]) -> Any:
        data = self._whole(digest, reference)
        if data is None:
            self.missed = True
            return f"{reference.get('preview', '')}\n[the rest of {reference.get('size', '?')} bytes is lost: {digest}]"
        if reference.get("encoding") != "json":
            return data.decode("utf-8", "replace")
        return self._bring_back(_json(data), loaded)

    def _whole(self, digest: str, reference: dict[str, Any]) -> bytes | None:
        data = self._read(digest, reference.get("size")) if _SHA256.fullmatch(digest) else None
        return data if data is not None and hashlib.sha256(data).hexdigest() == digest else None

    def _read(self, digest: str, size: object) -> bytes | None:
        path = self._directory / digest
        try:
            fd = self._fs.open(path, READ)
        except OSError:
            return None
        try:
            state = self._fs.fstat(fd)
            plain = stat.S_ISREG(state.st_mode) and state.st_size == size
            return _read_all(self._fs, fd, state.st_size) if plain else None
        except OSError:
            return None
        finally:
            self._fs.close(fd)


def _read_all(fs: FileSystem, fd: int, size: int) -> bytes:
    parts: list[bytes] = []
    done = 0
    while done < size and (part := fs.pread(fd, size - done, done)):
        parts.append(part)
        done += len(part)
    return b"".join(parts)


def _json(data: bytes) -> Any:
    value = lines.decode(b'{"value":%b}' % data)
    return value["value"] if value else data.decode("ascii", "replace")


def _escape(key: str) -> str:
    return f"${key}" if _KEY.fullmatch(key) else key


def _unescape(key: str) -> str:
    return key[1:] if key.startswith("$$") and _KEY.fullmatch(key) else key
