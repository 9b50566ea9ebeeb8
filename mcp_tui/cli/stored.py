"""The stored conversations of this user, for subcommands that start nothing."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from mcp_tui.cli.conversations import ID_LENGTH, find
from mcp_tui.config.paths import resolve_paths
from mcp_tui.engine.bus import EventBus
from mcp_tui.engine.history import Library
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.search import SearchIndex
from mcp_tui.safety.secrets import Redactor

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.engine.history import ListedSoFar
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


PATIENCE = 0.5
"""Seconds after which a list that takes long says how far it is."""


async def listed(library: Library) -> tuple[ConversationSummary, ...]:
    """All conversations, last changed first; where the files have to be read, a terminal shows how far it is."""
    began, told = time.monotonic(), False

    def tell(part: ListedSoFar) -> None:
        nonlocal told
        if sys.stderr.isatty() and time.monotonic() - began >= PATIENCE:
            told = True
            sys.stderr.write(f"\rreading conversation {part.done:,} of {part.total:,} ")
            sys.stderr.flush()

    try:
        return await library.list(tell)
    finally:
        if told:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


async def find_id(wanted: str) -> str:
    """Id of the conversation that a word of the command line means.  Raises as `find` does."""
    async with opened_library() as library:
        return find(await listed(library), wanted).id


async def id_in(library: Library, wanted: str) -> str:
    """As `find_id`, in a library that is open."""
    return wanted if len(wanted) == ID_LENGTH else find(await listed(library), wanted).id


async def read(wanted: str) -> StoredConversation:
    """The conversation that a word of the command line means.  Raises as `find` does."""
    async with opened_library() as library:
        return await library.read(await id_in(library, wanted))
