"""Which conversation a word of the command line means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_tui.errors import ConversationNotFound, UsageError

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary

ID_LENGTH = 26


def find(stored: Sequence[ConversationSummary], wanted: str) -> ConversationSummary:
    """The conversation that ``wanted`` means: an id, the beginning of exactly one, or ``last``.

    Raises `ConversationNotFound`, and `UsageError` where several begin like that.
    """
    if wanted == "last" and stored:
        return stored[0]
    matching = [summary for summary in stored if wanted and summary.id.startswith(wanted.lower())]
    if len(matching) == 1:
        return matching[0]
    if not matching:
        raise ConversationNotFound(
            "There is no conversation yet." if wanted == "last" else f"There is no conversation {wanted[:40]!r}.",
            hint="" if wanted == "last" else "`mcp-tui history list` shows their ids.",
        )
    names = ", ".join(summary.id for summary in matching[:3])
    raise UsageError(f"{len(matching)} conversations begin with {wanted!r}: {names}{', ...' * (len(matching) > 3)}.")
