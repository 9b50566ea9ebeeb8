"""One turn of a model: hops until it is done, ``max_tool_hops`` is reached, or the person stops it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count

from mcp_tui.conversation.messages import ToolSpec
from mcp_tui.engine.answer import Answer, AnswerPlan
from mcp_tui.engine.limits import TurnLimits
from mcp_tui.engine.results import without_hidden
from mcp_tui.engine.services import Services
from mcp_tui.engine.tool_calls import CallsOutcome, ToolCalls
from mcp_tui.engine.turn_life import MAX_TOOLS, TurnLife
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.gateway.base import ModelInfo
from mcp_tui.safety.text import for_model

TITLE_LENGTH = 60


@dataclass(frozen=True, slots=True)
class Submission:
    """An input of the person, to be taken up once."""

    request_id: str
    text: str

    @property
    def words(self) -> str:
        """How the queue shows it."""
        return self.text


class Turn(TurnLife):
    """Runs one submission to its one end."""

    def __init__(self, services: Services, submission: Submission, provider: str, model: str) -> None:
        super().__init__(services, submission.request_id)
        self._text = submission.text
        self._provider = provider
        self._model = model
        self._trimmed = 0

    def before(self) -> Sequence[EventBase]:
        """Model and title, where they are new."""
        transcript, first = self._bus.folds.transcript, list[EventBase]()
        if transcript.provider != self._provider or transcript.model != self._model:
            first.append(turns.ModelSelected(provider=self._provider, model=self._model))
        if not transcript.title and not (self._services.beginning.title and not self._bus.last_seq):
            first.append(turns.ConversationTitled(title=_title(self._text)))
        return first

    def after(self) -> Sequence[EventBase]:
        """The person's words."""
        return (turns.UserMessage(turn_id=self.id, message_id=new_id(), text=self._text),)

    async def work(self) -> turns.TurnOutcome:
        """Answers and calls, until the model is done."""
        await self._services.host.settled(self._services.settings.server_wait)
        info = await self._services.gateway.model_info(self._provider)
        service, totals = self._services.settings.service, self._bus.folds.totals
        limits = TurnLimits(service, self._services.questions, self.id, totals)
        for hop in count(1):
            if not await limits.another_hop(hop):
                return "max_tool_hops"
            if not await limits.affordable():
                return "max_cost"
            self._sums.hops = hop
            message = await self._answer(hop, info)
            if not message.tool_calls:
                return "stop"
            outcome = await ToolCalls(self._services, self.id, hop).run(message.message_id, message.tool_calls)
            if self._refused(outcome):
                return "denied"
        raise AssertionError("a turn has its end")

    def _refused(self, outcome: CallsOutcome) -> bool:
        sums = self._sums
        sums.refusals_in_a_row = 0 if outcome.ran else sums.refusals_in_a_row + outcome.refused
        return outcome.stop or sums.refusals_in_a_row >= self._services.settings.refusals_to_stop

    async def _answer(self, hop: int, info: ModelInfo) -> turns.AssistantMessage:
        answer = Answer(self._services, await self._plan(hop, info))
        try:
            return await answer.run()
        finally:
            if answer.message is not None:
                self._sums.add(answer.message)

    async def _plan(self, hop: int, info: ModelInfo) -> AnswerPlan:
        specs = tuple(
            ToolSpec(tool.wire_name, for_model(tool.description), without_hidden(tool.parameters))
            for tool in await self._offer_tools()
        )
        counter, context = self._services.counter, self._services.settings.service.context
        tools_tokens = await counter.count_tools_async(specs)
        limits = [limit for limit in (context.max_tokens, info.context_window) if limit is not None]
        budget = max(0, min(limits) - context.reserve_tokens - tools_tokens) if limits else None
        images, conversation = info.supports_images is True, self._bus.folds.context
        await counter.count_messages(conversation.uncounted((self._model, counter.estimated), images=images))
        built = conversation.build(
            system_prompt=self._services.settings.service.system_prompt,
            count=counter.count_message,
            budget=budget,
            preserve_recent=context.preserve_recent,
            images=images,
            basis=(self._model, counter.estimated),
        )
        if built.dropped_messages > self._trimmed:
            self._trimmed = built.dropped_messages
            await self._record(
                turns.ContextTrimmed(
                    turn_id=self.id,
                    dropped_messages=built.dropped_messages,
                    dropped_tokens=built.dropped_tokens,
                    kept_tokens=built.tokens,
                )
            )
        return AnswerPlan(
            turn_id=self.id,
            hop=hop,
            provider=self._provider,
            model=self._model,
            context=built,
            tools=specs,
            tools_tokens=tools_tokens,
            context_window=info.context_window,
        )

    def too_many(self, listed: Sequence[tools.ToolDefinition]) -> None:
        """Say which are left out."""
        self._bus.publish(_too_many(listed))


def _too_many(listed: Sequence[tools.ToolDefinition]) -> turns.Notice:
    left_out = Counter(tool.server for tool in listed[MAX_TOOLS:])
    servers = ", ".join(f"{count} of {server}" for server, count in left_out.items())
    return turns.Notice(
        severity="warning",
        message=f"The model is offered {MAX_TOOLS} of {len(listed)} tools; left out: {servers}.",
        hint="Disable servers that this conversation does not need.",
    )


def _title(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= TITLE_LENGTH else line[: TITLE_LENGTH - 1].rstrip() + "…"
