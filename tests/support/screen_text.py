"""The text of a conversation as its pane shows it, from the first row to the last, and that of a replay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mcp_tui.conversation.items import Item, ToolCallItem
from mcp_tui.conversation.playback import Playback
from mcp_tui.events.base import EventBase
from mcp_tui.ui.bridge import merged
from mcp_tui.ui.widgets.blocks.item import ItemView
from mcp_tui.ui.widgets.blocks.views import view_of
from mcp_tui.ui.widgets.call_facets import FACETS, shown
from mcp_tui.ui.widgets.conversation import ConversationView
from mcp_tui.ui.widgets.document.section import Canvas
from mcp_tui.ui.widgets.document.style import Palette, Pen

if TYPE_CHECKING:
    from mcp_tui.conversation.items import Change

FOREVER = float("inf")


def text_of(view: ConversationView) -> list[str]:
    """Every row of the pane.  What it has not drawn yet is drawn elsewhere: the pane stays as it is."""
    view.load_all()
    rows: list[str] = []
    for entry in view.document.entries:
        if isinstance(entry, ItemView):
            rows += _rows(entry if entry.sections and not entry.unfinished else _twin(entry))
    return rows


def inspected(items: Sequence[Item]) -> list[str]:
    """What the inspector says of each call."""
    calls = [item for item in items if isinstance(item, ToolCallItem)]
    facets = [facet for facet in FACETS if facet != "diff"]
    return [f"{call.label} {facet}\n{shown(call, facet).plain}" for call in calls for facet in facets]


def replayed(events: Sequence[EventBase], like: ConversationView, *, by_event: bool = False) -> ConversationView:
    """A pane of the same width on which these events were replayed, with the same items expanded.

    ``by_event``: each event by itself, as it is when it is played.
    """
    view, playback = bare(like._canvas.pen.width), Playback(events)
    view.set_reactive(ConversationView.show_reasoning, like.show_reasoning)
    changes: list[Change] | None
    while not playback.at_end:
        changes = playback.advance(0.7) if by_event else playback.move_to(playback.length)
        take(view, playback, changes)
    if not by_event:
        view.load(playback.items)
        view.load_all()
    for entry in view.document.entries:
        expanded = like._views.get(entry.item.key) if isinstance(entry, ItemView) else None
        if isinstance(entry, ItemView) and expanded is not None:
            _expand_like(entry, expanded)
    return view


def bare(width: int = 80) -> ConversationView:
    """A pane without an app."""
    view = ConversationView()
    view._canvas.pen = Pen(width, Palette())
    return view


def take(view: ConversationView, playback: Playback, changes: list[Change] | None) -> None:
    """Have the pane take these changes in, all of them."""
    if changes is None:
        view.load(playback.items)
        view.load_all()
    else:
        view.apply(merged(changes))
    while view.take_in(FOREVER):
        pass
    for entry in view.document.entries:
        entry.build()


def _expand_like(view: ItemView, other: ItemView) -> None:
    for name in ("_open", "_raw", "show_reasoning"):
        if hasattr(other, name):
            setattr(view, name, getattr(other, name))
    if view.sections:
        view.sections = view.make()
        while view.unfinished:
            view.work(FOREVER)


def _twin(view: ItemView) -> ItemView:
    """A view of the same item that is drawn from the beginning."""
    twin = view_of(view.item, Canvas(Pen(view.canvas.pen.width, view.canvas.pen.palette), view.canvas.now))
    twin.gap = view.gap
    _expand_like(twin, view)
    twin.build()
    while twin.unfinished:
        twin.work(FOREVER)
    return twin


def _rows(view: ItemView) -> list[str]:
    pen = Pen(view.canvas.pen.width, view.canvas.pen.palette)
    return [strip.text.rstrip() for section in view.sections for block in section.blocks for strip in block.lines(pen)]
