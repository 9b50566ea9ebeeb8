"""A scripted engine for tests of the screen: real events, no turn, no server, no model."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from mcp_tui.config.rule_models import RuleEntry, to_data
from mcp_tui.config.theme_data import DEFAULT_THEME
from mcp_tui.conversation.calls import CallRecord
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.conversation.usage import ContextShare, Totals
from mcp_tui.engine.assessment import Assessment
from mcp_tui.engine.engine import Batch, ProviderChoice
from mcp_tui.engine.history import ImportResult
from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.events import content, servers, tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.history.base import ListedSoFar, OnListed, StoredConversation, StoredPart, TrashedConversation
from mcp_tui.history.search import IndexState, SearchHit, SearchPage
from mcp_tui.permissions.base import Decision
from mcp_tui.trust.diff import FieldDiff, diff_tools
from mcp_tui.ui.app import McpTuiApp, UiSettings
from mcp_tui.ui.commands import COMMANDS
from mcp_tui.ui.preferences import Preferences

AT = datetime(2026, 8, 22, 12, 4, 11, tzinfo=UTC)

TOOL = tools.ToolDefinition(
    wire_name="jira__close_issue",
    server="jira",
    name="close_issue",
    description="Close an issue.",
    input_schema={
        "type": "object",
        "properties": {"issue_id": {"type": "string"}, "comment": {"type": "string"}, "notify": {"type": "boolean"}},
        "required": ["issue_id"],
    },
    annotations={"destructiveHint": True, "title": "Close"},
)


class Clock:
    """Time that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Subscription:
    """Batches put by the test."""

    def __init__(self) -> None:
        self.batches: asyncio.Queue[Batch | None] = asyncio.Queue()

    async def __aiter__(self) -> AsyncIterator[Batch]:
        while (batch := await self.batches.get()) is not None:
            yield batch

    def close(self) -> None:
        self.batches.put_nowait(None)


def status(name: str, state: servers.ServerState = "running", **more: Any) -> servers.ServerStatus:
    """A server's state."""
    more.setdefault("tools", 9 if state == "running" else 0)
    if state == "running":
        more = {"protocol_version": "2026-07-28", "latency_seconds": 0.002, "pid": 4711, **more}
    return servers.ServerStatus(name=name, state=state, command=f"{name}-server --stdio", **more)


@dataclass
class ScriptedTrust:
    """What waits to be accepted, set by the test; what was accepted, noted."""

    waiting: list[servers.TrustRequest] = field(default_factory=list)
    tools: list[tools.HeldTool] = field(default_factory=list)
    accepted: list[tuple[Any, ...]] = field(default_factory=list)
    stale: bool = False

    def requests(self) -> tuple[servers.TrustRequest, ...]:
        return tuple(self.waiting)

    def accept(self, server: str, shown: servers.TrustRequest | None = None) -> None:
        assert shown in self.waiting
        self.accepted.append((server,))
        self.waiting = [request for request in self.waiting if request.server != server]

    def held(self, server: str) -> tuple[tools.HeldTool, ...]:
        return tuple(tool for tool in self.tools if tool.definition.server == server)

    def accept_tools(self, server: str, digests: Any) -> None:
        self.accepted.append((server, *digests))
        self.tools = [tool for tool in self.tools if tool.definition.digest not in digests]

    def diff(self, held: tools.HeldTool) -> tuple[FieldDiff, ...]:
        return diff_tools(held.accepted, held.definition)

    def reload(self) -> None:
        self.stale = False


class ScriptedRules:
    """Proposals and what they would have matched, set by the test; every rule that is written."""

    path: Path | None = Path("/home/me/.config/mcp-tui/permissions.yaml")

    def __init__(self) -> None:
        self.proposals: tuple[RuleEntry, ...] = ()
        self.matches: dict[str, tuple[CallRecord, ...]] = {}
        self.added: list[RuleEntry] = []
        self.refusal = ""
        self.entries: tuple[RuleEntry, ...] = ()
        self.problem = ""
        self.stale = False
        self.reasons: dict[str, str] = {}
        """Call id -> why it was decided as it was."""

    def propose(self, item_key: str) -> tuple[RuleEntry, ...]:
        return self.proposals

    def text(self, entry: RuleEntry) -> str:
        return str(yaml.safe_dump([to_data(entry)], sort_keys=False))

    async def preview(self, entry: RuleEntry) -> tuple[CallRecord, ...]:
        return self.matches.get(entry.id, ())

    def add(self, entry: RuleEntry) -> None:
        if self.refusal:
            raise UsageError(self.refusal)
        self.added.append(entry)
        self.entries = (*self.entries, entry)

    def replace(self, entry_id: str, entry: RuleEntry) -> None:
        if self.refusal:
            raise UsageError(self.refusal)
        self.entries = tuple(entry if known.id == entry_id else known for known in self.entries)

    def remove(self, entry_id: str) -> None:
        self.entries = tuple(known for known in self.entries if known.id != entry_id)

    def reload(self) -> None:
        self.stale = False

    def look_again(self) -> None:
        pass

    def explain(self, item_key: str) -> str:
        return self.reasons.get(item_key, "no rule concerns it")


@dataclass
class ScriptedHistory:
    """The stored conversations, with every answer set by the test and every call noted."""

    stored: tuple[ConversationSummary, ...] = ()
    trashed: tuple[TrashedConversation, ...] = ()
    hits: tuple[SearchHit, ...] = ()
    index_state: IndexState = field(default_factory=IndexState)
    place: Path | None = Path("/data/mcp-tui/history")
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    imports: tuple[ImportResult, ...] = ()
    """What an import says."""
    failure: McpTuiError | None = None
    """What every call raises."""

    parts: list[ListedSoFar] = field(default_factory=list)
    """What a list tells before it is whole; it waits for `whole` then."""
    whole: asyncio.Event = field(default_factory=asyncio.Event)

    async def list(self, on_part: OnListed | None = None) -> tuple[ConversationSummary, ...]:
        self._note("list")
        if self.parts and on_part is not None:
            on_part(self.parts.pop(0))
            await self.whole.wait()
        return tuple(sorted(self.stored, key=lambda stored: stored.updated_at, reverse=True))

    async def search(self, text: str, limit: int = 50, offset: int = 0) -> SearchPage:
        self._note("search", text)
        inside, _, words = text.rpartition(" ") if text.startswith("in:") else ("", "", text)
        found = [hit for hit in self.hits if not inside or hit.conversation_id == inside.removeprefix("in:")]
        found = [hit for hit in found if words in hit.snippet]
        more = len(found) > offset + limit
        return SearchPage(tuple(found[offset : offset + limit]), more, self.index_state, tuple(words.split()))

    async def read_first(
        self, conversation_id: str, event_id: str | None = None, *, beginning: bool = False
    ) -> StoredPart | None:
        return None

    async def read(self, conversation_id: str) -> StoredConversation:
        self._note("read", conversation_id)
        return StoredConversation(conversation_id, (turns.ConversationCreated(at=AT, app_version="1", title="x"),))

    async def rename(self, conversation_id: str, title: str) -> None:
        self._note("rename", conversation_id, title)
        self.stored = tuple(replace(s, title=title) if s.id == conversation_id else s for s in self.stored)

    async def tag(self, conversation_id: str, tags: Iterable[str]) -> tuple[str, ...]:
        kept = tuple(tags)
        self._note("tag", conversation_id, kept)
        self.stored = tuple(replace(s, tags=kept) if s.id == conversation_id else s for s in self.stored)
        return kept

    async def fork(self, conversation_id: str, event_id: str | None = None, *, before: bool = False) -> str:
        self._note("fork", conversation_id, event_id)
        return "forked"

    async def export(self, conversation_id: str, name: str, path: Path, **more: Any) -> Path:
        self._note("export", conversation_id, name, path, more["replace"])
        return path

    async def import_file(self, path: Path) -> tuple[ImportResult, ...]:
        self._note("import", path)
        return self.imports

    async def delete(self, conversation_id: str) -> None:
        self._note("delete", conversation_id)
        gone = next(s for s in self.stored if s.id == conversation_id)
        self.stored = tuple(s for s in self.stored if s is not gone)
        self.trashed = (TrashedConversation(gone, AT), *self.trashed)

    async def trash(self) -> tuple[TrashedConversation, ...]:
        self._note("trash")
        return self.trashed

    async def restore(self, conversation_id: str) -> None:
        self._note("restore", conversation_id)
        back = next(each for each in self.trashed if each.summary.id == conversation_id)
        self.trashed = tuple(each for each in self.trashed if each is not back)
        self.stored = (back.summary, *self.stored)

    async def empty_trash(self, ids: Sequence[str] | None = None) -> int:
        self._note("empty", tuple(ids or ()))
        gone = [each for each in self.trashed if ids is None or each.summary.id in ids]
        self.trashed = tuple(each for each in self.trashed if each not in gone)
        return len(gone)

    def _note(self, *call: Any) -> None:
        self.calls.append(call)
        if self.failure is not None:
            raise self.failure


@dataclass
class ScriptedEngine:
    """What the screen asks of the engine, with every answer set by the test and every call noted."""

    servers: tuple[servers.ServerStatus, ...] = ()
    demo: bool = False
    busy: bool = False
    loading: bool = False
    read_only: str = ""
    elsewhere: set[str] = field(default_factory=set)
    """Turns of another window."""
    title: str = ""
    queue: tuple[str, ...] = ()
    context: ContextShare | None = None
    totals: Totals = field(default_factory=Totals)
    provider: str = "work"
    providers: tuple[ProviderChoice, ...] = (
        ProviderChoice("work", "openai/gpt-x"),
        ProviderChoice("local", "ollama_chat/qwen3", "OPENAI_API_KEY is not set"),
    )
    conversation_id: str = "01open"
    stored: tuple[ConversationSummary, ...] = ()
    problems: tuple[tools.ArgumentProblem, ...] = ()
    stderr: tuple[str, ...] = ()
    submitted: list[str] = field(default_factory=list)
    decisions: list[tuple[str, Decision]] = field(default_factory=list)
    answers: list[tuple[str, bool]] = field(default_factory=list)
    trust: ScriptedTrust = field(default_factory=ScriptedTrust)
    offered: tuple[tools.ToolDefinition, ...] = (TOOL,)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    assessments: dict[str, Assessment] = field(default_factory=dict)
    """Call id -> what the engine knows of earlier calls."""
    rules: ScriptedRules = field(default_factory=ScriptedRules)

    def __post_init__(self) -> None:
        self.transcript = Transcript()
        self.history = ScriptedHistory(self.stored)
        self.subscriptions: list[Subscription] = []
        self.log: list[EventBase] = []
        self._seq = 0

    def runs_here(self, turn_id: str | None) -> bool:
        return turn_id not in self.elsewhere

    @property
    def model(self) -> str:
        return next(choice.model for choice in self.providers if choice.name == self.provider)

    def tools(self) -> tuple[tools.ToolDefinition, ...]:
        return self.offered

    def tools_of(self, server: str) -> tuple[tools.ToolDefinition, ...]:
        return tuple(tool for tool in self.tools() if tool.server == server)

    def subscribe(self) -> Subscription:
        subscription = Subscription()
        self.subscriptions.append(subscription)
        opened = turns.ConversationOpened(title=self.title)
        subscription.batches.put_nowait(Batch((opened, *self.log), False))
        return subscription

    def emit(self, *events: EventBase) -> None:
        """Live events, numbered as the store would."""
        numbered = []
        for event in events:
            if event.durability != "passing":
                self._seq += 1
                event = event.model_copy(update={"seq": self._seq})
            numbered.append(event)
            self.transcript.apply(event)
        for subscription in self.subscriptions:
            subscription.batches.put_nowait(Batch(tuple(numbered), True))

    def submit(self, text: str, *, request_id: str | None = None) -> str:
        self.submitted.append(text)
        return "request"

    def cancel_turn(self, *, drop_queue: bool = False) -> bool:
        self.calls.append(("cancel", drop_queue))
        if drop_queue:
            self.queue = ()
        return self.busy

    def take_back(self) -> str | None:
        if not self.queue:
            return None
        *rest, last = self.queue
        self.queue = tuple(rest)
        return last

    def decide(self, approval_id: str, decision: Decision) -> bool:
        self.decisions.append((approval_id, decision))
        return True

    def answer_question(self, question_id: str, agreed: bool) -> bool:
        self.answers.append((question_id, agreed))
        return True

    def assess(self, call_id: str, arguments: dict[str, Any] | None = None) -> Assessment | None:
        return self.assessments.get(call_id)

    def check_arguments(self, call_id: str, arguments: dict[str, Any]) -> tuple[tools.ArgumentProblem, ...]:
        self.calls.append(("check", call_id, arguments))
        return self.problems

    def select_model(self, provider: str) -> None:
        self.provider = provider

    def restart_server(self, name: str) -> None:
        self.calls.append(("restart", name))

    def set_server_enabled(self, name: str, enabled: bool) -> None:
        self.calls.append(("enable", name, enabled))

    def server_stderr(self, name: str) -> tuple[str, ...]:
        return self.stderr

    async def new_conversation(self) -> None:
        if self.busy:
            raise UsageError("A turn is running.")
        self.calls.append(("new",))

    async def open_conversation(self, conversation_id: str, *, at_once: bool = False) -> None:
        self.calls.append(("open", conversation_id))


def proposal(
    call_id: str, arguments: dict[str, Any], *, turn: str = "t1", tool: tools.ToolDefinition = TOOL
) -> list[EventBase]:
    """The events of a call up to its question."""
    return [
        tools.ToolsOffered(at=AT, turn_id=turn, tools=(tool,)),
        tools.ToolCallProposed(
            at=AT,
            turn_id=turn,
            call_id=call_id,
            message_id="m1",
            hop=1,
            index=0,
            wire_name=tool.wire_name,
            server=tool.server,
            name=tool.name,
            arguments=arguments,
        ),
        tools.ApprovalRequested(
            at=AT, turn_id=turn, approval_id=f"a-{call_id}", call_id=call_id, reason="no rule allows it"
        ),
    ]


def turn_start(text: str = "Close the duplicate.", turn: str = "t1") -> list[EventBase]:
    """The events that begin a turn."""
    return [
        turns.TurnStarted(at=AT, turn_id=turn, request_id=f"r-{turn}"),
        turns.UserMessage(at=AT, turn_id=turn, message_id=f"u-{turn}", text=text),
    ]


def answer(text: str, turn: str = "t1", message_id: str = "m1") -> EventBase:
    """A whole answer."""
    return turns.AssistantMessage(
        at=AT,
        turn_id=turn,
        message_id=message_id,
        hop=1,
        provider="work",
        model="openai/gpt-x",
        text=text,
        usage=turns.Usage(prompt_tokens=1200, completion_tokens=80),
        finish_reason="stop",
        cost=0.004,
        duration_seconds=1.4,
    )


def finished(call_id: str, text: str = "closed", turn: str = "t1", **more: Any) -> EventBase:
    """The end of a call."""
    more.setdefault("outcome", "success")
    return tools.ToolCallFinished(
        at=AT + timedelta(seconds=2),
        turn_id=turn,
        call_id=call_id,
        content=(content.TextContent(text=text),),
        timing=tools.CallTiming(queued=0.002, approval=4.1, wire=1.9),
        model_text=text,
        model_tokens=12,
        **more,
    )


def make_app(preferences: Preferences | None = None, **options: Any) -> McpTuiApp:
    """An app; default preferences are kept nowhere."""
    return McpTuiApp(preferences or Preferences(), lambda: COMMANDS, **options)


def attach(app: McpTuiApp, engine: ScriptedEngine, **settings: Any) -> None:
    """Connect the two."""
    settings = {"theme": DEFAULT_THEME.name, "themes": (DEFAULT_THEME,), "keys": {}, **settings}
    app.attach(engine, UiSettings(**settings))  # type: ignore[arg-type]


async def until(condition: Callable[[], Any], pilot: Any, seconds: float = 20) -> None:
    """Let the app run until ``condition`` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the condition did not come true")
        await pilot.pause(0.02)
