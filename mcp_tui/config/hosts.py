"""Hosts of web addresses, in the one form in which they can be compared."""

from __future__ import annotations

import contextlib
import ipaddress
import re

_DEVIATES = frozenset("ßς\u200c\u200d")
"""Characters that the two IDNA standards send to different hosts."""

_NAME = re.compile(r"(?=.{1,253}\Z)([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")


def plain_host(host: str) -> str | None:
    """A host in lower case, international names in their ``xn--`` form; ``None`` where it means no certain host.

    Refused are trailing dots, brackets without an address, names that a lookup would change (full-width letters,
    ``ß``), and anything that no DNS name or address is made of.
    """
    bare = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(bare))
    lower = host.lower()
    if not lower.isascii():
        if _DEVIATES & set(lower):
            return None
        try:
            ascii_form = lower.encode("idna").decode("ascii").lower()
            if ascii_form.encode("ascii").decode("idna") != lower:
                return None
        except UnicodeError:
            return None
        lower = ascii_form
    return lower if _NAME.fullmatch(lower) else None


def split_port(text: str) -> tuple[str, int | None] | None:
    """``host``, ``host:port`` or an IPv6 address as host and port; ``None`` where it is neither."""
    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_address(text)), None
    host, colon, port = text.rpartition(":")
    if not colon or text.endswith("]"):
        host, port = text, ""
    if colon and host is not text and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65536):
        return None
    plain = plain_host(host)
    return (plain, int(port) if port else None) if plain is not None else None
