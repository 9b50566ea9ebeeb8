"""Secrets taken out of text: those that are configured, and what looks like one in a command or an error."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "***"

MIN_LENGTH = 6
"""Shorter configured values are not masked: they would blank out ordinary words."""

_LOOKS_LIKE = re.compile(
    r"""
      \b(?:sk|pk|rk)-[A-Za-z0-9_-]{16,}                       # OpenAI, Anthropic, OpenRouter
    | \bgh[pousr]_[A-Za-z0-9]{20,} | \bgithub_pat_[A-Za-z0-9_]{20,}
    | \bxox[abprs]-[A-Za-z0-9-]{10,}                          # Slack
    | \bAKIA[0-9A-Z]{16}\b                                    # AWS
    | \bAIza[0-9A-Za-z_-]{30,}                                # Google
    | \beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}   # JSON web token
    """,
    re.VERBOSE,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_ASSIGNED = re.compile(
    r"(?i)\b([\w-]*(?:api[_-]?key|token|secret|password|passwd)\b[\"']?\s*[=:]\s*[\"']?)[^\s\"',;&]{6,}"
)


class Redactor:
    """Replaces secrets by ``***``.  Callable, so that it can be handed on as a function.

    ``mask`` takes out configured secrets only, exactly: safe for what is kept and sent on.
    ``scrub`` also takes out what merely looks like a key: for logs, errors and command lines.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._values = sorted({s for s in secrets if len(s) >= MIN_LENGTH}, key=len, reverse=True)
        values = self._values
        self._exact = re.compile("|".join(re.escape(value) for value in values)) if values else None

    @property
    def active(self) -> bool:
        """Whether any secret is configured."""
        return self._exact is not None

    def begins_at_end(self, text: str) -> int:
        """How many of the last characters of ``text`` may be the beginning of a configured secret."""
        for length in range(min(len(text), len(self._values[0]) - 1 if self._values else 0), 0, -1):
            end = text[-length:]
            if any(len(value) > length and value.startswith(end) for value in self._values):
                return length
        return 0

    def mask(self, text: str) -> str:
        """``text`` without any configured secret."""
        return self._exact.sub(MASK, text) if self._exact is not None else text

    def scrub(self, text: str) -> str:
        """``text`` without configured secrets and without anything shaped like one."""
        text = _LOOKS_LIKE.sub(MASK, self.mask(text))
        text = _BEARER.sub(lambda match: f"{match[1]} {MASK}", text)
        return _ASSIGNED.sub(lambda match: match[1] + MASK, text)

    __call__ = scrub

    def mask_value(self, value: Any) -> Any:
        """A JSON value with every string in it masked, keys included; the same object where nothing changed.

        Keys that the mask makes equal are told apart by a number: nothing is lost.
        """
        if self._exact is None:
            return value
        if isinstance(value, str):
            masked = self.mask(value)
            return value if masked == value else masked
        if isinstance(value, dict):
            return self._mask_items(value)
        if isinstance(value, (list, tuple)):
            items = [self.mask_value(item) for item in value]
            return value if all(a is b for a, b in zip(items, value, strict=True)) else items
        return value

    def _mask_items(self, value: dict[str, Any]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        changed = False
        for key, item in value.items():
            masked_key, masked = self.mask(key), self.mask_value(item)
            changed = changed or masked_key != key or masked is not item
            number, free = 1, masked_key
            while free in result:
                number, free = number + 1, f"{masked_key}{number + 1}"
            result[free] = masked
        return result if changed else value


class StreamMask:
    """Masks configured secrets in text that arrives in pieces, also one that is spread over several pieces.

    What may be the beginning of a secret is held back until it is known to be none: at most the length of the
    longest secret, and the event that closes a stream carries the whole text anyway.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, piece: str) -> str:
        """The part of the text so far that may be shown now."""
        if not self._redactor.active:
            return piece
        text = self._redactor.mask(self._held + piece)
        keep = self._redactor.begins_at_end(text)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]
