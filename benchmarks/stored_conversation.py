"""A stored conversation of any length, as a day of work with tools leaves it: what the other benchmarks open."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.content import TextContent
from mcp_tui.history.fs import REAL
from mcp_tui.history.journal import Journal

END = "This-is-the-end-of-the-conversation"
"""Last word of the last answer."""

BEGINNING = "This-is-the-beginning-of-the-conversation"
"""First word of the first input."""

_WORDS = [
    "the",
    "quick",
    "result",
    "of",
    "this",
    "request",
    "shows",
    "that",
    "every",
    "line",
    "was",
    "read",
    "and",
    "nothing",
    "else",
    "had",
    "to",
    "be",
    "changed",
    "in",
    "it",
]
_BATCH = 2_000


def events(conversation_id: str, messages: int, seed: int = 1) -> Iterator[EventBase]:
    """A log with so many messages of person and model: each second answer is one to a tool's result of 0.5 to 8 kB."""
    choice = random.Random(seed)
    at = datetime(2026, 1, 5, 8, tzinfo=UTC)
    turn_count = messages // 2
    yield turns.ConversationCreated(conversation_id=conversation_id, app_version="0.0-benchmark", demo=True, at=at)
    title = f"{messages:,} messages"
    yield turns.ConversationTitled(conversation_id=conversation_id, title=title, at=at)
    definition = tools.ToolDefinition(
        wire_name="files__read_file", server="files", name="read_file", description="Reads a file.",
        input_schema={"type": "object", "properties": {"path": {"type": "string"}}}, digest="d" * 64,
    )  # fmt: skip
    yield tools.ToolsOffered(conversation_id=conversation_id, tools=(definition,), at=at)
    for number in range(turn_count):
        at += timedelta(seconds=choice.randint(20, 200))
        for event in _turn(number, choice, last=number == turn_count - 1):
            yield event.model_copy(update={"conversation_id": conversation_id, "turn_id": f"turn-{number}", "at": at})


def _turn(number: int, choice: random.Random, *, last: bool) -> Iterator[EventBase]:
    yield turns.TurnStarted(request_id=f"request-{number}")
    begin = f"{BEGINNING} " if not number else ""
    yield turns.UserMessage(message_id=f"user-{number}", text=f"{begin}Question {number}: {_prose(choice, 12)}?")
    if number % 2:
        yield from _call(number, choice)
    yield _request(f"answer-{number}", 2)
    yield turns.AssistantMessage(
        message_id=f"answer-{number}", hop=2, provider="demo", model="demo/offline",
        text=_answer(number, choice) + (f"\n\n{END}" if last else ""), finish_reason="stop",
        usage=turns.Usage(prompt_tokens=3_000, completion_tokens=250), cost=0.004, duration_seconds=3.1,
    )  # fmt: skip
    yield turns.TurnFinished(outcome="stop", hops=2, duration_seconds=4.0)


def _request(message_id: str, hop: int) -> EventBase:
    return turns.ModelRequestStarted(
        message_id=message_id, hop=hop, provider="demo", model="demo/offline", messages=20, prompt_tokens=3_000,
        tools_tokens=200, context_window=32_000,
    )  # fmt: skip


def _call(number: int, choice: random.Random) -> Iterator[EventBase]:
    call_id, message_id, path = f"call-{number}", f"asks-{number}", f"src/module_{number}.py"
    arguments = {"path": path, "lines": [1, 200]}
    yield _request(message_id, 1)
    yield turns.AssistantMessage(
        message_id=message_id, hop=1, provider="demo", model="demo/offline", finish_reason="tool_calls",
        tool_calls=(turns.RequestedToolCall(call_id=call_id, wire_name="files__read_file", arguments=arguments),),
        usage=turns.Usage(prompt_tokens=3_000, completion_tokens=40), cost=0.001,
    )  # fmt: skip
    yield tools.ToolCallProposed(
        call_id=call_id, message_id=message_id, hop=1, index=0, wire_name="files__read_file", server="files",
        name="read_file", arguments=arguments,
    )  # fmt: skip
    yield tools.ApprovalDecided(
        approval_id=f"approval-{number}",
        call_id=call_id,
        action="allow",
        by="rule",
        rule="files.*",
        tool_digest="d" * 64,
    )
    yield tools.ToolCallStarted(call_id=call_id, server="files", name="read_file", arguments=arguments)
    text = "\n".join(f"{line:4} value_{line} = {_prose(choice, 6)!r}" for line in range(choice.randint(10, 150)))
    at = datetime(2026, 1, 5, tzinfo=UTC)
    sent = {"jsonrpc": "2.0", "id": number, "method": "tools/call", "params": {"name": "read_file"}}
    received = {"jsonrpc": "2.0", "id": number, "result": {"content": [{"type": "text", "text": text}]}}
    yield tools.ToolCallFinished(
        call_id=call_id, outcome="success", content=(TextContent(text=text),), model_text=text,
        model_tokens=len(text) // 4, timing=tools.CallTiming(wire=0.02),
        wire=(
            tools.WireMessage(direction="sent", at=at, message=sent),
            tools.WireMessage(direction="received", at=at, message=received),
        ),
    )  # fmt: skip


def _prose(choice: random.Random, words: int) -> str:
    return " ".join(choice.choices(_WORDS, k=words))


def _answer(number: int, choice: random.Random) -> str:
    code = f"```python\nvalue = {number}\nprint(value)\n```"
    points = "\n".join(f"- **point {each}**: {_prose(choice, 14)}" for each in range(3))
    return f"Answer {number}. {_prose(choice, 40)}.\n\n{points}\n\n{code}\n\n{_prose(choice, 30)}."


def write(directory: Path, conversation_id: str, messages: int) -> Path:
    """Write the log into a data directory's ``conversations``; returns its file."""
    folder = directory / "conversations"
    journal = Journal(folder, conversation_id, REAL, lock_timeout=5.0)
    batch: list[EventBase] = []
    for event in events(conversation_id, messages):
        batch.append(event)
        if len(batch) >= _BATCH:
            journal.append([batch])
            batch = []
    journal.append([batch])
    journal.close()
    return folder / f"{conversation_id}.jsonl"
