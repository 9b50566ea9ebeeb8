"""What the script knows how to do: words in a clause -> calls of whatever tool fits.

A recipe looks for a *kind* of tool (words in its name, arguments it takes), never for one server,
so it works with any server that offers such a tool.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp_tui.conversation.messages import ToolSpec
from mcp_tui.gateway.demo import words
from mcp_tui.gateway.demo.catalogue import Catalogue, properties

DEFAULT_SECONDS = 5.0
MAX_SAME_CALLS = 4
"""Most calls that one clause asks of the same tool."""


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call that the script wants to make, and which words led to it."""

    tool: ToolSpec
    arguments: dict[str, Any]
    because: str


@dataclass(frozen=True, slots=True)
class Missing:
    """What was asked for and cannot be done; completes the sentence "I could not ...", or stands alone."""

    reason: str


Found = list[PlannedCall] | Missing | None
"""``None``: the clause is about something else."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """One thing that the script can do.

    ``again`` is asked about a clause without a verb of its own that follows ("and haiku.txt").
    """

    name: str
    match: Callable[[str, Catalogue], Found]
    again: Callable[[str, Catalogue], Found] | None = None


def _has(pattern: str, text: str) -> bool:
    return re.search(pattern, words.without_quotes(text), re.IGNORECASE) is not None


def _missing(what: str) -> Missing:
    return Missing(f"No running server offers a tool that can {what}.")


# -- files ---------------------------------------------------------------------------------------


def _write(clause: str, tools: Catalogue) -> Found:
    names = words.file_names(words.without_quotes(clause)) or words.file_names(clause)
    if not _has(r"^\W*(?:please\s+)?(?:write|save|create|append|put|add|overwrite|replace)\b", clause) or not names:
        return None
    tool = tools.pick(("write", "create", "save"), "path", "content")
    if tool is None:
        return _missing("write files")
    arguments: dict[str, Any] = {"path": names[-1], "content": _content(clause, names[-1]) + "\n"}
    mode = (
        "append"
        if _has(r"\b(?:append|add)\b", clause)
        else "overwrite"
        if _has(r"\b(?:overwrite|replace)\b", clause)
        else ""
    )
    if mode and "mode" in properties(tool):
        arguments["mode"] = mode
    return [PlannedCall(tool, arguments, f"writing to {names[-1]}")]


def _content(clause: str, name: str) -> str:
    texts = [text for text in words.quoted(clause) if text != name]
    if texts:
        return texts[0]
    said = re.search(r"(?:saying|containing|with(?: the text)?|:)\s+(.+)", clause, re.IGNORECASE | re.DOTALL)
    if said:
        return said.group(1).strip()
    between = re.search(rf"^\W*\w+\s+(.+?)\s+(?:in|to|into)\s+`?{re.escape(name)}", clause, re.IGNORECASE | re.DOTALL)
    return between.group(1).strip() if between else "Written by the demo."


def _search(clause: str, tools: Catalogue) -> Found:
    if not _has(r"\b(?:search|find|grep|look for|where)\b", clause):
        return None
    texts = words.quoted(clause) or re.findall(r"\b(?:for|find|grep)\s+(?:the word\s+)?([\w-]+)", clause, re.IGNORECASE)
    return _search_for(texts[-1:], tools)


def _search_again(clause: str, tools: Catalogue) -> Found:
    plain = clause.strip(" .?!")
    return _search_for(words.quoted(clause) or ([plain] if re.fullmatch(r"(?:for )?[\w-]+", plain) else []), tools)


def _search_for(texts: list[str], tools: Catalogue) -> Found:
    if not texts:
        return None
    for parameter in ("text", "query", "pattern"):
        tool = tools.pick(("search", "find", "grep"), parameter)
        if tool is not None:
            text = texts[0].removeprefix("for ")
            return [PlannedCall(tool, {parameter: text}, f"searching for {text!r}")]
    return _missing("search")


def _read(clause: str, tools: Catalogue) -> Found:
    names = [name for name in words.file_names(clause) if tools.named(name) is None]
    if not names:
        return None
    tool = tools.pick(("read", "cat", "get", "open"), "path")
    if tool is None:
        return _missing("read files")
    return [PlannedCall(tool, {"path": name}, f"the file name {name}") for name in names[:MAX_SAME_CALLS]]


def _list(clause: str, tools: Catalogue) -> Found:
    if not _has(r"\b(?:list|show|which|what|see|ls)\b", clause) or not _has(r"\b(?:files?|folders?|director)", clause):
        return None
    match = re.search(r"\b(?:in|of)\s+(?:the\s+)?(?:folder\s+)?[`'\"]?([\w./-]+)", clause, re.IGNORECASE)
    folder = match.group(1).rstrip("./") if match else ""
    inside = "." if folder.lower() in ("", "folder", "directory", "files", "sandbox", "this", "here") else folder
    for parameter in ("folder", "path", "directory"):
        tool = tools.pick(("list", "ls"), parameter)
        if tool is not None:
            return [PlannedCall(tool, {parameter: inside}, "listing files")]
    return _missing("list files")


# -- clock ---------------------------------------------------------------------------------------


def _time(clause: str, tools: Catalogue) -> Found:
    asked = _has(r"\b(?:what time|time is it|current time|clock|o'clock|what day|today|now in|the time)\b", clause)
    zones = words.time_zones(clause)
    if not asked and not (zones and _has(r"\b(?:time|now|date)\b", clause)):
        return None
    return _time_in(zones or ["UTC"], tools)


def _time_again(clause: str, tools: Catalogue) -> Found:
    zones = words.time_zones(clause)
    return _time_in(zones, tools) if zones else None


def _time_in(zones: list[str], tools: Catalogue) -> Found:
    tool = tools.pick(("now", "time", "current"), "timezone")
    if tool is None:
        return _missing("tell the time")
    return [PlannedCall(tool, {"timezone": zone}, f"the time in {zone}") for zone in zones[:MAX_SAME_CALLS]]


def _calculate(clause: str, tools: Catalogue) -> Found:
    found = words.expression(clause)
    asked = _has(r"\b(?:what(?:'s| is| are)|calculate|compute|evaluate|how much|work out)\b|=", clause)
    if found is None:
        needs = asked and _has(r"\b(?:calculate|compute|evaluate)\b", clause)
        return Missing("There is no arithmetic expression in what you wrote.") if needs else None
    if not asked and len(found) < 0.5 * len(clause):
        return None
    tool = tools.pick(("calculate", "calculator", "evaluate", "calc", "math"), "expression")
    if tool is None:
        return _missing("calculate")
    return [PlannedCall(tool, {"expression": found}, f"the expression {found}")]


def _dates(clause: str, tools: Catalogue) -> Found:
    found = words.dates(clause)
    if len(found) >= 2 and _has(r"\b(?:between|from|until|till|to)\b", clause):
        tool = tools.pick(("between", "difference", "days"), "start", "end")
        arguments: dict[str, Any] = {"start": found[0], "end": found[1]}
        because = "the two dates"
    elif found and (shift := re.search(r"([+-]?\d+)\s+([a-z]+)", words.without_quotes(clause).replace(found[0], " "))):
        tool = tools.pick(("add", "shift"), "start", "amount", "unit")
        back = -1 if _has(r"\b(?:before|subtract|minus|earlier|ago)\b", clause) else 1
        unit = shift.group(2) if shift.group(2).endswith("s") else f"{shift.group(2)}s"
        arguments = {"start": found[0], "amount": back * int(shift.group(1)), "unit": unit}
        because = f"{shift.group()} and {found[0]}"
    else:
        return None
    return [PlannedCall(tool, arguments, because)] if tool else _missing("calculate with dates")


# -- slow and failing tools ----------------------------------------------------------------------


def _slow(clause: str, tools: Catalogue) -> Found:
    if not _has(r"\b(?:slow|long[- ]running|progress|tasks?|takes?)\b", clause):
        return None
    tool = tools.pick(("task", "run", "slow", "wait", "sleep"), "seconds")
    if tool is None:
        return _missing("run a slow task")
    count = words.number_before(clause, r"(?:slow |long |parallel )*tasks") or 1
    duration = words.seconds(clause) or DEFAULT_SECONDS
    arguments: dict[str, Any] = {"seconds": int(duration) if duration.is_integer() else duration}
    steps = words.number_before(clause, "steps?")
    if steps and "steps" in properties(tool):
        arguments["steps"] = steps
    if count == 1 or "label" not in properties(tool):
        return [PlannedCall(tool, arguments, "a slow task")]
    numbers = range(1, min(count, MAX_SAME_CALLS) + 1)
    return [PlannedCall(tool, {**arguments, "label": f"task {number}"}, "slow tasks") for number in numbers]


_WAYS = (
    (r"\b(?:crash|die|kill|dies)", "crash"),
    (r"\b(?:bad|broken|invalid|wrong)[ _](?:structured[ _])?(?:output|result)", "bad_output"),
    (r"\bslow", "slow"),
    (r"\b(?:succeed|success|not fail)", "none"),
    (r"", "tool_error"),
)


def _fail(clause: str, tools: Catalogue) -> Found:
    if not _has(
        r"\b(?:crash\w*|fail\w*|flaky|misbehave\w*|broken result|bad[ _]output|tool[ _]error|an error)\b", clause
    ):
        return None
    for tool in tools.tools:
        for name, schema in properties(tool).items():
            ways = schema.get("enum") if isinstance(schema, dict) else None
            if isinstance(ways, list) and {"crash", "tool_error"} <= {str(way) for way in ways}:
                way = next(way for pattern, way in _WAYS if way in ways and _has(pattern, clause))
                return [PlannedCall(tool, {name: way}, f"a failure of the kind {way}")]
    return _missing("fail on demand")


def _mistake(clause: str, tools: Catalogue) -> Found:
    if not _has(r"\b(?:mistake|validation|(?:wrong|bad|invalid) arguments?)\b", clause):
        return None
    tool = tools.pick(("task", "run", "slow"), "seconds", "steps")
    if tool is None:
        return _missing("show a mistake (the slow task is used for it)")
    arguments = {"seconds": "2", "steps": 500, "label": "second attempt"}
    return [PlannedCall(tool, arguments, "a mistake on purpose: text where a number belongs, and too many steps")]


RECIPES = (
    Recipe("mistake", _mistake),
    Recipe("write", _write),
    Recipe("search", _search, _search_again),
    Recipe("dates", _dates),
    Recipe("list", _list),
    Recipe("read", _read, _read),
    Recipe("fail", _fail),
    Recipe("slow", _slow),
    Recipe("time", _time, _time_again),
    Recipe("calculate", _calculate, _calculate),
)
"""In the order in which they are tried."""
