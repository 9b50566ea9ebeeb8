"""MCP tool schemas -> parameters that every provider accepts (requirement D8).

One schema that a provider refuses fails every request, because all tools are sent each time.  The adapted schema
is for the model to read; arguments are checked against the server's own (`mcp_tui.host.arguments`).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from mcp_tui.host.names import safe_key
from mcp_tui.host.references import SchemaTooLarge, inline_bounded

MAX_PARAMETER_BYTES = 64 << 10
"""A larger parameter schema is replaced by a plain object: it would not fit any model's context."""

_MAX_DEPTH = 10
_TYPES = frozenset({"string", "number", "integer", "boolean", "array", "object"})
_FORMATS = frozenset({"date-time", "date", "time", "email", "uri", "uuid"})
_NUMBERS = ("minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength")


@dataclass(frozen=True, slots=True)
class Adapted:
    """Parameters for the model, the way back for argument names, and what was changed."""

    parameters: dict[str, Any]
    argument_names: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def adapt(schema: Any) -> Adapted:
    """Make ``schema`` acceptable everywhere.  Never raises; the result is always an object schema."""
    notes: list[str] = []
    root = _inlined(schema, notes)
    if not isinstance(root, dict):
        root = {}
    adapted = _Adapter(notes).root(root)
    if len(json.dumps(adapted, ensure_ascii=False, default=str)) > MAX_PARAMETER_BYTES:
        notes.append("its schema is too large for a model; its arguments are not described")
        adapted = {"type": "object", "properties": {}}
    names = _rename_keys(adapted)
    return Adapted(adapted, names, tuple(dict.fromkeys(notes)))


def _inlined(schema: Any, notes: list[str]) -> Any:
    try:
        found = inline_bounded(schema, 2)
    except SchemaTooLarge:
        notes.append("its schema is too large; its arguments are not described to the model")
        return {}
    notes.extend(found.notes)
    return found.schema


def _rename_keys(adapted: dict[str, Any]) -> dict[str, str]:
    """Replace top-level argument names that some provider refuses; returns new -> original for those."""
    properties = adapted["properties"]
    renamed: dict[str, str] = {}
    taken: set[str] = set()
    order = sorted(properties, key=lambda key: safe_key(key, set()) != key)
    for key in order:
        name = safe_key(key, taken)
        taken.add(name)
        renamed[key] = name
    adapted["properties"] = {renamed[key]: value for key, value in properties.items()}
    if "required" in adapted:
        adapted["required"] = [renamed[key] for key in adapted["required"]]
    return {name: key for key, name in renamed.items() if name != key}


class _Adapter:
    """Walks a schema without references."""

    def __init__(self, notes: list[str]) -> None:
        self._notes = notes

    def root(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The root is an object, never a choice: some providers refuse that, others lose its properties."""
        merged = self._with_all_of(schema)
        for key in ("anyOf", "oneOf"):
            arms = [self._with_all_of(arm) for arm in _list(merged.pop(key, None)) if isinstance(arm, dict)]
            if arms:
                self._fold(merged, arms, key)
        merged = {key: value for key, value in merged.items() if key not in ("enum", "const")} | {"type": "object"}
        adapted = self.node(merged, 0)
        adapted.pop("title", None)
        adapted.setdefault("properties", {})
        return adapted

    def _fold(self, merged: dict[str, Any], arms: list[dict[str, Any]], key: str) -> None:
        self._notes.append(f"{key} at the top was folded into one object")
        properties = dict(_mapping(merged.get("properties")))
        for arm in arms:
            for name, value in _mapping(arm.get("properties")).items():
                properties.setdefault(name, value)
        merged["properties"] = properties
        choices = ["+".join(map(str, _list(arm.get("required")))) for arm in arms if _list(arm.get("required"))]
        if choices:
            _describe(merged, "Give one of: " + "; ".join(choices[:10]) + ".")

    def _with_all_of(self, schema: dict[str, Any]) -> dict[str, Any]:
        """``allOf`` merged into the schema itself."""
        merged = dict(schema)
        for part in _list(merged.pop("allOf", None)):
            if not isinstance(part, dict):
                continue
            part = self._with_all_of(part)
            properties = {**_mapping(part.get("properties")), **_mapping(merged.get("properties"))}
            required = [*_list(merged.get("required")), *_list(part.get("required"))]
            for key, value in part.items():
                merged.setdefault(key, value)
            if properties:
                merged["properties"] = properties
            if required:
                merged["required"] = required
        return merged

    def node(self, schema: Any, depth: int) -> dict[str, Any]:
        """One subschema."""
        if not isinstance(schema, dict):
            return {}
        if depth > _MAX_DEPTH:
            self._notes.append("its schema is nested deeply; the innermost parts are not described")
            return {"type": "object"}
        schema = self._with_all_of(schema)
        out: dict[str, Any] = {}
        if isinstance(schema.get("description"), str):
            out["description"] = schema["description"]
        if isinstance(schema.get("title"), str):
            out["title"] = schema["title"]
        self._type(schema, out, depth)
        if "anyOf" not in out:
            self._keywords(schema, out, depth)
        return out

    def _type(self, schema: dict[str, Any], out: dict[str, Any], depth: int) -> None:
        if "const" in schema:
            schema = schema | {"enum": [schema["const"]]}
        arms = [arm for key in ("oneOf", "anyOf") for arm in _list(schema.get(key))]
        declared = schema.get("type")
        types = [name for name in _list(declared) or [declared] if name in _TYPES]
        if arms and "enum" not in schema:
            self._choice([arm for arm in arms if not _is_null(arm)], schema, out, depth)
        elif len(types) > 1 and "enum" not in schema:
            rest = {key: value for key, value in schema.items() if key not in ("type", "description", "title")}
            out["anyOf"] = [self.node(rest | {"type": name}, depth + 1) for name in types]
        elif types:
            out["type"] = types[0]
        elif isinstance(schema.get("properties"), dict):
            out["type"] = "object"
        if isinstance(schema.get("enum"), list):
            self._enum(schema["enum"], out)

    def _choice(self, arms: list[Any], schema: dict[str, Any], out: dict[str, Any], depth: int) -> None:
        adapted = [arm for arm in (self.node(arm, depth + 1) for arm in arms) if arm]
        if isinstance(schema.get("properties"), dict):
            out["type"] = "object"
        elif len(adapted) == 1:
            out.update({key: value for key, value in adapted[0].items() if key not in out})
        elif adapted and all("enum" in arm and arm.get("type") == adapted[0].get("type") for arm in adapted):
            self._enum([value for arm in adapted for value in arm["enum"]], out)
        elif adapted:
            out["anyOf"] = adapted

    def _enum(self, values: list[Any], out: dict[str, Any]) -> None:
        kept = [value for value in values if value is not None and not isinstance(value, (dict, list))]
        if not kept:
            return
        kind = _json_type(kept[0])
        same = [value for value in kept if _json_type(value) == kind]
        if kind == "string" and len(same) == len(kept) and "" not in kept:
            out["type"], out["enum"] = "string", list(dict.fromkeys(kept))
            return
        # Some providers take only words in an enum, and no empty one: the rest is said in the description.
        if len(same) == len(kept):
            out["type"] = kind
        else:
            out.pop("type", None)
        _describe(out, "Allowed values: " + ", ".join(json.dumps(value) for value in kept[:50]) + ".")

    def _keywords(self, schema: dict[str, Any], out: dict[str, Any], depth: int) -> None:
        kind = out.get("type")
        if kind == "object":
            self._object(schema, out, depth)
        if kind == "array":
            items = schema.get("items")
            out["items"] = (self.node(items, depth + 1) if isinstance(items, dict) else {}) or {"type": "string"}
            if isinstance(tuple_items := schema.get("prefixItems", items), list):
                _describe(out, f"A list of {len(tuple_items)} items in a fixed order.")
        for key in _NUMBERS:
            if isinstance(schema.get(key), (int, float)) and not isinstance(schema[key], bool):
                out[key] = schema[key]
        for key, sign in (("exclusiveMinimum", ">"), ("exclusiveMaximum", "<")):
            if isinstance(schema.get(key), (int, float)) and not isinstance(schema[key], bool):
                _describe(out, f"Must be {sign} {schema[key]}.")
        if isinstance(schema.get("pattern"), str) and kind == "string":
            _describe(out, f"Must match {schema['pattern'][:200]}")
        if schema.get("format") in _FORMATS:
            out["format"] = schema["format"]
        if isinstance(schema.get("default"), (str, int, float, bool)):
            out["default"] = schema["default"]

    def _object(self, schema: dict[str, Any], out: dict[str, Any], depth: int) -> None:
        properties = _mapping(schema.get("properties"))
        adapted = {str(key): self.node(value, depth + 1) for key, value in properties.items()}
        if adapted or depth == 0:
            out["properties"] = adapted
        required = [key for key in dict.fromkeys(map(str, _list(schema.get("required")))) if key in adapted]
        if required:
            out["required"] = required
        extra = schema.get("additionalProperties")
        if isinstance(extra, dict) and not adapted:
            _describe(out, "Keys are free.")


def _describe(schema: dict[str, Any], text: str) -> None:
    schema["description"] = f"{schema.get('description') or ''} {text}".strip()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _is_null(arm: Any) -> bool:
    return isinstance(arm, dict) and arm.get("type") == "null"


def _json_type(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return {int: "integer", float: "number", str: "string"}.get(type(value), "object")
