"""What is read out of a file of another program, and what cannot be."""

from __future__ import annotations

from dataclasses import dataclass

from mcp_tui.events.base import EventBase


@dataclass(frozen=True, slots=True)
class Imported:
    """A conversation out of a file, not stored yet."""

    conversation_id: str
    """The same whenever the same conversation is read: a second import finds the first."""
    source: str
    """The program that wrote it: ``mcp-tui``, ``chatgpt`` or ``claude``."""
    source_id: str
    """What that program calls it."""
    title: str
    events: tuple[EventBase, ...]
    """Begins with `ConversationCreated`."""
    notes: tuple[str, ...] = ()
    """What was left out, in sentences."""


@dataclass(frozen=True, slots=True)
class NotRead:
    """An entry of a file that is no conversation; the others are read all the same."""

    place: str
    """Such as ``conversation 3``."""
    reason: str


class Malformed(Exception):
    """A conversation in a file is not what it should be; the message says what was expected."""
