"""A conversation is in the list or in the trash, with all of its files, whichever call fails or is the last."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_tui.errors import ConversationNotFound, HistoryError, StoreFailed
from mcp_tui.events.base import EventBase, new_id, utc_now
from mcp_tui.history import names
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.reading import read_conversation
from mcp_tui.history.trash import Trash
from tests.support.faultfs import Fault, FaultFS
from tests.support.history_events import created, said, stored

MOST_CALLS = 150
Work = Callable[[Trash, str], object]


def conversation(directory: Path, key: str) -> list[EventBase]:
    """In two segments, with a large value beside the log."""
    directory.mkdir(exist_ok=True)
    target = Journal(directory, key, FaultFS(3, "fail", only=frozenset({"fsync"})), lock_timeout=2.0)
    (first,) = target.append([[created("Here")]])
    second = said("on the second file")
    with pytest.raises(StoreFailed):
        target.append([[second]])
    (rest,) = target.append([[second, said("x" * 100_000)]])
    target.close()
    assert names.journal_path(directory, key, 2).exists()
    return [*first, *rest]


def trash(directory: Path, fs: FileSystem = REAL) -> Trash:
    return Trash(directory, fs, lock_timeout=0.5)


def where(directory: Path, key: str, done: list[EventBase]) -> str:
    """In one of the two places, as a whole, after the next occasion to tidy up; or gone without a trace."""
    trashed = trash(directory).list()
    try:
        found = stored(directory, key)
    except ConversationNotFound:
        if not trashed:
            assert [path for path in directory.rglob("*") if key in path.name] == []
            return "gone"
        found = stored(names.trash_directory(directory), key)
        assert [path.name for path in directory.iterdir() if key in path.name and path.suffix != ".lease"] == []
        place = "trash"
    else:
        assert trashed == ()
        assert list(names.trash_directory(directory).glob(f"{key}*")) == []
        place = "list"
    assert found.events == tuple(done)
    assert found.set_aside == ()
    return place


def delete(target: Trash, key: str) -> None:
    target.delete(key)


def restore(target: Trash, key: str) -> None:
    target.restore(key)


def empty(target: Trash, _key: str) -> None:
    target.empty()


CASES = [(delete, "list", "trash"), (restore, "trash", "list"), (empty, "trash", "gone")]


def prepared(directory: Path, key: str, place: str) -> list[EventBase]:
    done = conversation(directory, key)
    if place == "trash":
        trash(directory).delete(key)
    return done


@pytest.mark.parametrize(("work", "before", "after"), CASES)
def test_case_004_a_failing_call_leaves_it_whole_in_one_place(
    tmp_path: Path, work: Work, before: str, after: str
) -> None:
    for n in range(1, MOST_CALLS):
        directory, key = tmp_path / str(n), new_id()
        done = prepared(directory, key, before)
        fs = FaultFS(n, "fail")
        try:
            work(trash(directory, fs), key)
        except HistoryError:
            assert fs.fired
            assert where(directory, key, done) in {before, after}
        else:
            assert where(directory, key, done) == after
        if not fs.fired:
            return
    pytest.fail("the sweep did not end")


@pytest.mark.parametrize("fault", ["kill", "kill_after"])
@pytest.mark.parametrize(("work", "before", "after"), CASES)
def test_case_001_death_at_any_call_leaves_it_whole_in_one_place(
    tmp_path: Path, work: Work, before: str, after: str, fault: Fault
) -> None:
    seen = set()
    for n in range(1, MOST_CALLS):
        directory, key = tmp_path / str(n), new_id()
        done = prepared(directory, key, before)
        pid = os.fork()
        if pid == 0:
            try:
                work(trash(directory, FaultFS(n, fault)), key)
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        seen.add(where(directory, key, done))
        if not os.WIFSIGNALED(status):
            assert seen == {before, after}
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
    pytest.fail("the sweep did not end")


def test_case_002_a_full_disk_can_be_tidied_up(tmp_path: Path) -> None:
    """Deleting, restoring and emptying need no space: only the time of deletion is not kept."""
    key = new_id()
    done = conversation(tmp_path, key)
    full = FaultFS(1, "fail", error=errno.ENOSPC, only=frozenset({"write"}), forever=True)
    trash(tmp_path, full).delete(key)
    assert full.fired
    assert where(tmp_path, key, done) == "trash"
    (item,) = trash(tmp_path).list()
    assert abs((item.deleted_at - utc_now()).total_seconds()) < 60
    trash(tmp_path, full).restore(key)
    assert where(tmp_path, key, done) == "list"
    trash(tmp_path, full).delete(key)
    assert trash(tmp_path, full).empty() == 1
    assert where(tmp_path, key, done) == "gone"


def test_two_of_one_name_are_never_mixed(tmp_path: Path) -> None:
    """Such as after a backup was copied back while the conversation was in the trash."""
    key = new_id()
    done = conversation(tmp_path, key)
    trash(tmp_path).delete(key)
    backup = tmp_path / "backup"
    journal = Journal(backup, key, REAL, lock_timeout=0.5)
    (other,) = journal.append([[created("Other"), said("z" * 100_000)]])
    journal.close()
    for name in ("jsonl", "blobs"):
        (backup / f"{key}.{name}").rename(tmp_path / f"{key}.{name}")
    with pytest.raises(StoreFailed, match="already"):
        trash(tmp_path).restore(key)
    with pytest.raises(StoreFailed, match="already"):
        trash(tmp_path).delete(key)
    assert stored(tmp_path, key).events == tuple(other)
    assert stored(names.trash_directory(tmp_path), key).events == tuple(done)
    assert trash(tmp_path).empty() == 1
    assert stored(tmp_path, key).events == tuple(other)


async def test_another_window_cannot_go_on_in_what_was_deleted_or_removed(tmp_path: Path) -> None:
    """Neither one that wrote to it, nor one that only read it: the file is not begun anew with half of the events."""
    key = new_id()
    writer, reader, other = JsonlStore(tmp_path), JsonlStore(tmp_path), JsonlStore(tmp_path)
    done = await writer.append(key, [created(), said("x")])
    await reader.read(key)
    await other.delete(key)
    for window in (writer, reader):
        with pytest.raises(StoreFailed, match="in the trash"):
            await window.append(key, [said("y")])
    await other.restore(key)
    for window in (writer, reader):
        done += await window.append(key, [said("y")])
    names.journal_path(tmp_path, key).unlink()
    for window in (writer, reader):
        with pytest.raises(StoreFailed, match="removed or moved away"):
            await window.append(key, [said("z")])
    assert not names.journal_path(tmp_path, key).exists()
    await asyncio.gather(writer.aclose(), reader.aclose(), other.aclose())


def test_a_reader_whom_the_trash_overtakes_never_sees_half_of_it(tmp_path: Path) -> None:
    """Large values are moved after the log: a fork of what was read would keep the hole for ever."""
    key = new_id()
    done = conversation(tmp_path, key)

    class Deleted(FaultFS):
        def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
            fd = super().open(path, flags, mode)
            if path.suffix == ".jsonl" and not self.fired:
                self.fired = True
                trash(tmp_path).delete(key)
            return fd

    with pytest.raises(ConversationNotFound):
        read_conversation(tmp_path, key, Deleted(0, "none"))
    trash(tmp_path).restore(key)
    assert stored(tmp_path, key).events == tuple(done)


async def test_of_what_was_removed_for_good_no_word_is_left(tmp_path: Path) -> None:
    key, secret = new_id(), "unmentionable"
    store = JsonlStore(tmp_path)
    await store.append(key, [created(secret), said(secret * 10_000)])
    await store.list()
    await store.delete(key)
    await store.trash()
    assert await store.empty_trash() == 1
    await store.aclose()
    left = [path for path in tmp_path.rglob("*") if path.is_file() and secret in path.read_text("utf-8", "replace")]
    assert left == []
    assert [path for path in tmp_path.rglob("*") if key in path.name] == []


async def test_what_is_in_the_trash_is_not_begun_anew_by_a_window_that_never_saw_it(tmp_path: Path) -> None:
    key = new_id()
    store, stranger = JsonlStore(tmp_path), JsonlStore(tmp_path)
    await store.append(key, [created()])
    await store.delete(key)
    with pytest.raises(StoreFailed, match="in the trash"):
        await stranger.append(key, [said("x")])
    assert not names.journal_path(tmp_path, key).exists()
    await store.restore(key)
    (event,) = await stranger.append(key, [said("x")])
    assert event.seq == 2
    await asyncio.gather(store.aclose(), stranger.aclose())


async def test_many_windows_delete_and_restore_at_once(tmp_path: Path) -> None:
    stores = [JsonlStore(tmp_path, lock_timeout=30.0) for _ in range(4)]
    keys = [new_id() for _ in range(6)]
    for key in keys:
        await stores[0].append(key, [created(), said("x" * 70_000)])

    async def work(store: JsonlStore) -> None:
        for key in keys * 2:
            for call in (store.delete, store.restore):
                try:
                    await call(key)
                except HistoryError:
                    continue

    await asyncio.gather(*map(work, stores))
    trashed = {item.summary.id for item in await stores[0].trash()}
    listed = {item.id for item in await stores[0].list()}
    assert trashed | listed == set(keys)
    assert trashed & listed == set()
    for key in trashed:
        await stores[0].restore(key)
    for key in keys:
        assert len((await stores[0].read(key)).events) == 2
    await asyncio.gather(*(store.aclose() for store in stores))
