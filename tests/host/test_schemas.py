"""Parameters for the model: always of the shape that every provider accepts, whatever a server sends."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_tui.host.arguments import compile_schema
from mcp_tui.host.schemas import adapt

_KEYWORDS = {
    "type", "description", "title", "properties", "required", "items", "anyOf", "enum", "default", "format",
    "minimum", "maximum", "minItems", "maxItems", "minLength", "maxLength",
}  # fmt: skip


def assert_portable(schema: Any, root: bool = True) -> None:
    """The rules of the providers, as far as they are known."""
    assert isinstance(schema, dict)
    assert set(schema) <= _KEYWORDS
    if root:
        assert schema["type"] == "object"
        assert "anyOf" not in schema
        assert isinstance(schema["properties"], dict)
        assert all(re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", key) for key in schema["properties"])
    kind = schema.get("type")
    assert kind is None or kind in ("string", "number", "integer", "boolean", "array", "object")
    if "enum" in schema:
        assert kind == "string"
        assert schema["enum"]
        assert all(isinstance(value, str) and value for value in schema["enum"])
    if kind == "array":
        assert isinstance(schema["items"], dict)
        assert schema["items"]
        assert_portable(schema["items"], root=False)
    assert set(schema.get("required", [])) <= set(schema.get("properties", {}))
    for arm in [*schema.get("anyOf", []), *schema.get("properties", {}).values()]:
        assert_portable(arm, root=False)


_scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=4)
_names = st.sampled_from(["a", "b", "a.b", "$x", "", "x" * 70, "é"])


def _schemas() -> st.SearchStrategy[Any]:
    kinds = ["string", "number", "integer", "boolean", "array", "object", "null", "banana"]
    types = st.sampled_from(kinds) | st.lists(st.sampled_from(kinds), max_size=3) | _scalars
    leaves = st.booleans() | _scalars | st.fixed_dictionaries({}, optional={"type": types})

    def extend(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        maps = st.dictionaries(_names, inner, max_size=3)
        lists = st.lists(inner, max_size=3)
        return st.fixed_dictionaries(
            {},
            optional={
                "type": types, "properties": maps | _scalars, "items": inner | lists, "anyOf": lists, "oneOf": lists,
                "allOf": lists, "enum": st.lists(_scalars, max_size=3), "const": _scalars, "description": _scalars,
                "required": st.lists(_names, max_size=3) | _scalars, "$defs": maps, "default": _scalars,
                "$ref": st.sampled_from(["#", "#/$defs/a", "#/properties/a", "http://example.com/x", "#/nowhere"]),
                "additionalProperties": inner, "not": inner, "prefixItems": lists, "format": _scalars,
                "minimum": _scalars, "exclusiveMinimum": _scalars, "pattern": st.sampled_from(["a+", "("]),
                "patternProperties": maps, "title": _scalars, "if": inner, "then": inner,
            },
        )  # fmt: skip

    return st.recursive(leaves, extend, max_leaves=12)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_schemas())
def test_anything_becomes_portable(schema: Any) -> None:
    adapted = adapt(schema)
    assert_portable(adapted.parameters)
    assert set(adapted.argument_names) <= set(adapted.parameters["properties"])
    json.dumps(adapted.parameters)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_schemas(), _scalars | st.dictionaries(_names, _scalars | st.lists(_scalars, max_size=3), max_size=3))
def test_case_056_no_schema_makes_a_check_raise(schema: Any, value: Any) -> None:
    for problem in compile_schema(schema).problems(value):
        assert problem.message


def _bomb() -> dict[str, Any]:
    """Twenty lines that stand for two to the power of twenty parts."""
    definitions = {
        f"d{n}": {"allOf": [{"$ref": f"#/$defs/d{n + 1}"}, {"$ref": f"#/$defs/d{n + 1}"}]} for n in range(20)
    }
    return {"type": "object", "$defs": {**definitions, "d20": {"type": "object"}}, "allOf": [{"$ref": "#/$defs/d0"}]}


def test_case_056_a_bomb_of_references_is_refused_quickly() -> None:
    assert "too large" in " ".join(adapt(_bomb()).notes)
    compiled = compile_schema(_bomb())
    assert compiled.validator is None
    assert "too large" in " ".join(compiled.notes)


def _adapted(properties: dict[str, Any], **root: Any) -> dict[str, Any]:
    adapted: dict[str, Any] = adapt({"type": "object", "properties": properties, **root}).parameters["properties"]
    return adapted


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": ["string", "null"]}, {"type": "string"}),
        ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, {"type": "integer"}),
        ({"const": "x"}, {"type": "string", "enum": ["x"]}),
        ({"enum": [1, 2]}, {"type": "integer", "description": "Allowed values: 1, 2."}),
        ({"type": "string", "enum": ["a", ""]}, {"type": "string", "description": 'Allowed values: "a", "".'}),
        ({"type": "array"}, {"type": "array", "items": {"type": "string"}}),
        ({"type": "number", "exclusiveMinimum": 0}, {"type": "number", "description": "Must be > 0."}),
        ({"$ref": "#/$defs/n", "description": "d"}, {"type": "string", "description": "d"}),
        (True, {}),
    ],
)
def test_adaptation(schema: Any, expected: dict[str, Any]) -> None:
    assert _adapted({"p": schema}, **{"$defs": {"n": {"type": "string"}}})["p"] == expected


def test_a_choice_at_the_root_keeps_its_properties() -> None:
    schema = {
        "oneOf": [
            {"properties": {"id": {"type": "string"}}, "required": ["id"]},
            {"properties": {"name": {"type": "string"}}, "required": ["name"]},
        ]
    }
    adapted = adapt(schema)
    assert set(adapted.parameters["properties"]) == {"id", "name"}
    assert "Give one of: id; name." in adapted.parameters["description"]
    assert adapted.notes


def test_renamed_arguments_have_a_way_back() -> None:
    adapted = adapt({"type": "object", "properties": {"a b": {"type": "string"}, "a_b": {}}, "required": ["a b"]})
    (new,) = adapted.argument_names
    assert adapted.argument_names[new] == "a b"
    assert set(adapted.parameters["properties"]) == {new, "a_b"}
    assert adapted.parameters["required"] == [new]
