"""F4: all conversations on this machine: browse, filter, search, and what can be done with one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Input, Static

from mcp_tui.ui import formats, history_words
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.history_listing import HistoryMemory, Listing
from mcp_tui.ui.history_rows import Entry
from mcp_tui.ui.history_search import HistorySearch
from mcp_tui.ui.keymap import effective, keys_of, show_keys
from mcp_tui.ui.screens.history_actions import HistoryActions, Ready, always_ready
from mcp_tui.ui.widgets import history_text
from mcp_tui.ui.widgets.bars import Hint, Line, hint_parts
from mcp_tui.ui.widgets.query_line import QueryLine
from mcp_tui.ui.widgets.row_list import RowList

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.engine.history import SearchHit
    from mcp_tui.errors import McpTuiError
    from mcp_tui.ui.base_app import BaseApp
    from mcp_tui.ui.screens.replay import ReplayChoice
    from mcp_tui.ui.shelf import Shelf

_UPPER = ("read", "continue", "fork", "replay", "export", "tag", "rename", "delete")
"""Actions of the first line of keys: what is done with the conversation under the cursor."""
_IN_THE_LIST = frozenset(
    {"read", "select", "fork", "replay", "export", "tag", "rename", "delete", "hit", "tree", "trash", "copy_id"}
)
"""Actions whose keys are text while something is typed."""


class HistoryScreen(HistoryActions):
    """Returns the id of the conversation to open, or ``None``."""

    PANE = "history"
    HELP = (
        "All conversations on this machine, last changed first. Tab and then typing filters by title, tag, model and "
        'server. / searches everything that was ever said, called and returned: words must all occur, "words in '
        'quotes" follow each other, -word must not occur; filters are tool:time.* server:git status:error model:NAME '
        "before:2026-08-01 after:7d tag:work kind:user. Enter on a hit opens the conversation at that very place; "
        "n and N go on. Deleted conversations go to the trash (T), from where they can be restored."
    )
    DEFAULT_CSS = """
    HistoryScreen {
        background: $background;
        & #title, & #actions, & #keys { background: $surface; }
        & #columns { height: 1; }
        & #hits-head { display: none; background: $surface; }
        & #hits { display: none; }
        &.-hits #hits-head, &.-hits #hits { display: block; }
    }
    """

    def __init__(
        self,
        shelf: Shelf | None,
        *,
        clock: Callable[[], float],
        left: Callable[[str, ReplayChoice], None] = lambda conversation_id, choice: None,
        ready: Ready = always_ready,
        memory: HistoryMemory | None = None,
        query: str = "",
    ) -> None:
        """``shelf`` may not be there yet: then `open` follows.  ``query``: what is searched for at once."""
        super().__init__(shelf, clock=clock, left=left, ready=ready)
        self.listing = Listing(memory or HistoryMemory())
        self.search = HistorySearch(self._found)
        self._first_query = query
        self.hits: tuple[SearchHit, ...] = ()
        """In the conversation under the cursor."""
        self.alone = False
        """Whether the chat behind it was never begun."""
        self._hits_all = False
        self._columns: history_text.Columns | None = None
        self._drawn = False
        self._warning = ""
        self._wanted = ""
        """Id of a conversation that the cursor is to go to once it is listed."""

    def compose(self) -> ComposeResult:
        """Title, query, columns, list, hits, details, keys."""
        yield Line(widget_id="title")
        yield QueryLine(self._first_query, searching=bool(self._first_query), widget_id="query")
        yield Static(id="columns")
        yield RowList(self._row, widget_id="conversations")
        yield Line(widget_id="hits-head")
        yield RowList(self._hit_row, widget_id="hits")
        yield Line(widget_id="details")
        yield Line(widget_id="actions")
        yield Line(widget_id="keys")

    def on_mount(self) -> None:
        """Draw what is known; the files are looked at as soon as somebody can say what is in them."""
        self.draw_keys()
        self.set_focus(self.rows)
        self.search.look_for(self._first_query)
        self.fill(self.listing.memory.current)
        self.call_after_refresh(self._painted)
        self._drawn = True
        if self.shelf is not None:
            self._watch(self.shelf)

    def _painted(self) -> None:
        self.app.call_later(cast("BaseApp", self.app).screen_painted)

    def open(self, shelf: Shelf) -> None:
        """List what is on ``shelf``, again and again."""
        self.shelf = shelf
        if self._drawn:
            self._watch(shelf)

    def _watch(self, shelf: Shelf) -> None:
        self.search.use(shelf.history)
        if not self.listing.memory.current:
            self.fill(shelf.conversation_id)
        self.run_worker(self.listing.watch(shelf.history, self._listed), name="history list", exit_on_error=True)
        self.draw()

    def on_unmount(self) -> None:
        """Keep what the next opening wants to find; nobody looks any more."""
        self.search.stop()
        current, memory = self.current, self.listing.memory
        memory.conversations = self.listing.conversations
        memory.current = current.id if current is not None else ""

    def warn(self, problem: McpTuiError | None) -> None:
        """No conversation can be continued, because of this; what only reads goes on."""
        self._warning = history_words.browsing_only(problem) if problem is not None else ""
        if self.query("#keys"):
            self.draw_keys()
        self.draw()

    @property
    def is_all(self) -> bool:
        """Whether there is nothing to go back to: the chat was never begun, and cannot be."""
        return self.alone and bool(self._warning)

    # -- what there is -------------------------------------------------------------------------

    @property
    def rows(self) -> RowList:
        """The conversations."""
        return self.query_one("#conversations", RowList)

    @property
    def hit_list(self) -> RowList:
        """The hits in the conversation under the cursor."""
        return self.query_one("#hits", RowList)

    @property
    def entries(self) -> list[Entry]:
        """What the list shows, in order."""
        return self.listing.entries

    @property
    def line(self) -> Input:
        """The line for filter or search."""
        return self.query_one(QueryLine).input

    @property
    def current(self) -> ConversationSummary | None:
        """The conversation under the cursor."""
        rows = self.query("#conversations")
        if not rows or not self.entries:
            return None
        return self.entries[min(self.rows.cursor, len(self.entries) - 1)].stored

    @property
    def current_hit(self) -> SearchHit | None:
        """The hit under the cursor, where hits are shown."""
        return self.hits[min(self.hit_list.cursor, len(self.hits) - 1)] if self.hits else None

    @property
    def words(self) -> tuple[str, ...]:
        """What the hits were found by."""
        return self.search.words

    @property
    def searching(self) -> bool:
        """Whether the line is a search in all text; else it filters the list."""
        return self.query_one(QueryLine).searching

    def look_again(self, wanted: str = "") -> None:
        """Something was changed: look at the files now, and go to this conversation."""
        self._wanted = wanted or self._wanted
        self.listing.look_again()

    def _listed(self, first: bool) -> None:
        """There are other conversations."""
        current = self.current
        self.fill(self.open_id if first or current is None else current.id)

    # -- arranging -----------------------------------------------------------------------------

    def fill(self, keep: str = "") -> None:
        """Filter and order the conversations; the cursor stays on ``keep``, or in its place."""
        active = self.search.active
        self.listing.arrange("" if self.searching else self.line.value, self.search.conversations if active else None)
        place = self.listing.place_of(keep)
        if self._wanted and (wanted := self.listing.place_of(self._wanted)) is not None:
            place, self._wanted = wanted, ""
        self.rows.explain(self._explanation())
        self.rows.show(len(self.entries), place if place is not None else self.rows.cursor)
        self._show_hits()
        self.draw()

    def refill(self) -> None:
        """As `fill`; the cursor stays on the conversation that it is on."""
        current = self.current
        self.fill(current.id if current is not None else "")

    def _found(self) -> None:
        """The search has news."""
        if self.is_mounted and self.query("#keys"):
            self.refill()

    def _show_hits(self) -> None:
        current = self.current if self.search.active else None
        self.set_class(self.search.active and bool(self.entries), "-hits")
        half = max(3, (self.size.height - 7) // 2)
        self.rows.styles.height = min(half, max(3, len(self.entries))) if self.search.active and self.entries else "1fr"
        if current is None:
            self.hits, self._hits_all = (), False
        else:
            before = self.current_hit
            self.hits, self._hits_all = self.search.inside(current.id)
            self.search.look_inside(current.id)
            place = next((n for n, hit in enumerate(self.hits) if before is not None and _same(hit, before)), 0)
            self.hit_list.show(len(self.hits), place)
            return
        self.hit_list.show(0)

    def on_row_list_moved(self, message: RowList.Moved) -> None:
        """Other details, other hits."""
        if message.rows is self.rows:
            self._show_hits()
            if self.search.more and self.rows.cursor >= len(self.entries) - 10:
                self.do(self.search.load_more())
            self.draw()

    def on_resize(self, event: events.Resize) -> None:
        """Columns follow the width, and the two lists share the height."""
        if self.listing.read_once and self.query("#keys"):
            self._show_hits()
        self.draw()

    # -- drawing -------------------------------------------------------------------------------

    def draw_keys(self) -> None:
        """Two lines of keys, as they are bound."""
        keys = effective(overrides_in(self.app))
        hints = [
            (name, Hint(show_keys(keys[key.id][:1]), "quit" if name == "close" and self.is_all else key.hint))
            for key in keys_of("history")
            for name in [key.id.partition(".")[2]]
        ]
        self.query_one("#actions", Line).show(hint_parts([hint for name, hint in hints if name in _UPPER]))
        self.query_one("#keys", Line).show(
            hint_parts([hint for name, hint in hints if name not in _UPPER and hint.label] + [Hint("F1", "help")])
        )

    def draw(self) -> None:
        """Draw the lines around the lists."""
        if not self.query("#keys"):
            return
        width = self.size.width
        columns = history_text.Columns.for_width(width - 1)
        if columns != self._columns:
            self._columns = columns
            self.query_one("#columns", Static).update(history_text.head(columns))
            self.rows.redraw()
        folder = self.shelf.history.place if self.shelf is not None else None
        title = history_words.title(self.listing, self.search, folder, width, warning=self._warning)
        self.query_one("#title", Line).show(*title)
        index = self.shelf.history.index_state if self.searching and self.shelf is not None else None
        self.query_one(QueryLine).show_where(history_words.where(index, width, searching=self.searching))
        current = self.current
        hits = formats.plural(len(self.hits), "hit") if self._hits_all else "hits"
        at = f"{self.hit_list.cursor + 1} of {len(self.hits)}" if len(self.hits) > 1 else ""
        self.query_one("#hits-head", Line).show(*history_words.hits_head(self.search, current, hits, at))
        is_open = current is not None and current.id == self.open_id
        self.query_one("#details", Line).show(history_text.details(current, is_open=is_open) if current else ())

    def _explanation(self) -> Content:
        """What stands there instead of a list."""
        return history_words.explanation(
            self.search,
            self.line.value,
            problem=self.listing.problem,
            reading=not self.listing.read_once,
            empty=not self.listing.conversations,
        )

    def _row(self, index: int, width: int) -> Content:
        entry = self.entries[index]
        words = [] if self.searching else self.line.value.casefold().split()
        is_open = entry.stored.id == self.open_id
        columns = self._columns or history_text.Columns.for_width(width)
        return history_text.row(entry, columns, words, datetime.now(UTC), is_open=is_open)

    def _hit_row(self, index: int, width: int) -> Content:
        return history_text.hit(self.hits[index], width)

    # -- filter and search ---------------------------------------------------------------------

    def set_mode(self, *, searching: bool) -> None:
        """Whether the line searches all text or filters the list."""
        self.query_one(QueryLine).set_mode(searching=searching)
        if not searching:
            self.search.look_for("")
        elif self.line.value:
            self.search.look_for(self.line.value)
        self.draw()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Whether a key counts: while something is typed, those do not that are text there.

        All keys have priority, so that what is typed quickly after ``/`` is not taken for keys of the list.
        """
        typing = bool(self.query("#query")) and self.line.has_focus
        text = action in _IN_THE_LIST or (action == "search" and bool(self.line.value or self.searching))
        if typing and text:
            return False
        return super().check_action(action, parameters)

    def action_search(self) -> None:
        """Search everything that was ever said, called and returned."""
        if not self.searching:
            self.line.value = ""
            self.set_mode(searching=True)
        self.set_focus(self.line)

    def action_part(self, step: int) -> None:
        """From the line to the list to the hits, and around."""
        parts: list[Input | RowList] = [self.line, self.rows]
        if self.search.active and self.hits:
            parts.append(self.hit_list)
        at = next((n for n, part in enumerate(parts) if part.has_focus), 1)
        self.set_focus(parts[(at + step) % len(parts)])

    def on_descendant_focus(self) -> None:
        """The line shows whether it is being typed into."""
        self.query_one(QueryLine).focus_moved()

    def on_query_line_ended(self) -> None:
        """Back to the filter."""
        self.set_mode(searching=False)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter or search, as it is typed."""
        if self.searching:
            self.search.look_for(event.value)
        else:
            self.refill()

    def on_input_submitted(self) -> None:
        """Enter: on to what was found."""
        if self.search.active and self.hits:
            self.set_focus(self.hit_list)
        else:
            self.set_focus(self.rows)

    def action_move(self, how: str, step: int) -> None:
        """Move in the list while something is typed."""
        getattr(self.rows, f"action_{how}")(step)

    def action_hit(self, step: int) -> None:
        """The next or the previous hit, on into the next conversation."""
        if not self.search.active or not self.entries:
            return
        place = self.hit_list.cursor + step
        if 0 <= place < len(self.hits):
            self.hit_list.cursor = place
        elif 0 <= self.rows.cursor + step < len(self.entries):
            self.rows.cursor += step
            self._show_hits()
            self.hit_list.cursor = 0 if step > 0 else self.hit_list.count - 1
        self.set_focus(self.hit_list)
        self.draw()

    def action_tree(self) -> None:
        """By date, or forks below the conversation that they come from."""
        self.listing.memory.tree = not self.listing.memory.tree
        self.refill()

    def action_cancel(self) -> None:
        """Esc: out of the line, then back to all conversations, then back to the chat."""
        if self.line.has_focus and self.line.value and self.entries:
            self.set_focus(self.rows)
        elif self.line.value or self.searching or self.line.has_focus:
            self.line.value = ""
            self.set_mode(searching=False)
            self.set_focus(self.rows)
            self.refill()
        else:
            self.dismiss(None)


def _same(first: SearchHit, second: SearchHit) -> bool:
    return (first.event_id, first.kind, first.snippet) == (second.event_id, second.kind, second.snippet)
