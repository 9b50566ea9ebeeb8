"""What a tool message says about how the call ended: a model, scripted or not, has only its text."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

Ending = Literal["success", "declined", "refused_arguments", "failed"]

_DECLINED = re.compile(
    r"\A[\s*_>(\[]*(?:the )?(?:user|person)\b[^.\n]{0,40}\b(?:declined|denied|refused|rejected)"
    r"|\A[\s*_>(\[]*(?:not run|denied|declined|refused)\b",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"\A[\s*_>(\[]*(?:error|timeout|cancelled|invalid_result|unknown|failed)\b\s*:"
    r"|\A[\s*_>(\[]*(?:error\b|no result\b|(?:tool|call)\b[^.\n]{0,20}\b(?:failed|timed out))",
    re.IGNORECASE,
)


def validation_errors(text: str) -> list[dict[str, Any]]:
    """The entries of ``{"validation_errors": [...]}`` in a tool message, wherever it stands."""
    begin = text.find("{")
    while begin >= 0 and '"validation_errors"' in text[begin:]:
        try:
            value, _ = json.JSONDecoder().raw_decode(text, begin)
        except json.JSONDecodeError:
            value = None
        entries = value.get("validation_errors") if isinstance(value, dict) else None
        if isinstance(entries, list):
            return [entry for entry in entries if isinstance(entry, dict)]
        begin = text.find("{", begin + 1)
    return []


def ending(text: str) -> Ending:
    """How the call ended."""
    if validation_errors(text):
        return "refused_arguments"
    whole = _object(text)
    if whole.get("denied") is True or _DECLINED.search(text):
        return "declined"
    return "failed" if isinstance(_error(whole), dict) or _FAILED.search(text) else "success"


def told(text: str) -> str:
    """What the tool message says in words: the message of a refusal or an error, else the text itself."""
    whole = _object(text)
    error = _error(whole)
    message = whole.get("message") if whole.get("denied") is True else error.get("message") if error else None
    if isinstance(message, str):
        return message
    return text.partition(":")[2].strip() if _DECLINED.search(text) else text


def refused_by(text: str) -> str:
    """Who refused a call: ``user``, ``rule`` or ``engine``; the user where the message does not say."""
    by = _object(text).get("by")
    return by if isinstance(by, str) else "user"


def _error(whole: dict[str, Any]) -> dict[str, Any] | None:
    error = whole.get("error") if len(whole) == 1 else None
    return error if isinstance(error, dict) and "message" in error else None


def _object(text: str) -> dict[str, Any]:
    if not text.lstrip().startswith("{"):
        return {}
    try:
        value = json.loads(text)
    except (json.JSONDecodeError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
