"""No socket but loopback: an audit hook that refuses every other address in this process.

Child processes are covered by the network namespace that ``.ci/run`` makes where it may.
"""

from __future__ import annotations

import ipaddress
import socket
import sys
from typing import Any

_installed = False
_EVENTS = ("socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg")
_LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname")
_LOCAL_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost", "", None)


class NetworkForbidden(RuntimeError):
    """A test reached for an address other than loopback."""


def allow_loopback_only() -> None:
    """Install the hook; an audit hook cannot be removed, so it stays for the life of the process."""
    global _installed
    if not _installed:
        sys.addaudithook(_audit)
        _installed = True


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _EVENTS and len(arguments) > 1 and _is_internet(arguments[0]) and arguments[1]:
        _check(arguments[1][0])
    elif event in _LOOKUPS:
        _check(arguments[0])


def _is_internet(value: Any) -> bool:
    return isinstance(value, socket.socket) and value.family in (socket.AF_INET, socket.AF_INET6)


def _check(host: Any) -> None:
    name = host.decode() if isinstance(host, bytes) else host
    if name in _LOCAL_NAMES:
        return
    try:
        address = ipaddress.ip_address(str(name).partition("%")[0])
    except ValueError:
        address = None
    if address is None or not (address.is_loopback or address.is_unspecified):
        raise NetworkForbidden(f"a test reached for {name!r}; only loopback is allowed")
