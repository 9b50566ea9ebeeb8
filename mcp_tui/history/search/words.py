r"""Text as words: how it goes into the index, and how a match is found again in the text itself.

SQLite's ``unicode61`` makes the words: letters and digits, without case and accents; everything else separates, so
that ``snake_case`` and ``src/main.py`` are several words in a row.  Two things are done before:

* scripts without blanks between words (Chinese, Japanese, Korean, Thai and others) are cut into single characters, so
  that any two characters of a text are found as a phrase;
* the parts of ``camelCase`` words stand in a column of their own, so that phrases stay what they are.

What a search needs more exactly than that - the ``_`` in ``snake_case``, the ``#`` of ``#812`` - is looked at in the
text of each candidate (`Matcher`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_NO_BLANKS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3105-\u312f\u31f0-\u31ff\u3400-\u9fff"
    "\uac00-\ud7a3\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff"
)
"""Characters that count as a word each."""
_SINGLE = re.compile(f"[{_NO_BLANKS}]")
_WORD = re.compile(f"[{_NO_BLANKS}]|[^\\W_{_NO_BLANKS}]+")
_HUMP = re.compile(r"[A-Z](?:(?<=[a-z0-9].)|[A-Z][a-z])")
"""Begins with what is rare in a text: all of it is searched."""
_ASCII_WORD = re.compile(r"[A-Za-z0-9]{3,64}")
_PART = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
ENCODED_FROM = 256
_ENCODED = re.compile(f"[A-Za-z0-9+/=_-]{{{ENCODED_FROM},}}")
"""Data written as letters: nobody searches for its pieces."""
PREFIX_FROM = 3
"""Shorter beginnings of words are searched as whole words: nearly everything begins with them."""
MOST_PARTS = 2_000
"""camelCase words of one text whose parts are kept."""


class _Folds(dict[int, str]):
    """Character -> the one that it counts as; lengths stay the same, so that places in a text stay valid."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        parts = unicodedata.normalize("NFD", char)
        base = parts[0] if all(unicodedata.combining(mark) for mark in parts[1:]) else char
        lowered = base.lower()
        self[code] = folded = lowered if len(lowered) == 1 else base
        return folded


_FOLDS = _Folds()


def fold(text: str) -> str:
    """``text`` without case and accents, of the same length."""
    return text.lower() if text.isascii() else text.translate(_FOLDS)


def valid(text: str) -> str:
    """``text`` as SQLite takes it: without halves of surrogate pairs, accents composed."""
    if text.isascii():
        return text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return unicodedata.normalize("NFC", text)


def spaced(text: str) -> str:
    """``text`` with the scripts without blanks cut into characters."""
    return text if text.isascii() else _SINGLE.sub(r" \g<0> ", text)


def indexed(text: str) -> tuple[str, str]:
    """What goes into the index for ``text``: the text, and the parts of its camelCase words."""
    text = valid(text)
    if len(text) >= ENCODED_FROM:
        text = _ENCODED.sub(" ", text)
    return spaced(text), " ".join(_humped_parts(text)) if _HUMP.search(text) else ""


def _humped_parts(text: str) -> list[str]:
    words = dict.fromkeys(word for word in _ASCII_WORD.findall(text) if not word.islower() and _HUMP.search(word))
    return [" ".join(parts_of(word)) for word in list(words)[:MOST_PARTS]]


def parts_of(word: str) -> list[str]:
    """``getUserName`` -> ``get``, ``User``, ``Name``."""
    return _PART.findall(word)


def is_humped(text: str) -> bool:
    """Whether it is one camelCase word."""
    return _ASCII_WORD.fullmatch(text) is not None and _HUMP.search(text) is not None


def has_word(text: str) -> bool:
    """Whether anything of ``text`` can be looked up."""
    return _WORD.search(valid(text)) is not None


def prefixable(text: str) -> bool:
    """Whether the last word of ``text`` may be the beginning of a longer one; a number is meant as it is.

    A short one only behind other words, as in ``retry_c``: those narrow it down.
    """
    found = _WORD.findall(valid(text))
    if not found or not found[-1][-1].isalpha() or _SINGLE.match(found[-1]) or not text.endswith(found[-1]):
        return False
    return len(found[-1]) >= PREFIX_FROM or len(found) > 1


def without_short_end(text: str) -> str:
    """``text`` up to a last word that is too short for the index to be asked for all that begins like it."""
    last = _WORD.findall(text)[-1]
    return text if len(last) >= PREFIX_FROM else text.removesuffix(last)


def is_plain(text: str) -> bool:
    """Whether the index alone answers for ``text``: words and blanks, nothing that it leaves out."""
    return all(char.isalnum() or char.isspace() for char in text)


class Matcher:
    """Finds one term in a text, exactly."""

    def __init__(self, text: str, *, prefix: bool = False) -> None:
        text = valid(text)
        plain = is_plain(text)
        self.exact = not plain or (prefix and without_short_end(text) != text)
        """Whether the index finds more than the term says, so that every candidate must be looked at."""
        folded = " ".join(fold(text).split())
        body = _words(folded) if plain else _literal(folded)
        self._pattern = re.compile(body + ("[^\\W_]*" if prefix else _edge(folded[-1:], after=True)))
        self._head = _WORD.findall(folded)[0] if plain else folded.split(" ")[0]
        self._loose = folded if plain and not self.exact else ""

    def first(self, folded: str) -> tuple[int, int] | None:
        """Its first place in a folded text, or None."""
        return next(self._places(folded, 0), None) or next(self._loosely(folded, 0), None)

    def found(self, folded: str, start: int = 0) -> list[tuple[int, int]]:
        """Its places in a folded text from ``start`` on; in the middle of words only if there are no others."""
        return list(self._places(folded, start)) or list(self._loosely(folded, start))

    def _places(self, folded: str, start: int) -> Iterator[tuple[int, int]]:
        """Plain searches for its beginning are many times faster than the pattern."""
        at = folded.find(self._head, start)
        while at >= 0:
            match = self._pattern.match(folded, at)
            if match is not None:
                yield match.span()
            at = folded.find(self._head, match.end() if match is not None else at + 1)

    def _loosely(self, folded: str, start: int) -> Iterator[tuple[int, int]]:
        at = folded.find(self._loose, start) if self._loose else -1
        while at >= 0:
            yield at, at + len(self._loose)
            at = folded.find(self._loose, at + len(self._loose))


def _edge(char: str, *, after: bool) -> str:
    """Where the term begins or ends with a letter, the word must too."""
    if not char or not char.isalnum() or _SINGLE.match(char):
        return ""
    return "(?![^\\W_])" if after else "(?<![^\\W_])"


def _literal(folded: str) -> str:
    return _edge(folded[:1], after=False) + r"\s+".join(re.escape(word) for word in folded.split(" "))


def _words(folded: str) -> str:
    words = _WORD.findall(folded)
    pieces = [_edge(folded[:1], after=False)]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        pieces.append(re.escape(word))
        if following:
            single = _SINGLE.match(word) or _SINGLE.match(following)
            pieces.append(r"[\W_]*" if single else r"[\W_]+")
    return "".join(pieces)
