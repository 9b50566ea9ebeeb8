"""Evaluate the rules, ask the person, take the first answer."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mcp_tui.permissions.base import CallFacts, Decision, Fallback, Rule, Verdict

ASK = Verdict("ask", "no rule allows it")


def evaluate(call: CallFacts, rules: Sequence[Rule], fallback: Rule | None = None) -> Verdict:
    """Deny wins, then a guard's question, then ask, then allow, whatever is more specific; else ``fallback`` or ask.

    Tools that wait for a review (quarantine) are not offered and not callable: they never get here.
    """
    verdicts = [verdict for rule in rules if (verdict := rule.verdict(call)) is not None]
    strongest = min(verdicts, key=_rank, default=None)
    return strongest or (fallback.verdict(call) if fallback is not None else None) or ASK


def _rank(verdict: Verdict) -> int:
    """Place in the order of decision; of several in one place the first rule speaks."""
    if verdict.effect == "ask":
        return 1 if verdict.guarded else 2
    return 0 if verdict.effect == "deny" else 3


def asked_words(verdict: Verdict) -> str:
    """Why a person is asked; a rule is named by its id."""
    return f"rule {verdict.rule_id} asks: {verdict.rule}" if verdict.rule_id else verdict.rule


def without_person(verdict: Verdict, fallback: Fallback | None) -> Verdict:
    """The verdict where, with a ``fallback``, nobody can be asked: no question stays open."""
    return fallback.unasked(verdict) if fallback is not None and verdict.effect == "ask" else verdict


class PendingApprovals:
    """Questions that wait for an answer.  Each is resolved once; later answers are refused."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[Decision]] = {}

    def open(self, approval_id: str) -> asyncio.Future[Decision]:
        """Open a question before anyone can see it.  Its answer may take as long as it takes; none is ever assumed."""
        future: asyncio.Future[Decision] = asyncio.get_running_loop().create_future()
        self._waiting[approval_id] = future
        return future

    def close(self, approval_id: str) -> None:
        """Withdraw a question, or forget an answered one."""
        future = self._waiting.pop(approval_id, None)
        if future is not None:
            future.cancel()

    def waits(self, approval_id: str) -> bool:
        """Whether the question is open."""
        future = self._waiting.get(approval_id)
        return future is not None and not future.done()

    def resolve(self, approval_id: str, decision: Decision) -> bool:
        """Give the answer; False when the question is closed already."""
        future = self._waiting.get(approval_id)
        if future is None or future.done():
            return False
        future.set_result(decision)
        return True

    def resolve_all(self, decision: Decision) -> None:
        """Give the same answer to everything that waits."""
        for approval_id in list(self._waiting):
            self.resolve(approval_id, decision)
