"""Secrets taken out of text: those that are configured, and what looks like one in a command or an error."""

from __future__ import annotations

import json
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


def _json_unicode(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)[1:-1]


class Redactor:
    """Replaces secrets by ``***``.  Callable, so that it can be handed on as a function.

    ``mask`` takes out configured secrets only, exactly: safe for what is kept and sent on.
    ``scrub`` also takes out what merely looks like a key: for logs, errors and command lines.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = sorted({s for s in secrets if len(s) >= MIN_LENGTH}, key=len, reverse=True)
        self._exact = re.compile("|".join(re.escape(value) for value in values)) if values else None
        forms = {form for value in values for form in (value, json.dumps(value)[1:-1], _json_unicode(value))}
        self._found = re.compile("|".join(re.escape(form) for form in sorted(forms))) if forms else None

    def occurs_in(self, text: str) -> bool:
        """Whether ``text`` (plain, or the JSON of a value) holds a configured secret."""
        return self._found is not None and self._found.search(text) is not None

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
        """A JSON value with every string in it masked, keys included; the same object where nothing changed."""
        if self._exact is None:
            return value
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            return {self.mask(key): self.mask_value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.mask_value(item) for item in value]
        return value
