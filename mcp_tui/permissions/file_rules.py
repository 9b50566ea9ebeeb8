"""The rules of ``permissions.yaml`` on a call.

A deny wins over an ask, an ask over an allow, whichever is more specific and in whatever order they stand.  An allow
is closed: it takes the arguments that it lists and no other.  A deny or an ask is open: further arguments, other
spellings, lists round a value do not get a call out of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mcp_tui.config.globs import fold, parse_glob
from mcp_tui.config.rule_models import ANY, RuleEntry
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.permissions.base import CallFacts, Verdict
from mcp_tui.permissions.patterns import narrow, wide
from mcp_tui.permissions.readings import resolved, texts, under
from mcp_tui.safety.text import hidden_report


class FileRules:
    """A `Rule` made of entries.  Its word on a call does not depend on their order."""

    def __init__(
        self, entries: Iterable[RuleEntry] = (), *, cwd: str | None = None, server_cwds: Mapping[str, str] | None = None
    ) -> None:
        self.entries = tuple(sorted(entries, key=lambda entry: entry.id))
        self._cwd = cwd if cwd is not None else os.getcwd()  # noqa: PTH109 - compared as text
        self._server_cwds = dict(server_cwds or {})

    def verdict(self, call: CallFacts) -> Verdict | None:
        """The strongest word of all entries that match; of several with one effect, the first by id names itself."""
        found = list(self.matching(call))
        for effect in ("deny", "ask", "allow"):
            for entry in found:
                if entry.effect == effect:
                    return Verdict(entry.effect, rule_words(entry), rule_id=entry.id)
        return None

    def matching(self, call: CallFacts) -> Iterator[RuleEntry]:
        """The entries that concern the call, in the order of their ids."""
        return (entry for entry in self.entries if self._here(entry) and self.matches(entry, call))

    def matches(self, entry: RuleEntry, call: CallFacts) -> bool:
        """Whether an entry, wherever it counts, concerns the call."""
        if entry.effect == "allow":
            return _allows(entry, call)
        return _stops(entry, call, self._bases(call.tool.server))

    def _here(self, entry: RuleEntry) -> bool:
        return entry.project is None or under(resolved(self._cwd), resolved(entry.project))

    def _bases(self, server: str) -> tuple[str, ...]:
        own = self._server_cwds.get(server)
        return (self._cwd,) if own is None or own == self._cwd else (own, self._cwd)


def rule_words(entry: RuleEntry) -> str:
    """The rule in a few words: its note, else what it says."""
    arguments = ""
    if entry.arguments is not None:
        names = ", ".join(f"{name} {pattern.kind.replace('_', ' ')}" for name, pattern in entry.arguments.items())
        arguments = f" with {names}" if names else " without arguments"
    return entry.note or f"{entry.effect} {entry.server}.{entry.tool}{arguments}"


def _allows(entry: RuleEntry, call: CallFacts) -> bool:
    tool = call.tool
    if entry.server != tool.server or entry.tool not in (ANY, tool.name):
        return False
    if entry.definition is not None and entry.definition != tool.digest:
        return False
    if entry.annotation == "read_only" and tool.annotations.get("readOnlyHint") is not True:
        return False
    if any(hidden_report(text) for text in texts(call.arguments)):
        return False
    patterns = entry.arguments
    if patterns is None:
        return True
    return patterns.keys() == call.arguments.keys() and all(
        narrow(pattern, call.arguments[name]) for name, pattern in patterns.items()
    )


def _stops(entry: RuleEntry, call: CallFacts, bases: tuple[str, ...]) -> bool:
    tool = call.tool
    if entry.server not in (ANY, tool.server):
        return False
    if entry.tool not in (ANY, tool.name) and not parse_glob(entry.tool, wide=True).matches(tool.name):
        return False
    return all(
        any(wide(pattern, value, bases) for value in _values(call, name))
        for name, pattern in (entry.arguments or {}).items()
    )


def _values(call: CallFacts, name: str) -> Iterator[Any]:
    """What the call gives under an argument's name, at any depth; where it gives nothing, the schema's default."""
    wanted, given = fold(name), False
    waiting: list[Any] = [call.arguments]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            for key, value in part.items():
                if fold(key) == wanted:
                    given = True
                    yield value
            waiting += part.values()
        elif isinstance(part, (list, tuple)):
            waiting += part
    if not given and (default := _default(call.tool, name)) is not None:
        yield default


def _default(tool: ToolDefinition, name: str) -> Any:
    properties = tool.input_schema.get("properties")
    schema = properties.get(name) if isinstance(properties, dict) else None
    return schema.get("default") if isinstance(schema, dict) else None
