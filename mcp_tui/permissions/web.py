"""Hosts that a text leads to: the one that every reader agrees on, or all that one of them may find."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

from mcp_tui.config.globs import fold
from mcp_tui.config.hosts import plain_host
from mcp_tui.permissions.readings import decoded
from mcp_tui.safety.text import strict

PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}

_AUTHORITY = re.compile(r"[/\\]{2,}([^/?#\s\"'<>]*)")
"""What stands between two slashes and the next: up to a backslash for some readers, beyond it for others."""
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:[/\\]*", re.IGNORECASE)
_END = re.compile(r"[/\\?#\s]")
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")


def certain_host(text: str) -> tuple[str, int] | None:
    """Host and port of a web address that can be read in one way only, else ``None``."""
    if strict(text) != text or any(char in text for char in " \\"):
        return None
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in PORTS or not host or "@" in parts.netloc or "%" in parts.netloc:
        return None
    if not text[len(parts.scheme) :].startswith("://") or parts.netloc.endswith(":"):
        return None
    plain = plain_host(host)
    if plain is None or (plain[:1].isdigit() and plain.replace(".", "").isdigit() and plain != host):
        return None
    return plain, port if port is not None else PORTS[parts.scheme]


def possible_hosts(text: str) -> Iterator[str]:
    """Every host that some reader may find in the text: users, ports, dots, digits and scripts aside."""
    for form in decoded(text):
        form = form.strip()
        authorities = [match[1] for match in _AUTHORITY.finditer(form)]
        authorities += [authority.partition("\\")[0] for authority in authorities if "\\" in authority]
        scheme = _SCHEME.match(form)
        authorities += [_END.split(form[at:], maxsplit=1)[0] for at in {0, scheme.end() if scheme else 0}]
        for authority in authorities:
            for part in {authority, authority.rpartition("@")[2], authority.partition("@")[0]}:
                yield from _forms(part)


def _forms(authority: str) -> Iterator[str]:
    with contextlib.suppress(ValueError):
        yield str(ipaddress.ip_address(authority.strip("[]")))
    host = authority.strip("[]") if authority.endswith("]") else re.sub(r":[0-9]*\Z", "", authority).strip("[]")
    host = fold(host.translate(_DOTS)).rstrip(".")
    if not host:
        return
    yield host
    if (plain := plain_host(host)) is not None and plain != host:
        yield plain
    with contextlib.suppress(UnicodeError):
        yield host.encode("idna").decode("ascii").lower()
    if host.startswith("::ffff:"):
        yield host[7:]
    with contextlib.suppress(OSError, ValueError):
        yield socket.inet_ntoa(socket.inet_aton(host))
