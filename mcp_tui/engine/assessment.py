"""What a person should know of a call before deciding: how often it ran, what is unusual, which rule asks.

All conversations count.  They are read once, in the background, from the first input on; until that is done an
assessment is `None`: it says nothing rather than something wrong, and no card waits for it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mcp_tui.conversation.calls import CallHistory, CallRecord, by_time
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.unusual import unusual_fields
from mcp_tui.errors import HistoryError
from mcp_tui.events.tools import ToolDefinition, ToolsOffered
from mcp_tui.history.base import HistoryStore
from mcp_tui.permissions.service import ASK

log = logging.getLogger(__name__)

MOST_RUNS = 1000
"""Earlier runs that a call's arguments are compared with, the latest ones."""

FAILED = frozenset({"error", "timeout", "invalid_result", "unknown"})
"""Outcomes that count as failures."""

_FIELDS = {
    "name": "name",
    "title": "title",
    "description": "description",
    "input_schema": "input schema",
    "output_schema": "output schema",
    "annotations": "annotations",
}
"""Fields of a definition that make its digest, and how the person knows them."""


Spawn = Callable[[Coroutine[Any, Any, None], str], object]
"""Runs something in the background, under a name, until the engine ends."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A call beside the earlier ones of its tool."""

    runs: int
    """How often the tool ran, in all conversations."""
    failures: int
    refusals: int
    """How often the person denied it."""
    last_at: datetime | None
    """When it last ran."""
    unusual: tuple[str, ...]
    """What is unusual about the call as a whole, in words."""
    unusual_fields: Mapping[str, str]
    """Argument name -> what is unusual about its value, in words."""
    changed: tuple[str, ...]
    """What of the definition is different from when the tool was last allowed."""
    rule: str
    """The rule that asks, in words; empty when none concerns the call."""
    guarded: bool
    """A built-in guard asks: no rule can answer instead of the person."""
    before: ToolDefinition | None = None
    """The definition as it was last allowed, where it changed and is known."""


class Assessor:
    """Knows all recorded calls."""

    def __init__(self, bus: EventBus, store: HistoryStore, spawn: Spawn) -> None:
        self._bus, self._store, self._spawn = bus, store, spawn
        self._calls = CallHistory()
        self._sought: set[str] = set()
        """Digests of definitions that were looked for."""
        self._begun = self._loaded = False

    def begin(self) -> None:
        """Read the calls of all conversations, unless that was begun already; returns at once."""
        if not self._begun:
            self._begun = True
            self._spawn(self._load(), "earlier calls")

    async def _load(self) -> None:
        try:
            self._calls.add(await self._store.tool_calls())
        except HistoryError as error:
            log.warning("earlier calls could not be read: %s", error.message, extra={"operation": "history"})
            return
        self._loaded = True

    def keep(self, calls: CallHistory) -> None:
        """Remember the calls of a conversation that is about to be left."""
        self._calls.add(calls.records, replace=True)
        self._calls.definitions.update(calls.definitions)

    def assess(self, item: ToolCallItem, arguments: Mapping[str, Any] | None = None) -> Assessment | None:
        """``item`` beside the earlier calls of its tool; with ``arguments`` where the person changed them."""
        if not self._loaded:
            return None
        earlier = self._earlier(item)
        ran = [record for record in earlier if record.ran]
        before, changed = self._changes(item, earlier)
        unusual: tuple[str, ...] = () if ran else ("this tool never ran before",)
        if changed:
            unusual += (f"definition changed since it was last allowed: {', '.join(changed)}",)
        now = item.arguments if arguments is None else arguments
        return Assessment(
            runs=len(ran),
            failures=sum(record.outcome in FAILED for record in ran),
            refusals=sum(record.decision in ("deny", "stop") and record.decided_by == "user" for record in earlier),
            last_at=ran[-1].at if ran else None,
            unusual=unusual,
            unusual_fields=unusual_fields(now, [record.arguments for record in ran[-MOST_RUNS:]]),
            changed=changed,
            rule="" if item.guarded or item.approval_reason == ASK.rule else item.approval_reason,
            guarded=item.guarded,
            before=before,
        )

    def _earlier(self, item: ToolCallItem) -> Sequence[CallRecord]:
        """Calls of the same tool that were proposed before this one; those of the open conversation as they are now."""
        found = {record.key: record for record in self._calls.of_tool(item.server, item.name)}
        found |= {record.key: record for record in self._bus.folds.calls.of_tool(item.server, item.name)}
        found.pop((self._bus.conversation_id, item.key), None)
        return by_time(found.values())

    def _changes(
        self, item: ToolCallItem, earlier: Sequence[CallRecord]
    ) -> tuple[ToolDefinition | None, tuple[str, ...]]:
        """The definition as it was last allowed, and which of its fields are different now."""
        now = item.definition
        allowed = next((r for r in reversed(earlier) if r.decision == "allow" and r.tool_digest), None)
        if now is None or allowed is None or allowed.tool_digest == now.digest:
            return None, ()
        before = self._definition(allowed.tool_digest)
        if before is None:
            self._seek(allowed)
            return None, ("definition",)
        return before, tuple(words for name, words in _FIELDS.items() if getattr(before, name) != getattr(now, name))

    def _definition(self, digest: str) -> ToolDefinition | None:
        known = self._bus.folds.calls.definitions, self._calls.definitions
        return next((found[digest] for found in known if digest in found), None)

    def _seek(self, allowed: CallRecord) -> None:
        """Read the definition that was allowed, once, in the background."""
        if allowed.tool_digest not in self._sought:
            self._sought.add(allowed.tool_digest)
            self._spawn(self._read_definitions(allowed), "earlier definition")

    async def _read_definitions(self, record: CallRecord) -> None:
        """Read the definitions that the model was offered in the conversation of ``record``."""
        try:
            stored = await self._store.read(record.conversation_id)
        except HistoryError:
            return
        for event in stored.events:
            if isinstance(event, ToolsOffered):
                self._calls.apply(event)
