"""YAML with the place of every value: the only YAML reader of the program.

Reads the event stream of PyYAML's safe loader without recursion, so that nesting, aliases and duplicate keys are
refused before they cost anything.  Tags, anchors, aliases and merge keys have no use in these files and are refused.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from mcp_tui.config.problems import FieldPath
from mcp_tui.config.source import AGAIN, MAX_DEPTH, MAX_INTEGER, Document, Mark, syntax_problem, too_deep

try:
    from yaml import CSafeLoader as _Loader
except ImportError:  # PyYAML without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

_PLAIN_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9]*)(\.[0-9]*([eE][-+]?[0-9]+)?)?|[-+]?\.[0-9]+([eE][-+]?[0-9]+)?")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TAG = "tag:yaml.org,2002:"


@dataclass(slots=True)
class _Open:
    """A mapping or list whose end has not been reached."""

    path: FieldPath
    value: dict[str, Any] | list[Any]
    mark: yaml.Mark
    key: str | None = None
    skip: bool = False
    """The value that follows belongs to a refused key."""


@dataclass(slots=True)
class _Reader:
    document: Document
    loader: Any
    stack: list[_Open] = field(default_factory=list)

    def read(self) -> None:
        self._expect(yaml.StreamStartEvent)
        if self.loader.check_event(yaml.StreamEndEvent):
            return
        self._expect(yaml.DocumentStartEvent)
        while not self.loader.check_event(yaml.DocumentEndEvent):
            self._take(self.loader.get_event())
        self._expect(yaml.DocumentEndEvent)
        if not self.loader.check_event(yaml.StreamEndEvent):
            mark = self.loader.get_event().start_mark
            raise syntax_problem(
                self.document.file, "holds more than one YAML document", mark.line + 1, mark.column + 1
            )

    def _expect(self, kind: type[yaml.Event]) -> None:
        event = self.loader.get_event()
        assert isinstance(event, kind)

    def _take(self, event: Any) -> None:
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self._close(event)
            return
        self._refuse_cleverness(event)
        if isinstance(event, yaml.ScalarEvent):
            if self._awaits_key():
                self._key(event)
            else:
                self._place(self._scalar(event), event)
        else:
            self._open(event)

    def _awaits_key(self) -> bool:
        return bool(self.stack) and isinstance(self.stack[-1].value, dict) and self.stack[-1].key is None

    def _refuse_cleverness(self, event: Any) -> None:
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            hint = "Write the value out, or put it in quotes if it is meant as text."
            raise syntax_problem(self.document.file, "uses a YAML anchor or alias (`&` or `*`)", line, column, hint)
        if event.tag not in (None, "!"):
            hint = "Write the value without the tag, or put it in quotes if it is meant as text."
            raise syntax_problem(self.document.file, "uses a YAML tag (`!`)", line, column, hint)
        if self._awaits_key() and not isinstance(event, yaml.ScalarEvent):
            raise syntax_problem(self.document.file, "has a list or mapping where a field name belongs", line, column)

    def _path(self) -> FieldPath:
        if not self.stack:
            return ()
        top = self.stack[-1]
        return (*top.path, len(top.value) if isinstance(top.value, list) else top.key or "")

    def _key(self, event: yaml.ScalarEvent) -> None:
        top, name, mark = self.stack[-1], str(event.value), _mark(event)
        path = (*top.path, name)
        top.key, top.skip = name, False
        plain_type = _type(self.loader, event)
        if plain_type not in ("str", "merge", "value"):
            self.document.refuse(path, f"is read as {_TYPE_WORDS.get(plain_type, plain_type)} by YAML",
                       f'Put the name in quotes: "{name}".', mark)  # fmt: skip
        if path in self.document.keys:
            self.document.duplicate(path, mark)
            top.key, top.skip = name + AGAIN, True
        else:
            self.document.keys[path] = mark

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        kind, text = _type(self.loader, event), str(event.value)
        if kind in ("str", "merge", "value"):
            return text
        path, mark = self._path(), _mark(event)
        if kind in ("int", "float"):
            return self._number(kind, text, path, mark)
        node = yaml.ScalarNode(_TAG + kind, text)
        try:
            return self.loader.construct_object(node)
        except (ValueError, yaml.YAMLError):
            self.document.refuse(path, f"`{text}` is not a valid {kind}", f'As text it is written "{text}".', mark)
            return None

    def _number(self, kind: str, text: str, path: FieldPath, mark: Mark) -> int | float | str:
        """A decimal number; YAML 1.1's octal, sexagesimal, binary and infinite ones are refused."""
        if not _PLAIN_NUMBER.fullmatch(text):
            self.document.refuse(path, f"`{text}` is a number in one of YAML's special notations",
                       f'Write it as a plain decimal number; as text it is written "{text}".', mark)  # fmt: skip
            return 0
        value = float(text) if kind == "float" else int(text[:40])
        if not math.isfinite(value) or abs(value) > MAX_INTEGER:
            self.document.refuse(
                path, "is a number too large to be meant", f'As text it is written "{text[:40]}".', mark
            )
            return 0
        return value

    def _open(self, event: Any) -> None:
        path = self._path()
        if len(self.stack) >= MAX_DEPTH:
            raise too_deep(self.document.file, path, event.start_mark.line + 1, event.start_mark.column + 1)
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._place(value, event)
        self.stack.append(_Open(path, value, event.start_mark))

    def _close(self, event: Any) -> None:
        done = self.stack.pop()
        start = done.mark
        self.document.values[done.path] = Mark(start.line + 1, start.column + 1, start.index, event.end_mark.index)

    def _place(self, value: Any, event: Any) -> None:
        path = self._path()
        if not self.stack:
            self.document.data = value
            self.document.values[path] = _mark(event)
            return
        top = self.stack[-1]
        if isinstance(top.value, list):
            top.value.append(value)
        elif not top.skip and top.key is not None:
            top.value[top.key] = value
        top.key = None
        self.document.values.setdefault(path, _mark(event))


_TYPE_WORDS = {
    "bool": "true or false", "int": "a number", "float": "a number", "null": "null", "timestamp": "a date",
}  # fmt: skip


def _mark(event: Any) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1, start.index, event.end_mark.index)


def _type(loader: Any, event: yaml.ScalarEvent) -> str:
    tag = str(loader.resolve(yaml.ScalarNode, event.value, event.implicit))
    return tag.removeprefix(_TAG)


def parse_yaml(file: Path, text: str) -> Document:
    """Parse a text; raises `Unreadable` for a syntax error, notes lesser faults in the document's ``problems``.

    An empty text gives ``None`` as data.
    """
    document = Document(file, text)
    control = _CONTROL.search(text)
    if control is not None:
        line = text.count("\n", 0, control.start()) + 1
        column = control.start() - text.rfind("\n", 0, control.start())
        raise syntax_problem(file, f"holds the control character U+{ord(control[0]):04X}", line, column)
    loader = _Loader(text)
    try:
        _Reader(document, loader).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise syntax_problem(file, f"is not valid YAML: {error.problem or error.context}", line, column,
                             _syntax_hint(text, line)) from None  # fmt: skip
    except yaml.YAMLError as error:
        raise syntax_problem(file, f"is not valid YAML: {str(error).splitlines()[0]}", 1, 1) from None
    finally:
        loader.dispose()
    return document


def _syntax_hint(text: str, line: int) -> str:
    lines = text.splitlines()
    here = lines[line - 1] if 0 < line <= len(lines) else ""
    if "\t" in here[: len(here) - len(here.lstrip())]:
        return "Indent with spaces: YAML does not allow tabs."
    return "Look at the indentation, and put text that holds `: `, `#` or starts with a special character in quotes."
