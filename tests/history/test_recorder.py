"""One writer per conversation and process."""

from __future__ import annotations

import asyncio
import errno
import os
import random
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from mcp_tui.errors import StoreBusy, StoreFailed
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.history import names
from mcp_tui.history.fs import FileSystem
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.recorder import OPEN_JOURNALS, THREADS, Recorder
from tests.support.history_events import assert_kept, assert_sound, created, fragment, said, stored


class Gate(FileSystem):
    """Counts what is written and synced; holds the first lock until told to go on."""

    def __init__(self, *, closed: bool = True) -> None:
        self.go = threading.Event()
        self.reached = threading.Event()
        self.inside = 0
        self.most_inside = 0
        self.writes = 0
        self.syncs = 0
        if not closed:
            self.go.set()

    def lock(self, fd: int) -> bool:
        self.reached.set()
        assert self.go.wait(30)
        got = super().lock(fd)
        self.inside += got
        self.most_inside = max(self.most_inside, self.inside)
        return got

    def unlock(self, fd: int) -> None:
        self.inside -= 1
        super().unlock(fd)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        self.writes += 1
        return super().write(fd, data)

    def fsync(self, fd: int) -> None:
        self.syncs += 1
        super().fsync(fd)


async def opened(tmp_path: Path, fs: Gate) -> tuple[JsonlStore, str, asyncio.Future[list[EventBase]]]:
    """A store whose first append stands at the lock."""
    key = new_id()
    store = JsonlStore(tmp_path, fs=fs, lock_timeout=30.0)
    first = asyncio.ensure_future(store.append(key, [created()]))
    assert await asyncio.to_thread(fs.reached.wait, 30)
    return store, key, first


async def test_case_021_what_waits_is_written_together(tmp_path: Path) -> None:
    fs = Gate()
    store, key, first = await opened(tmp_path, fs)
    others = [asyncio.ensure_future(store.append(key, [said(str(n))])) for n in range(100)]
    await asyncio.sleep(0)
    fs.syncs = 0
    fs.go.set()
    await asyncio.gather(first, *others)
    assert fs.writes == 2
    assert fs.syncs == 2
    assert [event.seq for event in stored(tmp_path, key).events] == list(range(1, 102))
    assert fs.most_inside == 1
    await store.aclose()


async def test_what_needs_no_fsync_gets_none(tmp_path: Path) -> None:
    fs = Gate(closed=False)
    key = new_id()
    store = JsonlStore(tmp_path, fs=fs)
    await store.append(key, [created()])
    fs.syncs = 0
    await store.append(key, [fragment("a")])
    assert fs.syncs == 0
    await store.append(key, [fragment("a"), said("x")])
    assert fs.syncs == 1
    await store.aclose()


async def test_case_027_a_cancelled_caller_harms_nobody(tmp_path: Path) -> None:
    fs = Gate()
    store, key, first = await opened(tmp_path, fs)
    others = [asyncio.ensure_future(store.append(key, [said(str(n))])) for n in range(10)]
    await asyncio.sleep(0)
    first.cancel()
    for cancelled in others[::2]:
        cancelled.cancel()
    fs.go.set()
    done = [event for result in await asyncio.gather(*others[1::2]) for event in result]
    await store.aclose()
    found = stored(tmp_path, key)
    assert_sound(found)
    assert_kept(found, done)
    assert found.set_aside == ()


async def test_case_027_random_cancellation(tmp_path: Path) -> None:
    key = new_id()
    store = JsonlStore(tmp_path)
    done: list[EventBase] = []

    async def say(number: int) -> None:
        done.extend(await store.append(key, [said("x" * random.choice([10, 100_000])), fragment(str(number))]))

    tasks = [asyncio.ensure_future(say(number)) for number in range(150)]
    for task in random.sample(tasks, 75):
        await asyncio.sleep(0.0005)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await store.append(key, [said("lock is free")])
    await store.aclose()
    found = stored(tmp_path, key)
    assert_sound(found)
    assert_kept(found, done)
    assert found.set_aside == ()
    assert len(found.events) % 2 == 1


async def test_one_callers_fault_is_not_anothers(tmp_path: Path) -> None:
    class Small(Gate):
        def write(self, fd: int, data: bytes | memoryview) -> int:
            if len(data) > 20_000:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return super().write(fd, data)

    fs = Small()
    store, key, first = await opened(tmp_path, fs)
    small = asyncio.ensure_future(store.append(key, [said("small")]))
    large = asyncio.ensure_future(store.append(key, [said("large" * 10_000)]))
    after = asyncio.ensure_future(store.append(key, [said("after")]))
    await asyncio.sleep(0)
    fs.go.set()
    done = [*await first, *await small, *await after]
    with pytest.raises(StoreFailed, match="No space"):
        await large
    assert [event.seq for event in done] == [1, 2, 3]
    assert stored(tmp_path, key).events == tuple(done)
    await store.aclose()


async def test_closing_writes_out_what_waits(tmp_path: Path) -> None:
    fs = Gate()
    store, key, first = await opened(tmp_path, fs)
    waiting = [asyncio.ensure_future(store.append(key, [said(str(n))])) for n in range(20)]
    await asyncio.sleep(0)
    closing = asyncio.ensure_future(store.aclose())
    await asyncio.sleep(0)
    with pytest.raises(StoreFailed, match="closed"):
        await store.append(key, [said("late")])
    fs.go.set()
    await closing
    await asyncio.gather(first, *waiting)
    assert len(stored(tmp_path, key).events) == 21


async def test_closing_has_a_deadline(tmp_path: Path) -> None:
    fs = Gate()
    key = new_id()
    recorder = Recorder(lambda conversation_id: Journal(tmp_path, conversation_id, fs, lock_timeout=30.0))
    first = asyncio.ensure_future(recorder.append(key, [created()], None))
    assert await asyncio.to_thread(fs.reached.wait, 30)
    second = asyncio.ensure_future(recorder.append(key, [said("x")], None))
    await asyncio.sleep(0)
    with pytest.raises(StoreBusy, match=r"not written out within 0\.05 s"):
        await recorder.aclose(0.05)
    with pytest.raises(StoreFailed, match="closed before"):
        await second
    fs.go.set()
    assert len(await first) == 1


async def test_an_error_of_our_own_reaches_who_waits(tmp_path: Path) -> None:
    class Broken(FileSystem):
        def lock(self, fd: int) -> bool:
            raise ZeroDivisionError

    store = JsonlStore(tmp_path, fs=Broken())
    with pytest.raises(ZeroDivisionError):
        await store.append(new_id(), [created()])
    await store.aclose()


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc/self/fd")
async def test_open_files_are_few(tmp_path: Path) -> None:
    store = JsonlStore(tmp_path)
    keys = [new_id() for _ in range(OPEN_JOURNALS * 3)]
    for _ in range(2):
        for key in keys:
            await store.append(key, [said("x")])
    assert 0 < _open_below(tmp_path) <= OPEN_JOURNALS + THREADS
    for key in keys:
        assert len((await store.read(key)).events) == 2
    await store.aclose()
    assert _open_below(tmp_path) == 0


def _open_below(directory: Path) -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            count += link.readlink().is_relative_to(directory)
    return count


async def test_a_store_can_be_used_by_several_loops_in_turn(tmp_path: Path) -> None:
    key = new_id()
    store = JsonlStore(tmp_path)
    await store.append(key, [created()])
    await asyncio.to_thread(lambda: asyncio.run(_append(store, key)))
    await store.aclose()
    assert [event.seq for event in stored(tmp_path, key).events] == [1, 2]
    assert names.journal_path(tmp_path, key).exists()


async def _append(store: JsonlStore, key: str) -> None:
    await store.append(key, [said("other loop")])
