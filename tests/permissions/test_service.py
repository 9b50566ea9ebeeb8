from __future__ import annotations

import asyncio

from mcp_tui.permissions.base import Decision
from mcp_tui.permissions.service import PendingApprovals


async def test_case_112_the_first_answer_wins():
    pending = PendingApprovals()
    answer = pending.open("a")
    assert pending.waits("a")
    assert pending.resolve("a", Decision("deny"))
    assert not pending.resolve("a", Decision("allow"))
    assert not pending.waits("a")
    assert (await answer).action == "deny"


async def test_a_question_that_was_withdrawn_takes_no_answer():
    pending = PendingApprovals()
    answer = pending.open("a")
    pending.close("a")
    assert answer.cancelled()
    assert not pending.resolve("a", Decision("allow"))
    assert not pending.waits("a")
    assert not pending.resolve("never asked", Decision("allow"))


async def test_one_answer_for_everything_leaves_what_was_answered_alone():
    pending = PendingApprovals()
    answers = [pending.open(name) for name in "abc"]
    pending.resolve("b", Decision("allow"))
    pending.resolve_all(Decision("stop"))
    assert [decision.action for decision in await asyncio.gather(*answers)] == ["stop", "allow", "stop"]
