"""Results of tools -> Markdown: tables, code blocks, sentences for shapes that are easy to read."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from mcp_tui.gateway.demo.catalogue import label
from mcp_tui.gateway.demo.outcome import refused_by, told, validation_errors
from mcp_tui.gateway.demo.situation import DoneCall

MAX_LINES = 40
"""Most lines of one result in the answer; the whole is in the inspector."""
MAX_ROWS = 25
_LANGUAGES = {
    "py": "python", "md": "markdown", "json": "json", "toml": "toml", "yaml": "yaml", "yml": "yaml", "sh": "bash",
    "js": "javascript", "ts": "typescript", "html": "html", "css": "css", "sql": "sql", "rs": "rust",
}  # fmt: skip


def summarise(calls: Sequence[DoneCall]) -> str:
    """What the calls brought, in their order."""
    rows = [_flat(call) for call in calls]
    if len(calls) > 1 and all(rows) and len({tuple(row or ()) for row in rows}) == 1:
        return f"{_title(calls[0], arguments=False)}\n\n{_table([row for row in rows if row])}"
    return "\n\n".join(f"{_title(call)}\n\n{_body(call)}" for call in calls)


def _title(call: DoneCall, *, arguments: bool = True) -> str:
    shown = ", ".join(f"{name}={_short(value)}" for name, value in call.call.arguments.items()) if arguments else ""
    return f"**{label(call.call.wire_name)}**" + (f" {_code(shown)}" if shown else "")


def _body(call: DoneCall) -> str:
    match call.ending:
        case "declined":
            return _declined(call.result)
        case "refused_arguments":
            entries = validation_errors(call.result)
            rows = [{"argument": entry.get("field", ""), "problem": entry.get("message", "")} for entry in entries]
            return f"The arguments were refused:\n\n{_table(rows)}"
        case "failed":
            return f"This call failed. What I was told:\n\n{_fenced(told(call.result), 'text')}"
    return _success(call)


def _declined(text: str) -> str:
    who = "You declined this call" if refused_by(text) == "user" else "A rule does not allow this call"
    reason = " ".join(told(text).split())
    return f"{who}, so it did not run." + (f" I was told: *{_plain(reason)}*" if reason else "")


def _success(call: DoneCall) -> str:
    value = _json(call.result)
    if isinstance(value, dict):
        return _sentence(value) or _mapping(value)
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return _table(value)
    return _text(call.result, str(call.call.arguments.get("path", "")))


def _sentence(value: Mapping[str, Any]) -> str:
    match value:
        case {"timezone": str(zone), "time": str(time), "weekday": str(weekday)}:
            return f"In {_plain(zone)} it is **{_plain(time[:16])}**, a {_plain(weekday)}."
        case {"expression": str(expression), "value": int() | float() as number}:
            return f"{_code(expression)} = **{number}**"
        case {"start": str(start), "end": str(end), "days": int(days)}:
            return f"From {_plain(start)} to {_plain(end)} it is **{days} days**."
        case {"date": str(date), "weekday": str(weekday)}:
            return f"That is **{_plain(date)}**, a {_plain(weekday)}."
        case {"label": str(name), "steps": int(steps), "seconds": int() | float() as seconds}:
            return f"{_plain(name).capitalize()} finished: {steps} steps in **{seconds} s**."
        case {"path": str(path), "mode": str(mode), "size": int(size)}:
            return f"{_code(path)} is written ({_plain(mode)}); it now has **{size} bytes**."
    return ""


def _mapping(value: Mapping[str, Any]) -> str:
    lists = {name: rows for name, rows in value.items() if _is_table(rows)}
    rest = {name: one for name, one in value.items() if name not in lists}
    parts = [_table(rows) for rows in lists.values() if rows]
    if lists and not parts:
        parts.append("Nothing was found.")
    if lists:
        rest = {name: one for name, one in rest.items() if one is not False}
    plain = {name: one for name, one in rest.items() if not isinstance(one, dict | list)}
    if len(plain) == len(rest) and lists:
        parts.append(
            ", ".join(f"{_plain(name.replace('_', ' '))}: {_code(_short(one))}" for name, one in plain.items())
        )
    elif len(plain) == len(rest):
        parts.append(_table([{"name": name, "value": one} for name, one in rest.items()]))
    else:
        parts.append(_fenced(json.dumps(rest, indent=2, ensure_ascii=False), "json"))
    return "\n\n".join(part for part in parts if part)


def _is_table(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(row, dict) for row in value)


def _text(text: str, path: str) -> str:
    extension = PurePosixPath(path).suffix.lstrip(".").lower()
    if not text.strip():
        return "The result is empty."
    if extension == "csv" and (rows := _csv(text)):
        return _table(rows)
    if "\n" not in text.strip() and len(text) < 200 and not path:
        return f"> {_plain(text.strip())}"
    return _fenced(text, _LANGUAGES.get(extension, "text"))


def _csv(text: str) -> list[dict[str, Any]]:
    try:
        return [dict(row) for row in csv.DictReader(io.StringIO(text), strict=True)]
    except csv.Error:
        return []


def _json(text: str) -> Any:
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(text.lstrip())
    except json.JSONDecodeError:
        return None
    return value


def _flat(call: DoneCall) -> Mapping[str, Any] | None:
    value = _json(call.result) if call.ending == "success" else None
    flat = isinstance(value, dict) and not any(isinstance(one, dict | list) for one in value.values())
    return value if flat else None


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    columns = list(dict.fromkeys(str(name) for row in rows for name in row))
    if not columns:
        return "Nothing was found."
    numeric = [all(isinstance(row.get(name), int | float) for row in rows) for name in columns]
    lines = [
        "| " + " | ".join(_cell(name) for name in columns) + " |",
        "|" + "|".join("--:" if number else "---" for number in numeric) + "|",
        *("| " + " | ".join(_cell(row.get(name, "")) for name in columns) + " |" for row in rows[:MAX_ROWS]),
    ]
    more = len(rows) - MAX_ROWS
    return "\n".join(lines) + (f"\n\n{more} more rows are in the inspector." if more > 0 else "")


def _fenced(text: str, language: str) -> str:
    lines = text.rstrip("\n").splitlines()
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    more = len(lines) - MAX_LINES
    block = "\n".join([f"{fence}{language}", *lines[:MAX_LINES], fence])
    return block + (f"\n\n{more} more lines are in the inspector." if more > 0 else "")


def _cell(value: Any) -> str:
    return _plain("" if value is None else str(value)).replace("\n", " ")


def _plain(text: str) -> str:
    """Text that Markdown leaves as it is."""
    return re.sub(r"([\\`*_\[\]<>|#])", r"\\\1", text)


def _code(text: str) -> str:
    fence = "`" * (1 + max((len(run) for run in re.findall(r"`+", text)), default=0))
    pad = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{pad}{text}{pad}{fence}".replace("\n", " ")


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(text.split())
    return text if len(text) <= 60 else f"{text[:57]}..."
