"""The facade that drives conversations, with a screen or without one.

Methods that change something are synchronous where a screen calls them, idempotent on their ids,
and never wait for an event: a caller cannot deadlock on the stream it reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar, assert_never

from mcp_tui.config.rules_file import RulesFile
from mcp_tui.conversation.pace import beside
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.conversation.usage import ContextShare, Totals
from mcp_tui.engine.assessment import Assessment, Assessor
from mcp_tui.engine.bus import PATIENCE, Batch, Contents, EventBus, Subscription
from mcp_tui.engine.history import Library
from mcp_tui.engine.other_windows import OtherWindows
from mcp_tui.engine.recovery import closing_events
from mcp_tui.engine.rerun import Rerun, RerunTurn, recorded_run
from mcp_tui.engine.rulebook import RuleBook
from mcp_tui.engine.services import Beginning, EngineSettings, Services
from mcp_tui.engine.shielded import held
from mcp_tui.engine.trust_desk import TrustDesk
from mcp_tui.engine.turn import Submission, Turn
from mcp_tui.engine.turn_life import TurnLife
from mcp_tui.engine.verification import Verification, VerificationTurn, verification_of
from mcp_tui.errors import HistoryError, McpTuiError, StoreBusy, StoreFailed, UsageError
from mcp_tui.events import turns
from mcp_tui.events.base import ErrorInfo, EventBase, new_id
from mcp_tui.events.servers import ServerStatus
from mcp_tui.events.tools import ArgumentProblem, ToolDefinition
from mcp_tui.gateway.base import ModelGateway
from mcp_tui.gateway.surrogates import valid_unicode
from mcp_tui.gateway.tokens import TokenCounter
from mcp_tui.history.base import HistoryStore
from mcp_tui.history.search import SearchIndex
from mcp_tui.host.base import EventSink, ToolHost
from mcp_tui.permissions.base import Decision, Fallback, Rule
from mcp_tui.safety.secrets import Redactor
from mcp_tui.trust.keeper import TrustKeeper

__all__ = ["Batch", "Decision", "Engine", "EngineParts", "EngineSettings", "ProviderChoice", "Subscription"]

log = logging.getLogger(__name__)

_T = TypeVar("_T")

NEWER = "A newer release of mcp-tui wrote this conversation: it can be read, not continued."
TAKEN_AWAY = "This conversation was deleted or moved away by another window: it can be read, not continued."

INDEX_AFTER = 1.0
"""Seconds from the start until the search index is brought up to date."""

Work = Submission | Rerun | Verification
"""What a turn is made of."""


@dataclass(frozen=True, slots=True)
class ProviderChoice:
    """A model that can be selected; ``problem`` says why it is not ready, such as a missing key."""

    name: str
    model: str
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Whether it can be asked."""
        return not self.problem


@dataclass(frozen=True, slots=True)
class EngineParts:
    """Concrete parts, built by the command line; ``make_host`` is given the sink for server events."""

    settings: EngineSettings
    store: HistoryStore
    gateway: ModelGateway
    make_host: Callable[[EventSink], ToolHost]
    counter: TokenCounter
    providers: tuple[ProviderChoice, ...]
    provider: str
    redactor: Redactor
    rules: Sequence[Rule] = ()
    """Guards and rules of the command line; those of ``permissions.yaml`` come from ``rules_file``."""
    fallback: Fallback | None = None
    rules_file: RulesFile = field(default_factory=RulesFile)
    server_cwds: Mapping[str, str] = field(default_factory=dict)
    """Server -> its working directory, where it has one of its own."""
    trust: TrustKeeper | None = None
    """What the host's gatekeeper decides with; ``None`` where it admits everything."""
    search: SearchIndex | None = None
    """Search over the store's conversations; ``None`` where they are not on a disk."""


@dataclass(frozen=True, slots=True)
class _Opened:
    """All of a stored conversation."""

    contents: Contents
    set_aside: int
    """Damaged lines."""
    read_only: str
    """Why nothing can be added to it, if so."""


class Engine:
    """Conversations, one of them open; its turns; the servers and the models they use."""

    def __init__(self, parts: EngineParts) -> None:
        self._bus = EventBus(parts.store, parts.redactor)
        self._store = parts.store
        self.history = Library(parts.store, self._bus, parts.search)
        """The stored conversations: list, search, read, rename, tag."""
        self._search = parts.search
        self._tasks: set[asyncio.Task[Any]] = set()
        self.trust = TrustDesk(parts.trust, self._bus.publish, self._spawn, lambda: self._bus.watched)
        """Servers and tools that wait to be accepted, and how they are."""
        self.rules = RuleBook(
            parts.rules_file,
            parts.store,
            find_call=lambda key: self.transcript.call(key),
            find_tool=self._listed_tool,
            tell=self.notice,
            server_cwds=parts.server_cwds,
        )
        """The permission rules: what there is, what a new one would do, why a call was decided as it was."""
        self._services = Services(
            settings=parts.settings,
            bus=self._bus,
            gateway=parts.gateway,
            host=parts.make_host(self._server_event),
            counter=parts.counter,
            redactor=parts.redactor,
            rules=(*parts.rules, self.rules),
            fallback=parts.fallback,
        )
        self.trust.connect(self._services.host)
        self.providers = parts.providers
        self._provider = parts.provider
        self._queue: deque[Work] = deque()
        self._turn: asyncio.Task[None] | None = None
        """The running turn, or the pause between a stopped one and the next input."""
        self._ended: turns.TurnFinished | None = None
        self._loading: asyncio.Task[None] | None = None
        """Reads what is not here yet of the open conversation."""
        self._window: dict[str, int | None] = {}
        self._closing = False
        self._assessor = Assessor(self._bus, parts.store, self._spawn)
        self._taken_up: set[str] = set()
        self._own_turns: set[str] = set()
        self._read_only = ("", "")
        """A conversation, and why nothing can be added to it."""
        self._others = OtherWindows(
            self._bus, parts.store, at_rest=self._at_rest, resting=lambda: not self.busy, gone=self._taken_away
        )
        self._bus.open(new_id())

    # -- life ----------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin starting servers and the model layer; returns at once."""
        if self.rules.problem:
            self.notice(f"{self.rules.problem}\nNo rule counts, and every call asks.", severity="error")
        await self._services.gateway.start()
        await self._services.host.start()
        self._spawn(self._learn_window(self._provider), "model information")
        self._spawn(self.trust.watch(), "watch what is trusted")
        if self._services.settings.interactive:
            self._spawn(self._others.run(), "other windows")
        if self._search is not None and self._services.settings.interactive:
            self._spawn(self._update_index(self._search), "search index")

    @staticmethod
    async def _update_index(search: SearchIndex) -> None:
        """Once servers and model layer had their start for themselves."""
        await asyncio.sleep(INDEX_AFTER)
        await search.update()

    async def aclose(self) -> None:
        """End the turn in good order, stop servers and model layer, write out the log."""
        self._closing = True
        self._queue.clear()
        if self._turn is not None:
            self._turn.cancel()
            await asyncio.wait({self._turn})
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        closing = [self._services.host.aclose(), self._services.gateway.aclose()]
        if self._search is not None:
            closing.append(self._search.aclose())
        await asyncio.gather(*closing, return_exceptions=True)
        await self.trust.aclose()
        try:
            await self._store.aclose()
        except HistoryError as error:
            log.error("the history was not written out: %s", error.message, extra={"operation": "history"})

    # -- what there is to see --------------------------------------------------------------

    @property
    def conversation_id(self) -> str:
        """Id of the open conversation; its file exists from the first input on."""
        return self._bus.conversation_id

    @property
    def transcript(self) -> Transcript:
        """The open conversation as items."""
        return self._bus.folds.transcript

    @property
    def title(self) -> str:
        """Title of the open conversation; empty before its first input."""
        return self.transcript.title

    @property
    def read_only(self) -> str:
        """Why nothing can be added to the open conversation; empty where something can."""
        conversation_id, reason = self._read_only
        return reason if conversation_id == self.conversation_id else ""

    def runs_here(self, turn_id: str | None) -> bool:
        """Whether a turn is, or was, one of this engine: what it asks is answered here."""
        return turn_id in self._own_turns

    @property
    def demo(self) -> bool:
        """True when the offline demo model answers."""
        return self._services.gateway.demo

    @property
    def busy(self) -> bool:
        """Whether a turn runs, or is about to."""
        return self._turn is not None and not self._turn.done()

    @property
    def provider(self) -> str:
        """The provider entry that answers the next turn."""
        return self._provider

    @property
    def model(self) -> str:
        """Its model, in LiteLLM's notation."""
        return self._choice(self._provider).model

    @property
    def totals(self) -> Totals:
        """Tokens and cost of the open conversation."""
        return self._bus.folds.totals

    @property
    def context(self) -> ContextShare | None:
        """How full the window was at the latest request; ``None`` before the first."""
        share = self._bus.folds.context_share
        if share is None:
            return None
        window = share.window if share.window is not None else self._window.get(self._provider)
        return ContextShare(share.used, share.tools, window, share.estimated)

    @property
    def queue(self) -> tuple[str, ...]:
        """Inputs that wait for the running turn, and calls that are to be run again after it."""
        return tuple(work.words for work in self._queue)

    @property
    def servers(self) -> tuple[ServerStatus, ...]:
        """State of every configured server."""
        return self._services.host.servers()

    def tools(self) -> tuple[ToolDefinition, ...]:
        """Tools that the model is offered at the next request."""
        return self._services.host.tools()

    def server_stderr(self, name: str) -> tuple[str, ...]:
        """Last lines of a server's standard error."""
        return self._services.host.stderr(name)

    def subscribe(self) -> Subscription:
        """A reader of the stream, beginning with the open conversation's log."""
        return self._bus.subscribe()

    def notice(self, message: str, *, severity: Literal["information", "warning", "error"] = "warning") -> None:
        """Tell the person something that belongs to no message."""
        self._bus.publish(turns.Notice(severity=severity, message=message))

    # -- turns -----------------------------------------------------------------------------

    def submit(self, text: str, *, request_id: str | None = None) -> str:
        """Take an input, or queue it while a turn runs; the same ``request_id`` counts once (requirement A7)."""
        request_id, text = request_id or new_id(), valid_unicode(text)
        if request_id in self._taken_up or request_id in self.transcript.request_ids or self._closing:
            return request_id
        self._take_up(Submission(request_id, text))
        return request_id

    def rerun(self, call_id: str, arguments: dict[str, Any] | None = None) -> str:
        """Run a call of the open conversation again, against today's server; returns the id of the new call.

        A turn without a model, queued as an input is, through approval as every call.  ``arguments`` are what the
        person changed the recorded ones to.  Raises `UsageError` for a call that cannot be run again.
        """
        item = self.transcript.call(call_id)
        if item is None:
            raise UsageError("There is no such call in the open conversation.")
        if not item.server:
            raise UsageError(f"{item.wire_name} was never a tool of any server.")
        if not item.finished:
            raise UsageError("This call has not ended yet.")
        again = recorded_run(self.conversation_id, item, new_id(), arguments)
        if again.problem is not None:
            raise UsageError(again.problem.message, hint=again.problem.hint)
        if not self._closing:
            self._take_up(Rerun(again.call_id, item, again))
        return again.call_id

    async def verify(self, conversation_id: str) -> Verification:
        """Run the calls of a stored conversation again, in a new conversation that is opened for it.

        Returns at once with what will be run.  Raises `ConversationNotFound`, and `UsageError` while a turn runs and
        where there is nothing to verify.
        """
        self._refuse_while_busy()
        stored = await self._store.read(conversation_id)
        request = await asyncio.to_thread(verification_of, conversation_id, stored.events)
        await self.new_conversation(request.beginning)
        self._take_up(request)
        return request

    def _take_up(self, work: Work) -> None:
        if reason := self.read_only:
            hint = "Start another conversation for it."
            self._give_back(work, ErrorInfo(kind="read_only", message=reason, hint=hint))
            return
        self._taken_up.add(work.request_id)
        self._assessor.begin()
        self._queue.append(work)
        if self.busy:
            self._publish_queue()
        else:
            self._next_turn()

    def cancel_turn(self, *, drop_queue: bool = False) -> bool:
        """Stop the running turn; what arrived is kept.  False when none runs.

        The next queued input waits for `EngineSettings.queue_pause`, so that a second call can drop it.
        """
        if drop_queue and self._queue:
            self._forget_queue()
        if not self.busy or self._turn is None:
            return False
        self._turn.cancel()
        return True

    def take_back(self) -> str | None:
        """Remove the last queued input and return its text."""
        submission = next((work for work in reversed(self._queue) if isinstance(work, Submission)), None)
        if submission is None:
            return None
        self._queue.remove(submission)
        self._taken_up.discard(submission.request_id)
        self._publish_queue()
        return submission.text

    async def idle(self) -> turns.TurnFinished | None:
        """Wait until no turn runs and nothing is queued; the end of the last turn, if one began."""
        while self.busy or (self._queue and not self._closing):
            assert self._turn is not None
            await asyncio.wait({self._turn})
            await asyncio.sleep(0)
        return self._ended

    # -- approval --------------------------------------------------------------------------

    def decide(self, approval_id: str, decision: Decision) -> bool:
        """Answer a waiting call.  False when it was answered or withdrawn already, or edited arguments do not fit.

        ``stop`` denies everything that waits and ends the turn.
        """
        pending = self._services.pending
        if not pending.waits(approval_id) or (self._turn is not None and self._turn.cancelling()):
            return False
        if self._problems_of(approval_id, decision):
            return False
        if decision.action == "stop":
            pending.resolve_all(decision)
            return True
        return pending.resolve(approval_id, decision)

    def assess(self, call_id: str, arguments: Mapping[str, Any] | None = None) -> Assessment | None:
        """A call beside the earlier ones of its tool, with ``arguments`` where the person changed them.

        ``None`` while the earlier calls are still being read.
        """
        item = self.transcript.call(call_id)
        return self._assessor.assess(item, arguments) if item is not None else None

    def check_arguments(self, call_id: str, arguments: dict[str, Any]) -> tuple[ArgumentProblem, ...]:
        """Edited arguments against the tool's schema, one entry per field (requirement D7)."""
        item = self.transcript.call(call_id)
        tool = self._services.host.tool(item.wire_name) if item is not None else None
        if tool is None:
            return (ArgumentProblem(field="", message="the tool is not available any more", type="tool"),)
        return self._services.host.check(tool, arguments)

    def _problems_of(self, approval_id: str, decision: Decision) -> tuple[ArgumentProblem, ...]:
        """What is wrong with the arguments that a decision would let run."""
        if decision.action != "allow" or decision.arguments is None:
            return ()
        item = next((item for item in self.transcript.waiting() if item.approval_id == approval_id), None)
        return self.check_arguments(item.key, decision.arguments) if item is not None else ()

    def answer_question(self, question_id: str, agreed: bool) -> bool:
        """Answer a guard's question (`Transcript.questions`).  False when it was answered or withdrawn already."""
        return self._services.questions.answer(question_id, agreed)

    # -- models and servers ----------------------------------------------------------------

    def select_model(self, provider: str) -> None:
        """Answer with this provider entry from the next turn on.  Raises `UsageError` for one that is not there."""
        choice = self._choice(provider)
        self._provider = choice.name
        self._services.counter.select(choice.model)
        self._spawn(self._learn_window(provider), "model information")

    def restart_server(self, name: str) -> None:
        """Stop and start a server; returns at once."""
        self._services.host.restart(name)

    def set_server_enabled(self, name: str, enabled: bool) -> None:
        """Start a server, or stop it and keep it stopped; returns at once."""
        self._services.host.set_enabled(name, enabled)

    # -- conversations ---------------------------------------------------------------------

    async def new_conversation(self, beginning: Beginning | None = None) -> None:
        """Open an empty conversation.  Raises `UsageError` while a turn runs.

        ``beginning`` says where it comes from, and its title, where that is not made from the first input.
        """
        self._refuse_while_busy()
        self._leave_conversation()
        self._services.beginning = beginning or Beginning()
        self._bus.open(new_id())

    async def open_conversation(self, conversation_id: str, *, at_once: bool = False) -> None:
        """Open a stored conversation; a turn that a crash left open is closed in its log.

        ``at_once``: of a long one the end is open when this returns, all of it soon after (`loading`); an input
        waits until then.  What a newer release wrote is opened to be read (`read_only`).  Raises
        `ConversationNotFound`, and `UsageError` while a turn runs.
        """
        self._refuse_while_busy()
        end = await self._store.read_end(conversation_id) if at_once else None
        if end is None or end.whole or end.newer_schema:
            opened = await self._read_whole(conversation_id)
            self._refuse_while_busy()
            self._leave_conversation()
            self._read_only = (conversation_id, opened.read_only)
            self._bus.open(conversation_id, opened.contents)
            self._keep_model()
            self._tell(opened)
            return
        self._refuse_while_busy()
        self._leave_conversation()
        self._bus.open(conversation_id, end.events, more_above=True)
        self._keep_model()
        self._loading = self._spawn(self._load_rest(conversation_id, self._provider), "load conversation")

    @property
    def loading(self) -> bool:
        """Whether only the end of the open conversation is here yet."""
        return self._loading is not None and not self._loading.done()

    def _leave_conversation(self) -> None:
        """What is known of the open conversation is kept where others need it; what is still read of it is not."""
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None
        self._services.beginning = Beginning()
        self._assessor.keep(self._bus.folds.calls)

    async def _load_rest(self, conversation_id: str, provider: str) -> None:
        """All of the conversation of which the end is open.  Raises `HistoryError`; an input gets it as its answer."""
        try:
            opened = await self._read_whole(conversation_id)
        except McpTuiError as error:
            words = f"The beginning of this conversation could not be read. {error.message}"
            self._bus.publish(turns.Notice(severity="error", message=words, hint=error.hint))
            raise
        self._bus.complete(opened.contents)
        if self._provider == provider:
            self._keep_model()
        self._tell(opened)

    async def _all_there(self) -> None:
        """Wait until all of the open conversation is here.  Raises `HistoryError` when it could not be read."""
        if self._loading is not None:
            await asyncio.wait({self._loading})
            self._loading.result()

    async def _read_whole(self, conversation_id: str) -> _Opened:
        stored = await self._store.read(conversation_id)
        closed: list[EventBase] = []
        if not stored.newer_schema:
            closing = await beside(lambda _pace: closing_events(stored.events))
            closed = await self._close_open_turn(conversation_id, closing)
        contents = await beside(lambda pace: Contents.of((*stored.events, *closed), pace))
        return _Opened(contents, len(stored.set_aside), NEWER if stored.newer_schema else "")

    def _tell(self, opened: _Opened) -> None:
        if opened.read_only:
            self.notice(opened.read_only)
        if opened.set_aside:
            words = f"{opened.set_aside} damaged lines of this conversation were set aside; they stay in its file."
            self.notice(words)

    async def _close_open_turn(self, conversation_id: str, closing: list[EventBase]) -> list[EventBase]:
        """What a crash left open is closed, unless another process is at it; without a disk, only to look at."""
        if not closing:
            return []
        try:
            async with self._store.lease(conversation_id):
                return await self._store.append(conversation_id, closing)
        except StoreBusy:
            return []
        except StoreFailed as error:
            self._bus.publish(turns.Notice(severity="error", message=error.message, hint=error.hint))
            return closing

    async def _at_rest(self) -> None:
        """Wait until no turn runs here, and all of the open conversation is there."""
        while self.busy or self.loading:
            running = {task for task in (self._turn, self._loading) if task is not None and not task.done()}
            await asyncio.wait(running)
            await asyncio.sleep(0)

    def _taken_away(self, conversation_id: str, gone: bool) -> None:
        if gone:
            self._read_only = (conversation_id, TAKEN_AWAY)
            self.notice(TAKEN_AWAY)
        elif self.read_only == TAKEN_AWAY:
            self._read_only = ("", "")
            self.notice("This conversation is back, and can be continued.", severity="information")

    def _keep_model(self) -> None:
        known = {choice.name for choice in self.providers}
        if self.transcript.provider in known:
            self.select_model(self.transcript.provider)

    # -- inside ----------------------------------------------------------------------------

    def _listed_tool(self, server: str, name: str) -> ToolDefinition | None:
        return next((tool for tool in self.tools() if (tool.server, tool.name) == (server, name)), None)

    def _server_event(self, event: EventBase) -> None:
        self._bus.publish(event)
        self.trust.observe(event)

    def _next_turn(self) -> None:
        if not self._queue or self._closing:
            return
        work = self._queue.popleft()
        self._run_next(self._run(work), "turn")
        self._publish_queue()

    def _run_next(self, work: Coroutine[Any, Any, None], name: str) -> None:
        self._turn = asyncio.create_task(work, name=name)
        self._turn.add_done_callback(self._turn_ended)

    def _turn_ended(self, task: asyncio.Task[None]) -> None:
        if not self._queue or self._closing:
            return
        if task.cancelled():
            self._run_next(asyncio.sleep(self._services.settings.queue_pause), "queue pause")
        else:
            self._next_turn()

    def _turn_of(self, work: Work) -> TurnLife:
        match work:
            case Submission():
                return Turn(self._services, work, self._provider, self.model)
            case Rerun():
                return RerunTurn(self._services, work)
            case Verification():
                return VerificationTurn(self._services, work)
            case _:
                assert_never(work)

    async def _run(self, work: Work) -> None:
        self._ended, turn = None, None
        try:
            await self._all_there()
            if work.request_id in self.transcript.request_ids:
                return
            async with AsyncExitStack() as stack:
                await held(self._take_lease(stack), PATIENCE)
                turn = self._turn_of(work)
                self._own_turns.add(turn.id)
                await turn.run()
        except asyncio.CancelledError:
            if work.request_id not in self.transcript.request_ids:
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
        async with self._others.closing:
            await stack.enter_async_context(self._store.lease(self.conversation_id))

    def _history_failed(self, work: Work, error: HistoryError) -> None:
        """Give the input back when it was not taken up; say what happened in any case."""
        extra = {"operation": "history", "error": type(error).__name__, "request_id": work.request_id}
        log.error("the turn could not be kept: %s", error.message, extra=extra)
        if work.request_id in self.transcript.request_ids:
            self._bus.publish(turns.Notice(severity="error", message=error.message, hint=error.hint))
            return
        reason = ErrorInfo(kind=type(error).__name__, message=error.message, hint=error.hint)
        self._give_back(work, reason)

    def _give_back(self, work: Work, reason: ErrorInfo) -> None:
        """The words of the person are not lost; sent again, they count."""
        self._taken_up.discard(work.request_id)
        if isinstance(work, Submission):
            self._bus.publish(turns.InputReturned(text=work.text, reason=reason))
        else:
            words = f"No {work.words}: {reason.message}"
            self._bus.publish(turns.Notice(severity="error", message=words, hint=reason.hint))

    def _forget_queue(self) -> None:
        self._taken_up.difference_update(work.request_id for work in self._queue)
        self._queue.clear()
        self._publish_queue()

    def _publish_queue(self) -> None:
        self._bus.publish(turns.QueueChanged(inputs=self.queue))

    def _refuse_while_busy(self) -> None:
        if self.busy:
            raise UsageError("A turn is running.", hint="Stop it first, or wait for it to end.")

    def _choice(self, provider: str) -> ProviderChoice:
        for choice in self.providers:
            if choice.name == provider:
                return choice
        names = ", ".join(choice.name for choice in self.providers)
        raise UsageError(f"There is no model {provider!r}.", hint=f"Configured: {names}.")

    async def _learn_window(self, provider: str) -> None:
        try:
            info = await self._services.gateway.model_info(provider)
        except McpTuiError:
            return
        self._window[provider] = info.context_window

    def _spawn(self, work: Coroutine[Any, Any, _T], name: str) -> asyncio.Task[_T]:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._task_ended)
        return task

    def _task_ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None and not isinstance(error, McpTuiError):
            log.error("a task of the engine failed", exc_info=error, extra={"operation": task.get_name()})
