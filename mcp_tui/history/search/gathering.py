"""From the events of one conversation to what is put into the index for them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from mcp_tui.history import lines
from mcp_tui.history.search.database import filter_word
from mcp_tui.history.search.extract import LoadBlob, texts, tool_name
from mcp_tui.history.search.files import Line
from mcp_tui.history.search.hits import KINDS
from mcp_tui.history.search.words import indexed, valid

NUMBER = {str(kind): number for number, kind in enumerate(KINDS)}
"""Kind -> its number in the index."""
_LARGEST = 2**53


@dataclass(slots=True)
class Doc:
    """One text of an event, on its way into the index."""

    second: float
    conversation: int
    file: int
    offset: int
    length: int
    seq: int
    kind: int
    crc: int
    tool: int | None
    words: tuple[str, str]
    filters: str


@dataclass(slots=True)
class OpenCall:
    """A call that has not ended."""

    tool: int
    server: int
    docs: list[Doc] = field(default_factory=list)
    """Its own texts, which wait for how it ends."""
    settled: bool = False
    """Whether they were put into the index without that."""


@dataclass(slots=True)
class Conversation:
    """What has to be known of a conversation from one reading to the next."""

    id: int
    name: str
    title: str = ""
    tags: tuple[str, ...] = ()
    model: int = 0
    """Number of the last model."""
    last_seq: int = 0
    title_seq: int = 0
    calls: dict[str, OpenCall] = field(default_factory=dict)
    """Calls that have not ended."""
    fragments: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    """Answers that are not whole: event and kind of each text."""

    def state(self) -> str:
        """All but title and tags."""
        calls = {key: (call.tool, call.server) for key, call in self.calls.items()}
        return json.dumps([self.model, self.last_seq, self.title_seq, calls, self.fragments], separators=(",", ":"))


def stored_conversation(row: tuple[int, str, str, str], name: str) -> Conversation:
    """As it was kept: number, title, tags and state."""
    found = Conversation(row[0], name, row[1], tuple(row[2].split()))
    if row[3]:
        found.model, found.last_seq, found.title_seq, calls, fragments = json.loads(row[3])
        found.calls = {key: OpenCall(tool, server, settled=True) for key, (tool, server) in calls.items()}
        found.fragments = {key: [(seq, kind) for seq, kind in docs] for key, docs in fragments.items()}
    return found


class Numbers:
    """The numbers of tools, servers, models and outcomes: what filters ask for."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._known: dict[tuple[str, str], int] = {}

    def of(self, field: str, name: str) -> int:
        """The number of a value."""
        key = (field, valid(name))
        if key not in self._known:
            self._db.execute("INSERT OR IGNORE INTO names (field, name) VALUES (?, ?)", key)
            found = self._db.execute("SELECT id FROM names WHERE field = ? AND name = ?", key).fetchone()
            self._known[key] = int(found[0])
        return self._known[key]

    def forget(self) -> None:
        """What was not written does not count."""
        self._known.clear()


class Sink(Protocol):
    """Where the texts go."""

    def add(self, doc: Doc) -> None:
        """Put a text into the next batch."""

    def take_out(self, conversation: int, seq: int, kind: int) -> None:
        """Take a text out again."""

    def after(self, statement: str, values: tuple[Any, ...]) -> None:
        """Write something together with the next batch."""


class Gathering:
    """Goes through what is new of one conversation."""

    def __init__(self, conversation: Conversation, load: LoadBlob, numbers: Numbers, sink: Sink) -> None:
        self.conversation = conversation
        self._load, self._numbers, self._sink = load, numbers, sink
        self._rows: dict[tuple[int, int, int], int] = {}
        """Rows of a conversation that is read again: event, kind and checksum -> row."""
        self._again = False
        self._seen: set[tuple[int, int]] = set()
        self._title: Doc | None = None
        self._fragments: dict[str, list[Doc]] = {}

    def begin_again(self, rows: Mapping[tuple[int, int, int], int]) -> None:
        """A file was replaced: ``rows`` hold only where their lines are found in it again."""
        self.conversation = Conversation(self.conversation.id, self.conversation.name)
        self._rows, self._again = dict(rows), True

    def take(self, line: Line, file: int) -> None:
        """Take note of an event."""
        value = lines.decode(line.raw)
        if value is None:
            return
        seq, second = value.get("seq"), _second(value.get("at"))
        if not isinstance(seq, int) or not 0 < seq < _LARGEST or second is None:
            return
        kind = value.get("type")
        call_id, message_id = value.get("call_id"), value.get("message_id")
        call = self.conversation.calls.get(call_id) if isinstance(call_id, str) else None
        self._learn(kind, value, seq)
        filters: list[str] = []
        if kind == "tool_call_proposed" and isinstance(call_id, str):
            call = self._propose(call_id, value)
        elif kind == "tool_call_finished" and isinstance(call_id, str):
            filters = self._finish(call_id, value)
        docs = self._docs(line, file, value, seq, second, call, filters)
        if kind in ("tool_call_proposed", "approval_decided") and call is not None and not call.settled:
            call.docs += docs
        elif kind == "message_fragment" and isinstance(message_id, str):
            self._fragments.setdefault(message_id, []).extend(docs)
        elif kind in ("conversation_created", "conversation_titled"):
            self._title = docs[-1] if docs else None
        else:
            if kind == "assistant_message" and isinstance(message_id, str):
                self._whole(message_id)
            for doc in docs:
                self._add(doc)

    def settle(self) -> None:
        """Put in what waited for more, and keep what the next reading has to know."""
        now = self.conversation
        if self._title is not None:
            if now.title_seq:
                self._sink.take_out(now.id, now.title_seq, self._title.kind)
            now.title_seq = self._title.seq
            self._add(self._title)
            self._title = None
        for call in now.calls.values():
            if not call.settled:
                call.settled = True
                for doc in call.docs:
                    self._add(doc)
        for message_id, docs in self._fragments.items():
            for doc in docs:
                now.fragments.setdefault(message_id, []).append((doc.seq, doc.kind))
                self._add(doc)
        self._fragments.clear()
        for row in self._rows.values():
            self._sink.after("UPDATE docs SET conversation = NULL WHERE id = ?", (row,))
        self._rows.clear()
        self._sink.after(
            "UPDATE conversations SET title = ?, tags = ?, state = ? WHERE id = ?",
            (now.title, " ".join(now.tags), now.state(), now.id),
        )

    def _learn(self, kind: object, value: dict[str, Any], seq: int) -> None:
        now = self.conversation
        now.last_seq = max(now.last_seq, seq)
        if kind in ("conversation_created", "conversation_titled") and isinstance(title := value.get("title"), str):
            now.title = valid(title)
        elif kind == "conversation_tagged" and isinstance(tags := value.get("tags"), list):
            now.tags = tuple(valid(tag) for tag in tags if isinstance(tag, str))
        elif kind in ("model_selected", "assistant_message") and isinstance(model := value.get("model"), str):
            now.model = self._numbers.of("model", model)

    def _propose(self, call_id: str, value: dict[str, Any]) -> OpenCall:
        server = value.get("server")
        call = OpenCall(
            self._numbers.of("tool", tool_name(value)),
            self._numbers.of("server", server) if isinstance(server, str) and server else 0,
        )
        self.conversation.calls[call_id] = call
        return call

    def _finish(self, call_id: str, value: dict[str, Any]) -> list[str]:
        """The end of a call says of its own texts, too, how it ended."""
        outcome = value.get("outcome")
        words = [filter_word("outcome", self._numbers.of("outcome", outcome))] if isinstance(outcome, str) else []
        call = self.conversation.calls.pop(call_id, None)
        for doc in call.docs if call is not None else ():
            if call is not None and call.settled:
                self._sink.take_out(doc.conversation, doc.seq, doc.kind)
                self._seen.discard((doc.seq, doc.kind))
            doc.filters = " ".join([doc.filters, *words])
            self._add(doc)
        return words

    def _whole(self, message_id: str) -> None:
        self._fragments.pop(message_id, None)
        for seq, kind in self.conversation.fragments.pop(message_id, ()):
            self._sink.take_out(self.conversation.id, seq, kind)

    def _docs(
        self,
        line: Line,
        file: int,
        value: dict[str, Any],
        seq: int,
        second: float,
        call: OpenCall | None,
        more: list[str],
    ) -> list[Doc]:
        now = self.conversation
        filters = [filter_word("conversation", now.id), *more]
        if now.model:
            filters.append(filter_word("model", now.model))
        if call is not None:
            filters.append(filter_word("tool", call.tool))
            if call.server:
                filters.append(filter_word("server", call.server))
        tool = call.tool if call is not None else None
        return [
            Doc(
                second, now.id, file, line.offset, len(line.raw), seq, NUMBER[kind], line.crc, tool, indexed(text),
                " ".join([filter_word("kind", NUMBER[kind]), *filters]),
            )
            for kind, text in texts(value, self._load)
        ]  # fmt: skip

    def _add(self, doc: Doc) -> None:
        """Once per event and kind, however often the line stands in the files."""
        key = (doc.seq, doc.kind)
        if key in self._seen:
            return
        self._seen.add(key)
        row = self._rows.pop((*key, doc.crc), None)
        if row is None:
            self._sink.add(doc)
        else:
            self._sink.after(
                "UPDATE docs SET file = ?, offset = ?, length = ? WHERE id = ?", (doc.file, doc.offset, doc.length, row)
            )


def _second(at: object) -> float | None:
    if isinstance(at, str):
        try:
            moment = datetime.fromisoformat(at)
            return moment.timestamp() if moment.tzinfo else None
        except (ValueError, OverflowError):
            pass
    return None
