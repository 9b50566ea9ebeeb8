"""``servers_config.json`` entry by entry: fields of other clients, references, rules (requirement B3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from mcp_tui.config.models import ToolsConfig
from mcp_tui.config.problems import FieldPath, Problem
from mcp_tui.config.providers import address_fault
from mcp_tui.config.resolved import ResolvedServer
from mcp_tui.config.server_references import EntryReferences
from mcp_tui.config.server_rules import deadlines, shape, visible_secrets
from mcp_tui.config.servers import ServerConfig
from mcp_tui.config.source import Document
from mcp_tui.config.validate import describe, validate

TOP = "mcpServers"

FOREIGN_FIELDS = {
    "autoApprove": "approval is decided in this program only",
    "alwaysAllow": "approval is decided in this program only",
    "trust": "approval is decided in this program only",
    "timeout": "its unit differs between programs; use connection_timeout, idle_timeout, total_timeout",
    "transport": "use `type`",
    "transportType": "use `type`",
    "envFile": "its variables are not read; name them in `env`",
    "includeTools": "all tools are offered",
    "excludeTools": "all tools are offered",
    "disabledTools": "all tools are offered",
    "description": "",
    "name": "",
    "icon": "",
    "tags": "",
    "version": "",
}
"""Fields that other MCP clients write, and what becomes of them here: they are passed over with a warning."""

_NAME = re.compile(r"[A-Za-z0-9_.@/][A-Za-z0-9_.@/ -]{0,63}")


@dataclass(slots=True)
class Servers:
    """What came of the entries."""

    resolved: dict[str, ResolvedServer] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    secrets: set[str] = field(default_factory=set)


def resolve_servers(document: Document, tools: ToolsConfig | None, environ: Mapping[str, str]) -> Servers:
    """Read every entry.  ``tools`` gives the deadlines that an entry leaves out; ``None`` when they are not known."""
    found = Servers()
    entries = _entries(document, found)
    for name, data in entries.items():
        path: FieldPath = (TOP, name)
        _check_name(document, path, name, found)
        if not isinstance(data, dict):
            found.problems.append(
                document.problem(path, "has the wrong kind of value", expected="a mapping",
                                 found=describe(data, document.source(path), secret=True))
            )  # fmt: skip
            continue
        _entry(document, path, _own_fields(document, path, data, found), environ, tools, found)
    return found


def _entries(document: Document, found: Servers) -> dict[str, Any]:
    """The mapping of servers; other top-level fields belong to other programs and are passed over."""
    data = document.data
    if not isinstance(data, dict):
        message = "is empty" if data is None else "has the wrong kind of value"
        hint = '{"mcpServers": {}} is the smallest valid file.'
        found.problems.append(document.problem((), message, expected="a mapping with `mcpServers`", hint=hint))
        return {}
    for key in data:
        if key != TOP and TOP in data and key != "$schema":
            found.warnings.append(document.problem((key,), "is not a field of this program; passed over",
                                                   at=document.keys.get((key,))))  # fmt: skip
    if TOP not in data:
        close = next((key for key in data if key.casefold() in ("mcpservers", "servers", "mcp_servers")), None)
        found.problems.append(
            document.problem((close,) if close else (), "is not a known field" if close else f"`{TOP}` is missing",
                             hint=f"Did you mean `{TOP}`?" if close else "",
                             at=document.keys.get((close,)) if close else None)
        )  # fmt: skip
        return {}
    if not isinstance(data[TOP], dict):
        found.problems.append(
            document.problem((TOP,), "has the wrong kind of value", expected="a mapping of names to servers")
        )
        return {}
    entries: dict[str, Any] = data[TOP]
    return entries


def _check_name(document: Document, path: FieldPath, name: str, found: Servers) -> None:
    if not _NAME.fullmatch(name) or name != name.strip():
        found.problems.append(
            document.problem(path, "is no usable server name", at=document.keys.get(path),
                             expected="1 to 64 letters, digits, spaces or _ - . / @")
        )  # fmt: skip


def _own_fields(document: Document, path: FieldPath, data: dict[str, Any], found: Servers) -> dict[str, Any]:
    """The entry without other clients' fields; their ``disabled`` is our ``enabled`` the other way round."""
    own: dict[str, Any] = {}
    for key, value in data.items():
        if key == "disabled" and isinstance(value, bool):
            if "enabled" in data and data["enabled"] is value:
                found.problems.append(document.problem((*path, key), "contradicts `enabled`"))
            own.setdefault("enabled", not value)
        elif key in FOREIGN_FIELDS:
            reason = FOREIGN_FIELDS[key]
            message = "belongs to another program; passed over" + (f" ({reason})" if reason else "")
            found.warnings.append(document.problem((*path, key), message, at=document.keys.get((*path, key))))
        else:
            own[key] = value
    return own


def _entry(
    document: Document,
    path: FieldPath,
    own: dict[str, Any],
    environ: Mapping[str, str],
    tools: ToolsConfig | None,
    found: Servers,
) -> None:
    server, problems = validate(document, own, ServerConfig, path)
    found.problems += problems
    references = EntryReferences(document, path, environ, enabled=own.get("enabled") is not False)
    values = references.resolved(own)
    found.problems += references.problems
    found.secrets |= references.secrets
    if server is None:
        return
    found.problems += [*shape(document, path, server), *deadlines(document, path, server, tools)]
    _visible_secrets(document, path, server, found)
    if server.url is not None and not references.missing:
        _address(document, path, values["url"], found)
    found.resolved[str(path[-1])] = ResolvedServer(**values, missing_variables=tuple(references.missing))


def _visible_secrets(document: Document, path: FieldPath, server: ServerConfig, found: Servers) -> None:
    for index, secrets in visible_secrets(server):
        message = "seems to hold a secret; other users of this machine can see arguments (`ps`)"
        hint = "Give it in `env`, where the server supports that."
        found.warnings.append(document.problem((*path, "args", index), message, hint=hint))
        found.secrets |= secrets


def _address(document: Document, path: FieldPath, address: str, found: Servers) -> None:
    fault = address_fault(address)
    if fault is not None:
        found.problems.append(document.problem((*path, "url"), fault, expected="an http:// or https:// address"))
    elif password := urlsplit(address).password:
        found.secrets.add(password)
