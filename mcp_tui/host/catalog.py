"""What a server lists -> tools that the model may be offered, and those set aside with a reason (requirement D8)."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from mcp_tui.events.servers import SetAsideTool
from mcp_tui.events.tools import HeldTool, ToolDefinition
from mcp_tui.host.arguments import Schemas
from mcp_tui.host.names import tool_names
from mcp_tui.host.schemas import adapt

MAX_DESCRIPTION = 16 << 10
"""Characters of one description; more is cut, with a note."""

MAX_CATALOG_BYTES = 4 << 20
"""Definitions of one server together; tools beyond it are set aside."""

MAX_SECONDS = 10.0
"""Time for reading all schemas of one server; ordinary ones take about a millisecond each."""

_MAX_SET_ASIDE = 50


@dataclass(frozen=True, slots=True)
class Catalog:
    """The tools of one server."""

    tools: tuple[ToolDefinition, ...] = ()
    set_aside: tuple[SetAsideTool, ...] = ()
    held: tuple[HeldTool, ...] = ()
    """Listed, and not among ``tools`` because the gatekeeper did not admit them."""


def build_catalog(server: str, prefix: str, listed: Iterable[Any], schemas: Schemas) -> Catalog:
    """Judge every tool on its own: a malformed one never costs the others."""
    good: dict[str, dict[str, Any]] = {}
    aside: list[SetAsideTool] = []
    room = MAX_CATALOG_BYTES
    for tool in listed:
        reason = _reason_against(tool, good)
        if not reason:
            room -= len(json.dumps(tool))
            reason = "" if room >= 0 else f"the server's definitions are larger than {MAX_CATALOG_BYTES >> 20} MB"
        if reason:
            aside.append(SetAsideTool(name=_name_of(tool), reason=reason))
        else:
            good[tool["name"]] = tool
    names = tool_names(prefix, server, good)
    tools: list[ToolDefinition] = []
    end = time.monotonic() + MAX_SECONDS
    for name, tool in good.items():
        if time.monotonic() > end:
            aside.append(SetAsideTool(name=_name_of(tool), reason="the server's schemas take too long to read"))
        else:
            tools.append(_definition(server, names[name], tool, schemas))
    return Catalog(tuple(tools), _shortened(aside))


def _reason_against(tool: Any, good: dict[str, dict[str, Any]]) -> str:
    if not isinstance(tool, dict) or not isinstance(tool.get("name"), str):
        return "it has no name"
    if not tool["name"]:
        return "its name is empty"
    if tool["name"] in good:
        return "the server lists this name twice"
    if not isinstance(tool.get("inputSchema"), dict):
        return "it has no input schema"
    execution, meta = tool.get("execution"), tool.get("_meta")
    if isinstance(execution, dict) and execution.get("taskSupport") == "required":
        return "it runs only as a task, which mcp-tui does not offer yet"
    ui = meta.get("ui") if isinstance(meta, dict) else None
    if isinstance(ui, dict) and ui.get("visibility") == ["app"]:
        return "the server offers it to graphical apps only"
    return ""


def _name_of(tool: Any) -> str:
    name = tool.get("name") if isinstance(tool, dict) else None
    return name[:200] if isinstance(name, str) else ""


def _shortened(aside: list[SetAsideTool]) -> tuple[SetAsideTool, ...]:
    if len(aside) <= _MAX_SET_ASIDE:
        return tuple(aside)
    rest = SetAsideTool(name="", reason=f"and {len(aside) - _MAX_SET_ASIDE} more")
    return (*aside[:_MAX_SET_ASIDE], rest)


def _definition(server: str, wire_name: str, tool: dict[str, Any], schemas: Schemas) -> ToolDefinition:
    description = tool.get("description")
    description = description if isinstance(description, str) else ""
    output = tool.get("outputSchema")
    annotations = tool.get("annotations")
    annotations = annotations if isinstance(annotations, dict) else {}
    digest = definition_digest(tool)
    adapted = adapt(tool["inputSchema"])
    notes = [*adapted.notes]
    if len(description) > MAX_DESCRIPTION:
        notes.append(f"its description was cut from {len(description)} characters")
    if adapted.argument_names:
        notes.append("argument names were changed for the model")
    notes.extend(schemas.get(f"{digest}/input", tool["inputSchema"]).notes)
    return ToolDefinition(
        wire_name=wire_name,
        server=server,
        name=tool["name"],
        title=_title(tool, annotations),
        description=description[:MAX_DESCRIPTION],
        input_schema=tool["inputSchema"],
        output_schema=output if isinstance(output, dict) else None,
        annotations=annotations,
        parameters=adapted.parameters,
        argument_names=adapted.argument_names,
        notes=tuple(dict.fromkeys(notes)),
        digest=digest,
    )


def _title(tool: dict[str, Any], annotations: dict[str, Any]) -> str | None:
    """Display name in the order of the specification: ``title``, then that of the annotations."""
    for title in (tool.get("title"), annotations.get("title")):
        if isinstance(title, str) and title.strip():
            return title[:200]
    return None


def definition_digest(tool: dict[str, Any]) -> str:
    """SHA-256 over what a person relies on when allowing a tool, as the server sent it."""
    keys = ("name", "title", "description", "inputSchema", "outputSchema", "annotations")
    text = json.dumps([tool.get(key) for key in keys], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def prepare_arguments(tool: ToolDefinition, arguments: dict[str, Any]) -> dict[str, Any]:
    """A model's arguments under the server's names; ``null`` for optional ones left out: models send it for "none"."""
    required = tool.input_schema.get("required")
    needed = set(required) if isinstance(required, list) and all(isinstance(r, str) for r in required) else set()
    prepared = {tool.argument_names.get(name, name): value for name, value in arguments.items()}
    return {name: value for name, value in prepared.items() if value is not None or name in needed}
