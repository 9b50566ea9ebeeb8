"""Where in a call's result or arguments something stands that is looked for, and how its places are marked."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from textual.content import Content

from mcp_tui.ui.widgets.call_facets import Facet, shown
from mcp_tui.ui.widgets.facet_pages import page_content, pages

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.ui.widgets.find_text import Wanted

MOST_MARKED = 1_000
"""Places of one page that are marked."""
_STYLE = "$foreground on $warning 35%"


class FacetPlace(NamedTuple):
    """A tab, and the page of it that holds the first match."""

    facet: Facet
    page: int = 0
    """0: the tab itself, which shows the beginning of what is long."""
    pages: tuple[str, ...] | None = None
    """All of them, where they had to be made."""


def first_place(item: ToolCallItem, wanted: Wanted) -> FacetPlace | None:
    """The first match in the result, else in the arguments; ``None`` where there is none.  Done in a thread."""
    facets: tuple[Facet, ...] = ("result", "args") if item.finished else ("args",)
    for facet in facets:
        if wanted.source.search(shown(item, facet).plain):
            return FacetPlace(facet)
        found = pages(item, facet)
        for number in range(1, len(found) + 1):
            if wanted.source.search(page_content(found, number, facet).plain):
                return FacetPlace(facet, number, found)
    return None


def marked(content: Content, wanted: Wanted) -> Content:
    """``content`` with the matches marked."""
    for match, _ in zip(wanted.source.finditer(content.plain), range(MOST_MARKED), strict=False):
        content = content.stylize(_STYLE, *match.span())
    return content


def row_of(content: Content, wanted: Wanted, width: int) -> int | None:
    """The row of the first match where ``content`` is ``width`` cells wide; ``None`` where there is none."""
    match = wanted.source.search(content.plain)
    if match is None:
        return None
    return max(0, len(Content(content.plain[: match.end()]).wrap(max(1, width))) - 1)
