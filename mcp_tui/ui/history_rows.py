"""Which conversations a list shows, in which order: pure functions over summaries."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary


_SLICE = 500
"""Texts that are made in a row: a millisecond or two."""


class Entry(NamedTuple):
    """One row."""

    stored: ConversationSummary
    branch: str = ""
    """What is drawn before the title in the tree, such as ``│ └ ``."""


class Haystacks:
    """What the filter looks at, kept for as long as a summary stays the same."""

    def __init__(self) -> None:
        self._texts: dict[str, tuple[ConversationSummary, str]] = {}

    def matching(self, conversations: Iterable[ConversationSummary], query: str) -> list[ConversationSummary]:
        """The conversations in whose title, tags, models or servers every word of ``query`` occurs."""
        words = query.casefold().split()
        if not words:
            return list(conversations)
        found = []
        for stored in conversations:
            text = self._text(stored)
            if all(word in text for word in words):
                found.append(stored)
        return found

    async def prepare(self, conversations: Sequence[ConversationSummary]) -> None:
        """Make the texts before the first key of a filter needs them, a few at a time."""
        for first in range(0, len(conversations), _SLICE):
            for stored in conversations[first : first + _SLICE]:
                self._text(stored)
            await asyncio.sleep(0)

    def _text(self, stored: ConversationSummary) -> str:
        known = self._texts.get(stored.id)
        if known is not None and known[0] is stored:
            return known[1]
        tags = [f"#{tag}" for tag in stored.tags]
        parts = (stored.title, *tags, stored.model, *stored.models, *stored.servers)
        text = "\n".join(parts).casefold()
        self._texts[stored.id] = (stored, text)
        return text


def as_tree(conversations: Sequence[ConversationSummary]) -> list[Entry]:
    """Each conversation below the one that it comes from; a family stands where its last changed member would.

    Where the other conversation is not among them, or they name each other in a circle, it stands on its own.
    """
    by_id = {stored.id: stored for stored in conversations}
    circular = _in_circles(by_id)
    children: dict[str, list[ConversationSummary]] = {}
    for stored in conversations:
        if (parent := _parent(stored)) in by_id and stored.id not in circular:
            children.setdefault(parent, []).append(stored)
    below = {child.id for family in children.values() for child in family}
    placed: set[str] = set()
    entries: list[Entry] = []
    for stored in conversations:
        if stored.id in placed:
            continue
        root = stored
        while root.id in below:
            root = by_id[_parent(root)]
        _place(root, children, entries, placed)
    return entries


def _parent(stored: ConversationSummary) -> str:
    return stored.origin.conversation_id if stored.origin is not None else ""


def _in_circles(by_id: dict[str, ConversationSummary]) -> set[str]:
    """Conversations that come from themselves, by way of others: only a file written by hand says so."""
    found: set[str] = set()
    done: set[str] = set()
    for start in by_id:
        path: dict[str, None] = {}
        here = start
        while here in by_id and here not in done and here not in path:
            path[here] = None
            here = _parent(by_id[here])
        if here in path:
            found.update(list(path)[list(path).index(here) :])
        done.update(path)
    return found


_DEEPEST = 6
"""Levels that are indented; deeper ones stand below each other."""


def _place(
    root: ConversationSummary,
    children: dict[str, list[ConversationSummary]],
    entries: list[Entry],
    placed: set[str],
) -> None:
    """A family, oldest member of a level first, without recursion: a chain of forks has any length."""
    waiting: list[tuple[ConversationSummary, str, str]] = [(root, "", "")]
    while waiting:
        stored, branch, indent = waiting.pop()
        placed.add(stored.id)
        entries.append(Entry(stored, branch))
        family = sorted(children.get(stored.id, ()), key=lambda child: (child.created_at, child.id), reverse=True)
        for index, child in enumerate(family):
            last = index == 0
            deep = len(indent) >= 2 * _DEEPEST
            more = "" if deep else ("  " if last else "│ ")
            waiting.append((child, indent + ("└ " if last else "├ "), indent + more))
