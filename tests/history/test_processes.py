"""Several real processes on one directory, killed and stopped at random."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from mcp_tui.errors import StoreBusy, StoreFailed
from mcp_tui.events.base import new_id
from mcp_tui.events.turns import AssistantMessage, MessageFragment, UserMessage
from mcp_tui.history.jsonl import JsonlStore
from tests.support.history_events import assert_sound, created, replies, said, start_worker, stored

WRITERS = 8
ROUNDS = int(os.environ.get("MCP_TUI_KILL_ROUNDS", "4"))
LIMIT = 60.0
Reply = dict[str, object]


class Workers(list[subprocess.Popen[str]]):
    """Worker processes; none of them outlives its test."""

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        worker = start_worker(*arguments)
        self.append(worker)
        return worker

    def start_into(self, output: Path, *arguments: str) -> subprocess.Popen[str]:
        with output.open("w", encoding="utf-8") as file:
            worker = start_worker(*arguments, output=file)
        self.append(worker)
        return worker

    def end(self, pause: float = 0.0) -> None:
        for worker in self:
            worker.kill()
            time.sleep(random.uniform(0.0, pause))
        for worker in self:
            worker.wait(LIMIT)
            for pipe in (worker.stdin, worker.stdout):
                if pipe:
                    pipe.close()
        self.clear()


@pytest.fixture
def workers() -> Iterator[Workers]:
    started = Workers()
    yield started
    started.end()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def first_line(worker: subprocess.Popen[str]) -> str:
    assert worker.stdout is not None
    return worker.stdout.readline().strip()


def output(worker: subprocess.Popen[str]) -> list[dict[str, object]]:
    text, _ = worker.communicate(timeout=LIMIT)
    return replies(text)


@dataclass
class Count:
    """What many rounds came to."""

    acknowledged: int = 0
    readable: int = 0
    set_aside: int = 0
    size: int = 0


@pytest.mark.timeout(60 + 20 * ROUNDS)
@pytest.mark.parametrize("conversations", [1, WRITERS])
def test_case_001_019_random_kills_lose_nothing_acknowledged(
    tmp_path: Path, workers: Workers, conversations: int
) -> None:
    """MCP_TUI_KILL_ROUNDS rounds of eight writers each, all killed at random moments.

    Ten rounds share their files, so that most of them start on what earlier deaths left.
    """
    count = Count()
    for start in range(0, ROUNDS, 10):
        directory = tmp_path / f"from-{start}"
        keys = [new_id() for _ in range(conversations)]
        acknowledged: dict[str, Reply] = {}
        for _ in range(min(10, ROUNDS - start)):
            acknowledged |= kill_round(tmp_path, workers, directory, keys)
        check(directory, keys, acknowledged, count)
        shutil.rmtree(directory)
    sys.stdout.write(f"\n{ROUNDS} rounds, {ROUNDS * WRITERS} kills, {conversations} conversations, 0 lost: {count}\n")
    assert count.acknowledged >= ROUNDS * WRITERS
    assert count.set_aside <= ROUNDS * WRITERS
    assert count.readable <= count.acknowledged + ROUNDS * WRITERS


def kill_round(tmp_path: Path, workers: Workers, directory: Path, keys: list[str]) -> dict[str, Reply]:
    """Start all writers, kill them; what they acknowledged, by event id."""
    outputs = [tmp_path / f"writer-{number}" for number in range(WRITERS)]
    for output in outputs:
        workers.start_into(output, "append", str(directory), "100000", *keys)
    wait_until(lambda: all(output.stat().st_size for output in outputs))
    time.sleep(random.uniform(0.0, 0.3))
    random.shuffle(workers)
    workers.end(pause=0.02)
    return {str(reply["id"]): reply for output in outputs for reply in replies(output.read_text("utf-8"))}


def check(directory: Path, keys: list[str], acknowledged: dict[str, Reply], count: Count) -> None:
    """Every acknowledged event is there as it was, or a fragment of an answer that is whole.

    Only what a death left unfinished cannot be read.
    """
    count.acknowledged += len(acknowledged)
    count.size += sum(path.stat().st_size for path in directory.rglob("*") if path.is_file())
    for key in keys:
        found = stored(directory, key)
        assert_sound(found)
        assert {line.reason for line in found.set_aside} <= {"unfinished", "incomplete", "not an event"}
        count.readable += len(found.events)
        count.set_aside += len(found.set_aside)
        whole = {event.message_id for event in found.events if isinstance(event, AssistantMessage)}
        for event in found.events:
            reply = acknowledged.pop(event.id, None)
            if reply is not None:
                assert isinstance(event, (UserMessage, MessageFragment, AssistantMessage))
                assert reply["conversation"] == key
                assert (event.seq, len(event.text)) == (reply["seq"], reply["length"])
        for event_id, reply in list(acknowledged.items()):
            if reply["fragment_of"] in whole:
                del acknowledged[event_id]
    assert acknowledged == {}


def test_case_026_writers_that_live_number_without_gaps(tmp_path: Path, workers: Workers) -> None:
    key = new_id()
    writers = [workers.start("append", str(tmp_path), "25", key) for _ in range(6)]
    by_seq = {int(str(reply["seq"])): reply for writer in writers for reply in output(writer)}
    assert sorted(by_seq) == list(range(1, 151))
    found = stored(tmp_path, key)
    assert_sound(found)
    assert found.set_aside == ()
    removed = by_seq.keys() - {event.seq for event in found.events}
    assert removed
    assert all(by_seq[seq]["fragment_of"] for seq in removed)


def test_case_028_reading_while_another_appends_sees_only_whole_events(tmp_path: Path, workers: Workers) -> None:
    key = new_id()
    writer = workers.start("append", str(tmp_path), "100000", key)
    seen = 0
    deadline = time.monotonic() + LIMIT
    assert writer.stdout is not None
    while seen < 50 and time.monotonic() < deadline:
        acknowledged = int(str(replies(writer.stdout.readline())[0]["seq"]))
        found = stored(tmp_path, key)
        assert_sound(found)
        assert found.events[-1].seq >= acknowledged
        assert {line.reason for line in found.set_aside} <= {"unfinished"}
        seen += 1
    assert seen == 50


async def test_case_022_023_a_stopped_lock_holder_is_named_and_the_loop_stays_alive(
    tmp_path: Path, workers: Workers
) -> None:
    key = new_id()
    told: list[str] = []
    store = JsonlStore(tmp_path, lock_timeout=1.5, on_wait=told.append)
    await store.append(key, [created()])
    holder = workers.start("hold-lock", str(tmp_path), key)
    assert first_line(holder) == '"held"'
    holder.send_signal(signal.SIGSTOP)
    beats = 0
    pending = asyncio.ensure_future(store.append(key, [said("x")]))
    other = new_id()
    while not pending.done():
        await asyncio.sleep(0.01)
        beats += 1
        if beats == 5:
            await store.append(other, [created()])
            assert not pending.done()
    with pytest.raises(StoreBusy, match=rf"locked by pid {holder.pid}; gave up after 1\.5 s"):
        await pending
    assert beats > 20
    assert told == [f"Waiting for the history, which is locked by pid {holder.pid}."]
    holder.kill()
    holder.wait(LIMIT)
    (event,) = await store.append(key, [said("y")])
    assert event.seq == 2
    await store.aclose()


async def test_case_019_023_a_lease_is_exclusive_among_processes_and_ends_with_its_holder(
    tmp_path: Path, workers: Workers
) -> None:
    key = new_id()
    holder = workers.start("hold-lease", str(tmp_path), key)
    assert first_line(holder) == '"held"'
    store = JsonlStore(tmp_path)
    with pytest.raises(StoreBusy, match=rf"in use by pid {holder.pid} since \d\d:\d\d"):
        async with store.lease(key):
            pass
    # Appending does not need the lease.
    await store.append(key, [created()])
    holder.kill()
    holder.wait(LIMIT)
    async with store.lease(key):
        pass
    await store.aclose()


async def test_a_lease_given_back_is_free_for_others(tmp_path: Path, workers: Workers) -> None:
    key = new_id()
    holder = workers.start("hold-lease", str(tmp_path), key)
    assert first_line(holder) == '"held"'
    await asyncio.to_thread(holder.communicate, "", LIMIT)
    assert holder.returncode == 0
    async with JsonlStore(tmp_path).lease(key):
        pass


def test_case_005_a_file_size_limit_is_an_error_and_not_the_end(tmp_path: Path, workers: Workers) -> None:
    key = new_id()
    worker = workers.start("limited", str(tmp_path), key)
    message, seq = output(worker)
    assert "File too large" in str(message)
    assert seq == 2
    assert worker.returncode == 0
    found = stored(tmp_path, key)
    assert [event.seq for event in found.events] == [1, 2]
    assert found.set_aside == ()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("needs the right to mount a small tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)


async def test_case_002_003_a_really_full_disk(small_disk: Path) -> None:
    key = new_id()
    store = JsonlStore(small_disk / "conversations")
    done = await store.append(key, [created()])
    filler = small_disk / "filler"
    fill(filler)
    large = said("y" * 60_000)
    with pytest.raises(StoreFailed, match="No space left"):
        await store.append(key, [large])
    found = await store.read(key)
    assert (found.events, found.set_aside) == (tuple(done), ())
    filler.unlink()
    done += await store.append(key, [large])
    assert (await store.read(key)).events == tuple(done)
    await store.aclose()


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 512)
