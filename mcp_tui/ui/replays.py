"""Opening a replay, and what comes of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mcp_tui.errors import UsageError

if TYPE_CHECKING:
    from mcp_tui.ui.chat_app import ChatApp
    from mcp_tui.ui.screens.replay import ReplayChoice


async def show_replay(app: ChatApp, conversation_id: str = "", *, play: bool = True) -> None:
    """Replay a stored conversation: the open one unless told otherwise; ``last``: the one that changed last.

    Raises `UsageError` where nothing is there to be replayed, and `HistoryError`.
    """
    from mcp_tui.ui.recordings import read
    from mcp_tui.ui.screens.replay import ReplayScreen

    engine = app.require_engine()
    wanted = conversation_id or engine.conversation_id
    if conversation_id == "last":
        stored = await engine.history.list()
        if not stored:
            raise UsageError("There is no conversation yet.")
        wanted = stored[0].id
    elif not conversation_id and not engine.transcript.items:
        raise UsageError("Nothing has happened in this conversation yet.", hint="F4 has the earlier ones.")
    recording = await read(engine.history, wanted, play=play)
    if app.screen is app.chat:
        screen = ReplayScreen(engine, recording, play=play)
        app.push_screen(screen, lambda choice: replay_left(app, wanted, choice))


def replay_left(app: ChatApp, conversation_id: str, choice: ReplayChoice | None) -> None:
    """Do what the person chose on the replay screen."""
    match choice.action if choice is not None else None:
        case "continue" if conversation_id != app.require_engine().conversation_id:
            app.open_conversation(conversation_id)
        case "continue":
            app.chat.composer.focus()
        case "fork":
            assert choice is not None
            app.start(_fork(app, conversation_id, choice.event_id))
        case "verify":
            from mcp_tui.ui.reruns import verify

            app.start(verify(app, conversation_id))
        case _:
            pass


async def _fork(app: ChatApp, conversation_id: str, event_id: str | None) -> None:
    engine = app.require_engine()
    forked = await engine.history.fork(conversation_id, event_id)
    await engine.open_conversation(forked, at_once=True)
    app.chat.composer.focus()
    app.say("This is the fork; the original stays as it is.")
