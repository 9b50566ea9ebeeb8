"""Running recorded calls again from the screen: one of the open conversation, or all of a stored one."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mcp_tui.errors import ConversationNotFound, UsageError

if TYPE_CHECKING:
    from mcp_tui.conversation.ignoring import Ignoring
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.engine.engine import Engine
    from mcp_tui.engine.verification import Verification
    from mcp_tui.ui.chat_app import ChatApp


def rerun(app: ChatApp, item: ToolCallItem | None, *, edit: bool = False) -> None:
    """Run a call of the open conversation again; with ``edit``, after the person changed its arguments.

    Raises `UsageError` where that cannot be.
    """
    recording = UsageError("This is a recording.", hint="Continue or fork it to run a call again, or verify them all.")
    if app.screen is not app.chat:
        raise recording
    engine = app.require_engine()
    if item is None:
        raise UsageError("There is no tool call to run again yet.")
    if engine.transcript.call(item.key) is None:
        raise recording
    if not edit:
        _run(app, item, None)
        return
    if not item.server or not item.finished:
        engine.rerun(item.key)
        return
    from mcp_tui.ui.screens.edit_call import EditCallScreen

    def edited(arguments: dict[str, Any] | None) -> None:
        if arguments is not None:
            app.attempt(lambda: _run(app, item, arguments))

    screen = EditCallScreen(item.label, item.arguments, lambda value: engine.check_arguments(item.key, value))
    app.push_screen(screen, edited)


def _run(app: ChatApp, item: ToolCallItem, arguments: dict[str, Any] | None) -> None:
    engine = app.require_engine()
    queued = engine.busy
    engine.rerun(item.key, arguments)
    if app.view.inspector is not None:
        app.view.inspector.follow()
    if queued:
        app.say(f"{item.label} is run again after this turn.", timeout=3)


async def verify(app: ChatApp, conversation_id: str = "", ignoring: Ignoring | None = None) -> None:
    """Run all calls of a stored conversation again, in a conversation of their own; of the open one by default.

    Where that is a verification, of the one that it verified: what is new today must not become the measure.  The
    results are compared but for what is to be ignored.  Raises `UsageError` where nothing is there to be run, and
    `HistoryError`.
    """
    from mcp_tui.conversation.ignoring import NOTHING

    engine = app.require_engine()
    if not conversation_id and not engine.transcript.items:
        raise UsageError("Nothing has happened in this conversation yet.", hint="F4 has the earlier ones.")
    request = await _verification(engine, conversation_id, ignoring or NOTHING)
    if app.chat.has_class("-narrow"):
        app.chat.set_pane("inspector", opened=False)
    app.chat.composer.focus()
    calls = f"{len(request.calls)} call{'s' if len(request.calls) != 1 else ''}"
    left = f"; {request.without_result} without a recorded result left out" if request.without_result else ""
    app.say(f"Verifying {calls}{left}. Esc stops.", timeout=4)


async def _verification(engine: Engine, conversation_id: str, ignoring: Ignoring) -> Verification:
    origin = engine.transcript.origin
    if not conversation_id and origin is not None and origin.kind == "verification":
        with suppress(ConversationNotFound):
            return await engine.verify(origin.conversation_id, ignoring)
    return await engine.verify(conversation_id or engine.conversation_id, ignoring)


def what_to_ignore(words: str) -> Ignoring:
    """Rules as they are written in a line: places, and patterns between slashes; with blanks, in single quotes.

    Raises `UsageError` where they cannot be read.
    """
    import shlex

    from mcp_tui.conversation.ignoring import parse_ignoring

    lexer = shlex.shlex(words, posix=True)
    lexer.whitespace_split, lexer.escape, lexer.quotes, lexer.commenters = True, "", "'", ""
    try:
        rules = list(lexer)
    except ValueError:
        raise UsageError("What to ignore cannot be read: a single quote has no counterpart.") from None
    patterns = [rule for rule in rules if len(rule) > 1 and rule.startswith("/") and rule.endswith("/")]
    return parse_ignoring([rule for rule in rules if rule not in patterns], [pattern[1:-1] for pattern in patterns])
