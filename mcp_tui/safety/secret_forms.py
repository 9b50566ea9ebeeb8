r"""The forms in which a configured secret turns up: escaped in JSON, in a URL, in base64, in another case.

A character of a secret may be written as itself, as a JSON escape (``\u0041``, also escaped again) or percent-encoded,
each on its own, so a mixture is found too.  Base64 is found at each of the three alignments that it can have inside of
a longer text, such as ``user:password`` of a header.
"""

from __future__ import annotations

import base64
import re
from functools import lru_cache
from urllib.parse import unquote

ANY_CASE_FROM = 12
"""A secret of at least so many characters is found in any case: header names and hosts are lowered on their way."""

BASE64_FROM = 8
"""Fewer characters of base64 that are certain would be found in ordinary data."""

LINE_FROM = 16
"""A line of a secret of several lines counts as a secret of its own from this length on."""

_BACKSLASHES = r"\\{1,8}"
_SHORT_ESCAPES = {"\n": "n", "\r": "r", "\t": "t", "\b": "b", "\f": "f"}
_ENDS_IN_ESCAPE = re.compile(
    r"(?:\\{1,8}(?:u[0-9a-fA-F]{0,4}(?:\\{0,8}|\\{1,8}u[0-9a-fA-F]{0,4}))?|%[0-9a-fA-F%]{0,24})\Z"
)


@lru_cache(maxsize=1024)
def _written(char: str) -> tuple[str, ...]:
    """Patterns of every way to write ``char``."""
    return re.escape(char), *_escapes(char)


def _escapes(char: str) -> list[str]:
    units = char.encode("utf-16-be", "surrogatepass")
    codes = [units[i : i + 2].hex() for i in range(0, len(units), 2)]
    ways = ["".join(f"{_BACKSLASHES}u{_any_case(code)}" for code in codes)]
    octets = char.encode("utf-8", "surrogatepass")
    ways.append("".join(f"%(?:25)*{_any_case(f'{octet:02x}')}" for octet in octets))
    if char == "\n":
        ways.append(r"\r\n")
    if char in _SHORT_ESCAPES:
        ways.append(_BACKSLASHES + _SHORT_ESCAPES[char])
    elif char in "\"\\/'":
        ways.append(_BACKSLASHES + re.escape(char))
    elif char == " ":
        ways.append(r"\+")
    return ways


def _any_case(hexadecimal: str) -> str:
    return "".join(f"[{digit}{digit.upper()}]" if digit.isalpha() else digit for digit in hexadecimal)


@lru_cache(maxsize=1024)
def _ways(char: str, any_case: bool) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(way, re.IGNORECASE if any_case else 0) for way in _written(char))


_UNICODE_ESCAPE = re.compile(r"\\{1,8}u([0-9a-fA-F]{4})")
_PERCENT_AGAIN = re.compile(r"%(?:25)+(?=[0-9a-fA-F]{2})")


def readings(text: str) -> list[str]:
    """``text`` read as JSON, and as part of a URL: only to look for a secret that is read in the same way.

    What JSON writes with a backslash is left as its letter, so that it does not matter how often it was escaped.
    """
    return [_as_json(text), _as_json(unquote(_PERCENT_AGAIN.sub("%", text), errors="replace").replace("+", " "))]


def _as_json(text: str) -> str:
    text = _UNICODE_ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    for char, letter in _SHORT_ESCAPES.items():
        text = text.replace(char, letter)
    return text.replace("\\", "").lower()


def base64_cores(secret: str) -> set[str]:
    """What is certain of the base64 of any text that holds ``secret``: one core for each alignment, both alphabets."""
    octets = secret.encode("utf-8", "surrogatepass")
    cores = set()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + octets).decode().rstrip("=")
        first = (before * 8 + 5) // 6
        last = (before + len(octets)) * 8 // 6
        core = encoded[first:last]
        if len(core) >= BASE64_FROM:
            cores |= {core, core.replace("+", "-").replace("/", "_")}
    return cores


class SecretForm:
    """One secret and its patterns."""

    __slots__ = ("_lowered", "_readings", "any_case", "text")

    def __init__(self, text: str) -> None:
        self.text = text
        self.any_case = len(text) >= ANY_CASE_FROM
        self._lowered = text.lower()
        self._readings = readings(text)

    def stands_in(self, text: str, lowered: str, read: list[str]) -> bool:
        """Whether it may stand in ``text``, which is also given in lower case and, where it has escapes, as read."""
        return (self._lowered in lowered if self.any_case else self.text in text) or any(
            mine in theirs for mine, theirs in zip(self._readings, read, strict=False)
        )

    def written(self) -> str:
        """A pattern of every way to write it."""
        chars = ("(?:" + "|".join(_written(char)) + ")" for char in self.text)
        return ("(?i:" if self.any_case else "(?:") + "".join(chars) + ")"

    def begins(self, text: str, start: int) -> bool:
        """Whether ``text`` from ``start`` to its end may be an unfinished way to write it."""
        positions = {start}
        for left, char in zip(range(len(self.text) - 1, -1, -1), self.text, strict=True):
            if any(_ENDS_IN_ESCAPE.match(text, position) for position in positions):
                return True
            ways = _ways(char, self.any_case)
            positions = {match.end() for position in positions for way in ways if (match := way.match(text, position))}
            if not positions:
                return False
            if left and len(text) in positions:
                return True
        return False


def forms_of(secrets: set[str]) -> list[str]:
    """``secrets``, and what of them counts alone: without blanks around, and the long lines of several lines."""
    found = set(secrets)
    for secret in secrets:
        found.add(secret.strip())
        if "\n" in secret:
            lines = (line.strip() for line in secret.splitlines())
            found |= {line for line in lines if len(line) >= LINE_FROM and not line.startswith("-----")}
    return sorted(found, key=len, reverse=True)
