"""What can be done with the conversation under the cursor of the history screen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
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
    from mcp_tui.engine.history import Library, SearchHit
    from mcp_tui.ui.screens.replay import ReplayChoice
    from mcp_tui.ui.shelf import Shelf

Ready = Callable[["ConversationSummary"], Awaitable[McpTuiError | None]]
"""Why this conversation cannot be continued, if so."""


async def always_ready(stored: ConversationSummary) -> McpTuiError | None:
    """Where there is an engine."""
    del stored
    return None


class HistoryActions(LeftOnce, Screen[str]):
    """Read, continue, fork, replay, export, tag, rename, delete."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("history")

    def __init__(
        self,
        shelf: Shelf | None,
        *,
        clock: Callable[[], float],
        left: Callable[[str, ReplayChoice], None],
        ready: Ready,
    ) -> None:
        """``left`` does what the person chose in a conversation that was opened for reading."""
        super().__init__()
        self.shelf, self.clock, self._left, self._why_not = shelf, clock, left, ready
        self._opening = False

    @property
    def history(self) -> Library:
        """The stored conversations.  Raises `UsageError` before anybody can say what there is."""
        if self.shelf is None:
            raise UsageError("The history is still being opened.", hint="Try again in a moment.")
        return self.shelf.history

    @property
    def open_id(self) -> str:
        """Of the conversation that is open behind this screen; empty where none is."""
        return self.shelf.conversation_id if self.shelf is not None else ""

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

    @property
    def words(self) -> tuple[str, ...]:
        """What they were found by."""
        return ()

    def look_again(self, wanted: str = "") -> None:
        """Something was changed; the cursor is to go to the conversation ``wanted``."""
        raise NotImplementedError

    def warn(self, problem: McpTuiError | None) -> None:
        """No conversation can be continued, because of this; or all can again."""
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
        from mcp_tui.ui.recordings import read
        from mcp_tui.ui.screens.replay import ReplayScreen

        if self._opening:
            return
        self._opening = True
        try:
            hits = tuple(dict.fromkeys(hit.event_id for hit in self.hits))
            matches = matches_of(self.hits, self.words)
            recording = await read(self.history, stored.id, event_id, play=play)
            if not self.is_active:
                return
            engine = getattr(self.app, "engine", None)
            replay = ReplayScreen(engine, recording, event_id=event_id, hits=hits, matches=matches, play=play)
            self.app.push_screen(replay, lambda choice: self._chosen(stored, choice))
        finally:
            self._opening = False

    def _chosen(self, stored: ConversationSummary, choice: ReplayChoice | None) -> None:
        match choice.action if choice is not None else None:
            case "continue":
                self.do(self._continue(stored))
            case "fork":
                assert choice is not None
                self.do(self._fork(stored, choice.event_id))
            case "verify":
                assert choice is not None
                self.do(self._verify(stored, choice))
            case _:
                self.look_again()

    # -- going on ------------------------------------------------------------------------------

    def action_select(self) -> None:
        """Continue the conversation."""
        if (stored := self.current) is not None:
            self.do(self._continue(stored))

    async def _continue(self, stored: ConversationSummary) -> None:
        if await self._may_go_on(stored):
            self.dismiss(stored.id)

    async def _verify(self, stored: ConversationSummary, choice: ReplayChoice) -> None:
        if await self._may_go_on(stored):
            self.dismiss(None)
            self.app.call_later(self._left, stored.id, choice)

    async def _may_go_on(self, stored: ConversationSummary) -> bool:
        """Whether there is a model to go on with; where not, what is wrong is shown."""
        problem = await self._why_not(stored)
        self.warn(problem)
        if problem is not None and self.is_active:
            from mcp_tui.ui.screens.config_error import ConfigErrorScreen

            self.app.push_screen(ConfigErrorScreen(problem, browsing=True))
        return problem is None

    def action_fork(self) -> None:
        """Go on in a copy; up to the hit under the cursor where the hits have the focus."""
        if (stored := self.current) is not None:
            hit = self.current_hit if self.hit_list.has_focus else None
            self.do(self._fork(stored, hit.event_id if hit is not None else None))

    async def _fork(self, stored: ConversationSummary, event_id: str | None) -> None:
        forked = await self.history.fork(stored.id, event_id)
        where = "from that place on" if event_id is not None else "from its end on"
        words = f"A fork of {quoted(stored)}: it goes its own way {where}; the original stays as it is."
        problem = await self._why_not(stored)
        self.warn(problem)
        if problem is None:
            self.app.notify(words)
            self.dismiss(forked)
        else:
            self.app.notify(f"{words}\nIt is in the list; c says why it cannot be continued yet.")
            self.look_again(forked)

    # -- words ---------------------------------------------------------------------------------

    def action_rename(self) -> None:
        """Give it another title."""
        if (stored := self.current) is None:
            return

        def answered(title: str | None) -> None:
            if title is not None and title.strip() and title != stored.title:
                self.do(self._then(self.history.rename(stored.id, title)))

        self.app.push_screen(AskTextScreen("rename", stored.title, placeholder="title", check=_some_title), answered)

    def action_tag(self) -> None:
        """Change its tags."""
        if (stored := self.current) is None:
            return

        def answered(line: str | None) -> None:
            if line is not None and tuple(line.split()) != stored.tags:
                self.do(self._then(self.history.tag(stored.id, line.replace("#", " ").split())))

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

            Export(self.app, self.history, stored, self.do, self.clock).ask()

    def action_delete(self) -> None:
        """Move it to the trash, when the person says so."""
        if (stored := self.current) is None:
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self.do(self._then(self._delete(stored)))

        is_open = stored.id == self.open_id
        after = "\nIt is the open one: a new conversation begins." if is_open else ""
        question = (
            f"Move {quoted(stored)} to the trash?\n"
            f"{formats.plural(stored.messages, 'message')}, {formats.plural(stored.tool_calls, 'tool call')}, "
            f"{formats.size(stored.size)}.{after}\nT shows the trash, from where it can be restored."
        )
        self.app.push_screen(ConfirmScreen(question, "d", "delete", clock=self.clock), answered)

    async def _delete(self, stored: ConversationSummary) -> None:
        await self.history.delete(stored.id)
        self.app.notify(f"{quoted(stored)} is in the trash.", timeout=4)

    def action_trash(self) -> None:
        """Deleted conversations: restore them, or remove them for ever."""
        from mcp_tui.ui.screens.trash import TrashScreen

        if self.shelf is not None:
            self.app.push_screen(
                TrashScreen(self.history, clock=self.clock), lambda restored: self.look_again(restored or "")
            )


def _some_title(title: str) -> None:
    if not title.strip():
        raise UsageError("A title needs at least one character.")
