"""The shape that every event shares.

An event is a fact in the past tense.  Stored events are on disk before anyone sees
them; passing events (deltas, progress, server states) are only published.
"""

from __future__ import annotations

import hashlib
import os
import time
from datetime import UTC, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from mcp_tui.safety.times import on_any_clock

SCHEMA_VERSION = 1
"""Major version of the stored form; stands in ``conversation_created``."""

Durability = Literal["fsync", "flush", "passing"]

_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_PAIRS = tuple(first + second for first in _CROCKFORD for second in _CROCKFORD)


def new_id() -> str:
    """A 26-character identifier: 48 bits of milliseconds, 80 random bits, in Crockford's base 32.

    Sorts by time of creation between milliseconds, is unique within one, and is safe in file names.
    """
    return _identifier(time.time_ns() // 1_000_000, os.urandom(10))


def derived_id(at: datetime, *parts: str) -> str:
    """An identifier like `new_id`'s that is the same whenever ``at`` and ``parts`` are."""
    milliseconds = max(0, int(at.timestamp() * 1000))
    return _identifier(milliseconds, hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).digest()[:10])


def _identifier(milliseconds: int, rest: bytes) -> str:
    number = (milliseconds % (1 << 48) << 80) | int.from_bytes(rest)
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(120, -1, -10)])


def utc_now() -> datetime:
    """The current time, aware, in UTC (requirement A1)."""
    return datetime.now(UTC)


Moment = Annotated[AwareDatetime, AfterValidator(on_any_clock)]
"""When something happened."""


class Model(BaseModel):
    """A frozen value.  Unknown fields of a newer release are dropped on reading, never an error."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class ErrorInfo(Model):
    """What went wrong, in a form that outlives the exception."""

    kind: str
    """A stable word, such as ``authentication`` or ``timeout``."""
    message: str
    hint: str = ""
    """What the person can do about it."""


class EventBase(Model):
    """Fields of every event; `seq` is given by the store and orders a conversation (never the time)."""

    durability: ClassVar[Durability] = "fsync"

    type: str
    id: str = Field(default_factory=new_id)
    seq: int = 0
    """Position in the conversation's file, from 1; 0 on an event that is not stored."""
    at: Moment = Field(default_factory=utc_now)
    conversation_id: str = ""
    """Empty on events that concern no conversation, such as a server's state."""
    turn_id: str | None = None
