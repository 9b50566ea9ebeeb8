"""Valid Unicode out of what providers send: halves of a character, split over two fragments or alone."""

from __future__ import annotations

from typing import Any

REPLACEMENT = "\ufffd"


def valid_unicode(text: str) -> str:
    """``text`` with surrogate pairs joined and lone halves replaced by U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def valid_value(value: Any) -> Any:
    """A JSON value with `valid_unicode` applied to every string in it, keys included."""
    if isinstance(value, str):
        return valid_unicode(value)
    if isinstance(value, dict):
        return {valid_unicode(key): valid_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [valid_value(item) for item in value]
    return value


class SurrogateJoiner:
    """Joins a pair that a provider split over two fragments; a half that stays alone becomes U+FFFD."""

    def __init__(self) -> None:
        self._high = ""

    def feed(self, text: str) -> str:
        """``text`` in valid Unicode; a trailing high surrogate waits for its other half."""
        text, self._high = self._high + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._high = text[:-1], text[-1]
        return valid_unicode(text)

    def close(self) -> str:
        """What stands for a half that never found its other one."""
        left, self._high = self._high, ""
        return REPLACEMENT if left else ""
