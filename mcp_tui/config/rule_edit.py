"""``permissions.yaml`` as text that is changed: everything that is not the rule in question stays, byte for byte.

ruamel.yaml writes the entry.  Where the list stands in one line in brackets, it writes the whole file anew, comments
included.  Whoever calls reads the new text back before it goes to disk.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from mcp_tui.config.problems import FieldPath
from mcp_tui.config.rule_models import RuleEntry, to_data
from mcp_tui.config.source import Document
from mcp_tui.config.yaml_source import parse_yaml

HEADER = """\
# Rules for tool calls: mcp-tui reads and writes this file; comments stay.
# A deny always wins, then ask, then allow.  `mcp-tui rules test SERVER.TOOL` says what would happen, and why.

version: 1

rules: []
"""

_FILE = Path("permissions.yaml")
_INDENT = 2
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_./ -]*(?<! )")
"""Text that needs no quotes unless YAML has a meaning of its own for it."""


def _yaml() -> Any:
    yaml = YAML()
    yaml.width = 10_000
    yaml.preserve_quotes = True
    yaml.allow_unicode = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    return yaml


def entry_lines(entry: RuleEntry, text: str = HEADER) -> list[str]:
    """The entry as a list item, indented as the list of ``text`` is."""
    document = parse_yaml(_FILE, text)
    return _lines(entry, _indent(document) if _is_block(document) else _INDENT)


def _lines(entry: RuleEntry, indent: int) -> list[str]:
    stream = io.StringIO()
    _yaml().dump(_quoted(to_data(entry)), stream)
    first, *rest = stream.getvalue().rstrip("\n").split("\n")
    return [f"{' ' * indent}- {first}", *(f"{' ' * (indent + 2)}{line}" if line else "" for line in rest)]


def _quoted(value: Any) -> Any:
    """The value with quotes round every text that one of YAML's versions takes for something else, such as ``no``."""
    if isinstance(value, dict):
        return {_quoted(key): _quoted(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_quoted(item) for item in value]
    if not isinstance(value, str) or (
        _PLAIN.fullmatch(value) and parse_yaml(_FILE, f"x: {value}").data == {"x": value}
    ):
        return value
    return DoubleQuotedScalarString(value)


def added(text: str, entry: RuleEntry) -> str:
    """The text with the entry as its last rule."""
    document = parse_yaml(_FILE, text)
    mark = document.values[("rules",)]
    if not document.data["rules"]:
        lines = "\n".join(["", *_lines(entry, _INDENT)])
        return text[: mark.start].rstrip(" ") + lines + text[mark.end :]
    if not _is_block(document):
        return _by_ruamel(text, lambda rules: rules.append(_quoted(to_data(entry))))
    _, end = _span(document, len(document.data["rules"]) - 1)
    new = "\n".join(_lines(entry, _indent(document))) + "\n"
    before = text[:end] if text[:end].endswith("\n") else text[:end] + "\n"
    return before + new + text[end:]


def replaced(text: str, index: int, entry: RuleEntry) -> str:
    """The text with the entry in the place of rule ``index``; whole lines of comment inside it move above it."""
    document = parse_yaml(_FILE, text)
    if not _is_block(document):
        return _by_ruamel(text, lambda rules: rules.__setitem__(index, _quoted(to_data(entry))))
    start, end = _span(document, index)
    indent = _indent(document)
    inside = (line.strip() for line in text[start:end].split("\n"))
    comments = [f"{' ' * indent}{line}" for line in inside if line.startswith("#")]
    new = "\n".join([*comments, *_lines(entry, indent)]) + "\n"
    return text[:start] + new + text[end:]


def removed(text: str, index: int) -> str:
    """The text without rule ``index``."""
    document = parse_yaml(_FILE, text)
    if not _is_block(document):
        return _by_ruamel(text, lambda rules: rules.pop(index))
    start, end = _span(document, index)
    if len(document.data["rules"]) == 1:
        return f"{text[:start]}{' ' * _INDENT}[]\n{text[end:]}"
    return text[:start] + text[end:]


def _by_ruamel(text: str, change: Callable[[CommentedSeq], object]) -> str:
    yaml, stream = _yaml(), io.StringIO()
    data = yaml.load(text)
    change(data["rules"])
    yaml.dump(data, stream)
    return stream.getvalue()


def _is_block(document: Document) -> bool:
    """Whether the rules stand below each other, each behind a hyphen."""
    return bool(document.data["rules"]) and not document.source(("rules",)).startswith("[")


def _indent(document: Document) -> int:
    """Column of the hyphens, from 0."""
    return document.values[("rules",)].column - 1


def _span(document: Document, index: int) -> tuple[int, int]:
    """From the beginning of the line with the rule's hyphen to the end of the line where its last value ends."""
    here: FieldPath = ("rules", index)
    text, begin = document.text, document.values[here].start
    ends = [mark.end for path, mark in (*document.values.items(), *document.keys.items())
            if path[:2] == here and (path in document.keys or _is_leaf(document, path))]  # fmt: skip
    start = text.rfind("\n", 0, text.rfind("-", 0, begin)) + 1
    last = max([begin, *ends])
    if text[last - 1 : last] == "\n":
        return start, last
    end = text.find("\n", last)
    return start, len(text) if end < 0 else end + 1


def _is_leaf(document: Document, path: FieldPath) -> bool:
    """Whether a value ends where its mark says: one of a block begins with its first part and ends after comments."""
    source = document.source(path)
    below = any(other[: len(path)] == path and len(other) > len(path) for other in document.values)
    return not below or source[:1] in ("[", "{")
