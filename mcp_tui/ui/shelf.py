"""The stored conversations as a screen needs them, with an engine or before there is one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mcp_tui.engine.history import Library


class Shelf(Protocol):
    """An engine, or what stands in for one: browsing needs no model, no server and no configuration."""

    @property
    def history(self) -> Library:
        """All conversations of the store."""

    @property
    def conversation_id(self) -> str:
        """Of the open conversation; empty where none is."""


class Starter(Protocol):
    """What the command line does for an app that has no engine (yet)."""

    async def shelf(self) -> Shelf:
        """The stored conversations.  Reads no configuration."""

    async def prepare(self, *, demo: bool = False) -> None:
        """Read the configuration, or do nothing where that was done; ``demo``: the demo's will do if there is none.

        Raises `ConfigError` with all that is wrong.
        """

    def go_on(self, conversation_id: str = "", then: Callable[[], None] | None = None) -> None:
        """Make the engine, with this conversation open or a new one; ``then`` is called when the app has it."""
