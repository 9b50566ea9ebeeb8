"""What the person asked for: one thing runs at a time, in the conversation's lease, and ends in good order.

An input that could not be taken up is given back with the reason; its words are not lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from typing import Any, assert_never

from mcp_tui.engine.bus import PATIENCE
from mcp_tui.engine.model_choice import ModelChoice
from mcp_tui.engine.opening import Opening
from mcp_tui.engine.rerun import Rerun, RerunTurn
from mcp_tui.engine.services import Services
from mcp_tui.engine.shielded import held
from mcp_tui.engine.turn import Submission, Turn
from mcp_tui.engine.turn_life import TurnLife
from mcp_tui.engine.verification import Verification, VerificationTurn
from mcp_tui.errors import HistoryError, StoreFailed, UsageError
from mcp_tui.events import turns
from mcp_tui.events.base import ErrorInfo
from mcp_tui.history.base import HistoryStore

log = logging.getLogger(__name__)

Work = Submission | Rerun | Verification
"""What a turn is made of."""


class WorkQueue:
    """Runs what is asked for in the open conversation, one after the other."""

    def __init__(self, services: Services, store: HistoryStore, opening: Opening, models: ModelChoice) -> None:
        self._services = services
        self._bus = services.bus
        self._store, self._opening, self._models = store, opening, models
        self._waiting: deque[Work] = deque()
        self._running: asyncio.Task[None] | None = None
        """The running turn, or the pause between a stopped one and the next input."""
        self._ended: turns.TurnFinished | None = None
        self._taken_up: set[str] = set()
        self._turns: set[str] = set()
        self._closing = False
        self.taking_lease = asyncio.Lock()
        """Held while the lease for a turn is being taken."""

    @property
    def words(self) -> tuple[str, ...]:
        """What waits, as the queue shows it."""
        return tuple(work.words for work in self._waiting)

    @property
    def busy(self) -> bool:
        """Whether a turn runs, or is about to."""
        return self._running is not None and not self._running.done()

    @property
    def stopping(self) -> bool:
        """Whether the running turn was told to stop."""
        return self._running is not None and bool(self._running.cancelling())

    def ran(self, turn_id: str | None) -> bool:
        """Whether a turn is, or was, run from here."""
        return turn_id in self._turns

    def refuse_while_busy(self) -> None:
        """Raises `UsageError` while a turn runs."""
        if self.busy:
            raise UsageError("A turn is running.", hint="Stop it first, or wait for it to end.")

    # -- taking up and giving back -----------------------------------------------------------

    def take_up(self, work: Work) -> bool:
        """Run ``work``, or queue it while a turn runs.  False for what counts already or cannot be done here."""
        if self._closing or work.request_id in self._taken_up or self._recorded(work):
            return False
        if reason := self._opening.read_only:
            hint = "Start another conversation for it."
            self._give_back(work, ErrorInfo(kind="read_only", message=reason, hint=hint))
            return False
        self._taken_up.add(work.request_id)
        self._waiting.append(work)
        if self.busy:
            self._publish()
        else:
            self._next()
        return True

    def take_back(self) -> str | None:
        """Remove the last input that waits and return its text."""
        submission = next((work for work in reversed(self._waiting) if isinstance(work, Submission)), None)
        if submission is None:
            return None
        self._waiting.remove(submission)
        self._taken_up.discard(submission.request_id)
        self._publish()
        return submission.text

    def drop(self) -> None:
        """Forget everything that waits."""
        if self._waiting:
            self._taken_up.difference_update(work.request_id for work in self._waiting)
            self._waiting.clear()
            self._publish()

    def _recorded(self, work: Work) -> bool:
        return work.request_id in self._bus.folds.transcript.request_ids

    def _give_back(self, work: Work, reason: ErrorInfo) -> None:
        """The words of the person are not lost; sent again, they count."""
        self._taken_up.discard(work.request_id)
        if isinstance(work, Submission):
            self._bus.publish(turns.InputReturned(text=work.text, reason=reason))
        else:
            words = f"No {work.words}: {reason.message}"
            self._bus.publish(turns.Notice(severity="error", message=words, hint=reason.hint))

    def _publish(self) -> None:
        self._bus.publish(turns.QueueChanged(inputs=self.words))

    # -- one after the other -----------------------------------------------------------------

    def stop(self) -> bool:
        """Stop the running turn; the next waits for `EngineSettings.queue_pause`.  False when none runs."""
        if not self.busy or self._running is None:
            return False
        self._running.cancel()
        return True

    async def idle(self) -> turns.TurnFinished | None:
        """Wait until no turn runs and nothing waits; the end of the last turn, if one began."""
        while self.busy or (self._waiting and not self._closing):
            assert self._running is not None
            await asyncio.wait({self._running})
            await asyncio.sleep(0)
        return self._ended

    async def at_rest(self) -> None:
        """Wait until no turn runs, and all of the open conversation is there."""
        while running := {task for task in (self._running, self._opening.loading) if task and not task.done()}:
            await asyncio.wait(running)
            await asyncio.sleep(0)

    async def aclose(self) -> None:
        """Take nothing up any more, and end the running turn in good order."""
        self._closing = True
        self._waiting.clear()
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    def _next(self) -> None:
        if not self._waiting or self._closing:
            return
        work = self._waiting.popleft()
        self._begin(self._run(work), "turn")
        self._publish()

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._running = asyncio.create_task(work, name=name)
        self._running.add_done_callback(self._over)

    def _over(self, task: asyncio.Task[None]) -> None:
        if not self._waiting or self._closing:
            return
        if task.cancelled():
            self._begin(asyncio.sleep(self._services.settings.queue_pause), "queue pause")
        else:
            self._next()

    # -- one of them -------------------------------------------------------------------------

    def _turn_of(self, work: Work) -> TurnLife:
        match work:
            case Submission():
                return Turn(self._services, work, self._models.provider, self._models.model)
            case Rerun():
                return RerunTurn(self._services, work)
            case Verification():
                return VerificationTurn(self._services, work)
            case _:
                assert_never(work)

    async def _run(self, work: Work) -> None:
        self._ended, turn = None, None
        try:
            await self._opening.all_there()
            if self._recorded(work):
                return
            async with AsyncExitStack() as stack:
                await held(self._take_lease(stack), PATIENCE)
                turn = self._turn_of(work)
                self._turns.add(turn.id)
                await turn.run()
        except asyncio.CancelledError:
            if not self._recorded(work):
                self._give_back(work, ErrorInfo(kind="cancelled", message="Stopped before it was taken up."))
            raise
        except HistoryError as error:
            self._history_failed(work, error)
        except TimeoutError:
            self._history_failed(work, StoreFailed("The history could not be written in time."))
        except Exception as error:
            log.exception("turn failed", extra={"operation": "turn", "request_id": work.request_id})
            words = f"An internal error ended the turn: {type(error).__name__}."
            self._history_failed(work, StoreFailed(words, hint="The log file has the details."))
        finally:
            self._ended = turn.finished if turn is not None else None

    async def _take_lease(self, stack: AsyncExitStack) -> None:
        """Run to its end even when the turn is stopped: a lease half taken would refuse our own next turn."""
        async with self.taking_lease:
            await stack.enter_async_context(self._store.lease(self._bus.conversation_id))

    def _history_failed(self, work: Work, error: HistoryError) -> None:
        """Give the input back when it was not taken up; say what happened in any case."""
        extra = {"operation": "history", "error": type(error).__name__, "request_id": work.request_id}
        log.error("the turn could not be kept: %s", error.message, extra=extra)
        if self._recorded(work):
            self._bus.publish(turns.Notice(severity="error", message=error.message, hint=error.hint))
            return
        reason = ErrorInfo(kind=type(error).__name__, message=error.message, hint=error.hint)
        self._give_back(work, reason)
