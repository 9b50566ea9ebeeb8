"""Decisions of a person, verdicts of rules."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from mcp_tui.events.tools import DecisionAction, DecisionScope, ToolDefinition

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)

Effect = Literal["deny", "ask", "allow"]
Guard = Literal["", "own_files", "secret", "repeated", "incomplete"]


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What a rule may look at: the tool as listed, and exactly the arguments that would run."""

    tool: ToolDefinition
    arguments: dict[str, Any]
    call_id: str = ""
    """Empty for a call that was never made, such as one that a rule is tried on."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rules say of a call, and which one said it, in words."""

    effect: Effect
    rule: str
    rule_id: str = ""
    """Id of the entry of ``permissions.yaml``; empty where something else speaks."""
    guard: Guard = ""
    """The built-in guard that asks; no allow is stronger, and the answer is never remembered."""

    @property
    def guarded(self) -> bool:
        """Whether a built-in guard asks."""
        return bool(self.guard)


class Rule(Protocol):
    """One reason to deny, ask or allow."""

    def verdict(self, call: CallFacts) -> Verdict | None:
        """The rule's word on this call, or ``None`` when it does not concern it."""
        ...


class Fallback(Rule, Protocol):
    """What happens where nobody can be asked."""

    def unasked(self, verdict: Verdict) -> Verdict:
        """The answer to a question of rules or guards."""
        ...


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to an approval request.

    ``arguments`` is what the person changed the call's arguments to, ``None`` where they stay;
    ``message`` goes to the model with a refusal; ``rule_id`` names the rule that the person wrote with an allow
    of scope ``rule``.
    """

    action: DecisionAction
    scope: DecisionScope = "once"
    arguments: dict[str, Any] | None = None
    message: str = ""
    rule_id: str = ""


def arguments_digest(arguments: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON of ``arguments``: a decision is bound to exact bytes."""
    return hashlib.sha256(_CANONICAL.encode(arguments).encode()).hexdigest()
