"""Messages of any program -> the events of one conversation.

Its tool calls are proposed and finished, and nothing else: they were neither decided on here nor did they run here, and
no server of ours is named, so that no rule, no grant and no "seen 3 times" counts them.  All ids are derived: the same
file gives the same events each time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from mcp_tui import __version__
from mcp_tui.events import tools, turns
from mcp_tui.events.base import ErrorInfo, EventBase, derived_id
from mcp_tui.events.content import Content
from mcp_tui.importing.base import Imported, Malformed

EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)
"""Of what has no time."""
_LAST = datetime(9000, 1, 1, tzinfo=UTC)
_NO_RESULT = ErrorInfo(kind="imported", message="The imported file holds no result of this call.")
_MOST_TITLE = 200


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call as another program recorded it."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)


class Builder:
    """Takes messages in order; `build` gives the conversation."""

    def __init__(self, source: str, source_id: str, title: str, created: datetime) -> None:
        self._source, self._source_id = source, source_id
        self._title = " ".join(title.split())[:_MOST_TITLE]
        self._created = self._at = created
        self._id = derived_id(created, source, source_id)
        self._events: list[EventBase] = []
        self._turn = ""
        self._hop = 0
        self._model = ""
        self._calls = self._count = 0
        self._open: dict[str, str] = {}
        """Calls that wait for their result: id -> name."""
        self.notes: list[str] = []

    def user(self, text: str, at: datetime | None) -> None:
        """What the person said: begins a turn."""
        self._begin_turn(at)
        self._add(turns.UserMessage(message_id=self._new("message"), text=text), at)

    def answer(
        self, text: str, at: datetime | None, *, model: str, reasoning: str = "", calls: Sequence[Call] = ()
    ) -> list[str]:
        """What the model said, and the calls it asked for; returns their ids."""
        if not self._turn:
            self._begin_turn(at)
        if model != self._model:
            self._add(turns.ModelSelected(provider=self._source, model=model), at)
            self._model = model
        self._hop += 1
        message_id = self._new("message")
        requested = [self._request(call) for call in calls]
        self._add(
            turns.AssistantMessage(
                message_id=message_id,
                hop=self._hop,
                provider=self._source,
                model=model,
                text=text,
                reasoning=reasoning,
                tool_calls=tuple(requested),
                finish_reason="tool_calls" if requested else "stop",
            ),
            at,
        )
        for index, (request, call) in enumerate(zip(requested, calls, strict=True)):
            self._open[request.call_id] = call.name
            self._add(
                tools.ToolCallProposed(
                    call_id=request.call_id,
                    message_id=message_id,
                    hop=self._hop,
                    index=index,
                    wire_name=request.wire_name,
                    arguments=call.arguments,
                ),
                at,
            )
        return [request.call_id for request in requested]

    def open_call(self, name: str = "") -> str | None:
        """The call that a result belongs to: the latest that waits, of this tool if one does."""
        named = [call_id for call_id, tool in self._open.items() if tool == name]
        return named[-1] if named else next(reversed(self._open), None)

    def result(
        self, call_id: str, content: Sequence[Content], text: str, at: datetime | None, *, failed: bool = False
    ) -> None:
        """What came back from a call; ``text`` is what the model was given of it."""
        if self._open.pop(call_id, None) is None:
            return
        self._add(
            tools.ToolCallFinished(
                call_id=call_id,
                outcome="error" if failed else "success",
                content=tuple(content),
                model_text=text,
            ),
            at,
        )

    def build(self) -> Imported:
        """The conversation.  Raises `Malformed` for one without a message."""
        self._end_turn()
        if not self._events:
            raise Malformed("it holds no message")
        origin = turns.Origin(
            kind="import",
            event_id=self._events[-1].id,
            title=self._title,
            source=self._source,
            copied=len(self._events),
        )
        first = turns.ConversationCreated(
            id=self._new("event"),
            at=self._created,
            conversation_id=self._id,
            app_version=__version__,
            title=self._title or self._first_words(),
            origin=origin,
        )
        return Imported(self._id, self._source, self._source_id, first.title, (first, *self._events), (*self.notes,))

    def _begin_turn(self, at: datetime | None) -> None:
        self._end_turn()
        self._turn, self._hop = self._new("turn"), 0
        self._add(turns.TurnStarted(request_id=self._new("request")), at)

    def _end_turn(self) -> None:
        for call_id in list(self._open):
            del self._open[call_id]
            unknown = tools.ToolCallFinished(
                call_id=call_id, outcome="unknown", error=_NO_RESULT, model_text=_NO_RESULT.message
            )
            self._add(unknown, None)
        if self._turn:
            self._add(turns.TurnFinished(outcome="stop", hops=self._hop), None)
        self._turn = ""

    def _request(self, call: Call) -> turns.RequestedToolCall:
        self._calls += 1
        name = re.sub(r"[^A-Za-z0-9_-]+", "_", call.name).strip("_")[:64] or "tool"
        return turns.RequestedToolCall(call_id=f"imported-{self._calls}", wire_name=name, arguments=call.arguments)

    def _add(self, event: EventBase, at: datetime | None) -> None:
        """A time that is missing is the one before; events are in order whatever their times say."""
        self._at = at or self._at
        fields = {"id": self._new("event"), "at": self._at, "conversation_id": self._id, "turn_id": self._turn or None}
        self._events.append(event.model_copy(update=fields))

    def _new(self, kind: str) -> str:
        self._count += 1
        return derived_id(self._at, self._source, self._source_id, kind, str(self._count))

    def _first_words(self) -> str:
        said = next((event.text for event in self._events if isinstance(event, turns.UserMessage)), "")
        return " ".join(said.split())[:60]


def moment(value: Any) -> datetime | None:
    """A time as exports write it: seconds since 1970, or ISO 8601; ``None`` for anything else."""
    try:
        match value:
            case bool():
                return None
            case int() | float():
                at = datetime.fromtimestamp(value, UTC)
            case str():
                at = datetime.fromisoformat(value)
                at = at if at.tzinfo else at.replace(tzinfo=UTC)
            case _:
                return None
        return at.astimezone(UTC) if EARLIEST <= at < _LAST else None
    except (ValueError, OverflowError, OSError):
        return None


def mapping(value: Any) -> dict[str, Any]:
    """``value`` if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def sequence(value: Any) -> list[Any]:
    """``value`` if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def left_out(number: int, what: str) -> str:
    """A note on so many messages of a kind; ``what`` is in the plural."""
    return (
        f"{number:,} {what} were left out." if number != 1 else f"1 {what.replace('messages', 'message')} was left out."
    )


def words(value: Any) -> str:
    """``value`` if it is a text, else an empty one."""
    return value if isinstance(value, str) else ""
