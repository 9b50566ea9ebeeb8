"""Slash commands: one file each, listed in `COMMANDS` (order of help and completion)."""

from __future__ import annotations

from mcp_tui.ui.commands import (
    call,
    clear_queue,
    continue_conversation,
    copy,
    disable,
    editor,
    enable,
    help_command,
    history,
    inspect,
    jump,
    model,
    mouse,
    new,
    quit_command,
    restart,
    review,
    rules,
    servers,
    stop,
    suspend,
    theme,
    tools,
    trust,
)
from mcp_tui.ui.commands.base import Command

COMMANDS: tuple[Command, ...] = (
    help_command.COMMAND,
    new.COMMAND,
    history.COMMAND,
    continue_conversation.COMMAND,
    model.COMMAND,
    tools.COMMAND,
    inspect.COMMAND,
    servers.COMMAND,
    trust.COMMAND,
    review.COMMAND,
    rules.COMMAND,
    restart.COMMAND,
    enable.COMMAND,
    disable.COMMAND,
    stop.COMMAND,
    clear_queue.COMMAND,
    copy.COMMAND,
    editor.COMMAND,
    jump.COMMAND,
    theme.COMMAND,
    mouse.COMMAND,
    suspend.COMMAND,
    call.COMMAND,
    quit_command.COMMAND,
)
"""All of them."""
