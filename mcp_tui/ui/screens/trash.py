"""Deleted conversations: what is in the trash, back out of it, or gone for ever."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from mcp_tui.errors import McpTuiError
from mcp_tui.safety.text import prose
from mcp_tui.ui import formats
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.keymap import effective, keys_of, show_keys
from mcp_tui.ui.screens.confirm import ConfirmScreen
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets import history_text
from mcp_tui.ui.widgets.bars import Hint, Line, hint_parts
from mcp_tui.ui.widgets.row_list import RowList

if TYPE_CHECKING:
    from mcp_tui.engine.history import Library, TrashedConversation


class TrashScreen(LeftOnce, Screen[str]):
    """The list, last deleted first.  Returns the id of what was taken back last, or nothing."""

    PANE = "trash"
    HELP = (
        "Deleted conversations, last deleted first. Enter takes one back as it was. Nothing leaves the trash by "
        "itself: E empties it, Del removes one; both ask, and cannot be undone."
    )
    BINDINGS: ClassVar[list[BindingType]] = bindings("trash")
    DEFAULT_CSS = """
    TrashScreen {
        background: $background;
        & #title, & #keys { background: $surface; }
        & #columns { height: 1; margin-top: 1; }
    }
    """

    def __init__(self, library: Library, *, clock: Callable[[], float]) -> None:
        super().__init__()
        self._library, self._clock = library, clock
        self._found: tuple[TrashedConversation, ...] = ()
        self._restored = ""

    def compose(self) -> ComposeResult:
        """Title, columns, list, keys."""
        yield Line(widget_id="title")
        yield Static(id="columns")
        yield RowList(self._row, widget_id="trashed")
        yield Line(widget_id="keys")

    def on_mount(self) -> None:
        """Look into the trash."""
        keys = effective(overrides_in(self.app))
        hints = [Hint(show_keys(keys[key.id][:1]), key.hint) for key in keys_of("trash") if key.hint]
        self.query_one("#keys", Line).show(hint_parts(hints))
        self.rows.explain(Content("Reading…"))
        self.rows.focus()
        self._do(self._read())

    @property
    def rows(self) -> RowList:
        """The list."""
        return self.query_one(RowList)

    @property
    def current(self) -> TrashedConversation | None:
        """The conversation under the cursor."""
        return self._found[min(self.rows.cursor, len(self._found) - 1)] if self._found else None

    def on_resize(self) -> None:
        """Columns follow the width."""
        self._draw()

    # -- drawing -------------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, Any]) -> None:
        self.run_worker(self._guarded(work), exit_on_error=True)

    async def _guarded(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except McpTuiError as error:
            self.rows.explain(Content(prose(str(error))))
            self.app.notify(str(error), severity="error", timeout=8)

    async def _read(self) -> None:
        found = await self._library.trash()
        self._found = tuple(sorted(found, key=lambda each: (each.deleted_at, each.summary.id), reverse=True))
        words = (
            ("The trash is empty.\n\n", "$foreground"),
            ("Del in the history puts a conversation here, whole and as it is. Esc goes back.", "$muted"),
        )
        self.rows.explain(Content.assemble(*words))
        self.rows.show(len(self._found), self.rows.cursor)
        self._draw()

    def _draw(self) -> None:
        if not self.query("#keys"):
            return
        count, octets = len(self._found), sum(each.summary.size for each in self._found)
        left = (("trash  ", "$warning bold"), (formats.plural(count, "conversation"), "$foreground"))
        self.query_one("#title", Line).show(left, ((formats.size(octets), "$muted"),))
        self.query_one("#columns", Static).update(
            Content.styled(
                f" {'deleted':<17}{'title':<{self._title_width}}{'msgs':>6}{'tools':>6}{'size':>10}", "$muted"
            )
        )

    @property
    def _title_width(self) -> int:
        return max(12, self.size.width - 42)

    def _row(self, index: int, width: int) -> Content:
        each = self._found[index]
        stored = each.summary
        deleted = history_text.when(each.deleted_at, datetime.now(UTC), 16)
        title = Content(history_text.name_of(stored)).truncate(self._title_width - 1, ellipsis=True, pad=True)
        numbers = (
            f" {formats.count(stored.messages):>6}{formats.count(stored.tool_calls):>6}{formats.size(stored.size):>10}"
        )
        return Content.assemble((f" {deleted:<17}", "$muted"), title, numbers)

    # -- keys ----------------------------------------------------------------------------------

    def on_row_list_chosen(self) -> None:
        """Enter or a double click."""
        self.action_restore()

    def action_restore(self) -> None:
        """Take the conversation back."""
        if (each := self.current) is not None:
            self._do(self._restore(each))

    async def _restore(self, each: TrashedConversation) -> None:
        await self._library.restore(each.summary.id)
        self._restored = each.summary.id
        self.app.notify(f"{history_text.quoted(each.summary)} is back in the history.", timeout=4)
        await self._read()

    def action_remove(self) -> None:
        """Remove the conversation under the cursor for ever, when the person says so."""
        if (each := self.current) is not None:
            self._ask(f"Remove {history_text.quoted(each.summary)} for ever?", [each.summary.id])

    def action_empty(self) -> None:
        """Remove everything in the trash for ever, when the person says so."""
        if self._found:
            words = f"{formats.plural(len(self._found), 'conversation')} in the trash"
            self._ask(f"Remove {words} for ever?", [each.summary.id for each in self._found])

    def _ask(self, question: str, ids: list[str]) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self._do(self._remove(ids))

        question += "\nThis cannot be undone."
        self.app.push_screen(ConfirmScreen(question, "d", "remove for ever", clock=self._clock), answered)

    async def _remove(self, ids: list[str]) -> None:
        removed = await self._library.empty_trash(ids)
        self.app.notify(f"Removed {formats.plural(removed, 'conversation')}.", timeout=4)
        await self._read()

    def action_cancel(self) -> None:
        """Back to the history."""
        self.dismiss(self._restored)
