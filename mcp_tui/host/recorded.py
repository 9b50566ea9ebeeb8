"""Recorded results instead of servers: a conversation can be tried on another model with no server running."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from typing import Any

from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.servers import ServerStatus
from mcp_tui.events.tools import ArgumentProblem, HeldTool, ToolDefinition
from mcp_tui.host.arguments import Schemas
from mcp_tui.host.base import CallResult, ProgressCallback
from mcp_tui.host.catalog import prepare_arguments

NO_RECORDING = "no_recording"
"""Kind of the error of a call that was never made like this."""

CallKey = tuple[str, str, str]


def call_key(server: str, name: str, arguments: Mapping[str, Any]) -> CallKey:
    """What makes two calls the same: the tool, and the canonical JSON of the arguments."""
    return server, name, json.dumps(arguments, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


class RecordedHost:
    """A `ToolHost` of recorded tools and results.  The k-th identical call is given the k-th result; starts nothing."""

    def __init__(self, definitions: Iterable[ToolDefinition], results: Iterable[tuple[CallKey, CallResult]]) -> None:
        """``definitions``: a later one under a wire name replaces an earlier one; ``results`` in recorded order."""
        self._tools = {tool.wire_name: tool for tool in definitions}
        self._results: dict[CallKey, deque[CallResult]] = defaultdict(deque)
        for key, result in results:
            self._results[key].append(result)
        self._schemas = Schemas()

    async def start(self) -> None:
        """Nothing to start."""

    async def settled(self, timeout: float) -> bool:
        """At once."""
        del timeout
        return True

    async def aclose(self) -> None:
        """Nothing to stop."""

    def servers(self) -> tuple[ServerStatus, ...]:
        """The recorded ones, as if they were running."""
        names = dict.fromkeys(tool.server for tool in self._tools.values())
        return tuple(ServerStatus(name=name, state="running", command="recorded results", tools=0) for name in names)

    def tools(self) -> tuple[ToolDefinition, ...]:
        """All recorded tools."""
        return tuple(self._tools.values())

    def tool(self, wire_name: str) -> ToolDefinition | None:
        """The recorded tool of this name."""
        return self._tools.get(wire_name)

    def check(self, tool: ToolDefinition, arguments: dict[str, Any]) -> tuple[ArgumentProblem, ...]:
        """Against the recorded schema."""
        return self._schemas.get(f"{tool.digest}/input", tool.input_schema).problems(arguments)

    def prepare(self, tool: ToolDefinition, arguments: dict[str, Any]) -> dict[str, Any]:
        """As for the real server."""
        return prepare_arguments(tool, arguments)

    async def call(
        self,
        tool: ToolDefinition,
        arguments: dict[str, Any],
        *,
        call_id: str,
        on_progress: ProgressCallback | None = None,
    ) -> CallResult:
        """The next recorded result of this very call; an error where there is none."""
        del call_id, on_progress
        waiting = self._results.get(call_key(tool.server, tool.name, arguments))
        if waiting:
            return waiting.popleft()
        words = f"There is no recorded result of {tool.server}.{tool.name} with these arguments."
        if waiting is not None:
            words = f"Each recorded result of {tool.server}.{tool.name} with these arguments was given already."
        return CallResult("error", error=ErrorInfo(kind=NO_RECORDING, message=words))

    def restart(self, server: str) -> None:
        """Nothing to restart."""

    def set_enabled(self, server: str, enabled: bool) -> None:
        """Nothing to switch."""

    def held(self, server: str) -> tuple[HeldTool, ...]:
        """None."""
        del server
        return ()

    def review(self, server: str) -> None:
        """Nothing to review."""

    def stderr(self, server: str) -> tuple[str, ...]:
        """None."""
        del server
        return ()
