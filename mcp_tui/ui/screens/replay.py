"""A stored conversation: read, and played back in the very widgets that showed it when it happened."""

from __future__ import annotations

import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen

from mcp_tui.errors import McpTuiError
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.formats import plural
from mcp_tui.ui.player import Player
from mcp_tui.ui.recordings import Long, folded
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets import replay_text
from mcp_tui.ui.widgets.bars import Line
from mcp_tui.ui.widgets.find_bar import FindBar
from mcp_tui.ui.widgets.recorded import RecordedPanes

if TYPE_CHECKING:
    from pathlib import Path

    from textual.worker import Worker

    from mcp_tui.conversation.items import Change
    from mcp_tui.conversation.playback import Playback
    from mcp_tui.engine.engine import Engine
    from mcp_tui.ui.base_app import BaseApp
    from mcp_tui.ui.recordings import RecordedPart, Recording
    from mcp_tui.ui.widgets.conversation import ConversationView
    from mcp_tui.ui.widgets.inspector import Inspector

Action = Literal["continue", "fork", "verify"]


@dataclass(frozen=True, slots=True)
class ReplayChoice:
    """What the person wants to do with the conversation, and after which of its events."""

    action: Action | None
    event_id: str | None = None


class ReplayScreen(LeftOnce, Screen[ReplayChoice]):
    """Title, conversation and inspector, position, keys.  It opens at the end, or at the beginning and playing."""

    PANE = "replay"
    HELP = (
        "A stored conversation as it happened. Space plays it, Left and Right go by event, [ and ] by turn, + and - "
        "change the speed. It is a recording: no model is asked, no tool runs, nothing is answered. Enter on a tool "
        "call opens it in the inspector as it was at this moment. Up, Down, g and G move from item to item, PgUp and "
        "PgDn scroll, x expands, y and Y copy a message or its code, m shows the source, Tab goes to the inspector. "
        "Of a long one a part is there first: keys that need all of it wait for that, below it says for what."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        *bindings("replay"),
        *(
            binding
            for binding in bindings("app")
            if isinstance(binding, Binding) and binding.id in ("app.next_pane", "app.previous_pane", "app.copy_last")
        ),
    ]
    DEFAULT_CSS = """
    ReplayScreen {
        background: $background;
        & #title, & #place, & #keys { background: $surface; }
    }
    """

    def __init__(
        self,
        engine: Engine | None,
        stored: Recording | Long | None,
        *,
        event_id: str | None = None,
        hits: Sequence[str] = (),
        matches: Sequence[str] = (),
        play: bool = False,
        speed: float = 1.0,
    ) -> None:
        """``event_id``: where to open it; ``hits``: ids of events that n and N go to; ``matches``: marked there.

        ``engine`` may not be up, and ``stored`` not read yet: then `open` follows.
        """
        super().__init__()
        self._engine, self._stored = engine, stored
        self._event_id, self._hits = event_id, tuple(hits)
        self._matches = tuple(matches)
        self._hit = self._hits.index(event_id) if event_id in self._hits else -1
        self._play_first = play
        self._problem = ""
        """Why the rest could not be read."""
        self.player = Player(self._now_seconds, self._moved, self._follow, self.draw, self._beside, speed=speed)

    def compose(self) -> ComposeResult:
        """Title, conversation beside inspector, position, keys."""
        yield Line(widget_id="title")
        data_dir: Path | None = getattr(self.app, "data_dir", None)
        panes = RecordedPanes(data_dir, self._now, widget_id="played")
        yield panes
        yield FindBar(panes.view, keys=True)
        yield Line(widget_id="place")
        yield Line(widget_id="keys")

    def on_mount(self) -> None:
        """Fold the conversation."""
        self.view.focus()
        self.draw()
        self.call_after_refresh(self._painted)
        if self._engine is not None:
            self.set_interval(1.0, self.draw)
        if self._stored is not None:
            self.open(self._stored)

    def _painted(self) -> None:
        self.app.call_later(cast("BaseApp", self.app).screen_painted)

    def open(self, stored: Recording | Long) -> None:
        """Show this conversation; of a long one what is there of it, then all."""
        self._stored = stored
        self.run_worker(self._open(stored), name="open replay", exit_on_error=True)

    async def _open(self, stored: Recording | Long) -> None:
        if isinstance(stored, Long):
            await self._open_part(stored.first)
            try:
                stored = await stored.rest()
            except McpTuiError as error:
                self._problem = "the rest could not be read"
                self.app.notify(str(error), severity="error", timeout=8)
                self.player.take_no_more()
                self.draw()
                return
        self._open_all(await folded(stored))
        if stored.missing:
            self.app.notify(stored.missing, severity="warning", timeout=8, markup=False)

    async def _open_part(self, part: RecordedPart) -> None:
        playback = await folded(part, numbered=not part.more_above)
        if self._play_first:
            playback.move_to(0)
        self.player.take_part(playback, placed=self._play_first, at_end=not part.more_below)
        self.panes.load(playback.items, more_above=part.more_above)
        self._begin()

    def _open_all(self, playback: Playback) -> None:
        begun = self.playback is not None
        self.player.take_all(playback)
        if not begun and self._play_first:
            playback.move_to(0)
        if begun:
            self.panes.complete(playback.items)
        else:
            self.panes.load(playback.items)
            self._begin()
        self.player.catch_up()
        self.draw()

    def _begin(self) -> None:
        """The first of it is there: play it, or go to the event that was asked for."""
        if self._play_first:
            self.player.toggle()
        elif self._event_id is not None:
            self._show_event(self._event_id)
        self.draw()

    # -- parts ---------------------------------------------------------------------------------

    @property
    def panes(self) -> RecordedPanes:
        """Conversation and inspector."""
        return self.query_one(RecordedPanes)

    @property
    def view(self) -> ConversationView:
        """The conversation."""
        return self.panes.view

    @property
    def inspector(self) -> Inspector:
        """The inspector; not shown until a call was opened."""
        return self.panes.inspector

    @property
    def playback(self) -> Playback | None:
        """What is there of the conversation; ``None`` until that was folded."""
        return self.player.playback

    @property
    def playing(self) -> bool:
        """Whether time passes."""
        return self.player.playing

    @property
    def whole(self) -> bool:
        """Whether all of the conversation is there."""
        return self.playback is not None and not self.player.reading

    def _now_seconds(self) -> float:
        """The app's clock."""
        return float(getattr(self.app, "clock", time.monotonic)())

    def _beside(self, work: Coroutine[Any, Any, None]) -> Worker[None]:
        """Run something as long as the screen is there."""
        return self.run_worker(work, name="replay", exit_on_error=True)

    def _now(self) -> datetime:
        """The time of the position."""
        at = self.playback.now if self.playback is not None else None
        return at if at is not None else datetime.now(UTC)

    # -- what is shown -------------------------------------------------------------------------

    def _moved(self, changes: list[Change] | None) -> None:
        """Show where the playback is now."""
        self.panes.changed(changes)
        self.draw()

    def _follow(self) -> None:
        """What happens is at the end of what is shown."""
        self.view.action_bottom()

    def draw(self) -> None:
        """Title and position."""
        if self.query("#keys"):
            self._draw_title()
            self._draw_place()

    def _draw_title(self) -> None:
        line = self.query_one("#title", Line)
        line.show(*replay_text.title(self.playback, self._waiting(), line.content_size.width))

    def _waiting(self) -> int:
        """How many answers the open conversation waits for meanwhile."""
        view = getattr(self.app, "view", None)
        return view.live.unanswered if view is not None and view.bridge is not None else 0

    def _draw_place(self) -> None:
        line = self.query_one("#place", Line)
        hit = f"hit {self._hit + 1} of {len(self._hits)}" if self._hit >= 0 else ""
        line.show(*replay_text.place(self.player, line.content_size.width, hit=hit, problem=self._problem))

    def _draw_keys(self) -> None:
        line = self.query_one("#keys", Line)
        overrides, inside = overrides_in(self.app), self.panes.in_inspector
        line.show(replay_text.hints(overrides, line.content_size.width, hits=bool(self._hits), in_inspector=inside))

    def on_resize(self) -> None:
        """Follow the width."""
        self.call_after_refresh(self._resized)

    def on_descendant_focus(self) -> None:
        """The inspector has keys of its own."""
        self.call_after_refresh(self._resized)

    def _resized(self) -> None:
        if self.query("#keys"):
            self.draw()
            self._draw_keys()

    # -- keys ----------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """In the inspector, Left, Right, n, Home and End are its own; without a search, so are n and N below.

        While something is to be found, what is typed belongs to the find bar, and Esc, n and N to that search.
        """
        if self.query(FindBar) and (bar := self.query_one(FindBar)).is_open:
            if bar.has_focus_within:
                return action in ("next_pane", "copy_last")
            if action in ("hit", "leave"):
                return False
        if action == "hit" and not self._hits:
            return False
        if action in ("step", "hit", "start", "end", "expand"):
            return not (self.query(RecordedPanes) and self.panes.in_inspector)
        return True

    def action_play(self) -> None:
        """Play or pause; at the end, from the beginning."""
        self.player.toggle()

    def action_step(self, by: int) -> None:
        """By event."""
        self.player.step(by)

    def action_turn(self, by: int) -> None:
        """By turn."""
        self.player.turn(by)

    def action_start(self) -> None:
        """Before everything."""
        self.player.start()

    def action_end(self) -> None:
        """After everything."""
        self.player.end()

    def action_speed(self, by: int) -> None:
        """The next speed, or the one before."""
        self.player.change_speed(by)

    def action_hit(self, by: int) -> None:
        """To the next hit of the search, or the one before, and around."""
        if self._hits:
            self._hit = (self._hit + by) % len(self._hits) if self._hit >= 0 else 0
            self._show_event(self._hits[self._hit])

    def _show_event(self, event_id: str) -> None:
        """Put the cursor on the item that an event belongs to."""
        playback = self.playback
        if playback is None:
            return
        key = playback.film.item_of(event_id)
        here = key is not None and any(item.key == key for item in playback.items)
        if self.player.reading and not here:
            self.player.when_whole("the hit", lambda: self._show_event(event_id))
            return
        if key is None:
            self.app.notify("This part of the conversation is not there any more.", severity="warning", markup=False)
            return
        if not here:
            self.player.go(playback.length)
        self.view.mark(self._matches)
        self.view.show_item(key, opened=True)
        self.draw()

    def action_expand(self) -> None:
        """Expand or collapse what is under the cursor."""
        self.view.action_expand()

    def find(self) -> None:
        """Ctrl+F: find in what has happened up to here."""
        if self.panes.conversation_hidden:
            self.panes.toggle_inspector()
        self.query_one(FindBar).open()

    def action_copy_last(self) -> None:
        """Copy the source of the last answer up to here."""
        if source := self.view.last_answer_source():
            self.app.copy_to_clipboard(source)
            self.app.notify(f"Copied the last answer, {plural(len(source), 'character')}.", timeout=3, markup=False)

    def toggle_inspector(self) -> None:
        """Open it, or close it."""
        self.panes.toggle_inspector()

    def action_next_pane(self, step: int) -> None:
        """From the conversation to the inspector, and back."""
        self.panes.next_pane()

    # -- leaving -------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Close the inspector, or leave."""
        if self.panes.inspecting:
            self.panes.toggle_inspector()
        else:
            self.leave()

    def leave(self) -> None:
        """Back to where it was opened from."""
        self._choose(None)

    def action_continue(self) -> None:
        """Go on with this conversation."""
        self._choose("continue")

    def action_fork(self) -> None:
        """A new conversation with what has happened up to the position; at the end, up to the item under the cursor."""
        playback = self.playback
        if playback is not None and not playback.position:
            self.app.notify("Nothing has happened yet: step on to where the fork shall begin.", markup=False)
        elif playback is not None and playback.at_end and self.view.cursor_key is not None and not self.player.placed:
            self.player.when_whole("the fork", lambda: self._choose("fork"))
        else:
            self._choose("fork")

    def action_verify(self) -> None:
        """Run its calls again."""
        self._choose("verify")

    def _choose(self, action: Action | None) -> None:
        self.player.pause()
        event_id = None
        if action == "fork" and self.playback is not None:
            event = self.playback.event
            if self.playback.at_end and self.view.cursor_key is not None:
                event = self.playback.film.last_event_of(self.view.cursor_key) or event
            event_id = event.id if event is not None else None
        self.dismiss(ReplayChoice(action, event_id))
