"""The tabs of the tool-call inspector: their titles, and the line that shows which one is open."""

from __future__ import annotations

from textual.content import Content

from mcp_tui.ui.widgets.call_facets import FACETS, Facet

TITLES: dict[Facet, str] = {
    "args": "Args",
    "result": "Result",
    "raw": "Raw",
    "schema": "Schema",
    "time": "Time",
    "diff": "Diff",
}


def tab_line(current: Facet, room: int) -> Content:
    """The tabs in ``room`` cells: with less room they stand closer, then only the current one has its title."""
    for between, others in (("  ", True), (" ", True), (" ", False)):
        parts: list[tuple[str, str]] = []
        for number, facet in enumerate(FACETS, 1):
            chosen = facet == current
            title = f" {TITLES[facet]}" if chosen or others else ""
            style = "$primary bold underline" if chosen else "$muted"
            parts += [(between if parts else "", ""), (str(number), "$muted"), (title[:1], ""), (title[1:], style)]
        line = Content.assemble(*parts)
        if line.cell_length <= room:
            break
    return line
