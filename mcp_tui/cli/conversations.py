"""Which conversation a word of the command line means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_tui.errors import ConversationNotFound, UsageError

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary

SHORT_ID = 12
"""Characters of an id in lists: its time in milliseconds, and two random ones."""
_MOST_NAMED = 3
"""Conversations that an error names."""


def find(
    stored: Sequence[ConversationSummary], wanted: str, *, trashed: Sequence[ConversationSummary] = ()
) -> ConversationSummary:
    """The conversation that ``wanted`` means: an id, the beginning of exactly one, or ``last``.

    Raises `ConversationNotFound`, which tells where it is among the ``trashed``, or in whose title the word stands, and
    `UsageError` where several begin like that.
    """
    if wanted == "last" and stored:
        return stored[0]
    matching = _beginning(stored, wanted)
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise _several(matching, wanted)
    if wanted == "last":
        raise ConversationNotFound("There is no conversation yet.")
    if deleted := _beginning(trashed, wanted):
        raise ConversationNotFound(
            f"The conversation {deleted[0].id} is in the trash.",
            hint=f"`mcp-tui history restore {deleted[0].id[:SHORT_ID]}` brings it back.",
        )
    named = [summary for summary in stored if wanted.strip() and wanted.casefold() in summary.title.casefold()]
    hint = "`mcp-tui history list` shows their ids."
    if named:
        hint = f"It stands in the title of {_some([summary.id[:SHORT_ID] for summary in named])}."
    raise ConversationNotFound(f"There is no conversation {wanted[:40]!r}.", hint=hint)


def find_deleted(trashed: Sequence[ConversationSummary], wanted: str) -> ConversationSummary:
    """As `find`, of what is in the trash, last deleted first: there ``last`` is what was deleted last."""
    if wanted == "last" and trashed:
        return trashed[0]
    matching = _beginning(trashed, wanted)
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise _several(matching, wanted)
    if not trashed:
        raise ConversationNotFound("The trash is empty.")
    raise ConversationNotFound(
        f"There is no conversation {wanted[:40]!r} in the trash.",
        hint="`mcp-tui history list --trash` shows their ids.",
    )


def _beginning(stored: Sequence[ConversationSummary], wanted: str) -> list[ConversationSummary]:
    return [summary for summary in stored if wanted and summary.id.startswith(wanted.lower())]


def _several(matching: Sequence[ConversationSummary], wanted: str) -> UsageError:
    names = _some([summary.id for summary in matching])
    return UsageError(f"{len(matching)} conversations begin with {wanted!r}: {names}.", hint="Write more of it.")


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{', '.join(names[:_MOST_NAMED])}{more}"
