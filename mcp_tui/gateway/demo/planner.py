"""The user's words -> stages of tool calls; calls of one stage are made together."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from mcp_tui.conversation.messages import ToolSpec
from mcp_tui.gateway.demo import words
from mcp_tui.gateway.demo.catalogue import Catalogue, label, name_words, properties, required
from mcp_tui.gateway.demo.correction import fitted
from mcp_tui.gateway.demo.recipes import RECIPES, Found, Missing, PlannedCall, Recipe

MAX_CALLS = 8
"""Most calls of one stage."""

_CALL = re.compile(r"^[ \t]*/?call[ \t]+([\w.:/-]+)[ \t]*", re.IGNORECASE | re.MULTILINE)
_NOISE = frozenset({"a", "an", "the", "to", "of", "get", "is", "it", "in"})


@dataclass(slots=True)
class Plan:
    """What the script wants to do, and what of the request it cannot do."""

    stages: list[list[PlannedCall]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


def plan(text: str, tools: Catalogue) -> Plan:
    """Plan the calls that ``text`` asks for; deterministic, so each hop of a turn plans the same."""
    if _CALL.search(text):
        return _explicit(text, tools)
    result = Plan()
    previous: Recipe | None = None
    for stage in words.stages(text):
        calls: list[PlannedCall] = []
        for clause in words.clauses(stage):
            found, previous = _match(clause, previous, tools)
            if isinstance(found, Missing):
                result.missing.append(found.reason)
            elif found:
                calls += [_with_named_arguments(call, clause) for call in found]
        if calls:
            result.stages.append(_unique(calls)[:MAX_CALLS])
    return result


def _match(clause: str, previous: Recipe | None, tools: Catalogue) -> tuple[Found, Recipe | None]:
    for recipe in RECIPES:
        found = recipe.match(clause, tools)
        if found is not None:
            return found, recipe
    named = _by_tool_name(clause, tools)
    if named is not None:
        return named, previous
    again = previous.again(clause, tools) if previous and previous.again else None
    return again, previous


def _unique(calls: list[PlannedCall]) -> list[PlannedCall]:
    kept: dict[str, PlannedCall] = {}
    for call in calls:
        kept.setdefault(json.dumps([call.tool.wire_name, call.arguments], sort_keys=True, default=str), call)
    return list(kept.values())


# -- /call ---------------------------------------------------------------------------------------


def _explicit(text: str, tools: Catalogue) -> Plan:
    """``/call server.tool {json}`` (or ``name=value``), once or several times in one input."""
    result = Plan()
    calls: list[PlannedCall] = []
    for match in _CALL.finditer(text):
        try:
            calls.append(_explicit_call(match.group(1), text[match.end() :].lstrip(), tools))
        except ValueError as problem:
            result.missing.append(str(problem))
    if calls:
        result.stages.append(calls[:MAX_CALLS])
    return result


def _explicit_call(name: str, rest: str, tools: Catalogue) -> PlannedCall:
    tool = tools.named(name)
    if tool is None:
        known = ", ".join(f"`{label(spec.wire_name)}`" for spec in tools.tools) or "none"
        raise ValueError(f"No running server has a tool `{name}`. Tools there are: {known}.")
    arguments: Any = {}
    if rest.startswith("{"):
        try:
            arguments, _ = json.JSONDecoder().raw_decode(rest)
        except json.JSONDecodeError as error:
            raise ValueError(
                f"The arguments of `{name}` are not JSON: {error.msg} at character {error.pos + 1}."
            ) from None
    call = PlannedCall(tool, arguments, "your explicit call")
    return call if rest.startswith("{") else _with_named_arguments(call, rest.partition("\n")[0])


# -- any tool ------------------------------------------------------------------------------------


def _by_tool_name(clause: str, tools: Catalogue) -> Found:
    """A tool whose whole name is in the clause ("echo", "search nodes"), its arguments filled as far as possible."""
    said = {_stem(word) for word in re.findall(r"[a-z0-9]+", clause.lower())}
    for tool in sorted(tools.tools, key=lambda spec: -len(name_words(spec))):
        name = {_stem(word) for word in name_words(tool)} - _NOISE
        if name and name <= said:
            return _filled(tool, clause)
    return None


def _stem(word: str) -> str:
    return word.removesuffix("s") if len(word) > 3 else word


def _filled(tool: ToolSpec, clause: str) -> Found:
    call = _with_named_arguments(PlannedCall(tool, {}, f"the name of the tool {label(tool.wire_name)}"), clause)
    texts = iter(words.quoted(clause) or words.file_names(clause))
    numbers = iter(re.findall(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])", words.without_quotes(clause)))
    for name in required(tool):
        if name in call.arguments:
            continue
        schema = properties(tool).get(name, {})
        source = numbers if schema.get("type") in ("integer", "number") else texts
        value = _first_value(schema, clause, next(source, None))
        if value is None:
            template = json.dumps(dict.fromkeys(required(tool), "..."))
            shown = label(tool.wire_name)
            return Missing(f"`{shown}` needs `{name}`, which I cannot find. Write it as `/call {shown} {template}`.")
        call.arguments[name] = fitted(value, schema)
    return [call]


def _first_value(schema: dict[str, Any], clause: str, found: str | None) -> Any:
    options = schema.get("enum")
    if isinstance(options, list):
        return next((option for option in options if str(option).lower() in clause.lower()), found)
    return found if found is not None else schema.get("default")


def _with_named_arguments(call: PlannedCall, clause: str) -> PlannedCall:
    """Arguments that are written out (``steps=5``) win over what was guessed."""
    known = "|".join(re.escape(name) for name in properties(call.tool))
    if not known:
        return call
    named = dict(call.arguments)
    for name, text in re.findall(rf"\b({known})\s*=\s*(\"[^\"]*\"|'[^']*'|[^\s,;]+)", clause):
        named[name] = fitted(text.strip("\"'"), properties(call.tool)[name])
    return PlannedCall(call.tool, named, call.because)
