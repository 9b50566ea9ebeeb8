"""Cases of the fault catalogue that concern the history as a whole: titles, threads, size, places without locks."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import resource
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from mcp_tui.errors import StoreBusy, StoreFailed
from mcp_tui.events.base import new_id
from mcp_tui.events.turns import ConversationTitled
from mcp_tui.history import names
from mcp_tui.history.jsonl import JsonlStore
from tests.support.faultfs import FaultFS
from tests.support.history_events import answered, created, fragment, said, stored

TITLES = ["../../etc/passwd", "a/b\\c", "x\0y", "t" * 300, "CON", "\U0001f600" * 40, "..", "-rf", "a\nb"]
GENERATED = re.compile(r"[0-9a-z]{26}\.jsonl|[0-9a-z]{26}\.lease|index\.json|[0-9a-z]{26}\.\d+\.jsonl|blobs")


async def test_case_018_names_of_files_come_from_generated_ids_only(tmp_path: Path) -> None:
    directory = tmp_path / "data" / "conversations"
    store = JsonlStore(directory)
    for title in TITLES:
        key = new_id()
        async with store.lease(key):
            await store.append(key, [created(title), ConversationTitled(title=title), said(title)])
    assert sorted(item.title for item in await store.list()) == sorted(TITLES)
    await store.aclose()
    assert [path.name for path in tmp_path.iterdir()] == ["data"]
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["conversations"]
    strange = [path.name for path in directory.iterdir() if not GENERATED.fullmatch(path.name)]
    assert strange == []


async def test_case_020_a_lock_is_released_whichever_threads_are_busy(tmp_path: Path) -> None:
    """The loop's threads are all taken when the lease is given back: another store gets it at once all the same."""
    key, store, other = new_id(), JsonlStore(tmp_path), JsonlStore(tmp_path)
    loop = asyncio.get_running_loop()
    pool = ThreadPoolExecutor(2)
    loop.set_default_executor(pool)
    for number in range(10):
        async with store.lease(key):
            await store.append(key, [said(f"mine {number}")])
            with pytest.raises(StoreBusy):
                async with other.lease(key):
                    pytest.fail("two hold the lease")
            busy = [loop.run_in_executor(None, time.sleep, 0.02) for _ in range(4)]
        async with asyncio.timeout(10), other.lease(key):
            await other.append(key, [said(f"other {number}")])
        await asyncio.gather(*busy)
    await asyncio.gather(store.aclose(), other.aclose())
    assert [event.seq for event in stored(tmp_path, key).events] == list(range(1, 21))


async def test_case_021_twenty_appends_at_once_never_hold_the_lock_together(tmp_path: Path) -> None:
    """One store object, and a second one on the same file: no two are between lock and unlock at once."""

    class Watched(FaultFS):
        inside, most = 0, 0

        def lock(self, fd: int) -> bool:
            got = super().lock(fd)
            if got:
                Watched.inside += 1
                Watched.most = max(Watched.most, Watched.inside)
            return got

        def unlock(self, fd: int) -> None:
            Watched.inside -= 1
            super().unlock(fd)

    key = new_id()
    stores = [JsonlStore(tmp_path, fs=Watched(0, "none"), lock_timeout=30.0) for _ in range(2)]
    await asyncio.gather(*(stores[number % 2].append(key, [said(str(number))]) for number in range(20)))
    await asyncio.gather(*(store.aclose() for store in stores))
    assert Watched.most == 1
    assert len(stored(tmp_path, key).events) == 20


async def test_case_014_a_huge_history_is_listed_and_read_in_bounded_memory(tmp_path: Path) -> None:
    """One line of 400 MB in it, sparse on the disk: the line is set aside, what follows is read."""
    key = new_id()
    store = JsonlStore(tmp_path)
    done = await store.append(key, [created("Huge")])
    path = names.journal_path(tmp_path, key)
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size + 400_000_000)
        file.seek(0, os.SEEK_END)
        file.write(b"\n")
    done += await store.append(key, [said("after it")])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert [item.title for item in await store.list()] == ["Huge"]
    began = time.process_time()
    assert [item.title for item in await store.list()] == ["Huge"]
    assert time.process_time() - began < 1, "from the index"
    found = await store.read(key)
    assert found.events == tuple(done)
    assert [line.number for line in found.set_aside] == [2]
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 150_000, f"{grown} kB for a file of 400 MB"
    await store.aclose()


@pytest.mark.parametrize("error", [errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP])
async def test_case_025_124_without_locks_it_is_read_and_why_nothing_is_written_is_said(
    tmp_path: Path, error: int
) -> None:
    """Such as on some network mounts: never a silent change to no lock at all."""
    key = new_id()
    plain = JsonlStore(tmp_path)
    done = await plain.append(key, [created("Elsewhere"), said("x")])
    await plain.aclose()
    store = JsonlStore(tmp_path, fs=FaultFS(1, "fail", error=error, only=frozenset({"lock"}), forever=True))
    assert [item.title for item in await store.list()] == ["Elsewhere"]
    assert (await store.read(key)).events == tuple(done)
    with pytest.raises(StoreFailed, match="no file locks"):
        await store.append(key, [said("y")])
    with pytest.raises(StoreFailed, match="lock"):
        async with store.lease(key):
            pytest.fail("a lease without a lock")
    assert stored(tmp_path, key).events == tuple(done)
    await store.aclose()


async def test_case_124_a_place_that_cannot_be_written_is_read_and_said(tmp_path: Path) -> None:
    """A read-only mount; the right of a file does not stop root, so the file system itself refuses."""
    key = new_id()
    plain = JsonlStore(tmp_path)
    done = await plain.append(key, [created("Read only"), said("x")])
    await plain.aclose()

    store = JsonlStore(tmp_path, fs=ReadOnly(0, "none"))
    assert [item.title for item in await store.list()] == ["Read only"]
    assert (await store.read(key)).events == tuple(done)
    with pytest.raises(StoreFailed, match="Read-only file system"):
        await store.append(key, [said("y")])
    await store.aclose()


class ReadOnly(FaultFS):
    """A file system that is mounted so."""

    def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            self._refuse()
        return super().open(path, flags, mode)

    def mkdir(self, path: Path) -> None:
        if not path.exists():
            self._refuse()

    def replace(self, source: Path, target: Path) -> None:
        self._refuse()

    def unlink(self, path: Path) -> None:
        self._refuse()

    def _refuse(self) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))


async def test_case_010_nothing_of_a_read_only_history_is_changed_and_each_refusal_says_why(tmp_path: Path) -> None:
    key, trashed = new_id(), new_id()
    plain = JsonlStore(tmp_path)
    done = await plain.append(key, [created("Read only"), said("x" * 100_000), fragment("a"), answered("a")])
    await plain.append(trashed, [created("In the trash")])
    await plain.delete(trashed)
    with names.journal_path(tmp_path, key).open("ab") as file:
        file.write(b"damaged\n")
    await plain.aclose()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    store = JsonlStore(tmp_path, fs=ReadOnly(0, "none"))
    for work in (
        store.create(new_id(), [created()]),
        store.delete(key),
        store.restore(trashed),
        store.empty_trash(),
        store.compact(key),
        store.append(new_id(), [created()]),
    ):
        with pytest.raises(StoreFailed, match="Read-only file system"):
            await work
    with pytest.raises(StoreFailed, match="Read-only file system"):
        async with store.lease(key):
            pytest.fail("a lease on a read-only file system")
    (found, in_trash) = (await store.check(repair=True)).conversations
    assert "Read-only file system" in found.problem
    assert (found.events, in_trash.title) == (len(done), "In the trash")
    assert [item.summary.title for item in await store.trash()] == ["In the trash"]
    seen = await anext(aiter(store.follow(key, 0)))
    assert list(seen) == done
    await store.aclose()
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


async def test_case_121_a_clock_that_jumps_back_changes_no_order_and_deletes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An hour back between two steps: numbers go on, and what is young stays."""
    key = new_id()
    store = JsonlStore(tmp_path)
    done = await store.append(key, [created("Now")])
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3700)
    young = tmp_path / f"{key}.jsonl.1.aaaa.tmp"
    young.touch()
    done += await store.append(key, [said("an hour ago").model_copy(update={"at": done[0].at - timedelta(hours=1)})])
    made = await store.create(new_id(), [created("Fork"), *done[1:]])
    assert [event.seq for event in done + made] == [1, 2, 1, 2]
    await store.delete(key)
    await store.restore(key)
    report = await store.check(repair=True)
    assert report.clean
    assert young.exists()
    await store.aclose()
    # And forward again: who wrote with the wrong clock and who reads with the right one see the same.
    monkeypatch.setattr(time, "time", real)
    assert (await JsonlStore(tmp_path).read(key)).events == tuple(done)
