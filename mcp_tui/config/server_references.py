"""References in one entry of ``servers_config.json`` replaced by the environment's values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_tui.config.problems import FieldPath, Problem
from mcp_tui.config.references import Resolved, resolve
from mcp_tui.config.source import Document

REFERENCE_FIELDS = frozenset({"command", "args", "env", "cwd", "url", "headers"})
"""Fields in whose texts references to variables are replaced."""

UNUSABLE = re.compile("[\x00\ud800-\udfff]")
"""What no program can be given: NUL, and halves of surrogate pairs."""

_ENV_FORM = re.compile(r"env:[A-Z_][A-Z0-9_]*")


@dataclass(slots=True)
class EntryReferences:
    """Replaces the references of one entry and keeps what was noticed.

    A variable that is missing is a problem only while the entry is ``enabled``.
    """

    document: Document
    path: FieldPath
    environ: Mapping[str, str]
    enabled: bool
    missing: list[str] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)

    def resolved(self, own: dict[str, Any]) -> dict[str, Any]:
        """The entry with every text resolved; what has the wrong type stays (validation reports it)."""
        return {key: self._value((key,), value) for key, value in own.items()}

    def _value(self, below: FieldPath, value: Any) -> Any:
        if isinstance(value, str) and below[0] in REFERENCE_FIELDS:
            return self._text(below, value)
        if isinstance(value, list):
            return [self._value((*below, index), item) for index, item in enumerate(value)]
        if isinstance(value, dict):
            return {name: self._value((*below, name), item) for name, item in value.items()}
        return value

    def _text(self, below: FieldPath, text: str) -> str:
        at = (*self.path, *below)
        in_mapping = below[0] in ("env", "headers") and len(below) > 1
        resolved = resolve(text, self.environ, whole=in_mapping, holder=str(below[1]) if in_mapping else "")
        self.secrets |= resolved.secrets
        self._note(at, resolved)
        if not in_mapping and _ENV_FORM.fullmatch(text):
            self._problem(at, "`env:NAME` is replaced in env and headers only", "Write ${NAME}.")
        if UNUSABLE.search(resolved.text):
            self._problem(at, "holds a NUL character or half of a surrogate pair", "")
        return resolved.text

    def _note(self, at: FieldPath, resolved: Resolved) -> None:
        for reference in resolved.malformed:
            hint = "References are written env:NAME or ${NAME}; $${...} stands for the characters themselves."
            self._problem(at, f"`{reference}` names no environment variable", hint)
        self.missing += [name for name in resolved.missing if name not in self.missing]
        if self.enabled:
            for name in resolved.missing:
                hint = f'Set it (export {name}=...), or write "enabled": false.'
                self._problem(at, f"the environment variable {name} is not set", hint)

    def _problem(self, at: FieldPath, message: str, hint: str) -> None:
        self.problems.append(self.document.problem(at, message, hint=hint))
