"""The conversation pane: items of which one is under a cursor, and what the person can do with it (requirement J2)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from rich.segment import Segment
from textual import events
from textual.actions import SkipAction
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.reactive import reactive
from textual.strip import Strip

from mcp_tui.conversation.items import AssistantItem, Item, ToolCallItem
from mcp_tui.ui.conversation_keys import CONVERSATION_KEYS
from mcp_tui.ui.widgets.blocks.item import ItemView
from mcp_tui.ui.widgets.blocks.tools import ToolCallView
from mcp_tui.ui.widgets.conversation_css import CONVERSATION_CSS
from mcp_tui.ui.widgets.document.document import Position
from mcp_tui.ui.widgets.document.style import Palette, own_style
from mcp_tui.ui.widgets.items_view import ItemsView

if TYPE_CHECKING:
    from datetime import datetime

CONTEXT_ROWS = 3
"""Rows above an item that was asked for (`ConversationView.show_item`)."""


Branch = Literal["fork", "edit", "again", "again_with"]
"""A fork; before an input, to change it; to ask the same again; that with a model chosen first."""


class ConversationView(ItemsView):
    """All items of a conversation, with a cursor that moves from one to the next and what can be done there."""

    PANE: ClassVar[str] = "conversation"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, help_text, show=bool(hint), id=name)
        for name, keys, action, help_text, hint in CONVERSATION_KEYS
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"conversation--{name.replace('_', '-')}" for name in Palette.names()}
    DEFAULT_CSS = CONVERSATION_CSS

    cursor_key: reactive[str | None] = reactive(None)
    """Key of the item that the block cursor stands on; ``None``: no cursor."""

    class Opened(Message):
        """The person wants to look into a tool call."""

        def __init__(self, conversation: ConversationView, item: ToolCallItem) -> None:
            super().__init__()
            self.conversation = conversation
            self.item = item

        @property
        def control(self) -> ConversationView:
            """The pane."""
            return self.conversation

    class CursorMoved(Message):
        """The block cursor stands on another item."""

        def __init__(self, conversation: ConversationView, item: Item) -> None:
            super().__init__()
            self.conversation = conversation
            self.item = item

        @property
        def control(self) -> ConversationView:
            """The pane."""
            return self.conversation

    class CopyRequested(Message):
        """Put ``text`` on the clipboard; ``what`` names it for the person, such as "message #3"."""

        def __init__(self, conversation: ConversationView, text: str, what: str) -> None:
            super().__init__()
            self.conversation = conversation
            self.text = text
            self.what = what

        @property
        def control(self) -> ConversationView:
            """The pane."""
            return self.conversation

    class BranchRequested(Message):
        """The person wants to go on from ``item``, or from the end, in a fork: in one of the ways of `Branch`."""

        def __init__(self, conversation: ConversationView, item: Item | None, how: Branch) -> None:
            super().__init__()
            self.conversation = conversation
            self.item = item
            self.how = how

        @property
        def control(self) -> ConversationView:
            """The pane."""
            return self.conversation

    branching = False
    """Whether `BranchRequested` is heard: the keys for it are left to others otherwise."""

    def __init__(
        self,
        *,
        id: str | None = None,  # noqa: A002
        classes: str | None = None,
        now: Callable[[], datetime] | None = None,
        runs_here: Callable[[str | None], bool] | None = None,
    ) -> None:
        """``now`` and ``runs_here``: see `ItemsView`."""
        super().__init__(id=id, classes=classes, now=now, runs_here=runs_here)
        self._next_code = 0
        """Which code block of an item is copied next."""
        self._wanted: tuple[str, bool] | None = None
        """The item to bring into sight in the next frame, and whether to open it."""
        self._upwards: Callable[[], None] | None = None
        """What goes to the beginning as soon as that is there."""

    # -- items -------------------------------------------------------------------------------------

    def load(self, items: Sequence[Item], *, more_above: bool = False) -> None:
        """Show other items; the cursor stands on none of them."""
        self.cursor_key = None
        self._upwards = None
        super().load(items, more_above=more_above)

    def items_left(self) -> None:
        """The cursor stands on what is there."""
        if self.cursor_key not in self._views:
            self.cursor_key = None

    def take_in(self, end: float) -> bool:
        """Go to the item that is wanted, or to the beginning, as soon as it is there."""
        if self._wanted is not None and (self._wanted[0] in self._views or not self.making):
            (key, opened), self._wanted = self._wanted, None
            self._bring(key, opened=opened)
        more = super().take_in(end)
        if self._upwards is not None and self.all_there:
            again, self._upwards = self._upwards, None
            self.call_later(again)
        return more or self._wanted is not None

    # -- drawing -----------------------------------------------------------------------------------

    def palette(self) -> Palette:
        """From the component classes; colours of code from the theme's Pygments style once that is loaded."""
        base = self.rich_style
        names = [name for name in Palette.names() if name != "text"]
        styles = {
            name: own_style(self.get_component_rich_style(f"conversation--{name.replace('_', '-')}"), base)
            for name in names
        }
        return Palette(
            text=base, **{**styles, **self._highlighter.styles(self.app.theme_variables.get("code-theme", ""))}
        )

    def decorate(self, strip: Strip, position: Position) -> Strip:
        """What is found, and the mark of the block cursor in the first column, not on the gap above the item."""
        strip = super().decorate(strip, position)
        view = self._cursor_view()
        if view is None or view.serial != position.serial or (position.spot == (0, 0, 0) and view.gap):
            return strip
        return Strip.join([Strip([Segment("┃", self.rich_style + self._canvas.pen.palette.cursor)], 1), strip.crop(1)])

    # -- finding -----------------------------------------------------------------------------------

    def is_here(self, view: ItemView) -> None:
        """The cursor goes along to what is found."""
        self.cursor_key = view.item.key

    def action_find_step(self, step: int) -> None:
        """To the next place of what is found, or to the one before."""
        if not self.finding:
            raise SkipAction
        self.find_step(step)

    def action_end_find(self) -> None:
        """Esc: no more of it; without a search it means something else."""
        if self.leave_find is None:
            raise SkipAction
        self.leave_find()

    # -- cursor ------------------------------------------------------------------------------------

    @property
    def cursor_item(self) -> Item | None:
        """The item under the block cursor."""
        view = self._cursor_view()
        return view.item if view is not None else None

    def _cursor_view(self) -> ItemView | None:
        return self._views.get(self.cursor_key) if self.cursor_key is not None else None

    def watch_cursor_key(self, key: str | None) -> None:
        """Tell who wants to know."""
        self._next_code = 0
        if key is not None:
            self._upwards = None
        self.refresh()
        if key is not None and key in self._views:
            self.post_message(self.CursorMoved(self, self._views[key].item))

    def action_cursor(self, direction: int) -> None:
        """To the item above or below; the first press puts the cursor on what is in sight."""
        entries = self._document.entries
        view = self._cursor_view()
        if view is not None and direction < 0 and self._document.index_of(view) == 0:
            self.load_all()
        if view is None:
            sight = self._views_in_sight()
            if sight:
                self._put_cursor(sight[-1] if direction < 0 or self.following else sight[0])
            return
        index = self._document.index_of(view) + direction
        if 0 <= index < len(entries):
            self._put_cursor(entries[index])
        elif direction > 0:
            self.action_bottom()

    def action_first(self) -> None:
        """The first item; of a conversation that is not all there first what there is, then the first of all."""
        if self._views and not self.making:
            self._put_cursor(next(iter(self._views.values())))
        self._go_upwards(self.action_first)

    def action_top(self) -> None:
        """The first row; of a conversation that is not all there first what there is, then the first of all."""
        if not self.making:
            super().action_top()
        self._go_upwards(self.action_top)

    def action_bottom(self) -> None:
        """The end, followed from now on."""
        self._upwards = None
        super().action_bottom()

    def _go_upwards(self, again: Callable[[], None]) -> None:
        """Have a move to the beginning made again when every item is there, unless the person moves before that."""
        self._upwards = None if self.all_there else again
        self._schedule()

    def _moved_to(self, row: int, before: int) -> None:
        self._upwards = None
        super()._moved_to(row, before)

    def action_last(self) -> None:
        """The last item, and follow the end."""
        if self._document.entries:
            self._put_cursor(self._document.entries[-1])
            self.action_bottom()

    def show_item(self, key: str, *, opened: bool = False) -> None:
        """Put the cursor on an item and bring it into sight, in the next frame.

        ``opened``: with the rows of a call, and the first place that `mark` marks.
        """
        self._wanted = key, opened
        self._schedule()

    def _bring(self, key: str, *, opened: bool) -> None:
        view = self._views.get(key)
        if view is None:
            return
        if opened and isinstance(view, ToolCallView) and not view.open:
            view.toggle()
        view.build()
        document = self._document
        document.changed(view)
        self.cursor_key = key
        self._anchor = document.position_at(max(0, document.top_of(view) - CONTEXT_ROWS))
        self.changed_from(0)
        if opened:
            self.seek_in(view)

    def _put_cursor(self, entry: object) -> None:
        if not isinstance(entry, ItemView):
            return
        self.cursor_key = entry.item.key
        document, height = self._document, self.size.height
        entry.build()
        document.changed(entry)
        top = document.top_of(entry)
        if entry is document.entries[-1] and self.following:
            self._settle()
        elif top < self.scroll_offset.y or entry.height > height:
            self.scroll_to(y=top, animate=False)
        elif top + entry.height > self.scroll_offset.y + height:
            self.scroll_to(y=top + entry.height - height, animate=False)
        self.refresh()

    # -- actions -----------------------------------------------------------------------------------

    def action_expand(self) -> None:
        """Expand or collapse the item under the cursor."""
        view = self._cursor_view()
        if view is not None:
            self._change(view, view.toggle)

    def action_raw(self) -> None:
        """Show the item under the cursor as source, or rendered."""
        view = self._cursor_view()
        if view is not None:
            self._change(view, view.toggle_raw)

    def action_open(self) -> None:
        """A tool call: ask for the inspector.  Anything else: expand or collapse."""
        view = self._cursor_view()
        if view is None:
            return
        if isinstance(view.item, ToolCallItem):
            self.post_message(self.Opened(self, view.item))
        else:
            self.action_expand()

    def action_branch(self, how: Branch) -> None:
        """Ask for a fork at the item under the cursor, where whoever shows the conversation offers that."""
        if not self.branching:
            raise SkipAction
        self.post_message(self.BranchRequested(self, self.cursor_item, how))

    def action_copy(self) -> None:
        """Ask for a copy of the source of the item under the cursor, or of the last answer."""
        view = self._cursor_view()
        if view is None:
            text, what = self.last_answer_source(), "last answer"
        else:
            kind = "call" if isinstance(view.item, ToolCallItem) else "message"
            text, what = view.source(), f"{kind} #{view.item.number}" if view.item.number else f"the {kind}"
        if text:
            self.post_message(self.CopyRequested(self, text, what))

    def last_answer_source(self) -> str:
        """Markdown of the last answer that has text."""
        self.load_all()
        for view in reversed(self._views.values()):
            if isinstance(view.item, AssistantItem) and view.item.pieces:
                return view.item.text
        return ""

    def action_copy_code(self) -> None:
        """Ask for a copy of a code block under the cursor; pressed again, of the next one."""
        self.load_all()
        view = self._cursor_view() or next((view for view in reversed(self._views.values()) if view.code()), None)
        codes = view.code() if view is not None else []
        if not codes:
            return
        index = self._next_code % len(codes)
        self._next_code = index + 1
        language, text = codes[index]
        what = f"code block {index + 1} of {len(codes)}" + (f" ({language})" if language else "")
        self.post_message(self.CopyRequested(self, text, what))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the item; a line that expands does so."""
        position = self._document.position_at(self.scroll_offset.y + event.y)
        view = self._document.entry_at(position) if position is not None else None
        if position is None or not isinstance(view, ItemView) or self.text_selection is not None:
            return
        self.cursor_key = view.item.key
        if view.toggles_at(position.spot):
            self._change(view, view.toggle)
