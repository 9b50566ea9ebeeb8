"""What is unusual about the arguments of a call, compared with those of earlier runs of the same tool."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

LONG = 80
"""Characters up to which no value is called long."""
MUCH_LONGER = 1.5
"""Times the longest value so far."""

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]{1,20}://[^\s\"'<>]+")
_HOST_FIELDS = re.compile(r"(^|_)(host|hostname|domain)$", re.IGNORECASE)
_PATH_FIELDS = re.compile(r"path|file|folder|dir|root|cwd|source|destination|target", re.IGNORECASE)
_HOME = re.compile(r"/(?:home|Users)/[^/]+(?=/)")
_MOST_TEXT = 100_000
"""Characters of one text that are searched for addresses."""


def unusual_fields(arguments: Mapping[str, Any], earlier: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Argument name -> what is unusual about it, in words; empty where nothing ran before.

    An argument that was never sent, a host or a top folder that was never named there, a value much longer
    than any before.
    """
    found: dict[str, str] = {}
    for name, value in arguments.items() if earlier else ():
        before = [call[name] for call in earlier if name in call]
        words = _unusual(name, value, before) if before else ["not sent before"]
        if words:
            found[name] = "; ".join(words)
    return found


def _unusual(name: str, value: Any, before: Sequence[Any]) -> list[str]:
    words = []
    for kind, places in (("host", hosts), ("folder", folders)):
        now = list(dict.fromkeys(places(name, value)))
        if now:
            known = {place for item in before for place in places(name, item)}
            words += [f"new {kind} {place}" for place in now if place not in known]
    size = _size(value)
    if size > LONG and size > MUCH_LONGER * (longest := max(map(_size, before))):
        words.append(f"longest so far: {size:,} characters, before {longest:,}")
    return words


def _size(value: Any) -> int:
    return len(value) if isinstance(value, str) else len(json.dumps(value, ensure_ascii=False, default=str))


def hosts(name: str, value: Any) -> Iterator[str]:
    """Hosts that a value names: those of its addresses, or itself where the argument is a host."""
    for key, text in _texts(name, value):
        if "://" in text:
            yield from filter(None, (_host(match[0].rstrip(".,;:!?)]}")) for match in _URL.finditer(text[:_MOST_TEXT])))
        elif _HOST_FIELDS.search(key) and text.strip():
            yield text.strip().lower()


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return address


def folders(name: str, value: Any) -> Iterator[str]:
    """The top folders that a value's paths lie in."""
    for key, text in _texts(name, value):
        if folder := _top_folder(key, text):
            yield folder


def _top_folder(key: str, text: str) -> str:
    """Such as ``/etc``, ``/home/me/work``, ``~/work``, ``src`` or ``..``; empty when ``text`` is no path."""
    if text.startswith("file://"):
        text = unquote(urlsplit(text).path)
    if not text or "\n" in text or "://" in text:
        return ""
    if not (text.startswith(("/", "~", "./", "../")) or text == ".." or ("/" in text and _PATH_FIELDS.search(key))):
        return ""
    path = posixpath.normpath(text)
    home = _HOME.match(path)
    base, rest = (home[0], path[home.end() :]) if home else ("/" if path[0] == "/" else "", path)
    parts = rest.strip("/").split("/")
    if parts[0].startswith("~") and len(parts) > 1:
        return "/".join(parts[:2])
    if not base and len(parts) == 1:
        return parts[0] if parts[0] in ("..", "~") else "."
    return posixpath.join(base, parts[0])


def _texts(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every text in a value, with the nearest name above it."""
    waiting = [(name, value)]
    while waiting:
        key, item = waiting.pop()
        if isinstance(item, str):
            yield key, item
        elif isinstance(item, Mapping):
            waiting.extend((str(inner), entry) for inner, entry in reversed(list(item.items())))
        elif isinstance(item, list | tuple):
            waiting.extend((key, entry) for entry in reversed(item))
