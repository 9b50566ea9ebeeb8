"""The line format: one event, one line of ASCII JSON, closed by its checksum.

    {"type":"user_message","id":"01m7…","seq":3,"at":"2026-…Z",…,"crc":"9d5f0c1a"}

``crc`` is the CRC32 of the line without its last member, so of the bytes before ``,"crc"`` followed
by ``}``.  ASCII holds any text, half a surrogate pair included, and is valid UTF-8 in every locale.

Reading never raises because of content: what is torn, damaged, foreign or too long is set aside.  What an editor
may have put around good lines, a mark at the beginning and carriage returns, is passed over.
"""

from __future__ import annotations

import json
import math
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

MAX_LINE = 16 * 1024 * 1024
"""Bytes.  Longer lines are not written and not read; `blobs` keeps events below it."""

_CHUNK = 1024 * 1024
_CRC_LENGTH = len(b',"crc":"00000000"}')
_BLANK = b"\0\r\t "
_MARK = b"\xef\xbb\xbf"
_HEAD = re.compile(rb'\{"type":"([a-z0-9_]+)","id":"([^"\\]*)","seq":([0-9]{1,15}),"at":"([^"\\]*)"')
_LARGEST_SEQ = 10**15
_JS_SAFE_DIGITS = 4000
"""Integers with more digits are refused by Python's own JSON reader."""
_ENCODER = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True, slots=True)
class PreparedLine:
    """A line that lacks only its sequence number."""

    head: bytes
    tail: bytes

    def __len__(self) -> int:
        return len(self.head) + len(self.tail) + 20 + _CRC_LENGTH

    def numbered(self, seq: int) -> bytes:
        """The whole line, newline included."""
        body = b"%b%d%b" % (self.head, seq, self.tail)
        return b'%b,"crc":"%08x"}\n' % (body, zlib.crc32(b"}", zlib.crc32(body)))


@dataclass(frozen=True, slots=True)
class RawLine:
    """A piece of a file between newlines."""

    number: int
    """From 1."""
    offset: int
    end: int
    """Offset after its newline."""
    raw: bytes
    """Without newline and blank borders; empty when it was too long to be held."""
    finished: bool
    """False for a last line without a newline: somebody is writing it, or died doing so."""
    too_long: bool = False


@dataclass(frozen=True, slots=True)
class LineHead:
    """What is known of an event without decoding all of it."""

    type: str
    id: str
    seq: int
    at: str


def dumps(value: Any) -> str:
    """``value`` as compact ASCII JSON; numbers that JSON cannot carry become strings ("NaN", "0x…").

    Raises `ValueError` for values nested too deeply.
    """
    try:
        return _dumps(value)
    except ValueError:
        return _dumps(_carryable(value))
    except RecursionError:
        raise ValueError("nested too deeply") from None


def prepare(value: dict[str, Any]) -> PreparedLine:
    """The line for an event's object (`mcp_tui.events.codec.to_object`)."""
    rest = {key: field for key, field in value.items() if key not in ("type", "id", "seq", "crc")}
    head = f'{{"type":{dumps(value["type"])},"id":{dumps(value["id"])},"seq":'
    return PreparedLine(head.encode("ascii"), f",{dumps(rest)[1:-1]}".encode("ascii"))


def problem_of(line: RawLine) -> str:
    """Why a line is no readable event; empty when its checksum holds."""
    if line.too_long:
        return f"longer than {MAX_LINE} bytes"
    if not line.finished:
        return "unfinished"
    return checksum_problem(line.raw)


def checksum_problem(raw: bytes) -> str:
    """What is wrong with the bytes of a line; empty when its checksum holds."""
    body, member = raw[:-_CRC_LENGTH], raw[-_CRC_LENGTH:]
    if not raw.startswith(b"{"):
        return "not an event"
    if not (member.startswith(b',"crc":"') and member.endswith(b'"}')):
        return "incomplete"
    return "" if member[8:16] == b"%08x" % zlib.crc32(b"}", zlib.crc32(body)) else "checksum does not match"


def head_of(raw: bytes) -> LineHead | None:
    """The head of a line whose checksum holds; None when it is no event."""
    match = _HEAD.match(raw)
    if match is not None:
        kind, event_id, seq, at = match.groups()
        return LineHead(kind.decode(), event_id.decode(), int(seq), at.decode())
    value = decode(raw) or {}
    found = (value.get("type"), value.get("id"), value.get("seq"), value.get("at"))
    match found:
        case (str(kind), str(event_id), int(seq), str(at)) if 0 < seq < _LARGEST_SEQ:
            return LineHead(kind, event_id, seq, at)
    return None


def decode(raw: bytes) -> dict[str, Any] | None:
    """The object in a line, without its checksum; None when it is not one."""
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, dict):
        return None
    value.pop("crc", None)
    return value


def read_lines(pread: Callable[[int, int], bytes], *, offset: int = 0, number: int = 1) -> Iterator[RawLine]:
    """The lines of a file from ``offset``, which starts line ``number``; blank ones are left out.

    ``pread(size, offset)`` reads.  Memory stays bounded by `MAX_LINE` whatever the file holds.
    """
    position = start = offset
    held = bytearray()
    while chunk := pread(_CHUNK, position):
        *closed, rest = chunk.split(b"\n")
        for piece in closed:
            end = position + len(piece) + 1
            line = _line(number, start, end, held, piece, finished=True)
            if line is not None:
                yield line
            held.clear()
            number, start, position = number + 1, end, end
        position += len(rest)
        if len(held) <= MAX_LINE:
            held += rest
    if position > start:
        line = _line(number, start, position, held, b"", finished=False)
        if line is not None:
            yield line


def read_blocks(
    pread: Callable[[int, int], bytes], start: int, stop: int, size: int = 4 * _CHUNK
) -> Iterator[tuple[bytes, int]]:
    """Finished lines from ``start``, many at a time, each block with the offset after it; up to ``stop``.

    For whoever looks for a few lines only: a block is searched as a whole.  Of a line longer than `MAX_LINE`
    only an end is left, which is no event.  What an editor left is newlines here, so that every line stands where it
    stands in the file, between two of them.
    """
    held, position = b"", start
    while position < stop and (chunk := pread(min(size, stop - position), position)):
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield _plain(held + chunk[:cut], at_start=position == len(held)), position + cut
            held = b""
        held += chunk[cut:]
        position += len(chunk)
        if len(held) > MAX_LINE:
            held = b"\0"


def _plain(block: bytes, *, at_start: bool) -> bytes:
    if at_start and block.startswith(_MARK):
        block = b"\n" * len(_MARK) + block.removeprefix(_MARK)
    return block.replace(b"\r\n", b"\n\n") if b"\r" in block else block


def _line(number: int, start: int, end: int, held: bytearray, piece: bytes, *, finished: bool) -> RawLine | None:
    if end - start - finished > MAX_LINE:
        return RawLine(number, start, end, b"", finished, too_long=True)
    whole = bytes(held) + piece if held else piece
    if not start:
        whole = whole.removeprefix(_MARK)
    raw = whole.strip(_BLANK)
    return RawLine(number, start, end, raw, finished) if raw or b"\0" in whole else None


def _dumps(value: Any) -> str:
    return _ENCODER.encode(value)


def _carryable(value: Any) -> Any:
    match value:
        case dict():
            return {key: _carryable(item) for key, item in value.items()}
        case list() | tuple():
            return [_carryable(item) for item in value]
        case float() if not math.isfinite(value):
            return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
        case int() if value.bit_length() > _JS_SAFE_DIGITS * 3:
            return f"{value:#x}"
    return value
