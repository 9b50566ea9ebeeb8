"""Everything that is done to stored conversations, at random and as fast as it goes, until the process is killed.

What begins and what was acknowledged is noted in a file as it happens, so that a test knows what must be there.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
from collections.abc import Sequence
from pathlib import Path

from mcp_tui.errors import HistoryError
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.events.turns import MessageFragment
from mcp_tui.history.jsonl import JsonlStore
from tests.support.history_events import answered, created, fragment, said

WEIGHTS = (3, 3, 3, 3, 3, 2, 1)
SIZES = (10, 500, 5_000, 70_000, 200_000)


class Notes:
    """One line for each fact; a line that was written outlives its process.  No limit is on this file."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def add(self, phase: str, work: str, key: str, events: Sequence[EventBase] = ()) -> None:
        fact = {
            "phase": phase,
            "work": work,
            "key": key,
            "ids": [event.id for event in events],
            "fragment_of": {event.id: event.message_id for event in events if isinstance(event, MessageFragment)},
        }
        limit, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        os.write(self._fd, json.dumps(fact).encode() + b"\n")
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, most))


class Churn:
    """One process's part of it; several share the directory."""

    def __init__(self, directory: Path, notes: Path, keys: Sequence[str], *, lock_timeout: float = 10.0) -> None:
        self.store = JsonlStore(directory, lock_timeout=lock_timeout)
        self._notes = Notes(notes)
        self._keys = keys
        self._forks: list[str] = []
        self.works = {
            "append": self.append,
            "compact": self.compact,
            "create": self.create,
            "delete": self.delete,
            "restore": self.restore,
            "empty": self.empty,
            "repair": self.repair,
        }

    async def run(self, count: int | None = None) -> None:
        """``count`` pieces of work, or until the process ends."""
        done = 0
        while count is None or done < count:
            await self.do(random.choices(list(self.works), weights=WEIGHTS)[0])
            done += 1
        await self.store.aclose()

    async def do(self, work: str) -> bool:
        """One piece of work; False when the store refused it."""
        try:
            await self.works[work]()
        except HistoryError:
            return False
        return True

    async def append(self) -> None:
        key = random.choice(self._keys)
        message = new_id()
        fragments = [fragment(message, "f" * 300) for _ in range(3)]
        batches = ([said("x" * random.choice(SIZES))], fragments, [answered(message), said("y")])
        for batch in batches:
            self._notes.add("begin", "append", key, batch)
            done = await self.store.append(key, batch)
            self._notes.add("done", "append", key, done)

    async def compact(self) -> None:
        key = random.choice(self._keys)
        self._notes.add("begin", "compact", key)
        await self.store.compact(key)
        self._notes.add("done", "compact", key)

    async def create(self) -> None:
        copied = (await self.store.read(random.choice(self._keys))).events[-20:]
        key, events = new_id(), [created("Fork"), *copied]
        self._notes.add("begin", "create", key, events)
        await self.store.create(key, events)
        self._notes.add("done", "create", key, events)
        self._forks.append(key)

    async def delete(self) -> None:
        key = random.choice([*self._keys, *self._forks])
        self._notes.add("begin", "delete", key)
        await self.store.delete(key)
        self._notes.add("done", "delete", key)

    async def restore(self) -> None:
        for item in await self.store.trash():
            key = item.summary.id
            self._notes.add("begin", "restore", key)
            await self.store.restore(key)
            self._notes.add("done", "restore", key)

    async def empty(self) -> None:
        forks = [item.summary.id for item in await self.store.trash() if item.summary.id not in self._keys]
        if forks:
            self._notes.add("begin", "empty", forks[0])
            await self.store.empty_trash(forks[:1])
            self._notes.add("done", "empty", forks[0])
            self._forks = [key for key in self._forks if key != forks[0]]

    async def repair(self) -> None:
        self._notes.add("begin", "repair", "")
        await self.store.check(repair=True)
        self._notes.add("done", "repair", "")


def churn(directory: Path, notes: Path, keys: Sequence[str]) -> None:
    """Work until the process is killed."""
    random.seed()
    asyncio.run(Churn(directory, notes, keys).run())
