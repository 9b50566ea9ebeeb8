"""What one rule must keep: a rule that can never match, or that allows more than anybody can mean, is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from mcp_tui.config.globs import BadGlob, parse_glob
from mcp_tui.config.hosts import split_port
from mcp_tui.config.problems import FieldPath
from mcp_tui.config.rule_models import ANY, ArgumentPattern, RuleEntry
from mcp_tui.safety.text import hidden_report, strict

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_SCALARS = (str, bool, int, float, type(None))
_KINDS = "`equals`, `one_of`, `glob`, `path_under`, `host_in` or `max`"


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong with an entry; ``path`` counts from the entry."""

    path: FieldPath
    message: str
    expected: str = ""
    hint: str = ""


def check_entry(entry: RuleEntry) -> Iterator[Fault]:
    """Everything that is wrong with an entry whose fields have the right types."""
    if not _ID.fullmatch(entry.id):
        wanted = "1 to 64 letters, digits, dots, hyphens and underscores, a letter or digit first"
        yield Fault(("id",), "is no usable name", wanted)
    yield from _who(entry)
    if entry.project is not None:
        yield from _folder(("project",), entry.project)
    for name, pattern in (entry.arguments or {}).items():
        yield from _argument(entry, ("arguments", name), pattern)
        if entry.effect == "allow" and strict(name) != name:
            yield Fault(("arguments", name), "holds characters that nobody sees: an allow of it can never match")


def _who(entry: RuleEntry) -> Iterator[Fault]:
    narrow = entry.effect == "allow"
    for name in ("server", "tool"):
        value = getattr(entry, name)
        if not value or value != value.strip() or strict(value) != value:
            yield Fault((name,), "is no name" if not value.strip() else "holds characters that no name has")
    if ANY in entry.server and entry.server != ANY:
        yield Fault(("server",), "is a pattern", 'the name of one server, or "*" for any', "")
    elif narrow and entry.server == ANY:
        hint = "Write one rule for each server that you trust so far."
        yield Fault(("server",), "allows every server, those you add later included", "the name of one server", hint)
    if entry.tool != ANY and _is_pattern(entry.tool):
        if narrow:
            yield Fault(("tool",), "is a pattern", 'the name of one tool, or "*" for any')
        else:
            yield from _glob(("tool",), entry.tool)
    if entry.annotation is not None and not narrow:
        hint = "A server gets out of it by no longer saying so."
        yield Fault(("annotation",), "goes with `allow` only", hint=hint)
    if entry.definition is not None:
        yield from _definition(entry)


def _definition(entry: RuleEntry) -> Iterator[Fault]:
    path: FieldPath = ("definition",)
    if entry.effect != "allow":
        yield Fault(path, "goes with `allow` only", hint="A server gets out of it by changing the tool.")
    elif entry.tool == ANY:
        yield Fault(path, "belongs to one tool", "the name of the tool in `tool`")
    if not _SHA256.fullmatch(entry.definition or ""):
        yield Fault(path, "is no SHA-256", "64 hexadecimal digits in lower case, as `p` on a card writes them")


def _is_pattern(text: str) -> bool:
    return any(char in text for char in "*?[")


def _folder(path: FieldPath, value: str) -> Iterator[Fault]:
    parts = PurePosixPath(value).parts
    if not value.startswith("/"):
        yield Fault(path, "is no absolute path", "a path that begins with `/`", "Write it without `~` and variables.")
    elif ".." in parts or any(part.startswith("~") for part in parts):
        yield Fault(path, "holds `..` or `~`", "the plain path of a folder")
    elif strict(value) != value:
        yield Fault(path, "holds characters that nobody sees")


def _argument(entry: RuleEntry, path: FieldPath, pattern: ArgumentPattern) -> Iterator[Fault]:
    kind = pattern.kind
    if not kind:
        count = len(pattern.model_fields_set)
        yield Fault(path, "says nothing" if not count else f"has {count} patterns", f"exactly one of {_KINDS}")
        return
    here = (*path, kind)
    match kind:
        case "equals":
            yield from _value(entry, here, pattern.equals)
        case "one_of":
            yield from _choices(entry, here, pattern.one_of)
        case "glob":
            yield from _glob(here, pattern.glob)
            yield from _reachable(entry, here, pattern.glob)
        case "path_under":
            yield from _folder(here, pattern.path_under)
        case "host_in":
            yield from _hosts(here, pattern.host_in)
        case _:
            if pattern.max < 0 and entry.effect == "allow":
                yield Fault(here, "can never match: an allow takes no negative number", "0 or more")


def _choices(entry: RuleEntry, path: FieldPath, values: list[Any]) -> Iterator[Fault]:
    if not values:
        yield Fault(path, "can never match: it lists nothing", "at least one value")
    seen: list[tuple[type, Any]] = []
    for index, value in enumerate(values):
        yield from _value(entry, (*path, index), value)
        if (type(value), value) in seen:
            yield Fault((*path, index), "is there twice")
        seen.append((type(value), value))


def _value(entry: RuleEntry, path: FieldPath, value: Any) -> Iterator[Fault]:
    """Only what JSON has, and for an allow only what a person can see."""
    waiting: list[Any] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            waiting += [*part.keys(), *part.values()]
        elif isinstance(part, list):
            waiting += part
        elif not isinstance(part, _SCALARS):
            yield Fault(path, f"is read as a {type(part).__name__} by YAML, which no argument is",
                        hint="Put it in quotes.")  # fmt: skip
        elif isinstance(part, str) and entry.effect == "allow" and hidden_report(part):
            yield Fault(path, "can never match: it holds characters that nobody sees")


def _glob(path: FieldPath, pattern: str) -> Iterator[Fault]:
    if not pattern:
        yield Fault(path, "matches only the empty text", hint='Write `equals: ""` if that is meant.')
        return
    try:
        parse_glob(pattern)
    except BadGlob as error:
        yield Fault(path, str(error), "a pattern of `*`, `**`, `?` and `[...]`")


def _reachable(entry: RuleEntry, path: FieldPath, pattern: str) -> Iterator[Fault]:
    if entry.effect == "allow" and strict(pattern) != pattern:
        yield Fault(path, "can never match: it holds characters that nobody sees")
    elif entry.effect == "allow" and ".." in pattern.replace("\\", "/").split("/"):
        yield Fault(path, "can never match: an allow takes no `..`")


def _hosts(path: FieldPath, hosts: list[str]) -> Iterator[Fault]:
    if not hosts:
        yield Fault(path, "can never match: it lists nothing", "at least one host")
    for index, host in enumerate(hosts):
        if split_port(host) is None:
            yield Fault((*path, index), "is no host", "a host such as `docs.example.com` or `localhost:8080`",
                        "Without scheme, path, user and wildcard.")  # fmt: skip
        elif host in hosts[:index]:
            yield Fault((*path, index), "is there twice")
