"""Strict JSON (RFC 8259) with the place of every value.

The standard library's reader forgets positions and silently takes the last of two equal keys.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from json import JSONDecodeError, JSONDecoder
from pathlib import Path
from typing import Any

from mcp_tui.config.problems import FieldPath
from mcp_tui.config.source import AGAIN, MAX_DEPTH, MAX_INTEGER, Document, Mark, Unreadable, syntax_problem, too_deep

_SPACE = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_+.\-0-9]+")
_DECODER = JSONDecoder()
_CONSTANTS = {"true": True, "false": False, "null": None}


class _Reader:
    def __init__(self, file: Path, text: str) -> None:
        self.document = Document(file, text)
        self.text = text
        self.at = 0
        self.lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self.lines, offset)
        return line, offset - self.lines[line - 1] + 1

    def mark(self, start: int) -> Mark:
        return Mark(*self.place(start), start, self.at)

    def fail(self, message: str, hint: str = "") -> Unreadable:
        return syntax_problem(self.document.file, f"is not valid JSON: {message}", *self.place(self.at), hint)

    def peek(self) -> str:
        self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
        char = self.text[self.at : self.at + 1]
        if char in ("/", "#"):
            raise self.fail("a comment", "JSON has no comments: remove it.")
        return char

    def whole(self) -> Document:
        self.document.data = self.value(())
        if self.peek():
            raise self.fail("text after the end of the value")
        return self.document

    def value(self, path: FieldPath) -> Any:
        char, start = self.peek(), self.at
        if char in ("{", "["):
            if len(path) >= MAX_DEPTH:
                raise too_deep(self.document.file, path, *self.place(start))
            result: Any = self.object(path) if char == "{" else self.array(path)
        elif char == '"':
            result = self.string()
        else:
            result = self.word(path)
        self.document.values[path] = self.mark(start)
        return result

    def object(self, path: FieldPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        self.at += 1
        if self.peek() == "}":
            self.at += 1
            return result
        while True:
            name, duplicate = self.key(path)
            value = self.value((*path, name + AGAIN if duplicate else name))
            if not duplicate:
                result[name] = value
            if self.separator("}"):
                return result

    def key(self, path: FieldPath) -> tuple[str, bool]:
        if self.peek() != '"':
            hint = "Remove the comma before it." if self.peek() == "}" else "Names stand in double quotes."
            raise self.fail("a field name in double quotes belongs here", hint)
        start = self.at
        name = self.string()
        key_path, mark = (*path, name), self.mark(start)
        duplicate = key_path in self.document.keys
        if duplicate:
            self.document.duplicate(key_path, mark)
        else:
            self.document.keys[key_path] = mark
        if self.peek() != ":":
            raise self.fail(f'a colon belongs after "{name[:40]}"')
        self.at += 1
        return name, duplicate

    def array(self, path: FieldPath) -> list[Any]:
        result: list[Any] = []
        self.at += 1
        if self.peek() == "]":
            self.at += 1
            return result
        while True:
            if self.peek() == "]":
                raise self.fail("a value belongs here", "Remove the comma before it.")
            result.append(self.value((*path, len(result))))
            if self.separator("]"):
                return result

    def separator(self, closing: str) -> bool:
        char = self.peek()
        if char not in (",", closing) or not char:
            raise self.fail(f"a comma or `{closing}` belongs here")
        self.at += 1
        return char == closing

    def string(self) -> str:
        try:
            text, self.at = _DECODER.raw_decode(self.text, self.at)
        except JSONDecodeError as error:
            self.at = min(error.pos, len(self.text))
            raise self.fail(error.msg.lower()) from None
        return str(text)

    def word(self, path: FieldPath) -> Any:
        match, start = _WORD.match(self.text, self.at), self.at
        if match is None:
            raise self.fail("a value belongs here" if self.at < len(self.text) else "it ends too early")
        if match[0] in _CONSTANTS:
            self.at = match.end()
            return _CONSTANTS[match[0]]
        if not _NUMBER.fullmatch(match[0]):
            raise self.fail(f"`{_glimpse(match[0])}` is not a JSON value", "Text stands in double quotes.")
        self.at = match.end()
        number = float(match[0]) if set(match[0]) & set(".eE") else int(match[0][:40])
        if not math.isfinite(number) or abs(number) > MAX_INTEGER:
            hint = "Text stands in double quotes."
            self.document.refuse(path, "is a number too large to be meant", hint, self.mark(start))
            return 0
        return number


def _glimpse(word: str) -> str:
    """A word that may be a key someone forgot to quote: only short ones are shown whole."""
    return word if len(word) <= 10 else f"{word[:3]}..."


def parse_json(file: Path, text: str) -> Document:
    """Parse a text; raises `Unreadable` for a syntax error, notes duplicate keys in the document's ``problems``.

    An empty text gives ``None`` as data.
    """
    if not text.strip():
        return Document(file, text)
    return _Reader(file, text).whole()
