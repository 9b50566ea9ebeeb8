"""The stored conversations of this user, for subcommands that start nothing."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcp_tui.cli.conversations import find
from mcp_tui.cli.progress import Progress
from mcp_tui.config.paths import resolve_paths
from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.history import Library
from mcp_tui.errors import ConversationNotFound
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.names import is_id
from mcp_tui.history.search import SearchIndex
from mcp_tui.safety.secrets import Redactor

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.history.base import StoredConversation


@asynccontextmanager
async def opened_library() -> AsyncIterator[Library]:
    """The library, closed with the context."""
    paths = resolve_paths(os.environ)
    store = JsonlStore(paths.conversations_dir)
    search = SearchIndex(paths.conversations_dir, paths.cache_dir)
    try:
        yield Library(store, EventBus(store, Redactor()), search)
    finally:
        await search.aclose()
        await store.aclose()


async def listed(library: Library) -> tuple[ConversationSummary, ...]:
    """All conversations, last changed first; where the files have to be read, a terminal shows how far it is."""
    with Progress() as progress:
        return await library.list(lambda part: progress.show(f"reading conversation {part.done:,} of {part.total:,}"))


async def find_in(library: Library, wanted: str) -> ConversationSummary:
    """The conversation that a word of the command line means.  Raises as `find` does."""
    return (await find_all(library, [wanted]))[0]


async def find_all(library: Library, wanted: Sequence[str]) -> list[ConversationSummary]:
    """Those that the words mean, each once.  Raises as `find` does."""
    stored = await listed(library)
    try:
        found = [find(stored, word) for word in wanted]
    except ConversationNotFound:
        trashed = [entry.summary for entry in await library.trash()]
        found = [find(stored, word, trashed=trashed) for word in wanted]
    return list({summary.id: summary for summary in found}.values())


async def find_id(wanted: str) -> str:
    """Id of the conversation that a word of the command line means.  Raises as `find` does."""
    async with opened_library() as library:
        return (await find_in(library, wanted)).id


async def id_in(library: Library, wanted: str) -> str:
    """As `find_id`, in a library that is open; an id that may be one is not looked for in the list."""
    return wanted if is_id(wanted) else (await find_in(library, wanted)).id


async def read(wanted: str) -> StoredConversation:
    """The conversation that a word of the command line means.  Raises as `find` does."""
    async with opened_library() as library:
        try:
            return await library.read(await id_in(library, wanted))
        except ConversationNotFound:
            return await library.read((await find_in(library, wanted)).id)
