"""What can be done with the conversation under the cursor of the history screen."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.ui import formats
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.screens.ask_text import AskTextScreen
from mcp_tui.ui.screens.confirm import ConfirmScreen
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets.history_text import matches_of, name_of, quoted
from mcp_tui.ui.widgets.row_list import RowList

if TYPE_CHECKING:
    from mcp_tui.conversation.summary import ConversationSummary
    from mcp_tui.engine.engine import Engine
    from mcp_tui.engine.history import SearchHit
    from mcp_tui.ui.screens.replay import ReplayChoice


class HistoryActions(LeftOnce, Screen[str]):
    """Read, continue, fork, replay, export, tag, rename, delete."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("history")

    def __init__(
        self, engine: Engine, *, clock: Callable[[], float], left: Callable[[str, ReplayChoice], None]
    ) -> None:
        """``left`` does what the person chose in a conversation that was opened for reading."""
        super().__init__()
        self.engine, self.clock, self._left = engine, clock, left
        self._opening = False

    @property
    def current(self) -> ConversationSummary | None:
        """The conversation under the cursor."""
        raise NotImplementedError

    @property
    def hit_list(self) -> RowList:
        """The hits in it."""
        raise NotImplementedError

    @property
    def current_hit(self) -> SearchHit | None:
        """The hit under the cursor, where hits are shown."""
        raise NotImplementedError

    hits: tuple[SearchHit, ...] = ()

    def look_again(self) -> None:
        """Something was changed."""
        raise NotImplementedError

    def do(self, work: Coroutine[Any, Any, Any]) -> None:
        """Run something that waits; an error of ours becomes a toast."""
        self.run_worker(self._guarded(work), exit_on_error=True)

    async def _guarded(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        except McpTuiError as error:
            self.app.notify(str(error), severity="error", timeout=8)

    # -- reading -------------------------------------------------------------------------------

    def on_row_list_chosen(self) -> None:
        """Enter or a double click."""
        self.action_read()

    def action_read(self) -> None:
        """Open the conversation for reading; at the hit under the cursor where there is one."""
        if (stored := self.current) is not None:
            hit = self.current_hit
            self.do(self._open(stored, hit.event_id if hit is not None else None))

    def action_replay(self) -> None:
        """Play it from the beginning, as it happened."""
        if (stored := self.current) is not None:
            self.do(self._open(stored, None, play=True))

    async def _open(self, stored: ConversationSummary, event_id: str | None, *, play: bool = False) -> None:
        from mcp_tui.ui.screens.replay import ReplayScreen

        if self._opening:
            return
        self._opening = True
        try:
            hits = tuple(dict.fromkeys(hit.event_id for hit in self.hits))
            whole = await self.engine.history.read(stored.id)
            if not self.is_active:
                return
            replay = ReplayScreen(
                self.engine, whole, event_id=event_id, hits=hits, matches=matches_of(self.hits), play=play
            )
            self.app.push_screen(replay, lambda choice: self._chosen(stored, choice))
        finally:
            self._opening = False

    def _chosen(self, stored: ConversationSummary, choice: ReplayChoice | None) -> None:
        if choice is not None and choice.action is not None:
            self.dismiss(None)
            self.app.call_later(self._left, stored.id, choice)
        else:
            self.look_again()

    # -- going on ------------------------------------------------------------------------------

    def action_select(self) -> None:
        """Continue the conversation."""
        if (stored := self.current) is not None:
            self.dismiss(stored.id)

    def action_fork(self) -> None:
        """Go on in a copy; up to the hit under the cursor where the hits have the focus."""
        if (stored := self.current) is not None:
            hit = self.current_hit if self.hit_list.has_focus else None
            self.do(self._fork(stored, hit.event_id if hit is not None else None))

    async def _fork(self, stored: ConversationSummary, event_id: str | None) -> None:
        forked = await self.engine.history.fork(stored.id, event_id)
        where = "from that place on" if event_id is not None else "from its end on"
        self.app.notify(f"A fork of {quoted(stored)}: it goes its own way {where}; the original stays as it is.")
        self.dismiss(forked)

    # -- words ---------------------------------------------------------------------------------

    def action_rename(self) -> None:
        """Give it another title."""
        if (stored := self.current) is None:
            return

        def answered(title: str | None) -> None:
            if title is not None and title.strip() and title != stored.title:
                self.do(self._then(self.engine.history.rename(stored.id, title)))

        self.app.push_screen(AskTextScreen("rename", stored.title, placeholder="title", check=_some_title), answered)

    def action_tag(self) -> None:
        """Change its tags."""
        if (stored := self.current) is None:
            return

        def answered(line: str | None) -> None:
            if line is not None and tuple(line.split()) != stored.tags:
                self.do(self._then(self.engine.history.tag(stored.id, line.replace("#", " ").split())))

        foot = "Words, separated by blanks; an empty line takes all tags away.\nEnter takes it  Esc goes back"
        ask = AskTextScreen(f"tags of {name_of(stored)}", " ".join(stored.tags), foot=foot, placeholder="work later")
        self.app.push_screen(ask, answered)

    async def _then(self, work: Coroutine[Any, Any, Any]) -> None:
        try:
            await work
        finally:
            self.look_again()

    def action_copy_id(self) -> None:
        """Copy the id, for the command line."""
        if (stored := self.current) is not None:
            self.app.copy_to_clipboard(stored.id)
            self.app.notify(f"Copied the id {stored.id}.", timeout=3)

    # -- files ---------------------------------------------------------------------------------

    def action_export(self) -> None:
        """Write it to a file."""
        if (stored := self.current) is not None:
            from mcp_tui.ui.screens.export import Export

            Export(self.app, self.engine, stored, self.do, self.clock).ask()

    def action_delete(self) -> None:
        """Move it to the trash, when the person says so."""
        if (stored := self.current) is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.do(self._then(self._delete(stored)))

        is_open = stored.id == self.engine.conversation_id
        after = "\nIt is the open one: a new conversation begins." if is_open else ""
        question = (
            f"Move {quoted(stored)} to the trash?\n"
            f"{formats.plural(stored.messages, 'message')}, {formats.plural(stored.tool_calls, 'tool call')}, "
            f"{formats.size(stored.size)}.{after}\nT shows the trash, from where it can be restored."
        )
        self.app.push_screen(ConfirmScreen(question, "d", "delete", clock=self.clock), answered)

    async def _delete(self, stored: ConversationSummary) -> None:
        await self.engine.history.delete(stored.id)
        self.app.notify(f"{quoted(stored)} is in the trash.", timeout=4)

    def action_trash(self) -> None:
        """Deleted conversations: restore them, or remove them for ever."""
        from mcp_tui.ui.screens.trash import TrashScreen

        self.app.push_screen(TrashScreen(self.engine, clock=self.clock), lambda _: self.look_again())


def _some_title(title: str) -> None:
    if not title.strip():
        raise UsageError("A title needs at least one character.")
