"""Rules of one entry of ``servers_config.json``."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mcp_tui.config.models import ToolsConfig
from mcp_tui.config.problems import FieldPath, Problem
from mcp_tui.config.references import looks_secret, may_be_secret, secret_name, worth_masking
from mcp_tui.config.server_references import UNUSABLE
from mcp_tui.config.servers import ServerConfig
from mcp_tui.config.source import Document

_OPTION = re.compile(r"--?([A-Za-z][\w-]*)")
_REFERENCE = re.compile(r"\$\{(?:env:)?(\w+)")


def shape(document: Document, path: FieldPath, server: ServerConfig) -> Iterator[Problem]:
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
        if not name or "=" in name or UNUSABLE.search(name):
            yield document.problem((*path, "env", name), "is no name of an environment variable",
                                   at=document.keys.get((*path, "env", name)))  # fmt: skip


def deadlines(
    document: Document, path: FieldPath, server: ServerConfig, tools: ToolsConfig | None
) -> Iterator[Problem]:
    """The idle deadline must not exceed the total one, whichever of them the entry takes from ``config.yaml``."""
    idle = server.idle_timeout or (tools.idle_timeout if tools else None)
    total = server.total_timeout or (tools.total_timeout if tools else None)
    own = "idle_timeout" if server.idle_timeout else "total_timeout"
    if (server.idle_timeout or server.total_timeout) and idle and total and idle > total:
        hint = "What an entry leaves out comes from chat.service.tools in config.yaml."
        yield document.problem(
            (*path, own), f"idle_timeout is larger than total_timeout ({idle:g} > {total:g})", hint=hint
        )


def visible_secrets(server: ServerConfig) -> Iterator[tuple[int, frozenset[str]]]:
    """Arguments that seem to hold a secret, which every user of the machine can see: position, what to mask."""
    previous = ""
    for index, text in enumerate(server.args):
        if any(secret_name(name) for name in _REFERENCE.findall(text)):
            yield index, frozenset()
        elif looks_secret(text) or (_names_secret(previous) and not text.startswith("-") and may_be_secret(text)):
            value = text.partition("=")[2] or text
            yield index, worth_masking({value, value.rpartition(" ")[2]})
        previous = text


def _names_secret(option: str) -> bool:
    match = _OPTION.fullmatch(option)
    return match is not None and secret_name(match[1])
