"""Local ``$ref`` of a JSON Schema written out, with bounds.

A server's schema is data from outside: references may be circular, may point to the network, and a few lines of
nested references can stand for more nodes than any program can visit.  After this no reference is left, so that
the cost of a validation is bounded by the size of the schema times the size of the value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

MAX_NODES = 8_000
MAX_DEPTH = 64
MAX_REPEATS = 5
"""How often a recursive schema is written into itself; deeper values are accepted unchecked."""

_MAPS = frozenset({"properties", "patternProperties", "$defs", "definitions", "dependentSchemas", "dependencies"})
_LISTS = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_SINGLE = frozenset({
    "items", "additionalItems", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else",
    "unevaluatedItems", "unevaluatedProperties",
})  # fmt: skip
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_DROPPED = frozenset({"$defs", "definitions", "$id", "id", "$anchor", "$dynamicAnchor", "$recursiveAnchor"})
_OLD_DRAFTS = ("draft-03", "draft-04", "draft-06", "draft-07")


class SchemaTooLarge(ValueError):
    """Written out, the schema would be larger than `MAX_NODES` or deeper than `MAX_DEPTH`.

    ``recursive``: it refers to itself, so that fewer repetitions make it smaller.
    """

    def __init__(self, recursive: bool) -> None:
        super().__init__(f"more than {MAX_NODES} parts or {MAX_DEPTH} levels")
        self.recursive = recursive


@dataclass(slots=True)
class Inlined:
    """A schema without references, and what had to be given up on the way."""

    schema: Any
    notes: list[str] = field(default_factory=list)


def inline(schema: Any, max_repeats: int = MAX_REPEATS) -> Inlined:
    """Write every local reference out.

    A reference that leads nowhere, outside, or round and round accepts everything, with a note.
    Raises `SchemaTooLarge`.
    """
    walker = _Walker(schema, max_repeats)
    return Inlined(walker.walk(schema, 0, ()), list(dict.fromkeys(walker.notes)))


class _Walker:
    def __init__(self, root: Any, max_repeats: int) -> None:
        self._root = root
        self._max_repeats = max_repeats
        self._nodes = 0
        self._recursive = False
        self.notes: list[str] = []
        dialect = root.get("$schema") if isinstance(root, dict) else None
        self._siblings_count = not any(draft in str(dialect) for draft in _OLD_DRAFTS)

    def walk(self, node: Any, depth: int, path: tuple[str, ...]) -> Any:
        if not isinstance(node, dict):
            return node if isinstance(node, bool) else True
        self._nodes += 1
        if self._nodes > MAX_NODES or depth > MAX_DEPTH:
            raise SchemaTooLarge(self._recursive)
        references = [name for name in _REFERENCES if isinstance(node.get(name), str)]
        if not references:
            return {key: self._keyword(key, value, depth, path) for key, value in node.items() if key not in _DROPPED}
        targets = [self._target(node[name], depth, path) for name in references]
        rest = {key: value for key, value in node.items() if key not in references and key not in _DROPPED}
        if not self._siblings_count or not rest:
            kept = {key: rest[key] for key in ("title", "description", "default") if key in rest}
            return self._merge(targets[0], kept)
        siblings = {key: self._keyword(key, value, depth, path) for key, value in rest.items()}
        return {**siblings, "allOf": [*targets, *siblings.get("allOf", [])]}

    def _keyword(self, key: str, value: Any, depth: int, path: tuple[str, ...]) -> Any:
        if key in _MAPS and isinstance(value, dict):
            return {
                name: self.walk(item, depth + 1, path) if not isinstance(item, list) else item
                for name, item in value.items()
            }
        if key in _LISTS and isinstance(value, list):
            return [self.walk(item, depth + 1, path) for item in value]
        if key == "items" and isinstance(value, list):
            return [self.walk(item, depth + 1, path) for item in value]
        if key in _SINGLE and isinstance(value, (dict, bool)):
            return self.walk(value, depth + 1, path)
        return value

    def _target(self, reference: str, depth: int, path: tuple[str, ...]) -> Any:
        repeats = path.count(reference)
        self._recursive = self._recursive or repeats > 0
        if repeats >= (self._max_repeats if len(path) < MAX_DEPTH else 0):
            self.notes.append(f"{reference} refers to itself; checked to a limited depth")
            return True
        found, target = self._look_up(reference)
        if not found:
            self.notes.append(f"{reference} cannot be resolved; what it describes is not checked")
            return True
        return self.walk(target, depth + 1, (*path, reference))

    def _look_up(self, reference: str) -> tuple[bool, Any]:
        base = self._root.get("$id") if isinstance(self._root, dict) else None
        if isinstance(base, str) and base and reference.startswith(base.rstrip("#")):
            reference = "#" + reference[len(base.rstrip("#")) :].lstrip("#")
        if reference == "#":
            return True, self._root
        if not reference.startswith("#/"):
            return self._anchor(reference[1:]) if reference.startswith("#") else (False, None)
        current = self._root
        for part in reference[2:].split("/"):
            key = unquote(part).replace("~1", "/").replace("~0", "~")
            if isinstance(current, dict) and key in current:
                current = current[key]
            elif isinstance(current, list) and key.isdigit() and int(key) < len(current):
                current = current[int(key)]
            else:
                return False, None
        return True, current

    def _anchor(self, name: str) -> tuple[bool, Any]:
        for holder in ("$defs", "definitions"):
            definitions = self._root.get(holder) if isinstance(self._root, dict) else None
            for item in definitions.values() if isinstance(definitions, dict) else ():
                if isinstance(item, dict) and name in (item.get("$anchor"), item.get("$dynamicAnchor")):
                    return True, item
        return False, None

    @staticmethod
    def _merge(target: Any, kept: dict[str, Any]) -> Any:
        return {**target, **kept} if isinstance(target, dict) else (kept or target)


def inline_bounded(schema: Any, most: int = MAX_REPEATS) -> Inlined:
    """As `inline`, with recursive schemas written out less often when they would grow too large.

    Raises `SchemaTooLarge`.
    """
    for repeats in (most, 2):
        try:
            return inline(schema, repeats)
        except SchemaTooLarge as error:
            if not error.recursive:
                raise
    return inline(schema, 1)
