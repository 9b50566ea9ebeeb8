"""A stored conversation: read, and played back in the very widgets that showed it when it happened."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.screen import Screen

from mcp_tui.conversation.items import Change, ToolCallItem
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets import replay_text
from mcp_tui.ui.widgets.bars import Line
from mcp_tui.ui.widgets.conversation import ConversationView
from mcp_tui.ui.widgets.find_bar import FindBar
from mcp_tui.ui.widgets.inspector import Inspector

if TYPE_CHECKING:
    from pathlib import Path

    from textual.worker import Worker

    from mcp_tui.conversation.playback import Playback
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events.base import EventBase

FRAME_SECONDS = 1 / 30
"""Time between two looks at the clock while it plays."""

AT_ONCE = 1_000
"""Events up to which a conversation is prepared before the first paint; a longer one is, beside it."""

NARROW = 100
"""Columns below which the inspector takes the place of the conversation."""

SPEEDS = (1.0, 2.0, 4.0, math.inf)

Action = Literal["continue", "fork", "verify"]


@dataclass(frozen=True, slots=True)
class ReplayChoice:
    """What the person wants to do with the conversation, and after which of its events."""

    action: Action | None
    event_id: str | None = None


class Recording(Protocol):
    """A conversation as it is stored, such as ``engine.history.read`` returns it."""

    @property
    def id(self) -> str:
        """Of the conversation."""

    @property
    def events(self) -> Sequence[EventBase]:
        """In order."""


class RecordedConversation(ConversationView):
    """The conversation pane, under the keys of the replay."""

    PANE = "replay"


class ReplayScreen(LeftOnce, Screen[ReplayChoice]):
    """Title, conversation and inspector, position, keys.  It opens at the end, or at the beginning and playing."""

    PANE = "replay"
    HELP = (
        "A stored conversation as it happened. Space plays it, Left and Right go by event, [ and ] by turn, + and - "
        "change the speed. It is a recording: no model is asked, no tool runs, nothing is answered. Enter on a tool "
        "call opens it in the inspector as it was at this moment. Up, Down, g and G move from item to item, PgUp and "
        "PgDn scroll, x expands, y and Y copy a message or its code, m shows the source, Tab goes to the inspector."
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
        & #played { height: 1fr; }
        & #replayed { width: 1fr; height: 1fr; }
        & #inspector { width: 50; border-left: solid $pane-border; display: none; }
        &.-inspecting #inspector { display: block; }
        &.-narrow #inspector { width: 1fr; border: none; }
        &.-narrow.-inspecting #replayed { display: none; }
    }
    """

    def __init__(
        self,
        engine: Engine | None,
        stored: Recording | None,
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
        self._matches = tuple(matches)
        self._hit = self._hits.index(event_id) if event_id in self._hits else -1
        self._play_first = play
        self.speed = speed
        self.playback: Playback | None = None
        """``None`` until the conversation was folded."""
        self._playing: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """Title, conversation beside inspector, position, keys."""
        yield Line(widget_id="title")
        view = RecordedConversation(id="replayed", now=self._now)
        with Horizontal(id="played"):
            yield view
            yield Inspector(self._data_dir, self._calls)
        yield FindBar(view, keys=True)
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
        self.app.call_later(getattr(self.app, "screen_painted"))  # noqa: B009

    def open(self, stored: Recording) -> None:
        """Show this conversation."""
        self._stored = stored
        self.run_worker(self._open(stored.events), name="open replay", exit_on_error=True)

    async def _open(self, recorded: Sequence[EventBase]) -> None:
        from mcp_tui.conversation.pace import beside
        from mcp_tui.conversation.playback import Playback

        if len(recorded) <= AT_ONCE:
            playback = Playback.at_the_end(lambda: None, recorded)
        else:
            playback = await beside(Playback.at_the_end, recorded)
        if self._play_first:
            playback.move_to(0)
        self.playback = playback
        self.view.load(playback.items)
        if self._play_first:
            self.action_play()
        elif self._event_id is not None:
            self._show_event(self._event_id)
        self.draw()

    # -- parts ---------------------------------------------------------------------------------

    @property
    def view(self) -> ConversationView:
        """The conversation."""
        return self.query_one(ConversationView)

    @property
    def inspector(self) -> Inspector:
        """The inspector; not shown until a call was opened."""
        return self.query_one(Inspector)

    @property
    def playing(self) -> bool:
        """Whether time passes."""
        return self._playing is not None

    @property
    def _data_dir(self) -> Path | None:
        found: Path | None = getattr(self.app, "data_dir", None)
        return found

    def _now(self) -> datetime:
        """The time of the position."""
        at = self.playback.now if self.playback is not None else None
        return at if at is not None else datetime.now(UTC)

    def _calls(self) -> list[ToolCallItem]:
        items = self.playback.items if self.playback is not None else []
        return [item for item in items if isinstance(item, ToolCallItem)]

    # -- what is shown -------------------------------------------------------------------------

    def _moved(self, changes: list[Change] | None) -> None:
        """Show where the playback is now."""
        from mcp_tui.ui.bridge import merged

        playback = self.playback
        if playback is None:
            return
        calls = self._calls()
        if changes is None:
            key = self.view.cursor_key
            self.view.load(playback.items)
            if key is not None and any(item.key == key for item in playback.items):
                self.view.show_item(key)
        elif changes:
            self.view.apply(merged(changes))
        self.view.tick()
        latest = calls[-1] if calls else None
        if self.inspector.item is not None and not any(call is self.inspector.item for call in calls):
            self.inspector.show(latest)
        elif changes is None:
            self.inspector.items_changed({id(call) for call in calls}, latest)
        else:
            self.inspector.items_changed({id(change.item) for change in changes}, latest)
        self.draw()

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
        width = line.content_size.width
        line.show(*replay_text.place(self.playback, self.speed, width, playing=self.playing, hit=hit))

    def _draw_keys(self) -> None:
        line = self.query_one("#keys", Line)
        overrides = getattr(self.app, "key_overrides", {})
        line.show(replay_text.hints(overrides, line.content_size.width, hits=bool(self._hits)))

    def on_resize(self, event: events.Resize) -> None:
        """Follow the width."""
        self.set_class(event.size.width < NARROW, "-narrow")
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
            return not (self.query(Inspector) and self.inspector.has_focus_within)
        return True

    def action_play(self) -> None:
        """Play or pause; at the end, from the beginning."""
        if self._playing is not None:
            self._pause()
        elif self.playback is not None and self.playback.length:
            if self.playback.at_end:
                self._moved(self.playback.move_to(0))
            self.view.action_bottom()
            self._playing = self.run_worker(self._play(self.playback), name="replay", exit_on_error=True)
        self.draw()

    async def _play(self, playback: Playback) -> None:
        clock: Callable[[], float] = getattr(self.app, "clock", time.monotonic)
        last = clock()
        while not playback.at_end:
            await asyncio.sleep(FRAME_SECONDS)
            now = clock()
            self._moved(playback.advance(math.inf if math.isinf(self.speed) else (now - last) * self.speed))
            last = now
        self._playing = None
        self.draw()

    def _pause(self) -> None:
        if self._playing is not None:
            self._playing.cancel()
            self._playing = None

    def _go(self, position: int) -> None:
        self._pause()
        if self.playback is not None:
            self.view.action_bottom()
            self._moved(self.playback.move_to(position))

    def action_step(self, by: int) -> None:
        """By event."""
        self._pause()
        if self.playback is not None:
            self.view.action_bottom()
            self._moved(self.playback.step(by))

    def action_turn(self, by: int) -> None:
        """By turn."""
        if self.playback is not None:
            self._go(self.playback.turn_stop(by))

    def action_start(self) -> None:
        """Before everything."""
        self._go(0)

    def action_end(self) -> None:
        """After everything."""
        if self.playback is not None:
            self._go(self.playback.length)

    def action_speed(self, by: int) -> None:
        """The next speed, or the one before."""
        beyond = [speed for speed in SPEEDS if (speed > self.speed if by > 0 else speed < self.speed)]
        if beyond:
            self.speed = min(beyond) if by > 0 else max(beyond)
        self.draw()

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
        if key is None:
            self.app.notify("This part of the conversation is not there any more.", severity="warning", markup=False)
            return
        if not any(item.key == key for item in playback.items):
            self._go(playback.length)
        self.view.mark(self._matches)
        self.view.mark(self._matches)
        self.view.show_item(key, opened=True)
        self.draw()

    def action_expand(self) -> None:
        """Expand or collapse what is under the cursor."""
        self.view.action_expand()

    def find(self) -> None:
        """Ctrl+F: find in what has happened up to here."""
        if self.has_class("-inspecting") and self.has_class("-narrow"):
            self.toggle_inspector()
        self.query_one(FindBar).open()

    def action_copy_last(self) -> None:
        """Copy the source of the last answer up to here."""
        if source := self.view.last_answer_source():
            self.app.copy_to_clipboard(source)
            self.app.notify(f"Copied the last answer, {len(source):,} characters.", timeout=3, markup=False)

    # -- inspector -----------------------------------------------------------------------------

    def on_conversation_view_opened(self, message: ConversationView.Opened) -> None:
        """Enter on a tool call."""
        message.stop()
        self._inspect(message.item)

    def on_conversation_view_cursor_moved(self, message: ConversationView.CursorMoved) -> None:
        """An open inspector follows the cursor."""
        message.stop()
        if isinstance(message.item, ToolCallItem) and self.has_class("-inspecting"):
            self.inspector.show(message.item, pin=True)

    def on_inspector_rerun_requested(self, message: Message) -> None:
        """A key of the inspector that would run a call."""
        message.stop()
        self.app.notify(
            "This is a recording: nothing runs here. c goes on with the conversation, v runs its calls again."
        )

    def _inspect(self, item: ToolCallItem | None) -> None:
        self.add_class("-inspecting")
        if item is not None:
            self.inspector.show(item, pin=True)
        self.call_after_refresh(self._focus_inspector)

    def _focus_inspector(self) -> None:
        for widget in self.inspector.query("InspectorBody"):
            widget.focus()

    def toggle_inspector(self) -> None:
        """Open it, or close it."""
        if self.has_class("-inspecting"):
            self.view.focus()
            self.remove_class("-inspecting")
        else:
            under = self.view.cursor_item
            self._inspect(under if isinstance(under, ToolCallItem) else None)

    def action_next_pane(self, step: int) -> None:
        """From the conversation to the inspector, and back."""
        if self.has_class("-inspecting") and not self.inspector.has_focus_within:
            self._focus_inspector()
        elif not self.has_class("-narrow") or not self.has_class("-inspecting"):
            self.view.focus()

    # -- leaving -------------------------------------------------------------------------------

    def action_leave(self) -> None:
        """Close the inspector, or leave."""
        if self.has_class("-inspecting"):
            self.toggle_inspector()
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
        if self.playback is not None and not self.playback.position:
            self.app.notify("Nothing has happened yet: step on to where the fork shall begin.", markup=False)
        else:
            self._choose("fork")

    def action_verify(self) -> None:
        """Run its calls again."""
        self._choose("verify")

    def _choose(self, action: Action | None) -> None:
        self._pause()
        event_id = None
        if action == "fork" and self.playback is not None:
            event = self.playback.event
            if self.playback.at_end and self.view.cursor_key is not None:
                event = self.playback.film.last_event_of(self.view.cursor_key) or event
            event_id = event.id if event is not None else None
        self.dismiss(ReplayChoice(action, event_id))
