"""Values against a server's JSON Schema (requirement D7).

The schema is untrusted: references are written out within bounds first (`mcp_tui.host.references`), nothing is
fetched, regular expressions run in linear time, and values that are too large or too deep are refused.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

import jsonschema_rs

from mcp_tui.events.tools import ArgumentProblem
from mcp_tui.host.references import SchemaTooLarge, inline_bounded

_log = logging.getLogger(__name__)

MAX_PROBLEMS = 20
MAX_DEPTH = 100
MAX_WORK = 50_000_000
"""Nodes of the value times nodes of the schema; above it a check could hold up the program."""

_CACHED = 512


def _refuse(uri: str) -> NoReturn:
    raise ValueError("references to other documents are not followed")


@dataclass(frozen=True, slots=True)
class CompiledSchema:
    """A schema ready for use.  ``validator`` is ``None`` when it cannot be used at all; ``notes`` say why."""

    validator: Any
    notes: tuple[str, ...] = ()
    weight: int = 1

    def problems(self, value: Any) -> tuple[ArgumentProblem, ...]:
        """What is wrong with ``value``, one entry for each field; empty when it is right or cannot be judged."""
        if self.validator is None:
            return ()
        size = _measure(value)
        if size is None or size * self.weight > MAX_WORK:
            return (
                ArgumentProblem(field="", message="The value is too large or too deep to be checked.", type="size"),
            )
        try:
            return tuple(_flat(self.validator.iter_errors(value)))
        except UnicodeEncodeError:
            return (ArgumentProblem(field="", message="Text holds half of a surrogate pair.", type="unicode"),)


class Schemas:
    """Compiled schemas by key, the latest used kept."""

    def __init__(self) -> None:
        self._compiled: OrderedDict[str, CompiledSchema] = OrderedDict()

    def get(self, key: str, schema: Any) -> CompiledSchema:
        """The schema compiled; ``key`` stands for its content, such as a digest."""
        if (found := self._compiled.get(key)) is not None:
            self._compiled.move_to_end(key)
            return found
        compiled = compile_schema(schema)
        self._compiled[key] = compiled
        while len(self._compiled) > _CACHED:
            self._compiled.popitem(last=False)
        return compiled


def compile_schema(schema: Any) -> CompiledSchema:
    """Make a schema usable.  One that is broken is used as far as it can be, with notes; never raises."""
    try:
        inlined = inline_bounded(schema)
        weight = _measure(inlined.schema) or 1
    except SchemaTooLarge as error:
        return CompiledSchema(None, (f"its schema is too large to be checked: {error}",))
    if isinstance(inlined.schema, dict) and "json-schema.org" not in str(inlined.schema.get("$schema", "")):
        inlined.schema.pop("$schema", None)
    notes = list(inlined.notes)
    for attempt in (inlined.schema, _without_patterns(inlined.schema)):
        try:
            return CompiledSchema(_validator(attempt), tuple(notes), weight)
        except (ValueError, RecursionError, jsonschema_rs.ReferencingError) as error:
            _log.debug("schema refused: %s", str(error)[:200])
            notes = [*inlined.notes, "its regular expressions are not checked"]
    return CompiledSchema(None, (*inlined.notes, "its schema is not valid JSON Schema; values are not checked"))


def _validator(schema: Any) -> Any:
    return jsonschema_rs.validator_for(
        schema,
        retriever=_refuse,
        pattern_options=jsonschema_rs.RegexOptions(size_limit=1 << 20, dfa_size_limit=4 << 20),
    )


def _without_patterns(schema: Any) -> Any:
    if isinstance(schema, list):
        return [_without_patterns(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: _without_patterns(value)
        for key, value in schema.items()
        if not (key == "pattern" and isinstance(value, str)) and key != "patternProperties"
    }


def _flat(errors: Iterable[jsonschema_rs.ValidationError]) -> Iterable[ArgumentProblem]:
    for count, error in enumerate(errors):
        if count == MAX_PROBLEMS:
            yield ArgumentProblem(field="", message="There are more problems than shown here.", type="more")
            return
        kind, path = error.kind.name, list(error.instance_path)
        missing = getattr(error.kind, "property", None) if kind == "required" else None
        unexpected = getattr(error.kind, "unexpected", ()) if kind == "additionalProperties" else ()
        for name in [missing] if missing is not None else list(unexpected)[:MAX_PROBLEMS] or [None]:
            where = field_path(path if name is None else [*path, str(name)])
            yield ArgumentProblem(field=where, message=error.message[:500], type=kind)


def field_path(path: Iterable[str | int]) -> str:
    """``["items", 2, "name"]`` -> ``items[2].name``."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else (f".{part}" if text else part)
    return text


def _measure(value: Any) -> int | None:
    """How many nodes a value has; ``None`` when it is deeper than `MAX_DEPTH`."""
    count, level = 1, [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for node in level
            if isinstance(node, (dict, list))
            for item in (node.values() if isinstance(node, dict) else node)
        ]
        if not level:
            return count
        count += len(level)
    return None
