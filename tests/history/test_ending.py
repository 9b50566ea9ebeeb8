from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mcp_tui.conversation.pace import Pace, Stopped, beside
from mcp_tui.errors import ConversationNotFound
from mcp_tui.events import tools, turns
from mcp_tui.events.base import EventBase
from mcp_tui.events.content import TextContent
from mcp_tui.history.ending import ENOUGH, MOST, SHORT, read_end
from mcp_tui.history.fs import REAL
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore

ID = "0123456789abcdefghjkmnpqrs"


def turn(number: int, size: int) -> list[EventBase]:
    mine = {"conversation_id": ID, "turn_id": f"t{number}"}
    return [
        turns.TurnStarted(request_id=f"r{number}", **mine),
        turns.UserMessage(message_id=f"u{number}", text=f"input {number}", **mine),
        turns.AssistantMessage(
            message_id=f"a{number}", hop=1, provider="p", model="m", text=f"{number} " + "x" * size, **mine
        ),
        turns.TurnFinished(outcome="stop", **mine),
    ]


def first() -> list[EventBase]:
    return [
        turns.ConversationCreated(app_version="1", conversation_id=ID),
        turns.ModelSelected(provider="p", model="m", conversation_id=ID),
        turns.ConversationTitled(title="a title", conversation_id=ID),
    ]


def write(folder: Path, *events: EventBase) -> None:
    journal = Journal(folder, ID, REAL, lock_timeout=5)
    journal.append([events])
    journal.close()


def test_the_end_of_a_long_conversation_begins_with_a_turn_and_has_the_title(tmp_path: Path) -> None:
    write(tmp_path, *first(), *(event for number in range(600) for event in turn(number, 3000)))
    end = read_end(tmp_path, ID, REAL)
    stored = asyncio.run(JsonlStore(tmp_path).read(ID)).events
    assert not end.whole
    head, last = end.events[:3], end.events[3:]
    assert [event.type for event in head] == ["conversation_created", "model_selected", "conversation_titled"]
    assert isinstance(last[0], turns.TurnStarted)
    assert ENOUGH <= len(last) < len(stored) / 2
    assert (*head, *last) == (*stored[:3], *stored[-len(last) :])


def test_a_short_conversation_is_read_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path, *first(), *turn(1, SHORT // 4))
    assert read_end(tmp_path, ID, REAL).whole
    with pytest.raises(ConversationNotFound):
        read_end(tmp_path, "0123456789abcdefghjkmnpqrt", REAL)


def test_few_long_lines_at_the_end_are_looked_for_further_up(tmp_path: Path) -> None:
    small = [event for number in range(400) for event in turn(number, 3000)]
    write(tmp_path, *first(), *small, *turn(1000, 60_000), *turn(1001, 60_000), *turn(1002, 60_000))
    end = read_end(tmp_path, ID, REAL)
    assert len(end.events) >= ENOUGH
    assert end.events[-1].turn_id == "t1002"


def test_one_endless_turn_is_shown_from_its_middle(tmp_path: Path) -> None:
    events = turn(1, 10)
    many = [
        turns.AssistantMessage(
            message_id=f"m{n}", hop=n, provider="p", model="m", text="x" * 20_000, conversation_id=ID, turn_id="t1"
        )
        for n in range(MOST // 20_000 + 100)
    ]
    write(tmp_path, *first(), *events[:2], *many)
    end = read_end(tmp_path, ID, REAL)
    assert not end.whole
    assert end.events[-1].id == many[-1].id
    assert len(end.events) < len(many)


def test_damage_at_the_end_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, *first(), *(event for number in range(600) for event in turn(number, 3000)))
    path = tmp_path / f"{ID}.jsonl"
    with path.open("ab") as file:
        file.write(b'\x00\xff rubbish\n{"type":"user_message","torn')
    end = read_end(tmp_path, ID, REAL)
    assert end.events[-1].turn_id == "t599"


def test_the_text_of_a_result_is_one_string_in_memory_and_the_event_is_what_was_written(tmp_path: Path) -> None:
    text, other = "a result " * 100, "another part " * 30
    message = {"result": {"content": [{"type": "text", "text": text}, {"type": "text", "text": other}, 3]}}
    event = tools.ToolCallFinished(
        conversation_id=ID,
        call_id="c",
        outcome="success",
        content=(TextContent(text=text), TextContent(text=other)),
        model_text=text,
        wire=(tools.WireMessage(direction="received", at="2026-01-01T00:00:00Z", message=message),),
    )
    write(tmp_path, event)
    (read,) = asyncio.run(JsonlStore(tmp_path).read(ID)).events
    assert isinstance(read, tools.ToolCallFinished)
    assert read.model_copy(update={"seq": 0}) == event
    parts = read.wire[0].message["result"]["content"]
    assert read.content[0].text is read.model_text is parts[0]["text"]  # type: ignore[union-attr]
    assert read.content[1].text is parts[1]["text"]  # type: ignore[union-attr]


async def test_work_beside_the_screen_ends_with_whoever_waited_for_it() -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()

    def work(pace: Pace) -> None:
        try:
            while True:
                pace()
        except Stopped:
            loop.call_soon_threadsafe(ended.set)
            raise

    task = asyncio.create_task(beside(work))
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(10):
        with pytest.raises(asyncio.CancelledError):
            await task
        await ended.wait()
