"""The tools of a request, found by name or by what they take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from mcp_tui.conversation.messages import ToolSpec

_WORD_BORDER = re.compile(r"[^a-zA-Z0-9]+|(?<=[a-z0-9])(?=[A-Z])")


def properties(tool: ToolSpec) -> Mapping[str, Any]:
    """The arguments that a tool takes: name -> schema."""
    found = tool.parameters.get("properties")
    return found if isinstance(found, dict) else {}


def required(tool: ToolSpec) -> tuple[str, ...]:
    """Names of the arguments that a tool must be given."""
    found = tool.parameters.get("required")
    return tuple(name for name in found if isinstance(name, str)) if isinstance(found, list) else ()


def label(wire_name: str) -> str:
    """``server.tool`` for the reader; the name as it is where it has no server part."""
    server, separator, tool = wire_name.partition("__")
    return f"{server}.{tool}" if separator else wire_name


def name_words(tool: ToolSpec) -> frozenset[str]:
    """The words in a tool's own name, in small letters."""
    _, separator, own = tool.wire_name.partition("__")
    return frozenset(word.lower() for word in _WORD_BORDER.split(own if separator else tool.wire_name) if word)


def _normal(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


class Catalogue:
    """The tools that the request offers."""

    def __init__(self, tools: Iterable[ToolSpec]) -> None:
        self.tools = tuple(tools)

    def named(self, name: str) -> ToolSpec | None:
        """The tool under a name as the user may write it: ``server__tool``, ``server.tool``, or ``tool`` alone."""
        wanted = _normal(name)
        whole = [tool for tool in self.tools if _normal(tool.wire_name) == wanted]
        own = [tool for tool in self.tools if _normal(tool.wire_name.partition("__")[2]) == wanted]
        found = whole or own
        return found[0] if len(found) == 1 or whole else None

    def pick(self, words: Iterable[str], *parameters: str) -> ToolSpec | None:
        """The first tool that takes all of ``parameters`` and has one of ``words`` in its name."""
        wanted = frozenset(words)
        for tool in self.tools:
            if wanted & name_words(tool) and all(name in properties(tool) for name in parameters):
                return tool
        return None
