"""kill -9 at random moments of everything that is done to stored conversations, and a disk that is full at each of
them: nothing acknowledged is lost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.events.base import EventBase, new_id
from mcp_tui.events.turns import AssistantMessage
from mcp_tui.history import names
from mcp_tui.history.jsonl import JsonlStore
from tests.support.history_churn import Churn, churn
from tests.support.history_events import assert_sound, created, stored

MOMENTS = int(os.environ.get("MCP_TUI_KILL_MOMENTS", "16"))
"""Processes that are killed."""
TOGETHER = 2
"""So many work on the same files, and die together."""
ROUNDS_PER_DIRECTORY = 12
WORKS = {"append", "compact", "create", "delete", "restore", "empty", "repair"}


@dataclass
class Expected:
    """What must be there, from the notes of all that worked on a directory."""

    acknowledged: dict[str, dict[str, str]] = field(default_factory=dict)
    """Conversation -> event id -> the message that it is a fragment of, if it is one."""
    forks: dict[str, tuple[list[str], bool]] = field(default_factory=dict)
    """Fork -> its events, and whether it was acknowledged."""
    emptied: set[str] = field(default_factory=set)
    """Conversations of which the removal has begun."""
    hit: Counter[str] = field(default_factory=Counter)
    """What was being done at the moments of death."""

    def read(self, notes: Path) -> None:
        last = None
        for line in notes.read_text("ascii").splitlines():
            fact = last = json.loads(line)
            key, done = fact["key"], fact["phase"] == "done"
            match fact["work"]:
                case "append" if done:
                    kept = self.acknowledged.setdefault(key, {})
                    kept |= {event_id: fact["fragment_of"].get(event_id, "") for event_id in fact["ids"]}
                case "create":
                    self.forks[key] = (fact["ids"], done)
                case "empty":
                    self.emptied.add(key)
        self.hit[last["work"] if last and last["phase"] == "begin" else "between"] += 1


def kill_together(directory: Path, notes: list[Path], keys: list[str]) -> None:
    """Processes that are forked, work for a moment, and are killed."""
    started = []
    for path in notes:
        pid = os.fork()
        if pid == 0:
            try:
                os.nice(5)
                churn(directory, path, keys)
            finally:
                os._exit(1)
        started.append(pid)
    time.sleep(random.uniform(0.05, 0.6))
    for pid in started:
        time.sleep(random.uniform(0.0, 0.005))
        os.kill(pid, signal.SIGKILL)
    for pid in started:
        _, status = os.waitpid(pid, 0)
        assert os.WIFSIGNALED(status), "it came to its end by itself"


def where(directory: Path, key: str) -> tuple[EventBase, ...]:
    """The events of a conversation, in the list or in the trash, never in both; none when it is gone."""
    places = [place for place in (directory, names.trash_directory(directory)) if _has(place, key)]
    assert len(places) <= 1, f"{key} is in the list and in the trash"
    if not places:
        return ()
    found = stored(places[0], key)
    assert_sound(found)
    assert {line.reason for line in found.set_aside} <= {"unfinished", "incomplete"}
    assert "is lost:" not in "".join(event.model_dump_json() for event in found.events)
    return found.events


def _has(place: Path, key: str) -> bool:
    path = names.journal_path(place, key)
    return path.exists() and path.stat().st_size > 0


async def look(directory: Path, *, repair: bool) -> None:
    """The check is clean, before a repair and after it."""
    store = JsonlStore(directory)
    await store.trash()
    report = await store.check()
    assert report.clean, report
    if repair:
        assert (await store.check(repair=True)).clean
        after = await store.check()
        assert not any(check.set_aside for check in after.conversations if not check.in_trash)
    assert report.foreign == ()
    await store.aclose()


def verify(directory: Path, keys: list[str], expected: Expected) -> None:
    for key in keys:
        events = where(directory, key)
        there = {event.id for event in events}
        whole = {event.message_id for event in events if isinstance(event, AssistantMessage)}
        owed = expected.acknowledged.get(key, {})
        missing = [event_id for event_id, message in owed.items() if event_id not in there and message not in whole]
        assert not missing, f"{len(missing)} acknowledged events of {key} are lost"
    for key, (ids, acknowledged) in expected.forks.items():
        found = [event.id for event in where(directory, key)]
        if found or (acknowledged and key not in expected.emptied):
            assert found == list(dict.fromkeys(ids)), f"the fork {key} is neither whole nor nothing"


@pytest.mark.timeout(60 + 5 * MOMENTS)
def test_case_001_015_random_kills_of_everything_lose_nothing_acknowledged(tmp_path: Path) -> None:
    """MCP_TUI_KILL_MOMENTS kills, two processes at a time, among all that is done to stored conversations."""
    rounds = -(-MOMENTS // TOGETHER)
    hit: Counter[str] = Counter()
    acknowledged = forks = size = 0
    for start in range(0, rounds, ROUNDS_PER_DIRECTORY):
        directory = tmp_path / f"from-{start}"
        keys = [new_id() for _ in range(3)]
        asyncio.run(begin(directory, keys))
        expected = Expected()
        for number in range(start, min(start + ROUNDS_PER_DIRECTORY, rounds)):
            notes = [tmp_path / f"notes-{number}-{i}" for i in range(TOGETHER)]
            kill_together(directory, notes, keys)
            for path in notes:
                if path.exists():
                    expected.read(path)
            asyncio.run(look(directory, repair=False))
            verify(directory, keys, expected)
            if number % 4 == 3:
                asyncio.run(look(directory, repair=True))
                verify(directory, keys, expected)
        hit += expected.hit
        acknowledged += sum(map(len, expected.acknowledged.values()))
        forks += sum(done for _, done in expected.forks.values())
        size += sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
        shutil.rmtree(directory)
    words = ", ".join(f"{work} {count}" for work, count in hit.most_common())
    sys.stdout.write(
        f"\n{rounds * TOGETHER} kills ({words}); {acknowledged} events and {forks} forks acknowledged,"
        f" {size / 1e6:.0f} MB, 0 lost\n"
    )
    assert acknowledged
    assert MOMENTS < 300 or set(hit) >= WORKS


async def work_without_room(directory: Path, notes: Path, keys: list[str]) -> None:
    """No file may grow over a limit that changes; then there is room again, and each kind of work is done."""
    work = Churn(directory, notes, keys)
    refused: Counter[str] = Counter()
    for _ in range(40):
        limit = random.choice([0, 300, 2_000, 20_000, 100_000, 400_000])
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        kind = random.choice(sorted(work.works))
        refused[kind] += not await work.do(kind)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert await work.do("restore")
    for kind in ("append", "compact", "create", "repair", "delete", "restore", "empty"):
        assert await work.do(kind), f"{kind} is refused although there is room again"
    await work.store.aclose()
    assert refused["append"] or refused["create"]


def in_child(work: Coroutine[Any, Any, None]) -> int:
    """Exit status of a process that does this."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            random.seed()
            with contextlib.suppress(AssertionError):
                asyncio.run(work)
                status = 0
        finally:
            os._exit(status)
    work.close()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


@pytest.mark.timeout(60 + 10 * MOMENTS)
def test_case_002_003_005_a_disk_that_is_full_at_any_moment_loses_nothing_acknowledged(tmp_path: Path) -> None:
    acknowledged = 0
    for number in range(max(2, MOMENTS // 10)):
        directory, notes = tmp_path / str(number), tmp_path / f"notes-{number}"
        keys = [new_id() for _ in range(3)]
        asyncio.run(begin(directory, keys))
        assert in_child(work_without_room(directory, notes, keys)) == 0
        expected = Expected()
        expected.read(notes)
        asyncio.run(look(directory, repair=False))
        verify(directory, keys, expected)
        assert list(directory.rglob("*.tmp")) == []
        acknowledged += sum(map(len, expected.acknowledged.values()))
    assert acknowledged


async def begin(directory: Path, keys: list[str]) -> None:
    store = JsonlStore(directory)
    for key in keys:
        await store.append(key, [created(key)])
    await store.aclose()
