"""Rules that would allow a call like a given one: narrowest first, each of them certain to match that call."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from mcp_tui.config.rule_models import ArgumentPattern, RuleEntry
from mcp_tui.permissions.web import PORTS, certain_host

_SLUG = re.compile(r"[^A-Za-z0-9._-]+")


def proposals(
    server: str, tool: str, arguments: Mapping[str, Any], taken: Collection[str], definition: str | None = None
) -> Iterator[RuleEntry]:
    """Exactly these arguments; arguments like these, where paths and addresses tell how; any arguments.

    All of them hold for this definition of the tool only: a changed one is asked about again.
    """
    entry_id = free_id(f"{server}.{tool}", taken)
    exact = {name: ArgumentPattern(equals=value) for name, value in arguments.items()}
    looser = {name: _like(value) or exact[name] for name, value in arguments.items()}
    for patterns in [exact, looser, None] if looser != exact else [exact, None]:
        yield RuleEntry(
            id=entry_id, effect="allow", server=server, tool=tool, arguments=patterns, definition=definition
        )


def free_id(wanted: str, taken: Collection[str]) -> str:
    """An id for a rule, made of a name and the first number that is free."""
    name = _SLUG.sub("-", wanted).strip("-._")[:50] or "rule"
    number = 1
    while f"{name}-{number}" in taken:
        number += 1
    return f"{name}-{number}"


def _like(value: Any) -> ArgumentPattern | None:
    """What other values of the same kind have in common with this one; ``None`` where that is not certain."""
    if not isinstance(value, str):
        return None
    host = certain_host(value)
    if host is not None:
        name, port = host
        usual = port == PORTS[value.partition(":")[0].lower()]
        shown = f"[{name}]" if ":" in name and not usual else name
        return ArgumentPattern(host_in=[shown if usual else f"{shown}:{port}"])
    path = PurePosixPath(value)
    if value.startswith("/") and len(path.parent.parts) > 1 and "\n" not in value:
        return ArgumentPattern(path_under=str(path.parent))
    return None
