"""Conversations that this program wrote: its JSON export, and the events of another machine's file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mcp_tui import __version__
from mcp_tui.events.base import SCHEMA_VERSION, EventBase, derived_id, utc_now
from mcp_tui.events.codec import BY_TYPE, from_object
from mcp_tui.events.turns import ConversationCreated, ConversationTitled, Origin
from mcp_tui.importing.base import Imported, Malformed
from mcp_tui.importing.builder import mapping, words

SOURCE = "mcp-tui"
FORMAT = "mcp-tui-conversation"
VERSION = 1
NEWER = "a newer release of mcp-tui wrote it: update this one first"


def is_conversation(value: Any) -> bool:
    """Whether it says that it is one."""
    return isinstance(value, dict) and value.get("format") == FORMAT


def read(value: dict[str, Any]) -> Imported:
    """Our JSON export.  Raises `Malformed`."""
    for key, known in (("version", VERSION), ("schema_version", SCHEMA_VERSION)):
        number = value.get(key)
        if not isinstance(number, int):
            raise Malformed(f"`{key}` is no number")
        if number > known:
            raise Malformed(NEWER)
    given = value.get("events")
    if not isinstance(given, list):
        raise Malformed("`events` is no list")
    events = [event for event in map(_event, given) if event is not None]
    notes = []
    if (lost := len(given) - len(events)) > 0:
        entries = "1 entry is no event" if lost == 1 else f"{lost:,} entries are no events"
        notes.append(f"{entries} of a conversation, and left out.")
    if isinstance(masked := value.get("masked_results"), int) and masked > 0:
        where = "1 tool result" if masked == 1 else f"{masked:,} tool results"
        notes.append(f"What looked like a key in {where} was masked when it was exported.")
    return from_events(words(mapping(value.get("conversation")).get("id")), events, notes)


def from_events(conversation_id: str, events: Sequence[EventBase], notes: Sequence[str]) -> Imported:
    """Events of another machine's log, in order, as a conversation to be stored here.

    Its first event says that it was imported, unless it says already where it comes from.  Raises `Malformed`.
    """
    if not events:
        raise Malformed("it holds no event")
    unique = {event.id: event for event in reversed(events)}
    first = unique[events[0].id]
    if not isinstance(first, ConversationCreated):
        first = _beginning(conversation_id, first)
    rest = [event for event in reversed(unique.values()) if not isinstance(event, ConversationCreated)]
    title = next((event.title for event in reversed(rest) if isinstance(event, ConversationTitled)), first.title)
    origin = first.origin or Origin(
        kind="import",
        conversation_id=conversation_id,
        event_id=rest[-1].id if rest else "",
        title=title,
        source=SOURCE,
    )
    first = first.model_copy(update={"origin": origin.model_copy(update={"copied": len(rest)})})
    return Imported(conversation_id, SOURCE, conversation_id, title, (first, *rest), tuple(notes))


def _beginning(conversation_id: str, first: EventBase) -> ConversationCreated:
    return ConversationCreated(
        id=derived_id(first.at, conversation_id, "created"), at=first.at or utc_now(), app_version=__version__
    )


def _event(value: Any) -> EventBase | None:
    """An event that a log may hold."""
    if not isinstance(value, dict):
        return None
    kind = BY_TYPE.get(words(value.get("type")))
    if kind is not None and kind.durability == "passing":
        return None
    try:
        return from_object(value)
    except (ValueError, RecursionError):
        return None
