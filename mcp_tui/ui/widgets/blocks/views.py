"""Which entry shows an item of the conversation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.conversation.items import AssistantItem, Item, NoticeItem, ToolCallItem, UserItem
from mcp_tui.ui.widgets.blocks.item import ItemView
from mcp_tui.ui.widgets.blocks.messages import AssistantView, NoticeView, UserView
from mcp_tui.ui.widgets.blocks.tools import ToolCallView

if TYPE_CHECKING:
    from mcp_tui.ui.widgets.document.section import Canvas


def view_of(item: Item, canvas: Canvas, *, show_reasoning: bool = True) -> ItemView:
    """The view for an item; an unknown kind is shown by its name."""
    match item:
        case UserItem():
            return UserView(item, canvas)
        case AssistantItem():
            return AssistantView(item, canvas, show_reasoning=show_reasoning)
        case ToolCallItem():
            return ToolCallView(item, canvas)
        case NoticeItem():
            return NoticeView(item, canvas)
        case _:
            return ItemView(item, canvas)


def gap_between(previous: ItemView | None, view: ItemView) -> int:
    """Blank rows before an item: tool calls of one answer stand together."""
    if previous is None:
        return 0
    calls = (ToolCallView, AssistantView)
    return 0 if isinstance(view, ToolCallView) and isinstance(previous, calls) and _compact(previous) else 1


def _compact(view: ItemView) -> bool:
    return isinstance(view, ToolCallView) or (isinstance(view, AssistantView) and not view.item.pieces)
