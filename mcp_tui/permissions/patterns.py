"""Argument patterns on parsed values, read in two ways.

*Narrowly*, for an allow: the value must be exactly of the named kind, types and all, in every reading; what cannot
be judged does not match.  *Widely*, for a deny or an ask: it is enough that some part of the value, in some reading,
is what was meant; what cannot be judged matches.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Collection
from functools import lru_cache
from typing import Any

from mcp_tui.config.globs import Glob, fold, parse_glob
from mcp_tui.config.hosts import split_port
from mcp_tui.config.rule_models import ArgumentPattern
from mcp_tui.permissions.readings import decoded, leaves, paths, resolved, texts, under, under_folded
from mcp_tui.permissions.web import PORTS, certain_host, possible_hosts
from mcp_tui.safety.text import hidden_report, strict

NARROW_LIMIT = 100_000
"""Characters of a text beyond which an allow does not look at it."""
WIDE_LIMIT = 250_000
"""Characters beyond which a deny or an ask holds without looking."""


def narrow(pattern: ArgumentPattern, value: Any) -> bool:
    """Whether an allow takes this value."""
    if any(len(text) > NARROW_LIMIT or hidden_report(text) for text in texts(value)):
        return False
    wanted = pattern.value
    match pattern.kind:
        case "equals":
            return same(wanted, value)
        case "one_of":
            return any(same(choice, value) for choice in wanted)
        case "max":
            number = isinstance(value, (int, float)) and not isinstance(value, bool)
            return number and math.isfinite(value) and 0 <= value <= wanted
        case "glob":
            return _plain_text(value) and not _climbs(value) and _glob(wanted, wide=False).matches(value)
        case "path_under":
            return _plain_text(value) and _below(value, wanted)
        case _:
            return _plain_text(value) and certain_host(value) in {_host_and_port(host, value) for host in wanted}


def wide(pattern: ArgumentPattern, value: Any, bases: Collection[str]) -> bool:
    """Whether a deny or an ask means this value; ``bases`` are folders to which relative paths may count."""
    if any(len(text) > WIDE_LIMIT for text in texts(value)):
        return True
    wanted = pattern.value
    match pattern.kind:
        case "equals":
            return _contains(value, wanted)
        case "one_of":
            return any(_contains(value, choice) for choice in wanted)
        case "max":
            return any(number is not None and not number > wanted for number in map(_number, leaves(value)))
        case "glob":
            return any(_glob(wanted, wide=True).matches(form) for leaf in leaves(value) for form in _spellings(leaf))
        case "path_under":
            folders = {wanted, resolved(wanted)}
            found = (path for text in texts(value) for path in paths(text, bases))
            return any(under_folded(path, folder) for path in found for folder in folders)
        case _:
            hosts = {form for host in wanted for form in possible_hosts((split_port(host) or (host,))[0])}
            return any(host in hosts for text in texts(value) for host in possible_hosts(text))


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal, types included (``True`` is not ``1``); text is compared after NFC."""
    if isinstance(one, str) and isinstance(other, str):
        return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(item, other[key]) for key, item in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@lru_cache(maxsize=512)
def _glob(pattern: str, *, wide: bool) -> Glob:
    return parse_glob(pattern, wide=wide)


def _plain_text(value: Any) -> bool:
    """A text of one line in which a reader sees everything."""
    return isinstance(value, str) and strict(value) == value


def _climbs(text: str) -> bool:
    """Whether the text, in some reading, goes up a folder."""
    return any(".." in form.split("/") or ".." in form.split() for form in decoded(text))


def _below(text: str, folder: str) -> bool:
    """Whether a path is below a folder as it is written, decoded, and on this machine's disk."""
    if any(char in text for char in "$*?`"):
        return False
    for form in decoded(text):
        parts = form.split("/")
        if not form.startswith("/") or form.startswith("//") or ".." in parts:
            return False
        if any(part.startswith("~") for part in parts):
            return False
        path = unicodedata.normalize("NFC", "/".join(part for part in parts if part not in ("", ".")))
        if not under(f"/{path}", "/" + folder.strip("/")) or not under(resolved(form), resolved(folder)):
            return False
    return True


def _host_and_port(host: str, url: str) -> tuple[str, int] | None:
    """A host of a rule, with the usual port of the address's scheme where it names none."""
    split = split_port(host)
    if split is None:
        return None
    return split[0], split[1] or PORTS.get(url.partition(":")[0].lower(), 0)


def _contains(value: Any, wanted: Any) -> bool:
    """Whether every part of what is wanted is somewhere in the value."""
    present = [(_spellings(leaf), _number(leaf)) for leaf in leaves(value)]
    for leaf in leaves(wanted):
        spellings, number = _spellings(leaf), _number(leaf)
        if not any(spellings & other or (number is not None and number == found) for other, found in present):
            return False
    return True


def _spellings(leaf: Any) -> set[str]:
    """A scalar as text, without the differences that a server may not make."""
    if isinstance(leaf, str):
        folded = {fold(form) for form in decoded(leaf)}
        return folded | {form.strip() for form in folded}
    return {fold(json.dumps(leaf))}


def _number(leaf: Any) -> float | None:
    """A scalar as the number that it is, or that a server may take it for."""
    if isinstance(leaf, (bool, int, float)):
        return math.copysign(math.inf, leaf) if abs(leaf) > 1e308 else float(leaf)
    if isinstance(leaf, str) and len(leaf) < 400:
        try:
            return float(leaf)
        except ValueError:
            return None
    return None
