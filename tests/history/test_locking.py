"""Leases and the naming of holders; what several processes do with them is in ``test_processes``."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mcp_tui.errors import StoreBusy, StoreFailed
from mcp_tui.events.base import new_id
from mcp_tui.history import locking, names
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.locking import Holder, Lease, acquire, read_holder


def test_a_holder_in_words() -> None:
    since = datetime(2026, 1, 1, 12, 5, tzinfo=UTC)
    local = f"{since.astimezone():%H:%M}"
    assert str(Holder(42)) == "pid 42"
    assert str(Holder(42, since, "far")) == f"pid 42 on far since {local}"


def test_a_lease_signs_its_file_and_wipes_it(tmp_path: Path) -> None:
    path = tmp_path / "x.lease"
    lease = Lease(path, REAL)
    lease.acquire()
    holder = read_holder(REAL, path)
    assert holder is not None
    assert holder.pid == os.getpid()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lease.release()
    assert path.read_bytes() == b""
    lease.release()


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"pid":"x"}', b"\xff" * 100, b'{"pid":1,"since":"?","host":1}']
)
def test_case_024_a_lease_file_with_any_content_excludes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.lease"
    one, two = Lease(path, REAL), Lease(path, REAL)
    one.acquire()
    path.write_bytes(content)
    with pytest.raises(StoreBusy, match=r"in use by (pid \d+|another process)"):
        two.acquire()
    one.release()
    two.acquire()
    two.release()


def test_case_023_what_a_dead_holder_left_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "x.lease"
    path.write_text('{"pid":1,"since":"2020-01-01T00:00:00+00:00","host":"x"}' + " " * 200)
    lease = Lease(path, REAL)
    lease.acquire()
    holder = read_holder(REAL, path)
    assert holder is not None
    assert holder.pid == os.getpid()
    lease.release()


def test_case_024_a_deleted_lease_file_lets_nobody_in_twice_on_the_same_file(tmp_path: Path) -> None:
    path = tmp_path / "x.lease"

    class Deleted(FileSystem):
        def lock(self, fd: int) -> bool:
            path.unlink()
            return super().lock(fd)

    with pytest.raises(StoreBusy):
        Lease(path, Deleted()).acquire()


def make_link(path: Path) -> None:
    path.with_name("target").write_bytes(b"precious")
    path.symlink_to("target")


def make_hard_link(path: Path) -> None:
    path.with_name("target").write_bytes(b"precious")
    path.hardlink_to(path.with_name("target"))


@pytest.mark.parametrize("make", [make_link, make_hard_link, os.mkfifo, Path.mkdir])
async def test_case_012_only_a_plain_file_is_a_lease(tmp_path: Path, make: Callable[[Path], None]) -> None:
    key = new_id()
    make(names.lease_path(tmp_path, key))
    store = JsonlStore(tmp_path)
    with pytest.raises(StoreFailed):
        async with store.lease(key):
            pass
    if (tmp_path / "target").exists():
        assert (tmp_path / "target").read_bytes() == b"precious"
    await store.aclose()


async def test_case_027_a_cancelled_taker_leaves_no_lease(tmp_path: Path) -> None:
    key = new_id()
    reached, go = threading.Event(), threading.Event()

    class Slow(FileSystem):
        def lock(self, fd: int) -> bool:
            reached.set()
            assert go.wait(30)
            return super().lock(fd)

    store = JsonlStore(tmp_path, fs=Slow())

    async def take() -> None:
        async with store.lease(key):
            pytest.fail("the lease was given to a cancelled task")

    taking = asyncio.ensure_future(take())
    assert await asyncio.to_thread(reached.wait, 30)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    go.set()
    async with asyncio.timeout(30):
        while True:
            try:
                async with store.lease(key):
                    break
            except StoreBusy:
                await asyncio.sleep(0.005)
    await store.aclose()


def test_without_a_table_of_locks_the_lease_names_the_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal, lease_path = tmp_path / "j", tmp_path / "l"
    journal.write_bytes(b"")
    lease = Lease(lease_path, REAL)
    lease.acquire()
    one, two = os.open(journal, os.O_RDWR), os.open(journal, os.O_RDWR)
    try:
        acquire(REAL, one, journal, timeout=0.0, on_wait=None)
        monkeypatch.setattr(locking, "_system_holder", lambda *_: None)
        with pytest.raises(StoreBusy, match=rf"locked by pid {os.getpid()} since"):
            acquire(REAL, two, journal, timeout=0.0, on_wait=None, lease=lease_path)
        with pytest.raises(StoreBusy, match="locked by another process"):
            acquire(REAL, two, journal, timeout=0.0, on_wait=None)
    finally:
        os.close(one)
        os.close(two)
    lease.release()
