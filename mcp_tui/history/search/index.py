"""The index as the engine uses it."""

from __future__ import annotations

from pathlib import Path

from mcp_tui.history.search.hits import IndexState, SearchPage
from mcp_tui.history.search.query import parse_query


class SearchIndex:
    """Searches the conversations in ``history_dir``; what it needs to be fast is in ``cache_dir``."""

    def __init__(self, history_dir: Path, cache_dir: Path) -> None:
        self._history_dir, self._cache_dir = history_dir, cache_dir
        self._state = IndexState()

    @property
    def state(self) -> IndexState:
        """How much can be found now."""
        return self._state

    async def search(self, text: str, *, limit: int = 50, offset: int = 0) -> SearchPage:
        """Hits, newest first.  Raises `UsageError` for what `parse_query` does not understand.

        Cancelling the task stops the search.
        """
        parse_query(text)
        return SearchPage(state=self._state)

    async def update(self) -> None:
        """Bring the index up to date with the files, in a process of its own; returns when it is."""

    async def aclose(self) -> None:
        """End that process."""
