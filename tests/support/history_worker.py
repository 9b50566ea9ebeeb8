"""A process that uses the history as the program does; the tests kill, stop and question it.

append DIRECTORY COUNT ID...    append events of many sizes, round robin; a JSON line per acknowledged one
hold-lock DIRECTORY ID          take the journal's lock, print "held", wait for the end of stdin
hold-lease DIRECTORY ID         take the turn lease, print "held", wait for the end of stdin
limited DIRECTORY ID            append under a file size limit; print what came of it
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import sys
from pathlib import Path

from mcp_tui.errors import HistoryError
from mcp_tui.events.turns import AssistantMessage, MessageFragment, UserMessage
from mcp_tui.history.fs import REAL
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore

ANSWER = 10
"""Every so many events an answer is whole."""
COMPACT = 20
"""Every so many events its fragments are removed."""
SIZES = (20, 200, 2_000, 20_000, 60_000, 300_000)


def _say(value: object) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def _event(count: int) -> UserMessage | MessageFragment | AssistantMessage:
    """Answers of which fragments were written before, between messages of many sizes."""
    size = random.choice(SIZES)
    answer = f"{os.getpid()}-{count // ANSWER}"
    if count % ANSWER == ANSWER - 1:
        return AssistantMessage(message_id=answer, hop=1, provider="p", model="m", text="whole " * 100)
    if count % 3 == 0:
        return MessageFragment(message_id=answer, text="f" * min(size, 2_000))
    return UserMessage(message_id="m", text=random.choice("abc\u20ac") * size)


async def append(directory: str, count: str, *ids: str) -> None:
    store = JsonlStore(Path(directory), lock_timeout=30.0)
    for number in range(int(count)):
        conversation_id = ids[number // ANSWER % len(ids)]
        (event,) = await store.append(conversation_id, [_event(number)])
        assert isinstance(event, (UserMessage, MessageFragment, AssistantMessage))
        _say(
            {
                "conversation": conversation_id,
                "id": event.id,
                "seq": event.seq,
                "length": len(event.text),
                "fragment_of": event.message_id if isinstance(event, MessageFragment) else None,
            }
        )
        if number % COMPACT == COMPACT - 1:
            await store.compact(conversation_id)
    await store.aclose()


async def hold_lock(directory: str, conversation_id: str) -> None:
    with Journal(Path(directory), conversation_id, REAL, lock_timeout=5.0).locked():
        _say("held")
        sys.stdin.read()


async def hold_lease(directory: str, conversation_id: str) -> None:
    async with JsonlStore(Path(directory)).lease(conversation_id):
        _say("held")
        sys.stdin.read()


async def limited(directory: str, conversation_id: str) -> None:
    store = JsonlStore(Path(directory))
    await store.append(conversation_id, [UserMessage(message_id="1", text="before")])
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, resource.RLIM_INFINITY))
    try:
        await store.append(
            conversation_id, [AssistantMessage(message_id="2", hop=1, provider="", model="", text="x" * 9_000)]
        )
    except HistoryError as error:
        _say(str(error))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    (event,) = await store.append(conversation_id, [UserMessage(message_id="3", text="after")])
    _say(event.seq)
    await store.aclose()


if __name__ == "__main__":
    work = {"append": append, "hold-lock": hold_lock, "hold-lease": hold_lease, "limited": limited}
    asyncio.run(work[sys.argv[1]](*sys.argv[2:]))
