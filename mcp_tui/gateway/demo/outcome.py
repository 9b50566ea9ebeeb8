"""What a tool message says about how the call ended: a model, scripted or not, has only its text."""

from __future__ import annotations

import json
import re
from typing import Any, Literal

Ending = Literal["success", "declined", "refused_arguments", "failed"]

_DECLINED = re.compile(
    r"\A[\s*_>(\[]*(?:the )?(?:user|person)\b[^.\n]{0,40}\b(?:declined|denied|refused|rejected)"
    r"|\A[\s*_>(\[]*(?:not run|denied|declined|refused|call (?:was )?(?:denied|declined|refused))\b",
    re.IGNORECASE,
)
_FAILED = re.compile(
    r"\A[\s*_>(\[]*(?:error\b|failed\b|timed? ?out\b|cancelled\b|no result\b|unknown outcome"
    r"|(?:tool|call)\b[^.\n]{0,20}\b(?:error|failed|timed out)"
    r"|the (?:tool|call|server)\b[^.\n]{0,60}\b(?:failed|died|ended|did not|timed out|is not|was stopped|cancelled)"
    r"|there is no (?:such )?tool|the outcome (?:of this call )?is unknown)",
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
    if _DECLINED.search(text):
        return "declined"
    return "failed" if _FAILED.search(text) else "success"
