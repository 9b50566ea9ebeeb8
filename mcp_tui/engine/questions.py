"""Questions of a guard: the turn waits for the person instead of cutting something off silently.

Every question is recorded and has one recorded answer.  Where nobody can be asked (``mcp-tui run``) the answer is
"no", which is what the limit says; no time-out ever answers.
"""

from __future__ import annotations

import asyncio

from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.shielded import shielded
from mcp_tui.events import turns
from mcp_tui.events.base import new_id

CLOSING_LIMIT = 5.0
"""Seconds that withdrawing a question may take when the turn is being cancelled."""


class Questions:
    """Open questions of the running turn.  Each is answered once; later answers are refused."""

    def __init__(self, bus: EventBus, *, interactive: bool) -> None:
        self._bus = bus
        self._interactive = interactive
        self._waiting: dict[str, asyncio.Future[bool]] = {}

    async def ask(
        self, turn_id: str, kind: turns.QuestionKind, message: str, *, yes: str, no: str, call_id: str = ""
    ) -> bool:
        """The person's answer, however long it takes.

        A cancellation withdraws the question and is raised.  Raises `HistoryError` when it cannot be recorded.
        """
        question = turns.QuestionAsked(
            conversation_id=self._bus.conversation_id,
            turn_id=turn_id,
            question_id=new_id(),
            kind=kind,
            message=message,
            yes=yes,
            no=no,
            call_id=call_id,
        )
        if not self._interactive:
            await self._bus.record(question, _answer(question, "no", by_user=False))
            return False
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting[question.question_id] = future
        try:
            await self._bus.record(question)
            agreed = await future
        except asyncio.CancelledError:
            await shielded(self._withdraw(question), CLOSING_LIMIT)
            raise
        finally:
            del self._waiting[question.question_id]
        await self._bus.record(_answer(question, "yes" if agreed else "no", by_user=True))
        return agreed

    async def _withdraw(self, question: turns.QuestionAsked) -> None:
        """Close a question that reached the log."""
        if question.question_id in self._bus.folds.transcript.questions:
            await self._bus.record(_answer(question, "withdrawn", by_user=False))

    def answer(self, question_id: str, agreed: bool) -> bool:
        """Give the answer; False when the question is closed already."""
        future = self._waiting.get(question_id)
        if future is None or future.done():
            return False
        future.set_result(agreed)
        return True


def _answer(question: turns.QuestionAsked, answer: turns.QuestionAnswer, *, by_user: bool) -> turns.QuestionAnswered:
    return turns.QuestionAnswered(
        conversation_id=question.conversation_id,
        turn_id=question.turn_id,
        question_id=question.question_id,
        answer=answer,
        by="user" if by_user else "engine",
    )
