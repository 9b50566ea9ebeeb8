"""Opening a conversation: reading it, its end first where it is long, and closing what a crash left open.

Reading changes nothing of what is open, so that whoever opens can look again whether it may before it is shown.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from mcp_tui.conversation.pace import beside
from mcp_tui.engine.background import Background
from mcp_tui.engine.bus import Contents, EventBus
from mcp_tui.engine.model_choice import ModelChoice
from mcp_tui.engine.recovery import closing_events
from mcp_tui.errors import McpTuiError, StoreBusy, StoreFailed
from mcp_tui.events import turns
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.history.base import HistoryStore

NEWER = "A newer release of mcp-tui wrote this conversation: it can be read, not continued."
TAKEN_AWAY = "This conversation was deleted or moved away by another window: it can be read, not continued."


@dataclass(frozen=True, slots=True)
class Opened:
    """What was read of a stored conversation."""

    conversation_id: str
    log: Contents | Sequence[EventBase]
    whole: bool = True
    """False for its end alone."""
    set_aside: int = 0
    """Damaged lines."""
    read_only: str = ""
    """Why nothing can be added to it, if so."""


class Opening:
    """Puts conversations onto the bus, and knows what is still missing of the open one and whether it can go on."""

    def __init__(self, bus: EventBus, store: HistoryStore, models: ModelChoice, background: Background) -> None:
        self._bus, self._store, self._models, self._background = bus, store, models, background
        self._loading: asyncio.Task[None] | None = None
        """Reads what is not here yet of the open conversation."""
        self._read_only = ("", "")
        """A conversation, and why nothing can be added to it."""

    @property
    def loading(self) -> asyncio.Task[None] | None:
        """Reads the rest, while only the end of the open conversation is here."""
        return None if self._loading is None or self._loading.done() else self._loading

    @property
    def read_only(self) -> str:
        """Why nothing can be added to the open conversation; empty where something can."""
        conversation_id, reason = self._read_only
        return reason if conversation_id == self._bus.conversation_id else ""

    def begin(self) -> None:
        """Open an empty conversation."""
        self._stop_loading()
        self._bus.open(new_id())

    async def read(self, conversation_id: str, *, at_once: bool) -> Opened:
        """A stored conversation; a turn that a crash left open in it is closed in its log.

        ``at_once``: of a long one the end.  Raises `HistoryError`.
        """
        end = await self._store.read_end(conversation_id) if at_once else None
        if end is None or end.whole or end.newer_schema:
            return await self._read_whole(conversation_id)
        return Opened(conversation_id, end.events, whole=False)

    def show(self, opened: Opened) -> None:
        """Open what was read; of what is not all of it, the rest is read from here on."""
        self._stop_loading()
        self._read_only = (opened.conversation_id, opened.read_only)
        self._bus.open(opened.conversation_id, opened.log, more_above=not opened.whole)
        self._models.keep(self._bus.folds.transcript.provider)
        if opened.whole:
            self._tell(opened)
        else:
            rest = self._load_rest(opened.conversation_id, self._models.times)
            self._loading = self._background.spawn(rest, "load conversation")

    def _stop_loading(self) -> None:
        """What is still read of a conversation that is left is not waited for."""
        if self._loading is not None:
            self._loading.cancel()
            self._loading = None

    async def _load_rest(self, conversation_id: str, selected: int) -> None:
        """All of the conversation of which the end is open, and its model unless one was selected since.

        Raises `HistoryError`; an input gets it as its answer.
        """
        try:
            opened = await self._read_whole(conversation_id)
        except McpTuiError as error:
            words = f"The beginning of this conversation could not be read. {error.message}"
            self._bus.publish(turns.Notice(severity="error", message=words, hint=error.hint))
            raise
        assert isinstance(opened.log, Contents)
        self._bus.complete(opened.log)
        if self._models.times == selected:
            self._models.keep(self._bus.folds.transcript.provider)
        self._tell(opened)

    async def all_there(self) -> None:
        """Wait until all of the open conversation is here.  Raises `HistoryError` when it could not be read."""
        if self._loading is not None:
            await asyncio.wait({self._loading})
            self._loading.result()

    async def _read_whole(self, conversation_id: str) -> Opened:
        stored = await self._store.read(conversation_id)
        closed: list[EventBase] = []
        if not stored.newer_schema:
            closing = await beside(lambda _pace: closing_events(stored.events))
            closed = await self._close_open_turn(conversation_id, closing)
        contents = await beside(lambda pace: Contents.of((*stored.events, *closed), pace))
        read_only = NEWER if stored.newer_schema else ""
        return Opened(conversation_id, contents, set_aside=len(stored.set_aside), read_only=read_only)

    async def _close_open_turn(self, conversation_id: str, closing: list[EventBase]) -> list[EventBase]:
        """What a crash left open is closed, unless another process is at it; without a disk, only to look at."""
        if not closing:
            return []
        try:
            async with self._store.lease(conversation_id):
                return await self._store.append(conversation_id, closing)
        except StoreBusy:
            return []
        except StoreFailed as error:
            self._bus.publish(turns.Notice(severity="error", message=error.message, hint=error.hint))
            return closing

    def _tell(self, opened: Opened) -> None:
        if opened.read_only:
            self._notice(opened.read_only)
        if opened.set_aside:
            lines, they = f"{opened.set_aside:,} damaged lines of this conversation were", "they stay"
            if opened.set_aside == 1:
                lines, they = "1 damaged line of this conversation was", "it stays"
            self._notice(f"{lines} set aside; {they} in its file.")

    def taken_away(self, conversation_id: str, gone: bool) -> None:
        """Another window deleted the open conversation or moved it away, or it is back."""
        if gone:
            self._read_only = (conversation_id, TAKEN_AWAY)
            self._notice(TAKEN_AWAY)
        elif self.read_only == TAKEN_AWAY:
            self._read_only = ("", "")
            self._notice("This conversation is back, and can be continued.", severity="information")

    def _notice(self, message: str, *, severity: Literal["information", "warning"] = "warning") -> None:
        self._bus.publish(turns.Notice(severity=severity, message=message))
