"""All of what a tab of the inspector is about, by the page: megabytes are looked at without holding up the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.safety.secrets import mask_keys
from mcp_tui.safety.text import prose, strict
from mcp_tui.ui.widgets.call_facets import MAX_CHARACTERS, MAX_LINES, Facet, whole

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem


def pages(item: ToolCallItem, facet: Facet) -> tuple[str, ...]:
    """The whole text, cut at ends of lines; what looks like a key is masked before it is cut.  Done in a thread."""
    text = whole(item, facet)
    return tuple(cut(mask_keys(text) if item.sensitive else text))


def cut(text: str) -> list[str]:
    """``text`` in pieces of at most `MAX_CHARACTERS` and `MAX_LINES`; joined they are ``text``."""
    out: list[str] = []
    start = 0
    while start < len(text):
        stop = min(len(text), start + MAX_CHARACTERS)
        if stop < len(text):
            stop = text.rfind("\n", start + MAX_CHARACTERS // 2, stop) + 1 or stop
        lines = text[start:stop].split("\n", MAX_LINES)
        if len(lines) > MAX_LINES:
            stop -= len(lines[-1])
        out.append(text[start:stop])
        start = stop
    return out


def page_content(found: tuple[str, ...] | None, number: int, facet: Facet) -> Content:
    """Page ``number``, from 1, under a line that says which it is; ``None``: they are still being made."""
    if found is None:
        return Content.styled("reading all of it ..", "$muted")
    text = found[number - 1]
    shown = prose(text) if facet == "result" else strict(text, one_line=False)
    words = f"page {number} of {len(found)}  < and > turn pages\n"
    return Content.assemble((words, "$muted"), (shown, ""))
