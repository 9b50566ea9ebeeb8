"""Forking, editing an earlier input, asking again: each goes on in a fork, and the original stays as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.safety.text import shorten

if TYPE_CHECKING:
    from mcp_tui.conversation.items import Item, UserItem
    from mcp_tui.engine.engine import Engine
    from mcp_tui.ui.chat_app import ChatApp


async def fork_here(app: ChatApp, item: Item | None) -> None:
    """Go on in a fork that ends with ``item``, or with the last one.  Raises `UsageError` and `HistoryError`."""
    engine = _idle_engine(app, "fork")
    place, title = f"#{item.number}" if item is not None and item.number else "the end", engine.title
    await _continue_in_fork(app, item.event_id if item is not None else "")
    app.say(f"Forked {_quoted(title)} at {place}. You are in the fork; the original stays as it was (F4).")


async def edit_and_resend(app: ChatApp, item: Item | None) -> None:
    """Take an earlier input into the composer, in a fork that ends just before it.

    That is the one at ``item`` or the nearest before it.  What was written in the composer goes to the earlier prompts.
    Raises `UsageError` and `HistoryError`.
    """
    engine = _idle_engine(app, "edit an input")
    source = input_at(engine, item)
    await _continue_in_fork(app, source.event_id, before=True)
    kept = app.composer.exchange_draft(source.text)
    words = f"This is a fork that ends before #{source.number}: change the input and send it."
    app.say(f"{words}\nWhat you had written is kept: Ctrl+R finds it." if kept else words, timeout=10)


async def ask_again(app: ChatApp, item: Item | None, provider: str = "") -> None:
    """Submit the input at ``item`` once more, in a fork that ends just before it; with another model if one is named.

    Raises `UsageError` and `HistoryError`.
    """
    engine = _idle_engine(app, "ask again")
    source = input_at(engine, item)
    await _continue_in_fork(app, source.event_id, before=True, provider=provider)
    engine.submit(source.text)
    app.say(f"Asking {shorten(engine.model, 32)} #{source.number} again in a fork; the original stays as it was (F4).")


def input_at(engine: Engine, item: Item | None) -> UserItem:
    """The input at ``item``, or the nearest before it; the last one where there is no item.

    Raises `UsageError` when there is none.
    """
    from mcp_tui.conversation.items import UserItem

    items = engine.transcript.items
    end = next((place for place, each in enumerate(items, 1) if item is not None and each.key == item.key), len(items))
    found = next((each for each in reversed(items[:end]) if isinstance(each, UserItem)), None)
    if found is None:
        raise UsageError("There is no input of yours here.", hint="Put the cursor on one, or below it.")
    return found


def _idle_engine(app: ChatApp, what: str) -> Engine:
    engine = app.require_engine()
    if engine.busy:
        raise UsageError(f"A turn is running: you can {what} when it has ended.", hint="Esc stops it.")
    if not engine.transcript.items:
        raise UsageError("Nothing has been said in this conversation yet.")
    return engine


async def _continue_in_fork(app: ChatApp, event_id: str, *, before: bool = False, provider: str = "") -> None:
    """Open the fork, with the model that is selected now unless another one is named.

    The composer has the focus from the beginning: what is typed meanwhile is text, not keys of the conversation.
    """
    engine, focused = app.require_engine(), app.chat.focused
    provider = provider or engine.provider
    app.composer.focus()
    try:
        forked = await engine.history.fork(engine.conversation_id, event_id or None, before=before)
        await engine.open_conversation(forked)
    except McpTuiError:
        if focused is not None and app.composer.has_focus:
            focused.focus()
        raise
    if engine.provider != provider:
        engine.select_model(provider)


def _quoted(title: str) -> str:
    return f"“{shorten(title, 40)}”" if title else "the conversation"
