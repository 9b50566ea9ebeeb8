"""Events folded into what a reader sees.

The screen, the engine and every export use this one fold, live and on replay; a view cannot
tell where its events come from.  Laws it keeps: a delta appends, the closing event replaces;
a stored event applied twice changes nothing; any prefix of a log is a valid transcript; an
unknown kind is shown.
"""

from __future__ import annotations

from datetime import timedelta

from mcp_tui.conversation.call_fold import CallEvent, proposed, take_in
from mcp_tui.conversation.comparison import ignored_in_all, ignored_words, summary_words, verdict
from mcp_tui.conversation.items import (
    AssistantItem,
    Change,
    Item,
    NoticeItem,
    Severity,
    ToolCallItem,
    UserItem,
)
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.codec import UnknownEvent

_OUTCOME_WORDS: dict[str, tuple[str, Severity]] = {
    "cancelled": ("stopped", "information"),
    "max_tool_hops": ("stopped: the limit of tool rounds in one turn was reached", "warning"),
    "max_cost": ("stopped: the limit of cost was reached", "warning"),
    "denied": ("stopped: the tool calls were refused", "information"),
    "interrupted": ("interrupted: the program ended during this turn", "warning"),
    "error": ("the turn failed", "error"),
}


class Transcript:
    """A conversation as items, and the facts that go with it."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.title = ""
        self.demo = False
        self.origin: turns.Origin | None = None
        """Where the conversation comes from; ``None`` where it began empty."""
        self.tags: tuple[str, ...] = ()
        self.provider = ""
        self.model = ""
        self.open_turn: str | None = None
        """Id of the turn that has started and not finished."""
        self.request_ids: set[str] = set()
        """Submissions that were taken up (requirement A7)."""
        self.definitions: dict[str, tools.ToolDefinition] = {}
        """Tools as last offered to the model, by wire name."""
        self.questions: dict[str, turns.QuestionAsked] = {}
        """Questions of a guard that wait for the person, by id, oldest first."""
        self._by_key: dict[str, Item] = {}
        self._applied: set[str] = set()
        self._closed_messages: set[str] = set()
        self._numbered = 0

    def find(self, key: str) -> Item | None:
        """The item with this key."""
        return self._by_key.get(key)

    def call(self, call_id: str) -> ToolCallItem | None:
        """The tool call with this id."""
        item = self._by_key.get(call_id)
        return item if isinstance(item, ToolCallItem) else None

    def knows(self, event: EventBase) -> bool:
        """Whether this stored event was folded before."""
        return bool(event.seq) and event.id in self._applied

    def waiting(self) -> list[ToolCallItem]:
        """Calls that wait for the person, oldest first."""
        return [item for item in self.items if isinstance(item, ToolCallItem) and item.state == "waiting"]

    def apply(self, event: EventBase) -> list[Change]:
        """Fold one event and tell what changed."""
        if self.knows(event):
            return []
        changes = self._fold(event)
        if event.seq:
            self._applied.add(event.id)
            for change in changes:
                change.item.event_id = event.id
        return changes

    def _fold(self, event: EventBase) -> list[Change]:
        match event:
            case turns.TextDelta() | turns.ReasoningDelta() | turns.MessageFragment():
                return self._grow(event)
            case turns.ToolCallDelta():
                return self._writing_call(event)
            case tools.ToolCallProposed():
                return self._proposed(event)
            case _ if isinstance(event, CallEvent):
                return self._call_changed(event)
            case tools.ToolsOffered():
                self.definitions = {tool.wire_name: tool for tool in event.tools}
                return []
            case UnknownEvent():
                return [self._notice(event, f"an event of a newer release: {event.type}", "information")]
            case _:
                return self._apply_turn(event)

    def _apply_turn(self, event: EventBase) -> list[Change]:
        match event:
            case turns.ConversationCreated():
                self.title, self.demo, self.origin = event.title or self.title, event.demo, event.origin
            case turns.ConversationTitled():
                self.title = event.title
            case turns.ConversationTagged():
                self.tags = event.tags
            case turns.ModelSelected():
                return self._selected(event)
            case turns.TurnStarted():
                self.open_turn = event.turn_id
                self.request_ids.add(event.request_id)
            case turns.UserMessage():
                item = UserItem(key=event.message_id, at=event.at, turn_id=event.turn_id, text=event.text)
                return [self._add(item, numbered=True)]
            case turns.ModelRequestStarted():
                return self._request_started(event)
            case turns.RetryScheduled():
                return self._retry(event)
            case turns.AssistantMessage():
                return self._answered(event)
            case turns.ContextTrimmed():
                words = (
                    f"{event.dropped_messages} older messages left out of the request ({event.dropped_tokens} tokens)"
                )
                return [self._notice(event, words, "information")]
            case turns.QuestionAsked():
                return self._question(event)
            case turns.QuestionAnswered():
                return self._question_answered(event)
            case turns.TurnFinished():
                return self._turn_finished(event)
            case _:
                pass
        return []

    # -- items ---------------------------------------------------------------------------

    def _add(self, item: Item, *, numbered: bool = False) -> Change:
        if numbered:
            self._numbered += 1
            item.number = self._numbered
        self.items.append(item)
        self._by_key[item.key] = item
        return Change("added", item)

    def _remove(self, item: Item) -> Change:
        index = next(i for i in range(len(self.items) - 1, -1, -1) if self.items[i] is item)
        del self.items[index]
        del self._by_key[item.key]
        return Change("removed", item)

    def _notice(self, event: EventBase, text: str, severity: Severity, hint: str = "") -> Change:
        return self._add(
            NoticeItem(
                key=event.id,
                at=event.at,
                turn_id=event.turn_id,
                text=text,
                severity=severity,
                hint=hint,
                kind=event.type,
            )
        )

    def _selected(self, event: turns.ModelSelected) -> list[Change]:
        first = not self.model
        self.provider, self.model = event.provider, event.model
        return [] if first else [self._notice(event, f"model: {event.model}", "information")]

    # -- questions of a guard ------------------------------------------------------------

    def _question(self, event: turns.QuestionAsked) -> list[Change]:
        if event.question_id in self._by_key:
            return []
        self.questions[event.question_id] = event
        item = NoticeItem(
            key=event.question_id,
            at=event.at,
            turn_id=event.turn_id,
            text=event.message,
            severity="warning",
            hint=f"yes: {event.yes}; no: {event.no}",
            kind=event.type,
        )
        return [self._add(item)]

    def _question_answered(self, event: turns.QuestionAnswered) -> list[Change]:
        question = self.questions.pop(event.question_id, None)
        item = self._by_key.get(event.question_id)
        if question is None or not isinstance(item, NoticeItem):
            return []
        said = {"yes": question.yes, "no": question.no}.get(event.answer, "not answered")
        who = "you" if event.by == "user" else "nobody could be asked" if event.answer != "withdrawn" else "withdrawn"
        item.severity, item.hint = "information", f"{who}: {said}" if event.answer != "withdrawn" else "withdrawn"
        return [Change("updated", item)]

    # -- answers -------------------------------------------------------------------------

    def _request_started(self, event: turns.ModelRequestStarted) -> list[Change]:
        if event.message_id in self._closed_messages or event.message_id in self._by_key:
            return []
        item = AssistantItem(key=event.message_id, at=event.at, turn_id=event.turn_id, model=event.model)
        return [self._add(item, numbered=True)]

    def _open_answer(self, event: EventBase, message_id: str) -> tuple[AssistantItem | None, list[Change]]:
        if message_id in self._closed_messages:
            return None, []
        item = self._by_key.get(message_id)
        if isinstance(item, AssistantItem):
            return item, []
        item = AssistantItem(key=message_id, at=event.at, turn_id=event.turn_id, model=self.model)
        return item, [self._add(item, numbered=True)]

    def _grow(self, event: turns.TextDelta | turns.ReasoningDelta | turns.MessageFragment) -> list[Change]:
        item, changes = self._open_answer(event, event.message_id)
        if item is None:
            return []
        reasoning = event.text if isinstance(event, turns.ReasoningDelta) else getattr(event, "reasoning", "")
        text = "" if isinstance(event, turns.ReasoningDelta) else event.text
        if text:
            item.pieces.append(text)
        if reasoning:
            item.reasoning_pieces.append(reasoning)
        if item.retry_at is not None:
            item.retry_at, item.retry_reason = None, ""
        return [*changes, Change("appended", item, appended=text, reasoning=reasoning)]

    def _writing_call(self, event: turns.ToolCallDelta) -> list[Change]:
        item, changes = self._open_answer(event, event.message_id)
        if item is None or item.writing_call == event.wire_name:
            return changes
        item.writing_call = event.wire_name
        return changes or [Change("updated", item)]

    def _retry(self, event: turns.RetryScheduled) -> list[Change]:
        item, changes = self._open_answer(event, event.message_id)
        if item is None:
            return []
        item.retry_at = event.at + timedelta(seconds=event.delay_seconds)
        item.retry_reason = event.reason.message
        return changes or [Change("updated", item)]

    def _answered(self, event: turns.AssistantMessage) -> list[Change]:
        item, changes = self._open_answer(event, event.message_id)
        if item is None:
            return []
        self._closed_messages.add(event.message_id)
        item.model = event.model
        item.pieces = [event.text] if event.text else []
        item.reasoning_pieces = [event.reasoning] if event.reasoning else []
        item.streaming, item.writing_call, item.retry_at, item.retry_reason = False, "", None, ""
        item.complete, item.problem, item.finish_reason = event.complete, event.problem, event.finish_reason
        item.usage, item.cost = event.usage, event.cost
        item.duration_seconds, item.first_token_seconds = event.duration_seconds, event.first_token_seconds
        if event.tool_calls and not event.text.strip() and not event.reasoning.strip() and event.problem is None:
            removed = self._remove(item)
            return [] if changes else [removed]
        return changes or [Change("updated", item)]

    # -- tool calls ----------------------------------------------------------------------

    def _proposed(self, event: tools.ToolCallProposed) -> list[Change]:
        item = proposed(event, self.definitions.get(event.wire_name), self._number_of(event))
        return [self._add(item, numbered=True)]

    def _number_of(self, event: tools.ToolCallProposed) -> int:
        """Number of the call that is run again, where it is in this conversation or was copied into it."""
        recorded = event.rerun_of
        here = {
            event.conversation_id,
            self.origin.conversation_id if self.origin and self.origin.kind == "fork" else "",
        }
        before = self.call(recorded.call_id) if recorded is not None and recorded.conversation_id in here else None
        return before.number if before is not None else 0

    def _call_changed(self, event: CallEvent) -> list[Change]:
        item = self.call(event.call_id)
        return [Change("updated", item)] if item is not None and take_in(item, event) else []

    # -- the end of a turn ---------------------------------------------------------------

    def _turn_finished(self, event: turns.TurnFinished) -> list[Change]:
        if self.open_turn == event.turn_id:
            self.open_turn = None
        changes = [self._close(item) for item in self._open_items(event.turn_id)]
        changes += self._verified(event)
        if event.outcome == "stop":
            return changes
        words, severity = _OUTCOME_WORDS.get(event.outcome, (event.outcome, "information"))
        hint = event.error.hint if event.error else ""
        if event.error:
            words = event.error.message
        return [*changes, self._notice(event, words, severity, hint)]

    def _verified(self, event: turns.TurnFinished) -> list[Change]:
        """What a verification found, in a line."""
        origin = self.origin
        if origin is None or origin.kind != "verification":
            return []
        again = [
            item
            for item in self.items
            if isinstance(item, ToolCallItem)
            and item.turn_id == event.turn_id
            and item.rerun_of is not None
            and item.rerun_of.conversation_id == origin.conversation_id
        ]
        if not again:
            return []
        all_same = all(verdict(item) == "same" for item in again)
        item = NoticeItem(
            key=f"{event.id}/verified",
            at=event.at,
            turn_id=event.turn_id,
            text="; ".join(filter(None, (f"verified: {summary_words(again)}", ignored_words(ignored_in_all(again))))),
            severity="information" if all_same else "warning",
            kind="verified",
        )
        return [self._add(item)]

    def _open_items(self, turn_id: str | None) -> list[Item]:
        found: list[Item] = []
        for item in reversed(self.items):
            if item.turn_id != turn_id:
                if isinstance(item, UserItem):
                    break
                continue
            if (isinstance(item, AssistantItem) and item.streaming) or (
                isinstance(item, ToolCallItem) and not item.finished
            ):
                found.append(item)
        return found

    def _close(self, item: Item) -> Change:
        if isinstance(item, AssistantItem):
            item.streaming, item.complete, item.retry_at = False, False, None
            self._closed_messages.add(item.key)
        elif isinstance(item, ToolCallItem):
            item.state = "unknown" if item.state == "running" else "cancelled"
            item.approval_id = ""
        return Change("updated", item)
