"""Listed tools: each judged on its own, definitions pinned, arguments prepared."""

from __future__ import annotations

from typing import Any

from mcp_tui.host.arguments import Schemas
from mcp_tui.host.catalog import Catalog, build_catalog, definition_digest, prepare_arguments


def _tool(name: str = "t", **extra: Any) -> dict[str, Any]:
    return {"name": name, "inputSchema": {"type": "object", "properties": {}}, **extra}


def _build(*tools: Any) -> Catalog:
    return build_catalog("s", "s", tools, Schemas())


def test_case_059_a_malformed_tool_never_costs_the_others() -> None:
    listed: list[Any] = [
        _tool("good"),
        {"name": "bad"},
        None,
        5,
        {"inputSchema": {}},
        _tool(""),
        _tool("good"),
        _tool("free", inputSchema={}),
    ]
    catalog = _build(*listed)
    assert [tool.name for tool in catalog.tools] == ["good", "free"]
    assert [aside.name for aside in catalog.set_aside] == ["bad", "", "", "", "", "good"]
    assert all(aside.reason for aside in catalog.set_aside)


def test_odd_fields_are_tolerated() -> None:
    odd = _tool("odd", description=5, title=[], annotations="x", outputSchema=7, execution=3, _meta="m")
    (tool,) = _build(odd).tools
    assert (tool.description, tool.title, tool.annotations, tool.output_schema) == ("", None, {}, None)


def test_a_title_is_found_in_both_places() -> None:
    first, second = _build(_tool("a", title="A"), _tool("b", annotations={"title": "B"})).tools
    assert (first.title, second.title) == ("A", "B")


def test_case_105_every_part_of_a_definition_changes_its_digest() -> None:
    """Requirement F4: what a person allowed is what runs."""
    base = _tool(description="d", title="t", outputSchema={}, annotations={"readOnlyHint": True})
    changes: list[dict[str, Any]] = [
        {"name": "u"}, {"description": "D"}, {"title": "T"}, {"inputSchema": {}}, {"outputSchema": {"type": "object"}},
        {"annotations": {"readOnlyHint": False}}, {"annotations": None},
    ]  # fmt: skip
    digests = {definition_digest(base | change) for change in changes} | {definition_digest(base)}
    assert len(digests) == len(changes) + 1
    assert definition_digest(dict(reversed(base.items()))) == definition_digest(base)


def test_case_061_definitions_are_limited_in_size() -> None:
    catalog = _build(*(_tool(f"t{n}", description="d" * 100_000) for n in range(100)))
    assert 30 < len(catalog.tools) < 50
    assert all(len(tool.description) < 20_000 and tool.notes for tool in catalog.tools)
    assert catalog.set_aside[-1].reason.startswith("and ")


def test_null_for_optional_arguments_is_left_out_and_names_are_restored() -> None:
    schema = {"type": "object", "properties": {"a.b": {}, "c": {}, "d": {}}, "required": ["d"]}
    (tool,) = _build(_tool(inputSchema=schema)).tools
    (new,) = tool.argument_names
    assert prepare_arguments(tool, {new: 1, "c": None, "d": None, "extra": 2}) == {"a.b": 1, "d": None, "extra": 2}
