"""The one reader of the engine's events.

Folds every event into the screen's own `Transcript` and hands the changes to the conversation pane,
at most thirty times a second; the rest of the screen is told that something changed.  It only reads:
it can be cancelled at any time, and the engine never waits for it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from itertools import islice
from time import monotonic
from typing import TYPE_CHECKING, Protocol

from mcp_tui.conversation.items import Change, Item
from mcp_tui.ui.live import LiveState

if TYPE_CHECKING:
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events.base import EventBase

log = logging.getLogger(__name__)

FRAME_SECONDS = 1 / 30
"""Shortest time between two updates of the screen."""


AT_ONCE = 1_000
"""Events of a log that are folded in one go, in a few milliseconds; a longer one is folded in a thread."""


class View(Protocol):
    """What the bridge shows events on."""

    def conversation_opened(self, items: list[Item], *, more_above: bool) -> None:
        """Another conversation, or the first: start afresh from ``items``.

        ``more_above``: they are the end of a long one, and `conversation_completed` brings all.
        """

    def conversation_completed(self, items: list[Item]) -> None:
        """All of the conversation on show, read again: what is in sight stays in its place."""

    def conversation_changed(self, changes: list[Change]) -> None:
        """What happened since the last call, oldest first."""

    def state_changed(self) -> None:
        """Anything that the panes around the conversation show may have changed."""

    def live_event(self, event: EventBase) -> None:
        """A live event, for effects only: bell, toast, focus."""

    def failed(self, error: Exception) -> None:
        """Something could not be shown; the rest goes on."""


class Bridge:
    """Reads a subscription until it ends."""

    def __init__(self, engine: Engine, view: View, *, clock: Callable[[], float] = monotonic) -> None:
        from mcp_tui.conversation.transcript import Transcript

        self._engine, self._view, self._clock = engine, view, clock
        self._new_transcript = Transcript
        self.transcript = Transcript()
        self.live = LiveState(clock, engine.runs_here)
        self._changes: list[Change] = []
        self._opened: EventBase | None = None
        """What opened the conversation that the view does not show yet."""
        self._shown = ""
        """Id of the conversation that the view shows."""
        self._wake = asyncio.Event()

    async def run(self) -> None:
        """Read and show until the engine closes the stream."""
        subscription = self._engine.subscribe()
        painter = asyncio.create_task(self._paint(), name="bridge painter")
        try:
            async for batch in subscription:
                if not batch.live and len(batch.events) > AT_ONCE:
                    await self._take_log(batch.events)
                else:
                    for event in batch.events:
                        self._take(event, batch.live)
                self._wake.set()
        finally:
            painter.cancel()
            subscription.close()
            await asyncio.gather(painter, return_exceptions=True)

    async def _take_log(self, events: Sequence[EventBase]) -> None:
        """Fold a long log in a thread: the screen shows what it showed until that is done."""
        from mcp_tui.conversation.pace import beside

        start = max(index for index, event in enumerate(events) if event.type == "conversation_opened")
        transcript, live = self._new_transcript(), LiveState(self._clock, self._engine.runs_here)

        def fold(pace: Callable[[], None]) -> list[Exception]:
            faults: list[Exception] = []
            for event in islice(events, start, None):
                pace()
                try:
                    live.apply(event, transcript.apply(event))
                except Exception as error:
                    log.exception("the screen could not take in %s", event.type, extra={"operation": "ui"})
                    faults.append(error)
            return faults

        for fault in (await beside(fold))[:1]:
            self._view.failed(fault)
        self.transcript, self.live = transcript, live
        self._changes.clear()
        self._opened = events[start]

    def _take(self, event: EventBase, live: bool) -> None:
        """Fold one event; a fault of ours costs that event on the screen, never the stream."""
        try:
            self._fold(event, live)
        except Exception as error:
            log.exception("the screen could not take in %s", event.type, extra={"operation": "ui"})
            self._view.failed(error)

    def _fold(self, event: EventBase, live: bool) -> None:
        if event.type == "conversation_opened":
            self.transcript = self._new_transcript()
            self.live = LiveState(self._clock, self._engine.runs_here)
            self._changes.clear()
            self._opened = event
        changes = self.transcript.apply(event)
        self.live.apply(event, changes)
        if self._opened is None:
            self._changes.extend(changes)
        if live:
            self._view.live_event(event)

    async def _paint(self) -> None:
        """Show what was folded, one frame at a time."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                self.flush()
            except Exception as error:
                log.exception("the screen could not draw a change", extra={"operation": "ui"})
                self._view.failed(error)
            await asyncio.sleep(FRAME_SECONDS)

    def flush(self) -> None:
        """Show everything that was folded so far."""
        if self._opened is not None:
            opened, self._opened = self._opened, None
            self.live.settle(busy=self._engine.busy)
            self._show(opened)
        changes, self._changes = self._changes, []
        if changes:
            self._view.conversation_changed(merged(changes))
        self._view.state_changed()

    def _show(self, opened: EventBase) -> None:
        """Another conversation, its end, or all of the one whose end is on show."""
        items, same = self.transcript.items, opened.conversation_id == self._shown
        self._shown = opened.conversation_id
        more_above = bool(getattr(opened, "more_above", False))
        if more_above:
            for item in items:
                item.number = 0  # nobody knows how many come before
        if same and opened.conversation_id and not more_above:
            self._view.conversation_completed(items)
        else:
            self._view.conversation_opened(items, more_above=more_above)


def merged(changes: list[Change]) -> list[Change]:
    """``changes`` with neighbouring additions to the same item joined: a frame's deltas become one."""
    out: list[Change] = []
    for change in changes:
        last = out[-1] if out else None
        if last is not None and last.item is change.item and last.kind == change.kind == "appended":
            out[-1] = Change(
                "appended", change.item, last.appended + change.appended, last.reasoning + change.reasoning
            )
        elif last is not None and last.item is change.item and last.kind == change.kind == "updated":
            continue
        else:
            out.append(change)
    return out
