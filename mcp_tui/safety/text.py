"""Outside text made harmless for a terminal.

No escape *sequence* is parsed: every dangerous code point is replaced on its own, so nothing can be
smuggled through a difference between parsers or by splitting a sequence over two chunks.

``prose``   what is read: chat text, results.  Invisible code points vanish or become a visible stand-in;
            joiners and selectors that scripts and emoji need stay.
            `removed` says how many vanished: shown as a badge beside the text.
``strict``  what is approved or relied on: names, commands, arguments, URLs.  Every code point that a
            reader would not see is spelled out as ``<U+XXXX>``.

Where text goes on to somebody who is not a reader, it stays what it is but for what acts or hides:
``for_clipboard``  the source, without what a shell or a terminal would act upon when it is pasted
``for_model``      the source, without what a person looking at it would not have seen
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

MAX_MARKS = 8
"""Combining marks kept on one character; more only serve to cover other lines."""

_JOINERS = frozenset("\u200c\u200d\ufe0e\ufe0f")
_BLANKS = frozenset("\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u2800\u3164\uffa0")
"""Letters and marks of other categories that show nothing."""

_SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Format characters that are drawn: signs around numbers."""
_KEYCAPS = frozenset("0123456789#*")
MAX_JOINERS = 2
"""Joiners and selectors in a row that emoji need; more carry something else."""

_HARMLESS = re.compile(
    "[\n -~\u00a1-\u00ac\u00ae-\u02ff\u0391-\u03a1\u03a3-\u03ff\u0400-\u0482\u048a-\u052f\u05d0-\u05ea\u0620-\u064a"
    "\u0904-\u0939\u0e01-\u0e30\u10d0-\u10ff\u1e00-\u1eff\u2010-\u2027\u2030-\u205e\u20a0-\u20c0\u2100-\u218b"
    "\u2190-\u2426\u2460-\u27ff\u2900-\u2b73\u3001-\u3029\u3041-\u3096\u309b-\u30ff\u3105-\u312f\u4e00-\u9fff"
    "\uac00-\ud7a3\uff01-\uff9f\U0001f300-\U0001f64f\U0001f680-\U0001f6d7\U0001f900-\U0001f9ff]*"
)
"""Text of nothing but these stays as it is: most text, found out at the speed of a regular expression."""

_INVISIBLE = (
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)
_NEVER_NEEDED = (
    "\u034f\u180e\u200b\u202a-\u202e\u2060-\u206f\ufe00-\ufe0d\ufeff\ufff9-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""Invisible, and of no use to any script or emoji but for what may be lost: tags, bidi controls, zero-width spaces."""
_MAY_HIDE = re.compile(f"[{_INVISIBLE}]")
_HIDDEN_FROM_READERS = re.compile(f"[{_NEVER_NEEDED}]+|[{_INVISIBLE}]{{3,}}")
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")

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
    if _hidden(char, category) and char not in _SEEN:
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
    return text if _HARMLESS.fullmatch(text) else _cleaned(text)[0]


def removed(text: str) -> int:
    """How many invisible characters `prose` leaves out of ``text`` without a sign in their place."""
    return _cleaned(text)[1] if not text.isascii() and _MAY_HIDE.search(text) else 0


def removed_words(*texts: str) -> str:
    """The badge beside texts that `prose` took something out of; empty where it did not."""
    count = sum(map(removed, texts))
    return f"{count:,} hidden character{'s' if count > 1 else ''} removed" if count else ""


def _cleaned(text: str) -> tuple[str, int]:
    """``text`` for reading, and how many of its characters vanished."""
    out: list[str] = []
    marks, joiners, base, vanished = 0, 0, "", 0
    for char in text.replace("\r\n", "\n"):
        if char == "\n" or " " <= char <= "~":
            out.append(char)
            marks, joiners, base = 0, 0, char
            continue
        if char == "\t":
            out.append("    ")
            marks, joiners, base = 0, 0, " "
            continue
        stand_in = _prose_char(char)
        if stand_in is _KEEP_AFTER_BASE:
            if joiners < MAX_JOINERS and base and (not base.isascii() or (char == "\ufe0f" and base in _KEYCAPS)):
                out.append(char)
                joiners += 1
            else:
                vanished += 1
        elif stand_in is _MARK:
            marks += 1
            if marks <= MAX_MARKS:
                out.append(char)
        elif stand_in:
            out.append(stand_in)
            marks, joiners, base = 0, 0, stand_in
        else:
            vanished += 1
    return "".join(out), vanished


def for_model(text: str) -> str:
    """``text`` without what a person would not see in it, such as instructions in tag characters (case 84).

    Single joiners, selectors and marks of direction stay: scripts, emoji and file contents need them.
    """
    return text if text.isascii() else _HIDDEN_FROM_READERS.sub("", text)


def for_clipboard(text: str) -> str:
    """The source, without what acts or hides when it is pasted: control characters but newline and tab become signs."""
    text = for_model(text.replace("\r\n", "\n"))
    return _ACTING.sub(lambda match: _pasted(match[0]), text) if not text.isprintable() else text


def _pasted(char: str) -> str:
    return "\ufffd" if char == "\x85" else _prose_char(char)


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


def is_mark(char: str) -> bool:
    """Whether ``char`` stands on the one before it: `MAX_MARKS` of them are shown."""
    return not char.isascii() and _strict_char(char) is _MARK


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
