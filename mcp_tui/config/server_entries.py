"""``servers_config.json`` entry by entry: fields of other clients, references, rules (requirement B3)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mcp_tui.config.models import ToolsConfig
from mcp_tui.config.problems import FieldPath, Problem
from mcp_tui.config.providers import address_fault
from mcp_tui.config.references import Resolved, looks_secret, may_be_secret, resolve, secret_name, worth_masking
from mcp_tui.config.resolved import ResolvedServer
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

REFERENCE_FIELDS = frozenset({"command", "args", "env", "cwd", "url", "headers"})
"""Fields in whose texts references to variables are replaced."""

_NAME = re.compile(r"[A-Za-z0-9_.@/][A-Za-z0-9_.@/ -]{0,63}")
_UNUSABLE = re.compile("[\x00\ud800-\udfff]")
_ENV_FORM = re.compile(r"env:[A-Z_][A-Z0-9_]*")
_OPTION = re.compile(r"--?([A-Za-z][\w-]*)")


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
    resolution = _Resolution(document, path, environ, found, enabled=own.get("enabled") is not False)
    values = resolution.entry(own)
    if server is None:
        return
    found.problems += [*_shape(document, path, server), *_deadlines(document, path, server, tools)]
    _warn_of_visible_secrets(document, path, server, found)
    if server.url is not None and not resolution.missing and (fault := address_fault(values["url"])):
        found.problems.append(document.problem((*path, "url"), fault, expected="an http:// or https:// address"))
    found.resolved[str(path[-1])] = ResolvedServer(**values, missing_variables=tuple(resolution.missing))


@dataclass(slots=True)
class _Resolution:
    """Replaces the references of one entry and keeps what was noticed."""

    document: Document
    path: FieldPath
    environ: Mapping[str, str]
    found: Servers
    enabled: bool
    missing: list[str] = field(default_factory=list)

    def entry(self, own: dict[str, Any]) -> dict[str, Any]:
        """The entry with every text resolved; what has the wrong type stays (validation reports it)."""
        return {key: self._value((key,), value) for key, value in own.items()}

    def _value(self, below: FieldPath, value: Any) -> Any:
        if isinstance(value, str) and below[0] in REFERENCE_FIELDS:
            return self.text(below, value)
        if isinstance(value, list):
            return [self._value((*below, index), item) for index, item in enumerate(value)]
        if isinstance(value, dict):
            return {name: self._value((*below, name), item) for name, item in value.items()}
        return value

    def text(self, below: FieldPath, text: str) -> str:
        at = (*self.path, *below)
        in_mapping = below[0] in ("env", "headers") and len(below) > 1
        resolved = resolve(text, self.environ, whole=in_mapping, holder=str(below[1]) if in_mapping else "")
        self.found.secrets |= resolved.secrets
        self._note(at, resolved)
        if not in_mapping and _ENV_FORM.fullmatch(text):
            self._problem(at, "`env:NAME` is replaced in env and headers only", "Write ${NAME}.")
        if _UNUSABLE.search(resolved.text):
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
        self.found.problems.append(self.document.problem(at, message, hint=hint))


def _shape(document: Document, path: FieldPath, server: ServerConfig) -> Iterator[Problem]:
    """Exactly one of ``command`` and ``url``, and what goes with it."""
    here = document.keys.get(path)
    if (server.command is None) == (server.url is None):
        message = "has neither `command` nor `url`" if server.command is None else "has both `command` and `url`"
        yield document.problem(path, message, expected="exactly one of them", at=here)
        return
    if server.command is not None and not server.command.strip():
        yield document.problem((*path, "command"), "is empty", expected="a program")
    local = server.command is not None
    if server.type is not None and (server.type == "stdio") != local:
        yield document.problem((*path, "type"), f'"{server.type}" does not go with `{"command" if local else "url"}`')
    for key in ("headers",) if local else ("args", "env", "cwd"):
        if getattr(server, key):
            yield document.problem((*path, key), f"has no meaning beside `{'command' if local else 'url'}`")
    for name in server.env:
        if not name or "=" in name or _UNUSABLE.search(name):
            yield document.problem((*path, "env", name), "is no name of an environment variable",
                                   at=document.keys.get((*path, "env", name)))  # fmt: skip


def _deadlines(
    document: Document, path: FieldPath, server: ServerConfig, tools: ToolsConfig | None
) -> Iterator[Problem]:
    idle = server.idle_timeout or (tools.idle_timeout if tools else None)
    total = server.total_timeout or (tools.total_timeout if tools else None)
    own = "idle_timeout" if server.idle_timeout else "total_timeout"
    if (server.idle_timeout or server.total_timeout) and idle and total and idle > total:
        hint = "What an entry leaves out comes from chat.service.tools in config.yaml."
        yield document.problem(
            (*path, own), f"idle_timeout is larger than total_timeout ({idle:g} > {total:g})", hint=hint
        )


def _warn_of_visible_secrets(document: Document, path: FieldPath, server: ServerConfig, found: Servers) -> None:
    """Arguments are visible to every user of the machine (``ps``); what looks like a secret in them is also masked."""
    previous = ""
    for index, text in enumerate(server.args):
        option = _OPTION.fullmatch(previous)
        names = [name for name in re.findall(r"\$\{(?:env:)?(\w+)", text) if secret_name(name)]
        literal = looks_secret(text) or (option is not None and secret_name(option[1]) and not text.startswith("-")
            and may_be_secret(text))  # fmt: skip
        if names or literal:
            hint = "Give it in `env`, where the server supports that."
            message = "seems to hold a secret; other users of this machine can see arguments (`ps`)"
            found.warnings.append(document.problem((*path, "args", index), message, hint=hint))
        if literal and not names:
            found.secrets |= worth_masking({text.partition("=")[2] or text})
        previous = text
