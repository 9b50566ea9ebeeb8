"""Events for tests of the history, and what must hold for whatever was stored."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import IO, Any

from mcp_tui.events.base import EventBase
from mcp_tui.events.content import TextContent
from mcp_tui.events.tools import (
    ApprovalDecided,
    DecisionAction,
    ToolCallFinished,
    ToolCallProposed,
    ToolCallStarted,
    ToolOutcome,
)
from mcp_tui.events.turns import AssistantMessage, ConversationCreated, MessageFragment, UserMessage
from mcp_tui.history.base import StoredConversation
from mcp_tui.history.fs import REAL
from mcp_tui.history.reading import read_conversation


def created(title: str = "") -> ConversationCreated:
    return ConversationCreated(app_version="1", title=title)


def said(text: str) -> UserMessage:
    return UserMessage(message_id=text[:20] or "m", text=text)


def fragment(message_id: str, text: str = "part") -> MessageFragment:
    return MessageFragment(message_id=message_id, text=text)


def answered(message_id: str, text: str = "whole", *, cost: float | None = None) -> AssistantMessage:
    return AssistantMessage(message_id=message_id, hop=1, provider="p", model="m", text=text, cost=cost)


def called(
    call_id: str,
    arguments: dict[str, Any],
    *,
    action: DecisionAction = "allow",
    outcome: ToolOutcome = "success",
    edited: dict[str, Any] | None = None,
    text: str = "done",
    tool: tuple[str, str] = ("fs", "read"),
    digest: str = "digest",
) -> list[EventBase]:
    """A call from its proposal to its end, which is the last of them."""
    server, name = tool
    proposed = ToolCallProposed(
        call_id=call_id, message_id="m", hop=1, index=0, wire_name=f"{server}__{name}", server=server, name=name,
        arguments=arguments,
    )  # fmt: skip
    decided = ApprovalDecided(
        approval_id=f"a-{call_id}", call_id=call_id, action=action, by="user", edited_arguments=edited,
        tool_digest=digest,
    )  # fmt: skip
    started = ToolCallStarted(call_id=call_id, server=server, name=name, arguments=edited or arguments)
    ran = action == "allow"
    finished = ToolCallFinished(
        call_id=call_id, outcome=outcome if ran else "denied", content=(TextContent(text=text),)
    )
    return [proposed, decided, *([started] if ran else []), finished]


def stored(directory: Path, conversation_id: str) -> StoredConversation:
    return read_conversation(directory, conversation_id, REAL)


def assert_sound(found: StoredConversation) -> None:
    """Numbers and ids are unique, numbers grow."""
    numbers = [event.seq for event in found.events]
    assert numbers == sorted(set(numbers))
    assert all(number > 0 for number in numbers)
    assert len({event.id for event in found.events}) == len(found.events)


def assert_kept(found: StoredConversation, acknowledged: list[EventBase]) -> None:
    """Nothing acknowledged is missing or altered."""
    by_id = {event.id: event for event in found.events}
    for event in acknowledged:
        assert by_id.get(event.id) == event


def start_worker(*arguments: str, output: IO[str] | int = subprocess.PIPE) -> subprocess.Popen[str]:
    """A real process that uses the store; see ``history_worker``."""
    return subprocess.Popen(
        [sys.executable, "-m", "tests.support.history_worker", *arguments],
        stdin=subprocess.PIPE,
        stdout=output,
        text=True,
        encoding="utf-8",
        cwd=Path(__file__).parents[2],
    )


def replies(text: str) -> list[dict[str, object]]:
    """Whole lines that a worker printed."""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]
