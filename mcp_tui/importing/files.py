"""Which program wrote a file, and the conversations in it, one at a time."""

from __future__ import annotations

import codecs
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Any

from mcp_tui.errors import UsageError
from mcp_tui.importing import chatgpt, claude, own
from mcp_tui.importing.base import Imported, Malformed, NotRead
from mcp_tui.importing.elements import NotJson, decoded, elements

Read = Callable[[dict[str, Any]], Imported]

MOST_OBJECT = 512 * 1024 * 1024
"""Bytes of a file that is one JSON object: it is read as a whole."""
MOST_BYTES = 8 * 1024 * 1024 * 1024
"""Bytes of a file of many, also when it comes out of a zip file."""
_BLOCK = 1 << 20

_MEMBER = re.compile(r"(?:.*/)?conversations(?:[-_]\d+)?\.json", re.IGNORECASE)
_JOURNAL_LINE = re.compile(rb'\s*\{"type":"[a-z_]+","id":"[^"]*","seq":\d+,')
EXPECTED = (
    "A file of another mcp-tui (.jsonl, or its JSON export), or ChatGPT's or Claude's conversations.json, "
    "also inside their zip file."
)


def is_journal(path: Path) -> bool:
    """Whether it is a conversation's own file, copied from somewhere.  Raises `UsageError` when it is no file."""
    try:
        if not path.is_file():
            if path.is_dir():
                raise UsageError(f"{path} is a folder.", hint="Name the files in it.")
            raise UsageError(f"{path} {'is no file' if path.exists() else 'is not there'}.")
        with path.open("rb") as file:
            return path.suffix == ".jsonl" or _JOURNAL_LINE.match(file.read(4096)) is not None
    except OSError as error:
        raise _unreadable(path, error) from None


def conversations(path: Path) -> Iterator[Imported | NotRead]:
    """What a file that is no journal holds.  Raises `UsageError`, in the middle too: what came before is good."""
    try:
        if zipfile.is_zipfile(path):
            yield from _zipped(path)
            return
        with path.open("rb") as file:
            yield from _document(path, file)
    except OSError as error:
        raise _unreadable(path, error) from None


def _zipped(path: Path) -> Iterator[Imported | NotRead]:
    """Members are read, never unpacked: their paths do not matter."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = [member for member in archive.infolist() if _MEMBER.fullmatch(member.filename)]
            if not found:
                raise UsageError(f"{path} holds no conversations.json.", hint=EXPECTED)
            for member in sorted(found, key=lambda member: member.filename):
                with archive.open(member) as file:
                    yield from _document(path, file)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise UsageError(f"{path} cannot be unpacked: {error}.", hint="Unpack it and name the file in it.") from None


def _document(path: Path, file: IO[bytes]) -> Iterator[Imported | NotRead]:
    try:
        following = codecs.iterdecode(_blocks(path, file), "utf-8-sig")
        head = next((piece for piece in following if piece.strip()), "")
        pieces = chain([head], following)
        match head.lstrip()[:1]:
            case "[":
                yield from _list(path, pieces)
            case "{":
                yield from _object(path, pieces)
            case _:
                raise UsageError(f"{path} is nothing that can be imported.", hint=EXPECTED)
    except NotJson as error:
        raise UsageError(f"{path} is damaged JSON: {error}.", hint=EXPECTED) from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not UTF-8 text.", hint=EXPECTED) from None


def _blocks(path: Path, file: IO[bytes]) -> Iterator[bytes]:
    left = MOST_BYTES
    while block := file.read(_BLOCK):
        left -= len(block)
        if left < 0:
            raise UsageError(f"{path} holds more than {MOST_BYTES // 1024**3} GB.", hint=EXPECTED)
        yield block


def _list(path: Path, pieces: Iterable[str]) -> Iterator[Imported | NotRead]:
    yield from _entries(path, elements(pieces))


def _entries(path: Path, values: Iterable[Any]) -> Iterator[Imported | NotRead]:
    """Entries that are no conversation are told; where the first one is none, the file is another one."""
    read: Read | None = None
    for number, value in enumerate(values, 1):
        read = _reader_of(value) or read
        if read is None:
            raise UsageError(f"{path} is a list, but not one of conversations.", hint=EXPECTED)
        yield _entry(read, value, f"conversation {number}")


def _object(path: Path, pieces: Iterable[str]) -> Iterator[Imported | NotRead]:
    """One conversation, or all of them under a key."""
    held: list[str] = []
    for piece in pieces:
        held.append(piece)
        if len(held) * _BLOCK > MOST_OBJECT:
            raise UsageError(f"{path} is longer than {MOST_OBJECT // 1024**2} MB.", hint=EXPECTED)
    value = decoded("".join(held), "it")
    if (read := _reader_of(value)) is not None:
        yield _entry(read, value, "it")
    elif isinstance(several := value.get("conversations"), list):
        yield from _entries(path, several)
    else:
        raise UsageError(f"{path} is JSON, but no conversation that is known.", hint=EXPECTED)


def _reader_of(value: Any) -> Read | None:
    return next((module.read for module in (own, chatgpt, claude) if module.is_conversation(value)), None)


def _entry(read: Read, value: Any, place: str) -> Imported | NotRead:
    try:
        if _reader_of(value) is None:
            raise Malformed("it is no conversation")
        return read(value)
    except Malformed as error:
        return NotRead(place, str(error))


def _unreadable(path: Path, error: OSError) -> UsageError:
    return UsageError(f"{path} cannot be read: {error.strerror or type(error).__name__}.")
