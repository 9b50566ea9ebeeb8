"""The page of the approval card that shows a rule before it is written: every word of it, and what it would have done.

Nothing is written by looking.  The rule that is saved is the one on the screen.
"""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.safety.text import prose, shorten, strict
from mcp_tui.ui import formats
from mcp_tui.ui.keymap import effective, show_keys
from mcp_tui.ui.widgets.arguments import behind_bar

if TYPE_CHECKING:
    from mcp_tui.config.rule_models import RuleEntry
    from mcp_tui.conversation.calls import CallRecord
    from mcp_tui.engine.rulebook import RuleBook

MOST_MATCHES = 500
"""Recorded calls that are listed; more are counted."""

Part = tuple[str, str]


@dataclass(slots=True)
class RulePage:
    """Proposals for one call, one of them chosen."""

    book: RuleBook
    approval_id: str
    entries: tuple[RuleEntry, ...]
    at: int = 0
    matches: dict[int, tuple[CallRecord, ...]] = field(default_factory=dict)
    """Position of a proposal -> recorded calls that it would have matched, newest first."""
    problem: str = ""

    @property
    def entry(self) -> RuleEntry:
        """The chosen proposal."""
        return self.entries[self.at]

    @property
    def ready(self) -> bool:
        """Whether all that the person must know of the chosen proposal is known."""
        return self.at in self.matches and not self.problem

    @property
    def unready(self) -> str:
        """Why it cannot be written yet, in words; empty when it can."""
        if self.problem:
            return "w is off: the recorded calls could not be read"
        return "" if self.ready else "w waits: looking through the recorded calls"

    def step(self, step: int) -> None:
        """Choose the proposal before or after."""
        self.at = max(0, min(len(self.entries) - 1, self.at + step))

    async def look_back(self) -> None:
        """Find the recorded calls that the chosen proposal would have matched."""
        at = self.at
        if at not in self.matches:
            self.matches[at] = tuple(await self.book.preview(self.entries[at]))

    @property
    def subject(self) -> Hashable:
        """What is shown: another subject is another text."""
        return ("rule", self.approval_id, self.at, self.book.text(self.entry), self.ready, self.problem)

    def text(self, width: int) -> Content:
        """All of it."""
        parts: list[Part | Content] = [("Allow from now on, without asking:\n", "")]
        for index, entry in enumerate(self.entries):
            chosen = index == self.at
            mark, style = ("> ", "$primary bold") if chosen else ("  ", "$muted")
            parts.append((f"{mark}{words_for(entry)}\n", style))
        parts.append(("\nwritten to ", "$muted"))
        path = str(self.book.path) if self.book.path is not None else "nothing: it holds until the program ends"
        parts += [(f"{strict(path)}\n", ""), *_quoted(self.book.text(self.entry), width)]
        return Content.assemble(*parts, *self._matches(width)).rstrip("\n")

    def _matches(self, width: int) -> list[Part]:
        if self.problem:
            return [(f"\n! {prose(self.problem)}\n", "$error")]
        if self.at not in self.matches:
            return [("\nlooking through the recorded calls ...\n", "$warning")]
        found = self.matches[self.at]
        if not found:
            return [("\nmatches none of the recorded calls; it would match this one\n", "$muted")]
        parts: list[Part] = [
            (f"\nwould have allowed {formats.plural(len(found), 'recorded call')}, newest first:\n", "")
        ]
        for record in found[:MOST_MATCHES]:
            how = record.outcome or ("ran" if record.ran else "no end")
            what = "denied by you" if record.decision in ("deny", "stop") and record.decided_by == "user" else how
            when = f"{record.at.astimezone():%Y-%m-%d %H:%M}"
            left = max(12, width - len(when) - len(what) - 6)
            arguments = shorten(json.dumps(record.arguments, ensure_ascii=False), left)
            style = "$error" if what.startswith("denied") else "$muted"
            parts += [(f"  {when}  ", "$muted"), (f"{what}  ", style), (f"{arguments}\n", "")]
        if rest := len(found) - MOST_MATCHES:
            parts += [(f"  and {rest:,} earlier\n", "$muted")] if rest > 0 else []
        return parts


def words_for(entry: RuleEntry) -> str:
    """What a proposal allows, in words."""
    tool = f"{entry.server}.{entry.tool}"
    if entry.arguments is None:
        return strict(f"any arguments of {tool}")
    if not entry.arguments:
        return strict(f"{tool} without arguments")
    kinds = {name: pattern.kind for name, pattern in entry.arguments.items()}
    if set(kinds.values()) == {"equals"}:
        return strict(f"{tool} with exactly these arguments")
    loose = ", ".join(f"{name} {_KINDS.get(kind, kind)}" for name, kind in kinds.items() if kind != "equals")
    return strict(f"{tool} where {loose}")


_KINDS = {
    "one_of": "is one of a list",
    "glob": "has a form",
    "path_under": "lies under a folder",
    "host_in": "is at a host",
    "max": "is not larger",
}


def _quoted(text: str, width: int) -> Sequence[Part | Content]:
    """The file's own words, every line behind a bar."""
    first, *more = behind_bar(strict(text.rstrip("\n"), one_line=False), width)
    assert isinstance(first, tuple)
    return [(first[0].lstrip("\n"), first[1]), *more, ("\n", "")]


def keys_text(overrides: Mapping[str, str]) -> Content:
    """The keys of the page."""
    keys = effective(overrides)
    shown = (("approval.save_rule", "write this rule and allow the call"), ("approval.deny", "deny"))
    parts: list[Part] = []
    for name, label in shown:
        parts += [(show_keys(keys[name][:1]), "$accent bold"), (f" {label}  ", "")]
    return Content.assemble(*parts, ("Up Down", "$accent bold"), " choose  ", ("Esc", "$accent bold"), " back")
