"""The sample configuration fitted to a machine: values are replaced where they stand, so every comment stays."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mcp_tui import resources
from mcp_tui.config.json_source import parse_json
from mcp_tui.config.problems import FieldPath
from mcp_tui.config.source import Document
from mcp_tui.config.yaml_source import parse_yaml

_FILE = Path("config.yaml")


@dataclass(frozen=True, slots=True)
class Choice:
    """A model that can be used on this machine: a provider entry's name and what differs from the sample."""

    name: str
    model: str
    api_key: str | None
    api_base: str | None


def sample_providers() -> tuple[str, ...]:
    """Names of the provider entries in the sample."""
    file = resources.sample_config_dir() / "config.yaml"
    return tuple(parse_yaml(file, file.read_text("utf-8")).data["llm"]["providers"])


def fit_config(text: str, choices: Sequence[Choice]) -> str:
    """The sample with an entry for every choice, the first of them active; unchanged without a choice."""
    for choice in choices:
        text = _with_entry(text, choice)
    return _replaced(parse_yaml(_FILE, text), {("llm", "active"): _scalar(choices[0].name)}) if choices else text


def fit_servers(text: str, disabled: Sequence[str]) -> str:
    """The sample of ``servers_config.json`` with these servers switched off."""
    document = parse_json(Path("servers_config.json"), text)
    return _replaced(document, {("mcpServers", name, "enabled"): "false" for name in disabled})


def _with_entry(text: str, choice: Choice) -> str:
    document = parse_yaml(_FILE, text)
    path: FieldPath = ("llm", "providers", choice.name)
    if path not in document.keys:
        return _inserted(document, choice)
    values = {"model": choice.model, "api_key": choice.api_key, "api_base": choice.api_base}
    return _replaced(document, {(*path, key): _scalar(value) for key, value in values.items()})


def _scalar(value: str | None) -> str:
    """A value as YAML: plain where it can only be read as that text, in JSON's quotes otherwise."""
    if value is None:
        return "null"
    if _is_plain(value) and parse_yaml(_FILE, f"x: {value}").data == {"x": value}:
        return value
    return json.dumps(value)


def _is_plain(value: str) -> bool:
    return (
        value.isascii() and value[:1].isalnum() and all(c.isalnum() or c in "/._-:" for c in value) and value[-1] != ":"
    )


def _replaced(document: Document, values: dict[FieldPath, str]) -> str:
    """The text with scalars replaced, from the end so that earlier places stay true."""
    text = document.text
    places = sorted(((document.values[path], value) for path, value in values.items()), key=lambda pair: -pair[0].start)
    for mark, value in places:
        text = text[: mark.start] + value + text[mark.end :]
    return text


def _inserted(document: Document, choice: Choice) -> str:
    """The text with a new entry below the last one."""
    fields = {"model": choice.model, "api_key": choice.api_key, "api_base": choice.api_base}
    unset = ("temperature", "max_tokens", "top_p", "context_window", "input_price", "output_price")
    lines = ["", f"    {_scalar(choice.name)}:", *(f"      {key}: {_scalar(value)}" for key, value in fields.items()),
             *(f"      {key}: null" for key in unset), ""]  # fmt: skip
    last = [mark.start for path, mark in document.keys.items() if path[:2] == ("llm", "providers") and len(path) == 4][
        -1
    ]
    end_of_line = document.text.index("\n", last) + 1
    return document.text[:end_of_line] + "\n".join(lines) + document.text[end_of_line:]
