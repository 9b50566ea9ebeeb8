"""Outside text made harmless for a terminal.

No escape *sequence* is parsed: every dangerous code point is replaced on its own, so nothing can be
smuggled through a difference between parsers or by splitting a sequence over two chunks.

``prose``   what is read: chat text, results.  Invisible code points vanish or become a visible stand-in;
            joiners and selectors that scripts and emoji need stay.
``strict``  what is approved or relied on: names, commands, arguments, URLs.  Every code point that a
            reader would not see is spelled out as ``<U+XXXX>``.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

MAX_MARKS = 8
"""Combining marks kept on one character; more only serve to cover other lines."""

_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
_BLANKS = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0")
"""Letters and marks of other categories that show nothing."""

_MARK, _KEEP_AFTER_BASE = "mark", "keep-after-base"


def _is_selector(code: int) -> bool:
    return 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or 0x180B <= code <= 0x180F


def _hidden(char: str, category: str) -> bool:
    """Whether a reader would not see ``char``, or a terminal would act on it."""
    return (
        category in ("Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp")
        or (category == "Zs" and char != " ")
        or char in _BLANKS
        or _is_selector(ord(char))
    )


@lru_cache(maxsize=8192)
def _prose_char(char: str) -> str:
    """The stand-in for one character of prose, or one of the two markers above."""
    code, category = ord(char), unicodedata.category(char)
    if char in _JOINERS:
        return _KEEP_AFTER_BASE
    if _hidden(char, category):
        if code < 0x20:
            return chr(0x2400 + code)
        if code == 0x7F:
            return "\u2421"
        if category == "Zs":
            return " "
        if category in ("Zl", "Zp") or code == 0x85:
            return "\n"
        return "\ufffd" if category in ("Cc", "Cs", "Cn", "Co") else ""
    return _MARK if category in ("Mn", "Me") else char


def prose(text: str) -> str:
    """``text`` for reading.  Newlines stay, tabs become spaces, carriage returns before newlines go."""
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks, base = 0, ""
    for char in text.replace("\r\n", "\n"):
        if char == "\n" or " " <= char <= "~":
            out.append(char)
            marks, base = 0, char
            continue
        if char == "\t":
            out.append("    ")
            marks, base = 0, " "
            continue
        stand_in = _prose_char(char)
        if stand_in is _KEEP_AFTER_BASE:
            if base and not base.isascii():
                out.append(char)
        elif stand_in is _MARK:
            marks += 1
            if marks <= MAX_MARKS:
                out.append(char)
        else:
            out.append(stand_in)
            marks, base = 0, stand_in or base
    return "".join(out)


@lru_cache(maxsize=8192)
def _strict_char(char: str) -> str:
    category = unicodedata.category(char)
    if _hidden(char, category):
        return f"<U+{ord(char):04X}>"
    return _MARK if category in ("Mn", "Me") else char


def strict(text: str, one_line: bool = True) -> str:
    """``text`` with everything spelled out that a reader would not see.

    With ``one_line``, newlines show as ``⏎``; otherwise they stay.
    """
    if text.isascii() and text.isprintable():
        return text
    out: list[str] = []
    marks = 0
    for char in text:
        if char == "\n":
            out.append("\u23ce" if one_line else "\n")
            marks = 0
            continue
        stand_in = char if " " <= char <= "~" else _strict_char(char)
        if stand_in is _MARK:
            marks += 1
            out.append(char if marks <= MAX_MARKS else f"<U+{ord(char):04X}>")
        else:
            out.append(stand_in)
            marks = 0
    return "".join(out)


def hidden_report(text: str) -> dict[str, int]:
    """What a reader of ``text`` would not have seen: kind -> how often."""
    if text.isascii() and text.isprintable():
        return {}
    kinds = Counter(kind for char in text if (kind := _hidden_kind(char)))
    return dict(kinds)


@lru_cache(maxsize=8192)
def _hidden_kind(char: str) -> str:
    code = ord(char)
    if char in "\n\t\r" or char in _JOINERS:
        return ""
    if code == 0x1B or 0x80 <= code < 0xA0:
        return "escape"
    if 0xE0000 <= code <= 0xE007F:
        return "tag"
    if 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069 or code in (0x200E, 0x200F, 0x061C):
        return "bidi"
    if 0xD800 <= code < 0xE000:
        return "surrogate"
    category = unicodedata.category(char)
    if category == "Cc":
        return "control"
    return "invisible" if _hidden(char, category) and category != "Zs" else ""


def shorten(text: str, width: int) -> str:
    """The first line of ``text`` in strict form, at most ``width`` characters, with ``…`` where it was cut."""
    head = strict(text[: width * 2].partition("\n")[0].strip())
    cut = len(head) > width or "\n" in text.strip()
    return head[: max(0, width - 1)].rstrip() + "…" if cut else head
