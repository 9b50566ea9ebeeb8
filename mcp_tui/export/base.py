"""What an exporter is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.events.base import EventBase


class Exporter(Protocol):
    """Events of one conversation -> the pieces of a file, in order; does no I/O."""

    def __call__(
        self, events: Sequence[EventBase], summary: ConversationSummary, *, masked: int = 0, missing: str = ""
    ) -> Iterable[str]:
        """The file's text, ready for UTF-8.

        ``masked`` results hold what looks like a key, and were masked before: the file says so, and in a sentence
        what is ``missing``, as it could not be read.
        """
        ...
