"""All pages of ``tools/list``, within caps (requirement D1)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import mcp_types as types
from mcp.client.session import ClientSession

MAX_PAGES = 100
MAX_TOOLS = 1000

TOOLS_LIST = "tools/list"


@dataclass(frozen=True, slots=True)
class Listing:
    """What a server lists, as it wrote it; ``warning`` says what was not read."""

    tools: tuple[Any, ...] = ()
    warning: str = ""


def acknowledgement(result: dict[str, Any]) -> dict[str, Any]:
    """A page as the SDK gets it: without the tools.  One malformed tool would make it drop the whole list."""
    kept: dict[str, Any] = {"tools": [], "resultType": "complete", "ttlMs": 0, "cacheScope": "private"}
    if isinstance(cursor := result.get("nextCursor"), str):
        kept["nextCursor"] = cursor
    return kept


async def list_all_tools(session: ClientSession, take_page: Callable[[], dict[str, Any]]) -> Listing:
    """Follow the cursors (an empty string is one) until the end, a repetition, or a cap.

    ``take_page`` gives the raw result that the last request brought.
    Raises `mcp.MCPError` and `pydantic.ValidationError`; the caller sets the deadline.
    """
    tools: list[Any] = []
    seen: set[str] = set()
    cursor: str | None = None
    for _ in range(MAX_PAGES):
        page = await session.list_tools(params=types.PaginatedRequestParams(cursor=cursor))
        listed = take_page().get("tools")
        if not isinstance(listed, list):
            return _cut(tools, "Its list of tools has the wrong shape; it was not read to its end.")
        tools.extend(listed)
        cursor = page.next_cursor
        if len(tools) > MAX_TOOLS:
            return _cut(tools, f"It lists more than {MAX_TOOLS} tools; only the first {MAX_TOOLS} are used.")
        if cursor is None:
            return Listing(tuple(tools))
        if cursor in seen:
            return _cut(tools, "Its list of tools repeats a page; the rest was not read.")
        seen.add(cursor)
    return _cut(tools, f"Its list of tools has more than {MAX_PAGES} pages; the rest was not read.")


def _cut(tools: list[Any], warning: str) -> Listing:
    return Listing(tuple(tools[:MAX_TOOLS]), warning)
