"""The permission rules of this run, for the screen: list, propose, try on recorded calls, change, explain.

A rule counts from the moment it is saved.  What somebody else writes into the file counts after `RuleBook.reload`.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from mcp_tui.config.rule_models import RuleEntry
from mcp_tui.config.rules_file import RulesFile, check_new
from mcp_tui.conversation.calls import CallRecord
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.engine.proposals import proposals
from mcp_tui.errors import UsageError
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.history.base import HistoryStore
from mcp_tui.permissions.base import CallFacts, Verdict
from mcp_tui.permissions.file_rules import FileRules, rule_words

KEEP_RECORDS = 5.0
"""Seconds for which recorded calls are not read again: several rules are tried on them one after the other."""


class RuleBook:
    """A `Rule`, made of the entries of the file as they are now."""

    def __init__(
        self,
        file: RulesFile,
        store: HistoryStore,
        *,
        find_call: Callable[[str], ToolCallItem | None],
        find_tool: Callable[[str, str], ToolDefinition | None],
        tell: Callable[[str], None],
        server_cwds: Mapping[str, str] | None = None,
    ) -> None:
        """``find_call`` knows the calls of the open conversation, ``find_tool`` the tools that are there.

        The latter takes server and name.  ``tell`` gives the person a notice.
        """
        self._file, self._store = file, store
        self._find_call, self._find_tool, self._tell = find_call, find_tool, tell
        self._server_cwds = dict(server_cwds or {})
        self._records: tuple[float, Sequence[CallRecord]] | None = None
        self._told = False
        self.project = os.getcwd()  # noqa: PTH109 - compared as text
        """Folder in which this run works: what ``project`` of a rule is compared with."""
        self._rules = self._current()

    @property
    def path(self) -> Path | None:
        """The file; ``None`` where rules live in memory only."""
        return self._file.path

    @property
    def entries(self) -> tuple[RuleEntry, ...]:
        """The rules that count, in the order of the file."""
        return self._file.entries

    @property
    def problem(self) -> str:
        """Why the file was set aside, so that everything is asked; empty where it was not."""
        return "\n".join(str(problem) for problem in self._file.problems)

    @property
    def stale(self) -> bool:
        """Whether somebody else changed the file since it was read; the change does not count yet."""
        return self._file.stale

    # -- deciding ----------------------------------------------------------------------------

    def verdict(self, call: CallFacts) -> Verdict | None:
        """The rules' word on a call; says once when the file has changed meanwhile."""
        if not self._told and self.stale:
            self._told = True
            self._tell("permissions.yaml was changed by somebody else: the change does not count until it is reloaded.")
        return self._rules.verdict(call)

    def explain(self, item_key: str) -> str:
        """Why this call was decided as it was, in the words of the decision and of the rules that match it now."""
        item = self._find_call(item_key)
        if item is None:
            return "There is no such call in this conversation."
        lines = [_decision_lines(item)]
        matching = list(self._rules.matching(_facts(item)))
        for entry in matching:
            by = " (it decided)" if entry.id == item.rule_id else ""
            lines.append(f"matches {entry.effect} rule {entry.id}{by}: {rule_words(entry)}")
        known = {entry.id for entry in self.entries}
        if item.rule_id and item.rule_id not in known:
            lines.append(f"Rule {item.rule_id} is not in the file any more.")
        if not matching:
            lines.append("No rule of permissions.yaml matches this call.")
        return "\n".join(lines)

    # -- trying ------------------------------------------------------------------------------

    def propose(self, item_key: str) -> tuple[RuleEntry, ...]:
        """Rules that would allow a call like this one, narrowest first: exact arguments, pattern, any arguments.

        None where no rule can: a guard or a stronger rule speaks, or the arguments hold what nobody sees.
        """
        item = self._find_call(item_key)
        if item is None or not item.server or item.guarded:
            return ()
        facts = _facts(item)
        stronger = self._rules.verdict(facts)
        if stronger is not None and stronger.effect != "allow":
            return ()
        taken = {entry.id for entry in self.entries}
        found = proposals(item.server, item.name, item.arguments, taken, facts.tool.digest or None)
        return tuple(entry for entry in found if self._usable(entry) and self._rules.matches(entry, facts))

    def _usable(self, entry: RuleEntry) -> bool:
        try:
            check_new(entry)
        except UsageError:
            return False
        return self._file.readable(entry)

    def text(self, entry: RuleEntry) -> str:
        """The entry exactly as it is written."""
        return self._file.text(entry)

    async def preview(self, entry: RuleEntry) -> tuple[CallRecord, ...]:
        """The recorded calls, of all conversations, that the entry matches; newest first.

        Calls that still wait are left out.  Whether a tool says that it is read-only is looked up in its present
        definition; that of a tool which is not there any more is not known, so that it does not match.  The folder
        in which an earlier call was made is not recorded: ``project`` is not looked at.
        """
        records = await self._recorded()
        return await asyncio.to_thread(self._matched, entry, self._rules, records)

    def look_again(self) -> None:
        """Read the recorded calls anew at the next preview, however short ago they were read."""
        self._records = None

    def _matched(self, entry: RuleEntry, rules: FileRules, records: Sequence[CallRecord]) -> tuple[CallRecord, ...]:
        found = (record for record in records if record.decision or record.outcome or record.ran)
        return tuple(record for record in reversed(list(found)) if rules.matches(entry, self.record_facts(record)))

    def record_facts(self, record: CallRecord) -> CallFacts:
        """A recorded call as rules see it."""
        tool = self._find_tool(record.server, record.name)
        tool = tool or ToolDefinition(wire_name="", server=record.server, name=record.name)
        return CallFacts(tool.model_copy(update={"digest": record.tool_digest}), record.arguments)

    async def _recorded(self) -> Sequence[CallRecord]:
        now = time.monotonic()
        if self._records is None or now - self._records[0] > KEEP_RECORDS:
            self._records = now, await self._store.tool_calls()
        return self._records[1]

    # -- changing ----------------------------------------------------------------------------

    def add(self, entry: RuleEntry) -> None:
        """Save a new rule.  Raises `UsageError`, and nothing changed, where that is not possible."""
        self._file.add(entry)
        self._rules = self._current()

    def replace(self, entry_id: str, entry: RuleEntry) -> None:
        """Save a rule in the place of another; raises as `add` does."""
        self._file.replace(entry_id, entry)
        self._rules = self._current()

    def remove(self, entry_id: str) -> None:
        """Take a rule out; raises as `add` does."""
        self._file.remove(entry_id)
        self._rules = self._current()

    def reload(self) -> None:
        """Take what the file says now; what is wrong with it is in `problem`."""
        self._file.reload()
        self._told = False
        self._rules = self._current()

    def _current(self) -> FileRules:
        return FileRules(self._file.entries, cwd=self.project, server_cwds=self._server_cwds)


def _facts(item: ToolCallItem) -> CallFacts:
    tool = item.definition or ToolDefinition(wire_name=item.wire_name, server=item.server, name=item.name)
    return CallFacts(tool, item.arguments, item.key)


def _decision_lines(item: ToolCallItem) -> str:
    asked = f" It was asked because {item.approval_reason}." if item.approval_reason else ""
    match item.decided_by:
        case "user":
            return f"You decided: {item.decision}.{asked}"
        case "rule" if item.rule_id:
            return f"Rule {item.rule_id} decided: {item.decision}."
        case "rule":
            return f"Decided without a question: {item.decision}."
        case _ if item.state == "waiting":
            guard = " A built-in guard asks: no rule can answer instead of you." if item.guarded else ""
            return f"It waits for you, because {item.approval_reason}.{guard}"
        case _:
            return f"Nobody decided it: the call ended before ({item.state.replace('_', ' ')})."
