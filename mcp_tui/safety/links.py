"""Where an address leads, said before the address itself: the host is what a reader must see first."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_PUNYCODE = re.compile(r"(?:^|\.)xn--", re.IGNORECASE)
WEB = ("http", "https")


def host_of(url: str) -> str:
    """The host that a browser would go to; empty where there is none.

    A browser takes a backslash for a slash, and ignores a name before ``@``.
    """
    scheme = _SCHEME.match(url)
    try:
        parts = urlsplit(url.replace("\\", "/") if scheme and scheme[1].lower() in WEB else url)
        return parts.hostname or ""
    except ValueError:
        return ""


def remarks(url: str) -> tuple[str, ...]:
    """What is easily overlooked in an address: another alphabet, a name before ``@``, what is no web address."""
    found: list[str] = []
    scheme, host = _SCHEME.match(url), host_of(url)
    if scheme is not None and scheme[1].lower() not in (*WEB, "mailto"):
        found.append(f"{scheme[1].lower()}: is no web address")
    if _PUNYCODE.search(host):
        reads = _decoded(host)
        found.append(f"punycode, reads {reads}" if reads else "punycode")
    elif not host.isascii():
        found.append("not plain letters")
    if host and "@" in url.partition("//")[2].replace("\\", "/").partition("/")[0]:
        found.append("the name before @ is not the host")
    return tuple(found)


def _decoded(host: str) -> str:
    """The host as it pretends to read; empty where it cannot be decoded."""
    try:
        return host.encode("ascii").decode("idna")
    except (UnicodeError, ValueError):
        return ""


def described(url: str, text: str) -> str:
    """What is added behind a link with this text; nothing where the text says where it leads and nothing is odd.

    The host comes first, then what is odd about the address, then the whole of it.
    """
    odd = ", ".join(remarks(url))
    same = url in (text, f"mailto:{text}")
    if same and not odd:
        return ""
    head = ", ".join(part for part in (host_of(url), odd) if part)
    if same:
        return head
    return f"{head}: {url}" if head else url
