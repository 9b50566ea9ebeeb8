"""Every key of the app: one table, from which bindings, help, hints and the README's key table are made.

Pure data; ``mcp-tui check`` validates ``ui.keys`` with it without starting Textual.
A key is written as Textual writes it: ``ctrl+p``, ``f1``, ``alt+up``, ``shift+tab``, ``y``, ``slash``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from itertools import combinations
from typing import NamedTuple

from mcp_tui.ui.conversation_keys import CONVERSATION_KEYS

PANES: dict[str, str] = {
    "app": "everywhere",
    "composer": "composer",
    "conversation": "conversation",
    "find": "find bar",
    "approval": "approval card",
    "editor": "argument editor",
    "question": "question card",
    "inspector": "inspector",
    "servers": "server sidebar",
    "trust": "servers to accept",
    "review": "held tools",
    "rules": "permission rules",
    "rule_editor": "rule editor",
    "history": "history",
    "trash": "trash of the history",
    "replay": "replay",
    "list": "lists and choosers",
}
"""Where a key works -> how help calls the place.  Keys of ``app`` work in every pane."""


class KeyBinding(NamedTuple):
    """One action of one pane.  ``hint`` is its short label in the hint line; empty: not shown there."""

    id: str
    keys: str
    """Default keys, separated by commas."""
    action: str
    """Textual's action string."""
    help: str
    hint: str = ""
    priority: bool = False
    """Wins over the focused widget's own use of the key."""

    @property
    def pane(self) -> str:
        """The part of the id before the dot."""
        return self.id.partition(".")[0]


KEYS: tuple[KeyBinding, ...] = (
    KeyBinding("app.help", "f1", "help", "Help for the focused pane", "help", priority=True),
    KeyBinding("app.servers", "f2", "servers", "Server sidebar: open, focus, close", "servers", priority=True),
    KeyBinding("app.inspector", "f3", "inspect", "Inspector: open, focus, close", "inspect", priority=True),
    KeyBinding("app.history", "f4", "history", "Earlier conversations", "history", priority=True),
    KeyBinding("app.rules", "f7", "rules", "Permission rules: list, dry run, edit, revoke, why", priority=True),
    KeyBinding("app.mouse", "f9", "mouse", "Mouse capture off or on", priority=True),
    KeyBinding("app.palette", "ctrl+p", "palette", "Command palette", "palette", priority=True),
    KeyBinding("app.jump", "ctrl+o", "jump", "Jump to a pane: then s c p i a t", priority=True),
    KeyBinding("app.next_pane", "tab", "next_pane(1)", "Next pane"),
    KeyBinding("app.previous_pane", "shift+tab", "next_pane(-1)", "Previous pane"),
    KeyBinding("app.new", "ctrl+n", "new_conversation", "New conversation", priority=True),
    KeyBinding("app.model", "ctrl+l", "choose_model", "Choose the model", priority=True),
    KeyBinding("app.find", "ctrl+f", "find", "Find in the conversation", priority=True),
    KeyBinding("app.copy_last", "ctrl+y", "copy_last", "Copy the last answer (its source)"),
    KeyBinding("app.stop", "escape", "stop_or_back", "Stop the turn; again within 1 s: drop the queue", "stop"),
    KeyBinding(
        "app.copy_or_stop",
        "ctrl+c",
        "copy_or_stop",
        "Copy the selection, else like Esc; twice within 1 s: quit",
        priority=True,
    ),
    KeyBinding("app.quit", "ctrl+q", "quit", "Quit (asks while a turn runs)", "quit", priority=True),
    KeyBinding("composer.send", "enter", "send", "Send, or queue while a turn runs", "send"),
    KeyBinding("composer.newline", "ctrl+j,shift+enter", "newline", "New line", "newline"),
    KeyBinding("composer.earlier", "up", "earlier", "On the first line: earlier prompt"),
    KeyBinding("composer.later", "down", "later", "On the last line: later prompt"),
    KeyBinding("composer.search", "ctrl+r", "search_prompts", "Search earlier prompts"),
    KeyBinding("composer.complete", "tab", "complete", "Complete a command, else next pane"),
    KeyBinding("composer.editor", "ctrl+g", "external_editor", "Edit in $VISUAL or $EDITOR", "editor"),
    KeyBinding("composer.take_back", "alt+up", "take_back", "Take the last queued message back"),
    KeyBinding("composer.select_all", "f8", "select_all", "Select all"),
    KeyBinding("composer.undo", "ctrl+z", "undo", "Undo"),
    KeyBinding("composer.redo", "ctrl+y", "redo", "Redo"),
    KeyBinding("composer.close", "escape", "close_popup", "Close the completion list, leave an edit, else stop"),
    KeyBinding("find.next", "enter,down", "step(1)", "Next place", "next"),
    KeyBinding("find.previous", "up,shift+enter", "step(-1)", "Previous place", "previous"),
    KeyBinding("find.close", "escape", "close", "Close; the focus goes back", "close"),
    KeyBinding("approval.once", "y", "allow_once", "Allow this call once", "once"),
    KeyBinding("approval.conversation", "s", "allow_conversation", "Allow this tool in this conversation", "this tool"),
    KeyBinding("approval.rule", "p", "rule", "Make a rule: shown first, with what it would have matched", "rule"),
    KeyBinding("approval.save_rule", "w", "save_rule", "On the page of a rule: write it and allow the call"),
    KeyBinding("approval.edit", "e", "edit", "Edit the arguments", "edit"),
    KeyBinding("approval.deny", "n,escape", "deny", "Deny this call", "deny"),
    KeyBinding("approval.deny_message", "d", "deny_message", "Deny with a message to the model", "deny + message"),
    KeyBinding("approval.stop", "c", "deny_all", "Deny all that wait and stop the turn", "stop turn"),
    KeyBinding("approval.json", "v", "toggle_json", "Whole JSON or rows", "JSON"),
    KeyBinding("approval.full", "f", "toggle_full", "Full screen on or off", "full"),
    KeyBinding("approval.previous", "left", "previous", "Previous waiting call"),
    KeyBinding("approval.next", "right", "next", "Next waiting call"),
    KeyBinding("approval.up", "up,k", "scroll_args(-1)", "Scroll the arguments up"),
    KeyBinding("approval.down", "down,j", "scroll_args(1)", "Scroll the arguments down"),
    KeyBinding("approval.page_up", "pageup", "page_args(-1)", "Scroll a page up"),
    KeyBinding("approval.page_down", "pagedown,space", "page_args(1)", "Scroll a page down"),
    KeyBinding("approval.top", "home", "top_args", "First line of the arguments"),
    KeyBinding("approval.end", "end", "end_args", "Last line of the arguments"),
    KeyBinding("editor.accept", "ctrl+s", "accept", "Check and take over the edited arguments", "check and use"),
    KeyBinding("editor.cancel", "escape", "cancel", "Back to the card, arguments as they were", "back"),
    KeyBinding("editor.select_all", "f8", "select_all", "Select all"),
    KeyBinding("question.yes", "y", "answer(True)", "Yes: do what the card says", "yes"),
    KeyBinding("question.no", "n,escape", "answer(False)", "No", "no"),
    KeyBinding("question.stop", "c", "stop_turn", "Stop the turn", "stop turn"),
    KeyBinding("question.previous", "left", "step(-1)", "Previous question"),
    KeyBinding("question.next", "right", "step(1)", "Next question"),
    KeyBinding("inspector.tab_args", "1", "tab('args')", "Arguments"),
    KeyBinding("inspector.tab_result", "2", "tab('result')", "Result"),
    KeyBinding("inspector.tab_raw", "3", "tab('raw')", "Raw JSON-RPC messages"),
    KeyBinding("inspector.tab_schema", "4", "tab('schema')", "The tool's definition"),
    KeyBinding("inspector.tab_time", "5", "tab('time')", "Timing and decision"),
    KeyBinding("inspector.tab_diff", "6", "tab('diff')", "What differs from the recorded call, or the call before"),
    KeyBinding("inspector.left", "left", "step(-1)", "Tab to the left", "tab"),
    KeyBinding("inspector.right", "right", "step(1)", "Tab to the right", "tab"),
    KeyBinding("inspector.next_page", "greater_than_sign", "page(1)", "All of a long result, by the page", "page"),
    KeyBinding("inspector.previous_page", "less_than_sign", "page(-1)", "The page before", "page"),
    KeyBinding("inspector.copy", "y", "copy", "Copy what the tab shows, whole", "copy"),
    KeyBinding("inspector.write", "w", "write", "Write what the tab shows to a file, whole", "write"),
    KeyBinding("inspector.rerun", "r", "rerun", "Run the call again, through approval, and compare", "re-run"),
    KeyBinding("inspector.edit_run", "e", "edit_run", "Edit the arguments and run the call again", "edit + run"),
    KeyBinding("inspector.diff_previous", "d", "diff_previous", "What differs from the tool's call before", "diff"),
    KeyBinding("inspector.previous_call", "p", "call(-1)", "Previous tool call", "call"),
    KeyBinding("inspector.next_call", "n", "call(1)", "Next tool call", "call"),
    KeyBinding("servers.details", "enter", "details", "Details: command, warnings, standard error", "details"),
    KeyBinding("servers.switch", "space", "switch", "Off or on until the end of the run", "on/off"),
    KeyBinding("servers.review", "v,V", "review", "Review held tools of this server", "review"),
    KeyBinding("servers.restart", "R,r", "restart", "Restart", "restart"),
    KeyBinding("servers.page_up", "pageup", "page(-1)", "Scroll tools, context and cost up"),
    KeyBinding("servers.page_down", "pagedown", "page(1)", "Scroll tools, context and cost down", "scroll"),
    KeyBinding("trust.accept", "a", "accept", "Accept this command line and start the server", "accept"),
    KeyBinding("trust.previous", "left", "step(-1)", "Previous server", "servers"),
    KeyBinding("trust.next", "right", "step(1)", "Next server", "servers"),
    KeyBinding("trust.up", "up,k", "scroll(-1)", "Scroll up"),
    KeyBinding("trust.down", "down,j", "scroll(1)", "Scroll down"),
    KeyBinding("trust.page_up", "pageup", "page(-1)", "Scroll a page up"),
    KeyBinding("trust.page_down", "pagedown,space", "page(1)", "Scroll a page down", "page"),
    KeyBinding("trust.top", "home", "top", "First line"),
    KeyBinding("trust.end", "end", "end", "Last line"),
    KeyBinding("trust.close", "escape,q", "close", "Leave: what was not accepted stays stopped", "leave"),
    KeyBinding("review.accept", "a", "accept", "Accept this definition", "accept this one"),
    KeyBinding("review.accept_all", "A", "accept_all", "Accept all, once each was looked at", "accept all"),
    KeyBinding("review.previous", "left", "step(-1)", "Previous tool", "tools"),
    KeyBinding("review.next", "right", "step(1)", "Next tool", "tools"),
    KeyBinding("review.up", "up,k", "scroll(-1)", "Scroll up"),
    KeyBinding("review.down", "down,j", "scroll(1)", "Scroll down"),
    KeyBinding("review.page_up", "pageup", "page(-1)", "Scroll a page up"),
    KeyBinding("review.page_down", "pagedown,space", "page(1)", "Scroll a page down", "page"),
    KeyBinding("review.top", "home", "top", "First line"),
    KeyBinding("review.end", "end", "end", "Last line"),
    KeyBinding("review.close", "escape,q", "close", "Leave: what was not accepted stays held", "leave"),
    KeyBinding("rules.edit", "e,enter", "edit", "Edit this rule", "edit"),
    KeyBinding("rules.new", "n", "new", "Write a new rule", "new"),
    KeyBinding("rules.revoke", "d,delete", "revoke", "Revoke this rule (asks)", "revoke"),
    KeyBinding("rules.why", "w", "why", "Why the call under the cursor was decided as it was", "why"),
    KeyBinding("rules.reload", "r", "reload", "Read the file again", "reload"),
    KeyBinding("rules.page_up", "pageup", "page(-1)", "Scroll the dry run up"),
    KeyBinding("rules.page_down", "pagedown,space", "page(1)", "Scroll the dry run down", "scroll"),
    KeyBinding("rules.close", "escape,q", "close", "Back", "back"),
    KeyBinding("rule_editor.save", "ctrl+s", "save", "Check and save", "check and save"),
    KeyBinding("rule_editor.external", "ctrl+g", "external_editor", "Edit in $VISUAL or $EDITOR", "editor"),
    KeyBinding("rule_editor.select_all", "f8", "select_all", "Select all"),
    KeyBinding("rule_editor.cancel", "escape", "cancel", "Back; the rule stays as it was", "back"),
    KeyBinding(
        "history.read", "enter", "read", "Read this conversation; on a hit: at that very place", "read", priority=True
    ),
    KeyBinding("history.continue", "c", "select", "Continue this conversation", "continue", priority=True),
    KeyBinding(
        "history.fork", "f", "fork", "Go on in a copy; on a hit: in a copy up to that place", "fork", priority=True
    ),
    KeyBinding("history.replay", "p", "replay", "Play it from the beginning, as it happened", "replay", priority=True),
    KeyBinding("history.export", "x", "export", "Write it to a file: Markdown, HTML or JSON", "export", priority=True),
    KeyBinding("history.tag", "t", "tag", "Change its tags", "tag", priority=True),
    KeyBinding("history.rename", "r", "rename", "Give it another title", "rename", priority=True),
    KeyBinding("history.delete", "delete,D", "delete", "Move it to the trash (asks)", "trash", priority=True),
    KeyBinding(
        "history.search", "slash", "search", "Search everything said, called and returned", "search", priority=True
    ),
    KeyBinding("history.next_part", "tab", "part(1)", "Filter, list, hits: the next of them", "filter", priority=True),
    KeyBinding("history.previous_part", "shift+tab", "part(-1)", "Filter, list, hits: the one before", priority=True),
    KeyBinding("history.next_hit", "n", "hit(1)", "Next hit, on into the next conversation", "next hit", priority=True),
    KeyBinding("history.previous_hit", "N", "hit(-1)", "Previous hit", priority=True),
    KeyBinding("history.tree", "o", "tree", "By date, or forks below their originals", "tree", priority=True),
    KeyBinding("history.trash", "T", "trash", "The trash: restore, empty", "trash", priority=True),
    KeyBinding("history.copy_id", "y", "copy_id", "Copy its id, for the command line", "id", priority=True),
    KeyBinding("history.close", "escape", "cancel", "Back", "back", priority=True),
    KeyBinding("trash.restore", "enter,u", "restore", "Take this conversation back", "restore"),
    KeyBinding("trash.remove", "delete,D", "remove", "Remove this one for ever (asks)", "remove for ever"),
    KeyBinding("trash.empty", "E", "empty", "Empty the trash (asks)", "empty"),
    KeyBinding("trash.close", "escape,q", "cancel", "Back to the history", "back"),
    KeyBinding("replay.play", "space", "play", "Play or pause; at the end: from the beginning", "play", priority=True),
    KeyBinding("replay.back", "left", "step(-1)", "An event back", "step", priority=True),
    KeyBinding("replay.forward", "right", "step(1)", "An event on", "step", priority=True),
    KeyBinding("replay.turn_back", "shift+left,left_square_bracket", "turn(-1)", "To the turn before", priority=True),
    KeyBinding("replay.turn_forward", "shift+right,right_square_bracket", "turn(1)", "To the next turn", priority=True),
    KeyBinding("replay.slower", "minus", "speed(-1)", "Slower", "speed", priority=True),
    KeyBinding("replay.faster", "plus,equals_sign", "speed(1)", "Faster: 1x, 2x, 4x, at once", "speed", priority=True),
    KeyBinding("replay.start", "home", "start", "To the beginning", priority=True),
    KeyBinding("replay.end", "end", "end", "To the end", priority=True),
    KeyBinding("replay.next_hit", "n", "hit(1)", "Next hit of the search", priority=True),
    KeyBinding("replay.previous_hit", "N", "hit(-1)", "Previous hit of the search", priority=True),
    KeyBinding("replay.expand", "x", "expand", "Expand or collapse the item under the cursor", priority=True),
    KeyBinding("replay.continue", "c", "continue", "Continue this conversation", "go on", priority=True),
    KeyBinding(
        "replay.fork", "f", "fork", "Fork here: a new conversation with what has happened", "fork", priority=True
    ),
    KeyBinding("replay.verify", "v", "verify", "Verify: run its calls again and compare", "verify", priority=True),
    KeyBinding("replay.leave", "escape,q", "leave", "Leave", "leave", priority=True),
    KeyBinding("list.choose", "enter", "select", "Choose", "choose"),
    KeyBinding("list.close", "escape", "cancel", "Back", "back"),
)
"""All bindings, in the order in which help shows them (conversation keys are its widget's: `all_keys`)."""


@cache
def all_keys() -> tuple[KeyBinding, ...]:
    """`KEYS` and the keys that the conversation pane declares itself."""
    return (*KEYS, *(KeyBinding(*row) for row in CONVERSATION_KEYS))


_MODIFIERS = frozenset({"ctrl", "alt", "shift", "super", "meta", "hyper"})
_NAMED = frozenset({
    "up", "down", "left", "right", "home", "end", "pageup", "pagedown", "enter", "escape", "tab", "space",
    "backspace", "delete", "insert", "slash", "question_mark", "full_stop", "comma", "minus", "plus",
    "equals_sign", "colon", "semicolon", "underscore", "at", "number_sign", "left_square_bracket",
    "right_square_bracket", "backslash", "apostrophe", "quotation_mark", "grave_accent", "tilde",
    "exclamation_mark", "dollar_sign", "percent_sign", "ampersand", "asterisk", "left_parenthesis",
    "right_parenthesis", "less_than_sign", "greater_than_sign", "circumflex_accent", "vertical_line",
}) | {f"f{number}" for number in range(1, 25)}  # fmt: skip
_SAME_BYTES = {"ctrl+i": "tab", "ctrl+m": "enter", "ctrl+h": "backspace", "ctrl+left_square_bracket": "escape"}


def split_keys(keys: str) -> tuple[str, ...]:
    """The single keys of ``"up,k"``."""
    return tuple(key for part in keys.split(",") if (key := part.strip()))


def is_key(key: str) -> bool:
    """Whether ``key`` is written as Textual writes keys."""
    *modifiers, base = key.split("+")
    known = base in _NAMED or re.fullmatch(r"[A-Za-z0-9]", base) is not None
    return known and all(modifier in _MODIFIERS for modifier in modifiers) and len(set(modifiers)) == len(modifiers)


def effective(overrides: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Binding id -> its keys, with ``overrides`` applied."""
    return {binding.id: split_keys(overrides.get(binding.id, binding.keys)) for binding in all_keys()}


def _clashes(keys: Mapping[str, tuple[str, ...]]) -> set[tuple[str, str, str]]:
    """(id, id, key) where one key would mean two things in one pane; keys of ``app`` count in each pane."""
    found: set[tuple[str, str, str]] = set()
    for first, second in combinations(all_keys(), 2):
        if first.pane != second.pane and "app" not in (first.pane, second.pane):
            continue
        for key in set(keys[first.id]) & set(keys[second.id]):
            found.add((first.id, second.id, key))
    return found


def check_keys(keys: Mapping[str, str]) -> list[tuple[str, str]]:
    """Problems of ``ui.keys``: (binding id, what is wrong), empty when all is well (requirement J1).

    Unknown ids name the nearest known one; a clash names both ids.  Keys that the default table shares on
    purpose (Esc on a card and everywhere) are no clash.
    """
    from difflib import get_close_matches

    problems: list[tuple[str, str]] = []
    known = {binding.id for binding in all_keys()}
    usable: dict[str, str] = {}
    for name, value in keys.items():
        if name not in known:
            near = get_close_matches(name, known, 1, 0.5)
            problems.append((name, "no such binding" + (f"; did you mean {near[0]}?" if near else "")))
            continue
        bad = _key_problems(value)
        problems.extend((name, problem) for problem in bad)
        if not bad:
            usable[name] = value
    for first, second, key in sorted(_clashes(effective(usable)) - _clashes(effective({}))):
        culprit = first if first in usable else second
        problems.append((culprit, f"{key} is bound to both {first} and {second}"))
    return problems


def _key_problems(value: str) -> list[str]:
    singles = split_keys(value)
    if not singles:
        return ["a binding needs at least one key"]
    problems = [f"{key!r} is no key; write it like ctrl+p, f1, alt+up or y" for key in singles if not is_key(key)]
    for key in singles:
        if key in _SAME_BYTES:
            problems.append(f"{key} reaches programs as {_SAME_BYTES[key]}; choose another key")
    return problems


_SHOWN = {
    "escape": "Esc", "enter": "Enter", "tab": "Tab", "space": "Space", "up": "Up", "down": "Down", "left": "Left",
    "right": "Right", "pageup": "PgUp", "pagedown": "PgDn", "home": "Home", "end": "End", "slash": "/",
    "question_mark": "?", "plus": "+", "minus": "-", "equals_sign": "=",
    "greater_than_sign": ">", "less_than_sign": "<",
    "left_square_bracket": "[", "right_square_bracket": "]", "backspace": "Backspace", "delete": "Del", "insert": "Ins",
}  # fmt: skip


def show_key(key: str, *, short: bool = False) -> str:
    """``ctrl+p`` as people write it: ``Ctrl+P``, or ``^P`` when ``short``."""
    *modifiers, base = key.split("+")
    shown = _SHOWN.get(base, base.upper() if base.startswith("f") and len(base) > 1 else base)
    if modifiers and len(shown) == 1:
        shown = shown.upper()
    if short and modifiers == ["ctrl"]:
        return f"^{shown}"
    return "+".join([*(modifier.capitalize() for modifier in modifiers), shown])


def show_keys(keys: tuple[str, ...], *, short: bool = False) -> str:
    """All keys of a binding, for people."""
    return " ".join(show_key(key, short=short) for key in keys)


def keys_of(pane: str) -> tuple[KeyBinding, ...]:
    """The bindings of one pane."""
    return tuple(binding for binding in all_keys() if binding.pane == pane)


def keys_markdown() -> str:
    """The key table of the README."""
    lines = ["| where | key | action | id |", "|---|---|---|---|"]
    for pane, place in PANES.items():
        for binding in keys_of(pane):
            keys = ", ".join(f"`{show_key(key)}`" for key in split_keys(binding.keys))
            lines.append(f"| {place} | {keys} | {binding.help} | `{binding.id}` |")
            place = ""
    return "\n".join(lines) + "\n"
