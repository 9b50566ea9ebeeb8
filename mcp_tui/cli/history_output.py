"""How the ``history`` commands write: lines that are harmless whatever they hold, or JSON."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from mcp_tui.cli.standard_output import write
from mcp_tui.conversation.summary import ConversationSummary
from mcp_tui.export.events_json import conversation_data
from mcp_tui.safety.text import shorten, strict

TITLE_WIDTH = 40
TITLE_LEAST = 16
UNTITLED = "(untitled)"


def list_data(summary: ConversationSummary) -> dict[str, Any]:
    """One entry of ``history list --json``."""
    data, origin = conversation_data(summary), summary.origin
    del data["demo"], data["origin"]
    forked_from = origin.conversation_id if origin is not None and origin.kind == "fork" else None
    return {**data, "forked_from": forked_from, "own_cost": summary.own.cost}


def title_of(summary: ConversationSummary) -> str:
    """Its title, short enough for a line."""
    return shorten(summary.title or UNTITLED, TITLE_WIDTH)


def title_in_line(summary: ConversationSummary, used: int) -> str:
    """Its title in what a line of the terminal has left; in full elsewhere, so that it can be searched and cut."""
    room = max(TITLE_LEAST, shutil.get_terminal_size().columns - used) if sys.stdout.isatty() else None
    title = summary.title or UNTITLED
    return shorten(title, room) if room is not None else title


def count(number: int, noun: str) -> str:
    """``1 line``, ``2,000 lines``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def money(cost: float | None) -> str:
    """US dollars; a dash for what nobody could price."""
    return "-" if cost is None else f"${cost:.2f}" if cost >= 0.01 or cost == 0 else "<$0.01"


def local(at: datetime) -> str:
    """Local time to the minute."""
    return f"{at.astimezone():%Y-%m-%d %H:%M}"


def print_lines(lines: Iterable[str]) -> None:
    """Write lines, harmless whatever they hold."""
    write("".join(f"{strict(line, one_line=False)}\n" for line in lines))


def print_json(data: Any) -> None:
    """Write one JSON value as a line."""
    write(json.dumps(data) + "\n")
