"""One tool call on its way: what was asked for, what it is bound to, how far it got."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase
from mcp_tui.events.tools import ArgumentProblem, CallTiming, ToolDefinition

log = logging.getLogger(__name__)

Record = Callable[..., Awaitable[None]]
"""Stores events of the turn, then folds and publishes them: ``await record(*events)``."""


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A recorded call that the person runs again: the same tool with exactly these arguments, today."""

    recorded: tools.RecordedCall
    call_id: str
    """Of the new call."""
    server: str
    name: str
    wire_name: str
    """Under which the model knew the tool; another tool may have this name today."""
    arguments: dict[str, Any]
    problem: ErrorInfo | None = None
    """Why it must not run as it was recorded."""


@dataclass(slots=True)
class Call:
    """A call from its proposal to its one end."""

    asked: turns.RequestedToolCall
    index: int
    """Position in the model's answer."""
    tool: ToolDefinition | None
    """As it is listed; ``None`` for one that no server has."""
    arguments: dict[str, Any]
    problems: tuple[ArgumentProblem, ...]
    again: RecordedRun | None = None
    """Where the person runs a recorded call again."""
    timing: CallTiming = field(default_factory=CallTiming)
    approval_id: str = ""
    task: asyncio.Task[None] | None = None
    allowed: bool = False
    begun: bool = False
    """Whether its decision and its start are in the log."""
    sent: bool = False
    ended: bool = False

    @property
    def id(self) -> str:
        """The model's id for it."""
        return self.asked.call_id

    @property
    def server(self) -> str:
        """The server of the tool; empty where none has it."""
        return self.tool.server if self.tool else self.again.server if self.again else ""

    @property
    def name(self) -> str:
        """The tool's own name there."""
        return self.tool.name if self.tool else self.again.name if self.again else ""

    @property
    def runnable(self) -> ToolDefinition | None:
        """The tool, where nothing but a decision keeps the call from running."""
        barred = self.asked.error is not None or self.problems or (self.again is not None and self.again.problem)
        return None if barred else self.tool

    def log(self, words: str, operation: str, duration: float, outcome: str, error: str = "") -> None:
        """Note a step in the log file."""
        extra = {
            "operation": operation,
            "call_id": self.id,
            "server": self.server,
            "tool": self.asked.wire_name,
            "outcome": outcome,
            "duration": duration,
            "error": error,
        }
        log.info(words, extra=extra)


def started(call: Call, tool: ToolDefinition) -> EventBase:
    """The event that is on disk before the request leaves."""
    return tools.ToolCallStarted(call_id=call.id, server=tool.server, name=tool.name, arguments=call.arguments)
