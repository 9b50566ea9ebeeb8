"""Keys of the conversation pane and what help says of it; pure data, part of the key table (`keymap.all_keys`)."""

from __future__ import annotations

CONVERSATION_HELP = (
    "The conversation. Up and Down move the cursor from message to message; Enter on a tool call opens it in the "
    "inspector, where > turns the pages of a long result; Space expands it, y copies its source. f goes on from here "
    "in a fork, a conversation of its own that begins with a copy of this one; r asks the input again, R asks another "
    "model, e takes it back to be edited, and sending it makes the fork: this conversation stays as it is. Ctrl+F "
    "finds text, also in what is collapsed; n and N go on to the next place and the one before. Drag with the mouse to "
    "select; Ctrl+C copies the selection."
)

CONVERSATION_KEYS: tuple[tuple[str, str, str, str, str], ...] = (
    ("conversation.up", "up,k", "cursor(-1)", "Message or call above", ""),
    ("conversation.down", "down,j", "cursor(1)", "Message or call below", ""),
    ("conversation.first", "g", "first", "First message", ""),
    ("conversation.last", "G", "last", "Last message", ""),
    ("conversation.page_up", "pageup", "page(-1)", "A page up", ""),
    ("conversation.page_down", "pagedown", "page(1)", "A page down", ""),
    ("conversation.top", "home", "top", "To the top", ""),
    ("conversation.bottom", "end", "bottom", "To the end, and follow it", ""),
    ("conversation.toggle", "space", "expand", "Expand or collapse a call or the reasoning", "expand"),
    ("conversation.open", "enter", "open", "Open the tool call in the inspector", "open"),
    ("conversation.copy", "y", "copy", "Copy the source of the message or call", "copy"),
    ("conversation.copy_code", "Y", "copy_code", "Copy a code block; again for the next one", ""),
    ("conversation.edit", "e", "branch('edit')", "Edit this input and send it again, in a fork", "edit"),
    ("conversation.fork", "f", "branch('fork')", "Fork here: go on in a copy that ends with this", "fork"),
    ("conversation.again", "r", "branch('again')", "Ask this again, in a fork", "ask again"),
    ("conversation.again_with", "R", "branch('again_with')", "Ask this again with another model", ""),
    ("conversation.find_next", "n", "find_step(1)", "Next place of what is found (Ctrl+F)", ""),
    ("conversation.find_previous", "N", "find_step(-1)", "Previous place of what is found", ""),
    ("conversation.find_close", "escape", "end_find", "Close the find bar, else stop", ""),
    ("conversation.raw", "m", "raw", "Markdown source on or off", "source"),
)
"""Id, default keys, action, help, hint: the fields of a `KeyBinding`."""
