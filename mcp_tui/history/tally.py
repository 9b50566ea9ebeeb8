"""What a list needs to know of one file, counted by how lines begin and whole blocks at a time.

A gigabyte takes a few seconds: only the few lines that name a conversation are checked and decoded, of an
answer and of a call the model, the cost and the server are read where they stand.  Damaged lines may be counted.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mcp_tui.events.base import SCHEMA_VERSION
from mcp_tui.history import lines

_NEAR = 20
"""Lines from a border that are tried for a time."""
_ANY = b'\n{"type":"'
_USER_MESSAGE = _ANY + b'user_message"'
_ASSISTANT_MESSAGE = _ANY + b'assistant_message"'
_TOOL_CALL = _ANY + b'tool_call_proposed"'
_NAMING = tuple(
    _ANY + kind
    for kind in (b'conversation_created"', b'conversation_titled"', b'conversation_tagged"', b'model_selected"')
)
_MODEL, _SERVER, _COST = b',"model":"', b',"server":"', b',"cost":'
_HEAD, _TAIL = 2_000, 600
"""Bytes of a line in which its model or server, and its cost, are looked for."""


@dataclass(slots=True)
class Tally:
    """What is known of one file; plain values, so that the cache is a list of them."""

    inode: int = 0
    size: int = 0
    modified_ns: int = 0
    read_to: int = 0
    """End of the last finished line that is counted here."""
    mark: str = ""
    """The last bytes before it, which hold that line's checksum: a file that compaction put in the place of another
    one may have the number of an earlier one."""
    events: int = 0
    user_messages: int = 0
    answers: int = 0
    tool_calls: int = 0
    title: str | None = None
    model: str | None = None
    demo: bool = False
    newer_schema: bool = False
    cost: float | None = None
    first_at: str = ""
    last_at: str = ""
    models: list[str] = field(default_factory=list)
    servers: list[str] = field(default_factory=list)
    tags: list[str] | None = None
    """``None`` where the file says nothing of tags."""
    origin: dict[str, Any] | None = None
    copied_messages: int = 0
    """Of those above; so many, and the next two, came with the events that were copied from elsewhere."""
    copied_calls: int = 0
    copied_cost: float | None = None
    copies_end: bool = False
    """Whether an event that was not copied has been seen."""

    def add(self, block: bytes) -> None:
        """Take note of finished lines."""
        text = b"\n" + block
        self.events += text.count(_ANY)
        self.user_messages += text.count(_USER_MESSAGE)
        for start in _places(text, _ASSISTANT_MESSAGE):
            self.answers += 1
            self._add_answer(text, start)
        for start in _places(text, _TOOL_CALL):
            self.tool_calls += 1
            _note(self.servers, _near_head(text, start, _SERVER))
        for start in sorted(place for kind in _NAMING for place in _places(text, kind)):
            raw = _line_at(text, start)
            if not lines.checksum_problem(raw):
                self._add_fields(lines.decode(raw) or {})
        if self.origin is not None and not self.copies_end:
            self._add_copies(text)
        self.first_at = self.first_at or _time_of(text, forward=True)
        self.last_at = _time_of(text, forward=False) or self.last_at

    def _add_answer(self, text: bytes, start: int) -> None:
        _note(self.models, _near_head(text, start, _MODEL))
        if (cost := _cost_of(text, start)) is not None:
            self.cost = (self.cost or 0.0) + cost

    def _add_copies(self, text: bytes) -> None:
        """Of these lines, those that were copied: the numbers after the first event's, as many as its origin says."""
        copied = self.origin.get("copied") if self.origin is not None else None
        last = 1 + copied if type(copied) is int else 0
        end = 0
        while end < len(text) - 1 and not self.copies_end:
            head = lines.head_of(_line_at(text, end))
            self.copies_end = head is not None and head.seq > last
            if not self.copies_end:
                end = text.index(b"\n", end + 1)
        part = text[: end + 1]
        self.copied_messages += part.count(_USER_MESSAGE) + part.count(_ASSISTANT_MESSAGE)
        self.copied_calls += part.count(_TOOL_CALL)
        for start in _places(part, _ASSISTANT_MESSAGE):
            if (cost := _cost_of(part, start)) is not None:
                self.copied_cost = (self.copied_cost or 0.0) + cost

    def _add_fields(self, value: dict[str, Any]) -> None:
        if isinstance(title := value.get("title"), str):
            self.title = title
        if isinstance(model := value.get("model"), str):
            self.model = model
            _note(self.models, model)
        if isinstance(tags := value.get("tags"), list):
            self.tags = [tag for tag in tags if isinstance(tag, str)]
        if isinstance(origin := value.get("origin"), dict):
            self.origin = origin
        if isinstance(version := value.get("schema_version"), int):
            self.newer_schema |= version > SCHEMA_VERSION
        self.demo |= value.get("demo") is True


def _note(names: list[str], name: object) -> None:
    if isinstance(name, str) and name and name not in names:
        names.append(name)


def _near_head(text: bytes, start: int, key: bytes) -> object:
    """The text behind ``key`` where only plain fields stand before it, as we write them; else of the decoded line.

    A quotation mark inside of a string has a backslash before it: ``key`` is found between fields only.
    """
    place = text.find(key, start, start + _HEAD)
    if place >= 0 and text.find(b"{", start + 2, place) < 0:
        first = place + len(key)
        value = text[first : text.find(b'"', first)]
        if b"\\" not in value and b"\n" not in value:
            return value.decode("ascii", "replace")
    return (lines.decode(_line_at(text, start)) or {}).get(key[2:-3].decode())


def _cost_of(text: bytes, start: int) -> float | None:
    cost = _near_end(text, start)
    return float(cost) if isinstance(cost, (int, float)) and not isinstance(cost, bool) else None


def _near_end(text: bytes, start: int) -> object:
    """The cost of an answer, where only plain fields stand behind it; else of the decoded line."""
    end = text.index(b"\n", start + 1)
    place = text.rfind(_COST, max(start, end - _TAIL), end)
    if place >= 0 and text.find(b"}", place, end) == end - 1:
        first = place + len(_COST)
        value = text[first : text.find(b",", first, end)]
        try:
            return None if value == b"null" else float(value)
        except ValueError:
            pass
    return (lines.decode(text[start + 1 : end]) or {}).get("cost")


def _places(text: bytes, pattern: bytes) -> Iterator[int]:
    start = text.find(pattern)
    while start >= 0:
        yield start
        start = text.find(pattern, start + 1)


def _line_at(text: bytes, start: int) -> bytes:
    return text[start + 1 : text.index(b"\n", start + 1)]


def _time_of(text: bytes, *, forward: bool) -> str:
    """The time of the first or the last good line, if that is near the border."""
    start = -1 if forward else len(text)
    for _ in range(_NEAR):
        start = text.find(_ANY, start + 1) if forward else text.rfind(_ANY, 0, start)
        if start < 0:
            return ""
        raw = _line_at(text, start)
        head = None if lines.checksum_problem(raw) else lines.head_of(raw)
        if head is not None:
            return head.at
    return ""
