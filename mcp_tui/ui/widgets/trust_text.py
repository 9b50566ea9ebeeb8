"""What a person is told before a server may start: pure functions from a request to text."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

from textual.content import Content

from mcp_tui.safety.text import hidden_report, shorten, strict
from mcp_tui.ui import formats
from mcp_tui.ui.widgets.arguments import show_padding

if TYPE_CHECKING:
    from mcp_tui.events.servers import TrustRequest
    from mcp_tui.events.tools import ToolDefinition

Part = tuple[str, str]

RIGHTS = "It runs with your rights: it can read, change and send whatever you can."
SIDE_BY_SIDE = 96
"""Columns from which on the old and the new command line stand beside each other."""


def command_line(words: Sequence[str]) -> str:
    """The command line as a shell would take it, in strict form: complete, word boundaries kept."""
    return " ".join(word_text(word) for word in words)


def word_text(word: str) -> str:
    """One word of a command line."""
    return show_padding(strict(shlex.quote(word)))


def request_text(request: TrustRequest, width: int) -> Content:
    """Everything that accepting the request accepts."""
    parts: list[Part | Content] = []
    if request.before is None:
        parts += [(strict(request.server), "$role-tool bold"), ("  wants to start for the first time\n", "")]
    else:
        parts += [
            (strict(request.server), "$role-tool bold"),
            ("  was accepted earlier, and differs now\n", "$warning"),
        ]
        parts += [(f"! {strict(change)}\n", "$warning") for change in request.changes]
    parts += [(f"{RIGHTS}\n\n", "$warning")]
    for warning in request.warnings:
        parts.append((f"! {strict(warning)}\n", "$error"))
    hidden = sum(hidden_report("".join((*request.command, request.program, request.folder))).values())
    if hidden:
        noun = formats.plural(hidden, "hidden character")
        parts.append((f"! the command line contains {noun}, spelled out below\n", "$error"))
    if request.warnings or hidden:
        parts.append(("\n", ""))
    if request.before is not None and request.before.command != request.command:
        parts += [commands_compared(request.before.command, request.command, width), ("\n\n", "")]
    else:
        parts += [*_named("command", command_line(request.command), "bold"), ("\n", "")]
    parts += _other(request)
    return Content.assemble(*parts).rstrip("\n")


def _other(request: TrustRequest) -> list[Part]:
    before = request.before
    rows = (
        ("program", request.program or "not found", before.program or "not found" if before else None),
        ("folder", request.folder, before.folder if before else None),
        ("variables", _variables(request), _variables(before) if before else None),
    )
    parts: list[Part] = []
    for name, value, old in rows:
        if old is not None and old != value:
            parts += [*_named(name, "", ""), (f"  - {show_padding(strict(old))}\n", "$error")]
            parts.append((f"  + {show_padding(strict(value))}\n", "$success bold"))
        else:
            parts += _named(name, value, "")
    return parts


def _variables(request: TrustRequest) -> str:
    return f"{', '.join(request.variables)} (values are not shown)" if request.variables else "none of its own"


def _named(name: str, value: str, style: str) -> list[Part]:
    return [(f"{name:<10} ", "$muted"), (f"{show_padding(strict(value))}\n", style)]


def commands_compared(old: Sequence[str], new: Sequence[str], width: int) -> Content:
    """Both command lines, word by word; what differs has a sign and a colour."""
    left: list[tuple[str, bool]] = []
    right: list[tuple[str, bool]] = []
    for kind, a, b, c, d in SequenceMatcher(a=list(old), b=list(new), autojunk=False).get_opcodes():
        left += [(word_text(word), kind != "equal") for word in old[a:b]]
        right += [(word_text(word), kind != "equal") for word in new[c:d]]
    if width < SIDE_BY_SIDE:
        return Content.assemble(
            ("accepted earlier\n", "$muted"), *_marked(left, "[-", "-]", "$error"),
            ("\nnow\n", "bold"), *_marked(right, "{+", "+}", "$success bold"),
        )  # fmt: skip
    half = (width - 3) // 2
    columns = []
    for title, words, sign, style in (
        (("accepted earlier", "$muted"), left, "-", "$error"),
        (("now", "bold"), right, "+", "$success bold"),
    ):
        parts = [(f"{sign if differs else ' '} {word}\n", style if differs else "") for word, differs in words]
        lines = Content.assemble(title, "\n", *parts).rstrip("\n").wrap(half)
        columns.append([line.pad_right(max(0, half - line.cell_length)) for line in lines])
    height = max(len(column) for column in columns)
    blank = Content(" " * half)
    rows = (
        Content.assemble(*(column[row] if row < len(column) else blank for column in columns[:1]), (" │ ", "$muted"),
                         columns[1][row] if row < len(columns[1]) else blank)
        for row in range(height)
    )  # fmt: skip
    return Content("\n").join(rows)


def _marked(words: Sequence[tuple[str, bool]], before: str, after: str, style: str) -> list[Part]:
    """A command line in one piece, the words that differ between signs."""
    return [(f"{before}{word}{after} " if differs else f"{word} ", style if differs else "") for word, differs in words]


def accepted_text(server: str, state: str, tools: Sequence[ToolDefinition]) -> Content:
    """What came with an acceptance: the tools that the server listed then."""
    parts: list[Part] = [(strict(server), "$role-tool bold"), ("  is accepted\n\n", "$success")]
    if not tools:
        words = state.replace("_", " ")
        waiting = "its tools are accepted as it lists them now" if state != "failed" else "F2 says why"
        parts.append((f"{words}; {waiting}", "$muted"))
        return Content.assemble(*parts)
    parts.append(
        (f"{formats.plural(len(tools), 'tool')} accepted with it; what changes or is added later is held\n", "")
    )
    for tool in tools:
        parts += [(f"\n{strict(tool.name)}", "bold"), (f"  {shorten(tool.description, 90)}", "$muted")]
    return Content.assemble(*parts)
