"""What a search gives back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

HitKind = Literal["user", "assistant", "reasoning", "call", "result", "title"]
"""Who or what said it.  ``call``: a tool's name and arguments; ``result``: what the tool gave back."""

KINDS: tuple[HitKind, ...] = get_args(HitKind)


@dataclass(frozen=True, slots=True)
class IndexState:
    """How much of the history can be found."""

    done_bytes: int = 0
    """Bytes of the conversations' files that the index covers."""
    total_bytes: int = 0
    running: bool = False
    """Whether it is being brought up to date now."""
    problem: str = ""
    """Why it cannot be built or asked, in a sentence; what was indexed before can still be found."""

    @property
    def complete(self) -> bool:
        """Whether everything can be found, as far as was known when this was made."""
        return not self.problem and self.done_bytes >= self.total_bytes and not self.running

    @property
    def share(self) -> float:
        """Between 0 and 1."""
        return min(1.0, self.done_bytes / self.total_bytes) if self.total_bytes else 1.0


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A place in a conversation where the search matched."""

    conversation_id: str
    title: str
    """The conversation's; data from outside, like ``label`` and ``snippet``."""
    event_id: str
    seq: int
    """The event's number in its conversation."""
    at: datetime
    kind: HitKind
    label: str
    """Who said it: ``you``, the model, or the tool as ``server.tool``."""
    snippet: str
    """One line of the text around the first match; what looks like a key is masked where the result was flagged."""
    marks: tuple[tuple[int, int], ...] = ()
    """Where the matches are in ``snippet``: first and behind the last character."""


@dataclass(frozen=True, slots=True)
class SearchPage:
    """Some hits, newest first."""

    hits: tuple[SearchHit, ...] = ()
    more: bool = False
    """Whether there are hits after these."""
    state: IndexState = IndexState()
    words: tuple[str, ...] = ()
    """What had to occur: words and phrases, as they were written."""
