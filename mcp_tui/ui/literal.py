"""Outside text as literal content: no widget is ever given a string it might read as markup (requirement J2)."""

from __future__ import annotations

import json
import re
from typing import Any

from textual.content import Content

from mcp_tui.safety.text import MAX_MARKS, is_mark, prose, strict

_JSON_TOKEN = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*")(?=\s*:)|(?P<text>"(?:[^"\\]|\\.)*(?:"|\\?\Z))|(?P<number>-?\d[\d.eE+-]*)|(?P<word>true|false|null)',
    re.DOTALL,
)
"""A text may be cut off: looked for its end from each of its quotes, a long one would take minutes."""

_JSON_STYLES = {"key": "$role-user", "text": "$success", "number": "$accent", "word": "$secondary"}


def readable(text: str, style: str = "") -> Content:
    """Text for reading."""
    return Content.styled(prose(text), style)


def exact(text: str, style: str = "", *, one_line: bool = True) -> Content:
    """Text to rely on: names, arguments, commands; what hides is spelled out."""
    return Content.styled(strict(text, one_line), style)


def to_json(value: Any, *, indent: int | None = 2) -> str:
    """``value`` as JSON that parses back to it, with every character that hides written as its escape."""
    return _escaped(json.dumps(value, ensure_ascii=False, indent=indent, default=str))


def to_json_part(value: Any, most: int) -> str:
    """The first part of what `to_json` makes, made no further than ``most`` characters and a little more."""
    pieces: list[str] = []
    length = 0
    for piece in json.JSONEncoder(ensure_ascii=False, indent=2, default=str).iterencode(value):
        pieces.append(piece[: most + 1])
        length += len(pieces[-1])
        if length > most:
            break
    return _escaped("".join(pieces))


def _escaped(text: str) -> str:
    if text.isascii():
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        marks = marks + 1 if is_mark(char) else 0
        hidden = marks > MAX_MARKS or (char != "\n" and strict(char) != char)
        out.append(json.dumps(char)[1:-1] if hidden else char)
    return "".join(out)


def json_content(text: str) -> Content:
    """JSON text with its tokens coloured; ``text`` comes from `to_json`."""
    parts: list[str | tuple[str, str]] = []
    end = 0
    for match in _JSON_TOKEN.finditer(text):
        if match.start() > end:
            parts.append(text[end : match.start()])
        parts.append((match[0], _JSON_STYLES[match.lastgroup or "text"]))
        end = match.end()
    parts.append(text[end:])
    return Content.assemble(*parts)
