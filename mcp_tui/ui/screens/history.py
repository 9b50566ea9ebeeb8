"""F4: all conversations on this machine: browse, filter, search, and what can be done with one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from mcp_tui.errors import McpTuiError
from mcp_tui.ui import formats, history_rows, history_words
from mcp_tui.ui.history_rows import Entry, Haystacks
from mcp_tui.ui.history_search import HistorySearch
from mcp_tui.ui.keymap import effective, keys_of, show_keys
from mcp_tui.ui.screens.history_actions import HistoryActions
from mcp_tui.ui.widgets import history_text
from mcp_tui.ui.widgets.bars import Hint, Line, Part, hint_parts
from mcp_tui.ui.widgets.row_list import RowList

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.engine.engine import Engine
    from mcp_tui.engine.history import SearchHit
    from mcp_tui.ui.screens.replay import ReplayChoice

_UPPER = ("read", "continue", "fork", "replay", "export", "tag", "rename", "delete")
"""Actions of the first line of keys: what is done with the conversation under the cursor."""
_IN_THE_LIST = frozenset(
    {"read", "select", "fork", "replay", "export", "tag", "rename", "delete", "hit", "tree", "trash", "copy_id"}
)
"""Actions whose keys are text while something is typed."""
_LEAST_PAUSE = 1.0
"""Seconds between two looks at the files; more where a look takes long."""


@dataclass(slots=True)
class HistoryMemory:
    """What the screen finds again when it is opened the next time."""

    conversations: tuple[ConversationSummary, ...] = ()
    tree: bool = False
    current: str = ""


class QueryInput(Input):
    """The line for filter or search; arrows move the list meanwhile."""

    BINDINGS: ClassVar[list[BindingType]] = [
        ("down", "screen.move('move', 1)", "Down"),
        ("up", "screen.move('move', -1)", "Up"),
        ("pagedown", "screen.move('page', 1)", "Page down"),
        ("pageup", "screen.move('page', -1)", "Page up"),
    ]

    async def _on_key(self, event: events.Key) -> None:
        """On an empty line, Backspace goes from the search back to the filter."""
        screen = self.screen
        if event.key == "backspace" and not self.value and isinstance(screen, HistoryScreen) and screen.searching:
            event.stop()
            event.prevent_default()
            screen.set_mode(searching=False)
            return
        await super()._on_key(event)


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
        & #query { height: 1; background: $background; padding: 0 1; }
        & #mode { width: auto; color: $primary; }
        & #where { width: auto; color: $muted; padding: 0 0 0 1; }
        & #query Input, & #query Input:focus {
            border: none; height: 1; width: 1fr; padding: 0; background: $background; color: $foreground;
        }
        & #query.-asking, & #query.-asking Input { background: $panel; }
        & #columns { height: 1; }
        & #hits-head { display: none; background: $surface; }
        & #hits { display: none; }
        &.-hits #hits-head, &.-hits #hits { display: block; }
    }
    """

    def __init__(
        self,
        engine: Engine,
        *,
        clock: Callable[[], float],
        left: Callable[[str, ReplayChoice], None] = lambda conversation_id, choice: None,
        memory: HistoryMemory | None = None,
        query: str = "",
    ) -> None:
        super().__init__(engine, clock=clock, left=left)
        self._memory = memory or HistoryMemory()
        self.conversations = self._memory.conversations
        self.search = HistorySearch(engine.history, self._found)
        self.searching = bool(query)
        """Whether the line is a search in all text; else it filters the list."""
        self._first_query = query
        self._haystacks = Haystacks()
        self.entries: list[Entry] = []
        self.hits: tuple[SearchHit, ...] = ()
        """In the conversation under the cursor."""
        self._hits_all = False
        self._read_once = bool(self.conversations)
        self._problem = ""
        self._columns: history_text.Columns | None = None
        self._drawn_where: Content | None = None
        self._octets = 0
        self._news = asyncio.Event()

    def compose(self) -> ComposeResult:
        """Title, query, columns, list, hits, details, keys."""
        yield Line(widget_id="title")
        with Horizontal(id="query"):
            yield Static(id="mode")
            yield QueryInput(self._first_query, compact=True, select_on_focus=False)
            yield Static(id="where")
        yield Static(id="columns")
        yield RowList(self._row, widget_id="conversations")
        yield Line(widget_id="hits-head")
        yield RowList(self._hit_row, widget_id="hits")
        yield Line(widget_id="details")
        yield Line(widget_id="actions")
        yield Line(widget_id="keys")

    def on_mount(self) -> None:
        """Draw what is known, then look at the files, again and again."""
        keys = effective(getattr(self.app, "key_overrides", {}))
        hints = [(key.id.partition(".")[2], Hint(show_keys(keys[key.id][:1]), key.hint)) for key in keys_of("history")]
        self.query_one("#actions", Line).show(hint_parts([hint for name, hint in hints if name in _UPPER]))
        self.query_one("#keys", Line).show(
            hint_parts([hint for name, hint in hints if name not in _UPPER and hint.label] + [Hint("F1", "help")])
        )
        self.set_focus(self.rows)
        self.set_mode(searching=self.searching)
        self.fill(self._memory.current or self.engine.conversation_id)
        self.run_worker(self._watch(), name="history list", exit_on_error=True)
        if self._first_query:
            self.search.look_for(self._first_query)

    def on_unmount(self) -> None:
        """Keep what the next opening wants to find; nobody looks any more."""
        self.search.stop()
        current = self.current
        self._memory.conversations = self.conversations
        self._memory.current = current.id if current is not None else ""

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
    def line(self) -> Input:
        """The line for filter or search."""
        return self.query_one(QueryInput)

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

    def look_again(self) -> None:
        """Something was changed: look at the files now."""
        self._news.set()

    async def _watch(self) -> None:
        """Take over what this and other processes write, for as long as the screen is there."""
        while True:
            self._news.clear()
            began = time.monotonic()
            try:
                conversations = await self.engine.history.list()
                problem = ""
            except McpTuiError as error:
                conversations, problem = self.conversations, str(error)
            took = time.monotonic() - began
            if conversations != self.conversations or problem != self._problem or not self._read_once:
                first, self._read_once = not self._read_once, True
                self.conversations, self._problem = conversations, problem
                current = self.current
                self.fill(self.engine.conversation_id if first or current is None else current.id)
                await self._haystacks.prepare(conversations)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), max(_LEAST_PAUSE, 20 * took))

    # -- arranging -----------------------------------------------------------------------------

    def fill(self, keep: str = "") -> None:
        """Filter and order the conversations; the cursor stays on ``keep``, or in its place."""
        query = self.line.value
        if self.search.active:
            by_id = {stored.id: stored for stored in self.conversations}
            found = [by_id[key] for key in self.search.conversations if key in by_id]
            self.entries = history_rows.by_date(found)
        else:
            found = self._haystacks.matching(self.conversations, "" if self.searching else query)
            self.entries = history_rows.as_tree(found) if self._memory.tree else history_rows.by_date(found)
        self._octets = sum(stored.size for stored in self.conversations)
        place = next((n for n, entry in enumerate(self.entries) if entry.stored.id == keep), self.rows.cursor)
        self.rows.explain(self._explanation())
        self.rows.show(len(self.entries), place)
        self._show_hits()
        self.draw()

    def _found(self) -> None:
        """The search has news."""
        if not self.is_mounted or not self.query("#keys"):
            return
        current = self.current
        self.fill(current.id if current is not None else "")

    def _show_hits(self) -> None:
        current = self.current if self.search.active else None
        self.set_class(self.search.active, "-hits")
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
        if self._read_once and self.query("#keys"):
            self._show_hits()
        self.draw()

    # -- drawing -------------------------------------------------------------------------------

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
        self.query_one("#title", Line).show(*self._title(width))
        if (where := self._where()) != self._drawn_where:
            # Drawing it lays the screen out anew: not at each step through the list.
            self._drawn_where = where
            self.query_one("#where", Static).update(where)
        self.query_one("#hits-head", Line).show(*self._hits_head())
        current = self.current
        is_open = current is not None and current.id == self.engine.conversation_id
        self.query_one("#details", Line).show(history_text.details(current, is_open=is_open) if current else ())

    def _title(self, width: int) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        total, shown = len(self.conversations), len(self.entries)
        words = formats.plural(total, "conversation")
        if shown != total:
            words = f"{shown:,}{'+' if self.search.more else ''} of {words}"
        left = (("history  ", "$primary bold"), (words if self._read_once else "reading…", "$foreground"))
        octets = formats.size(self._octets)
        order = "as a tree" if self._memory.tree and not self.search.active else ""
        place = history_words.folder(self.engine.history.place, max(0, width - 50))
        parts = [part for part in (order, octets, place) if part]
        return left, (("  ".join(parts), "$muted"),)

    def _where(self) -> Content:
        """What the line looks at, and how much of it can be found yet."""
        return history_words.where(self.engine.history.index_state if self.searching else None, self.size.width)

    def _hits_head(self) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
        search, current = self.search, self.current
        if not search.active:
            return (), ()
        if search.problem or not search.asked or current is None:
            return ((" ", ""),), ()
        words = formats.plural(len(self.hits), "hit") if self._hits_all else "hits"
        left = ((f"{words} in ", "$muted"), (history_text.name_of(current), "$foreground bold"))
        at = f"{self.hit_list.cursor + 1} of {len(self.hits)}" if len(self.hits) > 1 else ""
        return left, ((at, "$muted"),)

    def _explanation(self) -> Content:
        """What stands there instead of a list."""
        return history_words.explanation(
            self.search,
            self.line.value,
            problem=self._problem,
            reading=not self._read_once,
            empty=not self.conversations,
        )

    def _row(self, index: int, width: int) -> Content:
        entry = self.entries[index]
        words = [] if self.searching else self.line.value.casefold().split()
        is_open = entry.stored.id == self.engine.conversation_id
        columns = self._columns or history_text.Columns.for_width(width)
        return history_text.row(entry, columns, words, datetime.now(UTC), is_open=is_open)

    def _hit_row(self, index: int, width: int) -> Content:
        return history_text.hit(self.hits[index], width)

    # -- filter and search ---------------------------------------------------------------------

    def set_mode(self, *, searching: bool) -> None:
        """Whether the line searches all text or filters the list."""
        self.searching = searching
        self.query_one("#mode", Static).update(Content("/ search: " if searching else "filter: "))
        self.line.placeholder = history_words.placeholder(searching=searching, focused=self.line.has_focus)
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
        self.query_one("#query").set_class(self.line.has_focus, "-asking")
        self.line.placeholder = history_words.placeholder(searching=self.searching, focused=self.line.has_focus)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter or search, as it is typed."""
        if self.searching:
            self.search.look_for(event.value)
        else:
            current = self.current
            self.fill(current.id if current is not None else "")
            self.rows.redraw()

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
            self.call_after_refresh(self._first_hit, step)
        self.set_focus(self.hit_list)
        self.draw()

    def _first_hit(self, step: int) -> None:
        self.hit_list.cursor = 0 if step > 0 else self.hit_list.count - 1
        self.draw()

    def action_tree(self) -> None:
        """By date, or forks below the conversation that they come from."""
        self._memory.tree = not self._memory.tree
        current = self.current
        self.fill(current.id if current is not None else "")

    def action_cancel(self) -> None:
        """Esc: out of the line, then back to all conversations, then back to the chat."""
        if self.line.has_focus and self.line.value and self.entries:
            self.set_focus(self.rows)
        elif self.line.value or self.searching or self.line.has_focus:
            self.line.value = ""
            self.set_mode(searching=False)
            self.set_focus(self.rows)
            current = self.current
            self.fill(current.id if current is not None else "")
        else:
            self.dismiss(None)


def _same(first: SearchHit, second: SearchHit) -> bool:
    return (first.event_id, first.kind, first.snippet) == (second.event_id, second.kind, second.snippet)
