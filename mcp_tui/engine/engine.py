"""The facade that drives conversations, with a screen or without one.

Methods that change something are synchronous where a screen calls them, idempotent on their ids,
and never wait for an event: a caller cannot deadlock on the stream it reads.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any, Literal

from mcp_tui.conversation.ignoring import NOTHING, Ignoring
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.conversation.usage import ContextShare, Totals
from mcp_tui.engine.approvals import Approvals
from mcp_tui.engine.assessment import Assessment, Assessor
from mcp_tui.engine.background import Background
from mcp_tui.engine.bus import Batch, EventBus, Subscription
from mcp_tui.engine.history import Library
from mcp_tui.engine.model_choice import ModelChoice
from mcp_tui.engine.opening import Opening
from mcp_tui.engine.other_windows import OtherWindows
from mcp_tui.engine.parts import EngineParts, ProviderChoice
from mcp_tui.engine.rerun import rerun_of
from mcp_tui.engine.rulebook import RuleBook
from mcp_tui.engine.services import Beginning, EngineSettings, Services
from mcp_tui.engine.trust_desk import TrustDesk
from mcp_tui.engine.turn import Submission
from mcp_tui.engine.verification import Verification, verification_of
from mcp_tui.engine.work_queue import Work, WorkQueue
from mcp_tui.errors import HistoryError
from mcp_tui.events import turns
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.events.servers import ServerStatus
from mcp_tui.events.tools import ArgumentProblem, ToolDefinition
from mcp_tui.gateway.surrogates import valid_unicode
from mcp_tui.history.search import SearchIndex
from mcp_tui.permissions.base import Decision

__all__ = ["Batch", "Decision", "Engine", "EngineParts", "EngineSettings", "ProviderChoice", "Subscription"]

log = logging.getLogger(__name__)

INDEX_AFTER = 1.0
"""Seconds from the start until the search index is brought up to date."""


class Engine:
    """Conversations, one of them open; its turns; the servers and the models they use."""

    def __init__(self, parts: EngineParts) -> None:
        self._bus = EventBus(parts.store, parts.redactor)
        self._store, self._search = parts.store, parts.search
        self._background = Background()
        self.history = Library(parts.store, self._bus, parts.search)
        """The stored conversations: list, search, read, rename, tag."""
        self.trust = TrustDesk(parts.trust, self._bus.publish, self._background.spawn, lambda: self._bus.watched)
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
        self._models = ModelChoice(parts.providers, parts.provider, parts.gateway, parts.counter, self._background)
        self._opening = Opening(self._bus, parts.store, self._models, self._background)
        self._work = WorkQueue(self._services, parts.store, self._opening, self._models)
        self._approvals = Approvals(self._services)
        self._assessor = Assessor(self._bus, parts.store, self._background.spawn)
        self._others = OtherWindows(
            self._bus,
            parts.store,
            at_rest=self._work.at_rest,
            resting=lambda: not self.busy,
            gone=self._opening.taken_away,
            taking_lease=self._work.taking_lease,
        )
        self._opening.begin()

    # -- life ----------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin starting servers and the model layer; returns at once."""
        if self.rules.problem:
            self.notice(f"{self.rules.problem}\nNo rule counts, and every call asks.", severity="error")
        await self._services.gateway.start()
        await self._services.host.start()
        self._models.learn_window()
        self._background.spawn(self.trust.watch(), "watch what is trusted")
        if self._services.settings.interactive:
            self._background.spawn(self._others.run(), "other windows")
            if self._search is not None:
                self._background.spawn(_update_index(self._search), "search index")

    async def aclose(self) -> None:
        """End the turn in good order, stop servers and model layer, write out the log."""
        await self._work.aclose()
        await self._background.aclose()
        parts = (self._services.host, self._services.gateway, self._search)
        await asyncio.gather(*(part.aclose() for part in parts if part is not None), return_exceptions=True)
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
        return self._opening.read_only

    @property
    def loading(self) -> bool:
        """Whether only the end of the open conversation is here yet."""
        return self._opening.loading is not None

    def runs_here(self, turn_id: str | None) -> bool:
        """Whether a turn is, or was, one of this engine: what it asks is answered here."""
        return self._work.ran(turn_id)

    @property
    def demo(self) -> bool:
        """True when the offline demo model answers."""
        return self._services.gateway.demo

    @property
    def busy(self) -> bool:
        """Whether a turn runs, or is about to."""
        return self._work.busy

    @property
    def providers(self) -> tuple[ProviderChoice, ...]:
        """The models that are configured."""
        return self._models.providers

    @property
    def provider(self) -> str:
        """The provider entry that answers the next turn."""
        return self._models.provider

    @property
    def model(self) -> str:
        """Its model, in LiteLLM's notation."""
        return self._models.model

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
        window = share.window if share.window is not None else self._models.window
        return ContextShare(share.used, share.tools, window, share.estimated)

    @property
    def queue(self) -> tuple[str, ...]:
        """Inputs that wait for the running turn, and calls that are to be run again after it."""
        return self._work.words

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
        request_id = request_id or new_id()
        self._take_up(Submission(request_id, valid_unicode(text)))
        return request_id

    def rerun(self, call_id: str, arguments: dict[str, Any] | None = None) -> str:
        """Run a call of the open conversation again, against today's server; returns the id of the new call.

        A turn without a model, queued as an input is, through approval as every call.  ``arguments`` are what the
        person changed the recorded ones to.  Raises `UsageError` for a call that cannot be run again.
        """
        request = rerun_of(self.conversation_id, self.transcript.call(call_id), arguments)
        self._take_up(request)
        return request.request_id

    async def verify(self, conversation_id: str, ignoring: Ignoring = NOTHING) -> Verification:
        """Run the calls of a stored conversation again, in a new conversation that is opened for it.

        The results are compared but for what is to be ignored.  Returns at once with what will be run.  Raises
        `ConversationNotFound`, and `UsageError` while a turn runs and where there is nothing to verify.
        """
        self._work.refuse_while_busy()
        stored = await self._store.read(conversation_id)
        request = await asyncio.to_thread(verification_of, conversation_id, stored.events, ignoring)
        await self.new_conversation(request.beginning)
        self._take_up(request)
        return request

    def _take_up(self, work: Work) -> None:
        if self._work.take_up(work):
            self._assessor.begin()

    def cancel_turn(self, *, drop_queue: bool = False) -> bool:
        """Stop the running turn; what arrived is kept.  False when none runs.

        The next queued input waits for `EngineSettings.queue_pause`, so that a second call can drop it.
        """
        if drop_queue:
            self._work.drop()
        return self._work.stop()

    def take_back(self) -> str | None:
        """Remove the last queued input and return its text."""
        return self._work.take_back()

    async def idle(self) -> turns.TurnFinished | None:
        """Wait until no turn runs and nothing is queued; the end of the last turn, if one began."""
        return await self._work.idle()

    # -- approval --------------------------------------------------------------------------

    def decide(self, approval_id: str, decision: Decision) -> bool:
        """Answer a waiting call.  False when it was answered or withdrawn already, or edited arguments do not fit.

        ``stop`` denies everything that waits and ends the turn.
        """
        return not self._work.stopping and self._approvals.decide(approval_id, decision)

    def assess(self, call_id: str, arguments: Mapping[str, Any] | None = None) -> Assessment | None:
        """A call beside the earlier ones of its tool, with ``arguments`` where the person changed them.

        ``None`` while the earlier calls are still being read.
        """
        item = self.transcript.call(call_id)
        return self._assessor.assess(item, arguments) if item is not None else None

    def check_arguments(self, call_id: str, arguments: dict[str, Any]) -> tuple[ArgumentProblem, ...]:
        """Edited arguments against the tool's schema, one entry per field (requirement D7)."""
        return self._approvals.check(call_id, arguments)

    def answer_question(self, question_id: str, agreed: bool) -> bool:
        """Answer a guard's question (`Transcript.questions`).  False when it was answered or withdrawn already."""
        return self._services.questions.answer(question_id, agreed)

    # -- models and servers ----------------------------------------------------------------

    def select_model(self, provider: str) -> None:
        """Answer with this provider entry from the next turn on.  Raises `UsageError` for one that is not there."""
        self._models.select(provider)

    def restart_server(self, name: str) -> None:
        """Stop and start a server; returns at once."""
        self._services.host.restart(name)

    def set_server_enabled(self, name: str, enabled: bool) -> None:
        """Start a server, or stop it and keep it stopped; returns at once."""
        self._services.host.set_enabled(name, enabled)

    def _server_event(self, event: EventBase) -> None:
        self._bus.publish(event)
        self.trust.observe(event)

    def _listed_tool(self, server: str, name: str) -> ToolDefinition | None:
        return next((tool for tool in self.tools() if (tool.server, tool.name) == (server, name)), None)

    # -- conversations ---------------------------------------------------------------------

    async def new_conversation(self, beginning: Beginning | None = None) -> None:
        """Open an empty conversation.  Raises `UsageError` while a turn runs.

        ``beginning`` says where it comes from, and its title, where that is not made from the first input.
        """
        self._work.refuse_while_busy()
        self._leave_conversation(beginning)
        self._opening.begin()

    async def open_conversation(self, conversation_id: str, *, at_once: bool = False) -> None:
        """Open a stored conversation; a turn that a crash left open is closed in its log.

        ``at_once``: of a long one the end is open when this returns, all of it soon after (`loading`); an input
        waits until then.  What a newer release wrote is opened to be read (`read_only`).  Raises
        `ConversationNotFound`, and `UsageError` while a turn runs.
        """
        self._work.refuse_while_busy()
        opened = await self._opening.read(conversation_id, at_once=at_once)
        self._work.refuse_while_busy()
        self._leave_conversation()
        self._opening.show(opened)

    def _leave_conversation(self, beginning: Beginning | None = None) -> None:
        """What is known of the open conversation is kept where others need it."""
        self._services.beginning = beginning or Beginning()
        self._assessor.keep(self._bus.folds.calls)


async def _update_index(search: SearchIndex) -> None:
    """Once servers and model layer had their start for themselves."""
    await asyncio.sleep(INDEX_AFTER)
    await search.update()
