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


def edit_input(app: ChatApp, item: Item | None) -> None:
    """Take an earlier input into the composer; when it is sent, a fork that ends just before it is made for it.

    That is the one at ``item`` or the nearest before it.  Raises `UsageError`.
    """
    engine = _idle_engine(app, "edit an input")
    source = input_at(engine, item)
    _edit(app, source, engine.conversation_id, _as_typed(app, source.text))


def _edit(app: ChatApp, source: UserItem, conversation_id: str, text: str) -> None:
    """Open the composer for an input of a conversation, with ``text``."""
    from mcp_tui.ui.widgets.composer import Errand

    def send(text: str) -> None:
        engine = _idle_engine(app, "send it")
        if engine.conversation_id == conversation_id:
            app.start(_send_in_fork(app, source, text))

    title = f" editing #{source.number}: Enter sends it in a fork that ends before it, Esc leaves it "
    app.composer.begin_errand(Errand(title, conversation_id, send), text)
    app.composer.focus()


async def _send_in_fork(app: ChatApp, source: UserItem, text: str) -> None:
    """Submit an input in a fork; where none can be made, it is back in the composer, as it was."""
    conversation_id = app.require_engine().conversation_id
    try:
        await _continue_in_fork(app, source.event_id, before=True)
    except McpTuiError:
        _edit(app, source, conversation_id, _as_typed(app, text))
        raise
    app.require_engine().submit(text)
    app.say(f"Sent in a fork that ends before #{source.number}; the original stays as it was (F4).")


def _as_typed(app: ChatApp, text: str) -> str:
    """An input as it has to be written: with a second slash where it would be a command of ours."""
    name = text[1:].partition(" ")[0] if text.startswith("/") else ""
    passed_on = any(command.passed_on and command.name == name for command in app.commands())
    return f"/{text}" if text.startswith("/") and not passed_on else text


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
        await engine.open_conversation(forked, at_once=True)
    except McpTuiError:
        if focused is not None and app.composer.has_focus:
            focused.focus()
        raise
    engine.select_model(provider)


def _quoted(title: str) -> str:
    return f"“{shorten(title, 40)}”" if title else "the conversation"
