"""Values against schemas: problems by field, nothing fetched, nothing that takes for ever (requirement D7)."""

from __future__ import annotations

import time
from typing import Any

import pytest

from mcp_tui.host.arguments import compile_schema, field_path

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 2},
        "kind": {"enum": ["a", "b"]},
        "items": {"type": "array", "items": {"$ref": "#/$defs/item"}},
    },
    "required": ["name"],
    "additionalProperties": False,
    "$defs": {"item": {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}},
}


def _problems(schema: Any, value: Any) -> list[tuple[str, str]]:
    return [(problem.field, problem.type) for problem in compile_schema(schema).problems(value)]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"name": "ab", "kind": "a", "items": [{"id": 1}]}, []),
        ({}, [("name", "required")]),
        ({"name": "a"}, [("name", "minLength")]),
        ({"name": "ab", "kind": "c"}, [("kind", "enum")]),
        ({"name": "ab", "items": [{"id": 1}, {"id": "x"}, {}]}, [("items[1].id", "type"), ("items[2].id", "required")]),
        ({"name": "ab", "nmae": 1}, [("nmae", "additionalProperties")]),
        ([], [("", "type")]),
    ],
)
def test_problems_by_field(value: Any, expected: list[tuple[str, str]]) -> None:
    assert sorted(_problems(SCHEMA, value)) == sorted(expected)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object", "properties": {"n": {"type": "string", "pattern": "^(a+)+$"}}},
        {"$defs": {"a": {"$ref": "#/$defs/a"}}, "allOf": [{"$ref": "#/$defs/a"}]},
        {"properties": {"n": {"$ref": "#"}}, "allOf": [{"properties": {"n": {"$ref": "#"}}}]},
        {"$ref": "http://127.0.0.1:9/schema.json"},
        {"$schema": "http://127.0.0.1:9/dialect", "type": "object"},
        {"type": "banana"},
        {"type": "object", "properties": 5},
        {"properties": {"n": {"pattern": "("}}},
        {"properties": {"n": {"pattern": "(?=a)b"}}},
        {"items": {"$ref": "#"}},
        {"$dynamicRef": "#meta", "$defs": {"m": {"$dynamicAnchor": "meta", "type": "object"}}},
    ],
)
def test_case_056_hostile_schemas_are_judged_quickly(schema: Any) -> None:
    deep: Any = {"n": "x"}
    for _ in range(90):
        deep = {"n": deep}
    started = time.monotonic()
    compiled = compile_schema(schema)
    values: list[Any] = [{"n": "a" * 50 + "!"}, {}, deep, [[[]]], None]
    for value in values:
        compiled.problems(value)
    assert time.monotonic() - started < 2


def test_a_value_deeper_than_the_limit_is_refused() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    assert _problems({"type": "array"}, deep) == [("", "size")]


def test_half_a_surrogate_pair_is_a_problem() -> None:
    assert _problems({"type": "string"}, "a\ud800") == [("", "unicode")]


def test_a_broken_pattern_does_not_hide_other_problems() -> None:
    schema = {"properties": {"n": {"type": "string", "pattern": "("}}, "required": ["m"]}
    assert sorted(_problems(schema, {"n": 1})) == [("m", "required"), ("n", "type")]
    assert compile_schema(schema).notes == ("its regular expressions are not checked",)


def test_old_dialects_are_understood() -> None:
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "definitions": {"n": {"type": "integer"}},
        "properties": {"n": {"$ref": "#/definitions/n"}, "t": {"items": [{"type": "string"}]}},
    }
    assert _problems(schema, {"n": "x", "t": [1]}) == [("n", "type"), ("t[0]", "type")]


def test_the_number_of_problems_is_limited() -> None:
    schema = {"items": {"type": "integer"}}
    assert len(compile_schema(schema).problems(["x"] * 1000)) == 21


def test_paths() -> None:
    assert field_path(["items", 2, "name"]) == "items[2].name"
    assert field_path([]) == ""
    assert field_path([0, "a"]) == "[0].a"
