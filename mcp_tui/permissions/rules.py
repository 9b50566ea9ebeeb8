"""Rules that come from the command line of ``mcp-tui run``, where nobody can be asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from mcp_tui.permissions.base import CallFacts, Verdict


class AllowedTools:
    """``--allow SERVER.TOOL``: these tools run without a question, whatever their arguments."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)

    def verdict(self, call: CallFacts) -> Verdict | None:
        """Allow a named tool."""
        name = f"{call.tool.server}.{call.tool.name}"
        return Verdict("allow", f"--allow {name}") if name in self._names else None


@dataclass(frozen=True, slots=True)
class Policy:
    """``--policy``: what happens to a call that no other rule concerns."""

    effect: Literal["deny", "allow"]

    def verdict(self, call: CallFacts) -> Verdict | None:
        """The policy, for every call."""
        del call
        return Verdict(self.effect, f"--policy {self.effect}")

    def unasked(self, verdict: Verdict) -> Verdict:
        """Deny what would be asked; only a repeated call runs where the policy allows.

        An ask rule and the guards of own files, secrets and cut answers want a person: ``--policy allow`` is none.
        """
        if verdict.guard == "repeated" and self.effect == "allow":
            return Verdict("allow", f"--policy allow ({verdict.rule})")
        words = f"rule {verdict.rule_id} asks" if verdict.rule_id else verdict.rule
        return Verdict("deny", f"{words}, and nobody can be asked", verdict.rule_id, verdict.guard)
