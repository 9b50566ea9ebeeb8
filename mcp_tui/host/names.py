"""Names under which the model knows tools (requirement D8).

Providers accept ``^[a-zA-Z0-9_-]{1,64}$``, some want a letter first.  A wire name is ``server__tool``; it depends on
the names of the configured servers and on this one tool, never on what other servers list, so it stays the same
while servers come and go.  The way back is a table (`mcp_tui.host.catalog`), never string splitting.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable

MAX_NAME = 64
MAX_PREFIX = 30
SEPARATOR = "__"

_UNSAFE = re.compile(r"[^a-zA-Z0-9_-]")
_RUNS = re.compile(r"__+")


def server_prefixes(servers: Iterable[str]) -> dict[str, str]:
    """Configured name -> prefix.

    Injective; a prefix starts with a letter and holds no separator, nor does it end in half of one, so that no
    two prefixes with any two tools make the same name.
    """
    prefixes: dict[str, str] = {}
    altered: list[str] = []
    for server in servers:
        if _plain_prefix(server) == server and len(server) <= MAX_PREFIX:
            prefixes[server] = server
        else:
            altered.append(server)
    taken = set(prefixes.values())
    for server in altered:
        prefixes[server] = _unused(_plain_prefix(server), MAX_PREFIX, [server], taken)
        taken.add(prefixes[server])
    return prefixes


def tool_names(prefix: str, server: str, tools: Iterable[str]) -> dict[str, str]:
    """Tool names of one server -> wire names, injective."""
    room = MAX_NAME - len(prefix) - len(SEPARATOR)
    unique = list(dict.fromkeys(tools))
    plain = {tool for tool in unique if tool and len(tool) <= room and not _UNSAFE.search(tool)}
    taken = set(plain)
    names: dict[str, str] = {}
    for tool in unique:
        part = tool if tool in plain else _unused(_UNSAFE.sub("_", tool), room, [server, tool], taken)
        taken.add(part)
        names[tool] = f"{prefix}{SEPARATOR}{part}"
    return names


def safe_key(key: str, taken: set[str], limit: int = 64) -> str:
    """A property key that every provider accepts, not yet in ``taken``."""
    if key and len(key) <= limit and not _UNSAFE.search(key) and key not in taken:
        return key
    return _unused(_UNSAFE.sub("_", key) or "argument", limit, [key], taken)


def _plain_prefix(server: str) -> str:
    text = _RUNS.sub("_", _UNSAFE.sub("_", server)).rstrip("_")
    return text if text[:1].isalpha() else f"m{text}"


def _unused(text: str, room: int, raw: list[str], taken: set[str]) -> str:
    """``text`` with a tail of the raw name's SHA-256; the tail grows should somebody have taken the name."""
    digest = hashlib.sha256(json.dumps(raw).encode()).hexdigest()
    for length in range(8, min(len(digest), room - 2), 4):
        name = f"{text[: room - length - 1]}_{digest[:length]}"
        if name not in taken:
            return name
    return digest[: room - 1]
