"""Secrets taken out of text: those that are configured, in every form, and what merely has the shape of one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

from mcp_tui.safety.secret_forms import SecretForm, base64_cores, forms_of, readings

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
    | (?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}   # JSON web token
    """,
    re.VERBOSE,
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}")
_ASSIGNED = re.compile(
    r"(?i)((?:api[_-]?key|token|secret|password|passwd)\b\\*[\"']?\s*[=:]\s*\\*[\"']?)[^\s\"',;&]{6,}"
)

_KEY_BEGINNINGS = (
    "sk-", "pk-", "rk-", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "AKIA", "AIza", "eyJ",
)  # fmt: skip
_SCHEMES = ("bearer", "basic")
_KEY_WORDS = ("key", "token", "secret", "passw")


def _shapes(text: str) -> Iterator[tuple[re.Pattern[str], str]]:
    """The patterns that may match, with what takes a match's place: plain searches go before the slow ones."""
    if any(beginning in text for beginning in _KEY_BEGINNINGS):
        yield _LOOKS_LIKE, MASK
    lowered = text.lower()
    if any(scheme in lowered for scheme in _SCHEMES):
        yield _BEARER, rf"\1 {MASK}"
    if any(word in lowered for word in _KEY_WORDS):
        yield _ASSIGNED, rf"\1{MASK}"


def mask_keys(text: str) -> str:
    """``text`` without anything that merely has the shape of a key, a token or a password."""
    for pattern, instead in _shapes(text):
        text = pattern.sub(instead, text)
    return text


def holds_key(text: str) -> bool:
    """Whether `mask_keys` would take something out."""
    return any(pattern.search(text) is not None for pattern, _ in _shapes(text))


def mask_keys_in(value: Any, name: str = "") -> Any:
    """A JSON value without anything in its texts and names that has the shape of a key, or that ``name`` calls one."""
    match value:
        case str() | int() | float() if name and not isinstance(value, bool) and holds_key(f'{name}="{value}"'):
            return MASK if not isinstance(value, str) or mask_keys(value) == value else mask_keys(value)
        case str():
            return mask_keys(value)
        case dict():
            return {mask_keys(key): mask_keys_in(item, key) for key, item in value.items()}
        case list():
            return [mask_keys_in(item, name) for item in value]
    return value


class Redactor:
    """Replaces secrets by ``***``.  Callable, so that it can be handed on as a function.

    ``mask`` takes out configured secrets only, in every form of `mcp_tui.safety.secret_forms`: safe for what is kept
    and sent on.  ``scrub`` also takes out what merely looks like a key: for logs, errors and command lines.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        values = [value for value in forms_of(set(secrets)) if len(value) >= MIN_LENGTH]
        self._forms = [SecretForm(value) for value in values]
        self._cores = sorted({core for value in values for core in base64_cores(value)}, key=len, reverse=True)

    @cached_property
    def _written(self) -> re.Pattern[str]:
        """Every way to write every secret, the longest first."""
        ways = [form.written() for form in self._forms]
        return re.compile("|".join([*ways, *map(re.escape, self._cores)]))

    def _may_hold(self, text: str) -> bool:
        """Whether it is worth to look for the places: nearly no text has any."""
        if any(core in text for core in self._cores):
            return True
        lowered = text.lower()
        read = readings(text) if "\\" in text or "%" in text else []
        return any(form.stands_in(text, lowered, read) for form in self._forms)

    @cached_property
    def _begins(self) -> re.Pattern[str]:
        """Where one may begin."""
        pairs = {form.text[:2] for form in self._forms} | {core[:2] for core in self._cores}
        ways = [rf"{re.escape(pair[0])}(?={re.escape(pair[1])}|[\\%]|\Z)" for pair in sorted(pairs)]
        return re.compile("|".join([*ways, r"[\\%]"]), re.IGNORECASE)

    @property
    def active(self) -> bool:
        """Whether any secret is configured."""
        return bool(self._forms)

    def begins_at_end(self, text: str) -> int:
        """How many of the last characters of ``text`` may be an unfinished configured secret."""
        if not self._forms:
            return 0
        longest = len(self._forms[0].text)
        start = max(0, len(text) - longest * (12 if "\\" in text or "%" in text else 2))
        for match in self._begins.finditer(text, start):
            at = match.start()
            end = text[at:]
            if any(form.begins(text, at) for form in self._forms):
                return len(end)
            if any(len(core) > len(end) and core.startswith(end) for core in self._cores):
                return len(end)
        return 0

    def found(self, text: str) -> Iterator[tuple[int, int]]:
        """Where configured secrets stand in ``text``, overlapping ones as one."""
        if not self._may_hold(text):
            return
        pattern = self._written
        match = pattern.search(text)
        while match is not None:
            start, end = match.span()
            following = pattern.search(text, start + 1)
            while following is not None and following.start() < end:
                end = max(end, following.end())
                following = pattern.search(text, following.start() + 1)
            yield start, end
            match = following

    def mask(self, text: str) -> str:
        """``text`` without any configured secret."""
        parts, done = [], 0
        for start, end in self.found(text):
            parts += [text[done:start], MASK]
            done = end
        return "".join([*parts, text[done:]]) if done else text

    def scrub(self, text: str) -> str:
        """``text`` without configured secrets and without anything shaped like one."""
        return mask_keys(self.mask(text))

    __call__ = scrub

    def mask_value(self, value: Any) -> Any:
        """A JSON value with every string in it masked, keys included; the same object where nothing changed.

        Keys that the mask makes equal are told apart by a number: nothing is lost.
        """
        if not self._forms:
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

    What may be the beginning of a secret is held back until it is known to be none; `close` gives out what is held
    when the stream has ended.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def feed(self, piece: str) -> str:
        """The part of the text so far that may be shown now."""
        if not self._redactor.active:
            return piece
        text = self._held + piece
        cut = len(text) - self._redactor.begins_at_end(text)
        for start, end in self._redactor.found(text) if cut < len(text) else ():
            if start < cut < end:
                cut = start
        self._held = text[cut:]
        return self._redactor.mask(text[:cut])

    def close(self) -> str:
        """What is left: no more text comes."""
        held, self._held = self._held, ""
        return self._redactor.mask(held)
