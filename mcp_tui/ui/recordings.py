"""A stored conversation for a replay: of a long one a part in a moment, then all of it, folded beside the screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mcp_tui.conversation.playback import Playback
    from mcp_tui.engine.history import Library
    from mcp_tui.events.base import EventBase

AT_ONCE = 1_000
"""Events up to which a conversation is folded before the next paint; a longer one is, beside it."""


class Recorded(Protocol):
    """Events as they are stored: all of a conversation, or a piece."""

    @property
    def id(self) -> str:
        """Of the conversation."""

    @property
    def events(self) -> Sequence[EventBase]:
        """In order."""


class Recording(Recorded, Protocol):
    """A conversation, such as ``engine.history.read`` returns it."""

    @property
    def missing(self) -> str:
        """What of it cannot be shown, in a sentence."""


class RecordedPart(Recorded, Protocol):
    """A piece of one, such as ``engine.history.read_first`` returns it."""

    @property
    def more_above(self) -> bool:
        """Whether there are turns before it that are not here."""

    @property
    def more_below(self) -> bool:
        """Likewise after it."""


@dataclass(frozen=True, slots=True)
class Long:
    """A long conversation: what there is to be seen of it first, and how to get all of it."""

    first: RecordedPart
    rest: Callable[[], Awaitable[Recording]]
    """Reads all of it.  Raises `HistoryError`."""


async def read(
    library: Library, conversation_id: str, event_id: str | None = None, *, play: bool = False
) -> Recording | Long:
    """A stored conversation, as far as it can be read in a moment.

    Of a long one that is its end, or what is around the event, or its beginning where it is to ``play``.
    Raises `HistoryError`.
    """
    first = await library.read_first(conversation_id, event_id, beginning=play)
    if first is None:
        return await library.read(conversation_id)
    return Long(first, partial(library.read, conversation_id))


async def folded(recording: Recorded, *, numbered: bool = True) -> Playback:
    """A playback of it that stands at the end; ``numbered``: its items have the numbers of the whole conversation."""
    from mcp_tui.conversation.pace import beside
    from mcp_tui.conversation.playback import Playback

    if len(recording.events) <= AT_ONCE:
        return Playback.at_the_end(lambda: None, recording.events, numbered=numbered)
    return await beside(Playback.at_the_end, recording.events, numbered=numbered)
