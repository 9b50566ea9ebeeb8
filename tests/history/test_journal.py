"""Appending on a file system that fails, and on files that others prepared."""

from __future__ import annotations

import errno
import json
import os
import random
import signal
import stat
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from mcp_tui.errors import StoreBusy, StoreFailed
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.history import names
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.journal import Journal
from mcp_tui.history.locking import acquire
from tests.support.faultfs import Fault, FaultFS
from tests.support.history_events import assert_kept, assert_sound, created, fragment, said, stored

MOST_CALLS = 200


def journal(directory: Path, key: str, fs: FileSystem = REAL) -> Journal:
    return Journal(directory, key, fs, lock_timeout=0.2)


def add(target: Journal, *events: EventBase) -> list[EventBase]:
    (done,) = target.append([events])
    return done


def path_of(directory: Path, key: str) -> Path:
    return names.journal_path(directory, key)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "conversations"


# Faults at every call -------------------------------------------------------


def script() -> list[Sequence[EventBase]]:
    return [
        [created("Title"), said("first")],
        [fragment("a")],
        [said("long " * 30_000), fragment("a")],
        [said("last")],
    ]


def run(target: Journal, batches: list[Sequence[EventBase]], acknowledge: Callable[[list[EventBase]], None]) -> int:
    refused = 0
    for batch in batches:
        try:
            acknowledge(add(target, *batch))
        except (StoreFailed, StoreBusy):
            refused += 1
    return refused


@pytest.mark.parametrize("error", [errno.EIO, errno.ENOSPC])
@pytest.mark.parametrize("fault", ["fail", "short"])
@pytest.mark.parametrize("torn", [False, True])
def test_case_002_003_a_failing_call_loses_nothing_and_later_appends_work(
    tmp_path: Path, fault: Fault, error: int, torn: bool
) -> None:
    for n in range(1, MOST_CALLS):
        directory, key = tmp_path / str(n), new_id()
        before = add(journal(directory, key), created(), said("before"))
        if torn:
            with path_of(directory, key).open("ab") as file:
                file.write(b'{"type":"user_message","id":"torn')
        fs = FaultFS(n, fault, error=error)
        target = journal(directory, key, fs)
        done: list[EventBase] = list(before)
        batches = script()
        refused = run(target, batches, done.extend)
        target.close()
        found = stored(directory, key)
        assert_sound(found)
        assert_kept(found, done)
        # A retry of everything completes the log, each event once.
        for batch in batches:
            done.extend(add(journal(directory, key), *batch))
        found = stored(directory, key)
        assert_kept(found, done)
        assert_sound(found)
        assert len(found.events) == 2 + 6
        assert len(found.set_aside) == torn
        if not fs.fired:
            assert refused == 0
            return
    pytest.fail("the sweep did not end")


@pytest.mark.parametrize("fault", ["kill", "kill_after"])
def test_case_001_death_at_any_call_loses_nothing(tmp_path: Path, fault: Fault) -> None:
    for n in range(1, MOST_CALLS):
        directory, key = tmp_path / str(n), new_id()
        batches = script()
        acknowledged, died = in_child(directory, key, FaultFS(n, fault), batches)
        done = [event for batch in batches for event in batch if event.id in acknowledged]
        if done:
            found = stored(directory, key)
            assert_sound(found)
            assert {event.id for event in found.events} >= acknowledged
            assert len(found.set_aside) <= 1
        again = [event for batch in batches for event in add(journal(directory, key), *batch)]
        found = stored(directory, key)
        assert_sound(found)
        assert_kept(found, again)
        assert len(found.events) == 6
        if not died:
            assert acknowledged == {event.id for batch in batches for event in batch}
            return
    pytest.fail("the sweep did not end")


def in_child(directory: Path, key: str, fs: FileSystem, batches: list[Sequence[EventBase]]) -> tuple[set[str], bool]:
    """Run in a forked process; ids that it acknowledged, and whether it was killed."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            run(
                journal(directory, key, fs),
                batches,
                lambda done: [os.write(write_end, f"{event.id}\n".encode()) for event in done] and None,
            )
        finally:
            os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end) as pipe:
        acknowledged = set(pipe.read().split())
    _, status = os.waitpid(pid, 0)
    return acknowledged, os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL


@pytest.mark.parametrize("length", range(1, 60, 7))
def test_case_002_003_a_full_disk_rolls_back_at_any_byte(directory: Path, length: int) -> None:
    key = new_id()

    class Full(FileSystem):
        left = length

        def write(self, fd: int, data: bytes | memoryview) -> int:
            if not self.left:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            part = data[: self.left]
            self.left -= len(part)
            return super().write(fd, part)

    fs = Full()
    fs.left = 10**9
    target = journal(directory, key, fs)
    done = add(target, created())
    size = path_of(directory, key).stat().st_size
    fs.left = length
    event = said("does not fit")
    with pytest.raises(StoreFailed, match=r"No space left.*Free some space"):
        add(target, event)
    assert path_of(directory, key).stat().st_size == size
    fs.left = 10**9
    done += add(target, event)
    assert stored(directory, key).events == tuple(done)
    assert [item.seq for item in done] == [1, 2]


# A disk that fails for good -------------------------------------------------


def test_case_004_after_a_failed_fsync_the_file_is_never_written_again(
    directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    key = new_id()
    target = journal(directory, key, FaultFS(4, "fail", only=frozenset({"fsync"})))
    event = said("two")
    done = add(target, created())
    first = path_of(directory, key)
    before = first.read_bytes()
    with pytest.raises(StoreFailed, match="Input/output error"):
        add(target, event)
    assert "goes to a new file" in caplog.text
    done += add(target, event, said("three"))
    assert first.read_bytes() == before
    assert names.journal_path(directory, key, 2).exists()
    other = journal(directory, key)
    done += add(other, said("four"))
    done += add(target, said("five"))
    assert first.read_bytes() == before
    found = stored(directory, key)
    assert found.events == tuple(done)
    assert [item.seq for item in done] == [1, 2, 3, 4, 5]


def test_case_004_a_disk_that_keeps_failing_does_not_litter(directory: Path) -> None:
    key = new_id()
    fs = FaultFS(4, "fail", only=frozenset({"fsync"}), forever=True)
    target = journal(directory, key, fs)
    add(target, created())
    for number in range(10):
        with pytest.raises(StoreFailed):
            add(target, said(str(number)))
    assert len(list(directory.glob("*.jsonl"))) <= 2
    assert len(stored(directory, key).events) == 1


# Files that others prepared -------------------------------------------------


def test_case_006_a_torn_tail_stays_on_its_own_line(directory: Path) -> None:
    key = new_id()
    done = add(journal(directory, key), created())
    with path_of(directory, key).open("ab") as file:
        file.write(b'{"type":"user_mess')
    assert [line.reason for line in stored(directory, key).set_aside] == ["unfinished"]
    done += add(journal(directory, key), said("next"))
    found = stored(directory, key)
    assert found.events == tuple(done)
    assert [(line.number, line.reason) for line in found.set_aside] == [(2, "incomplete")]
    assert b'{"type":"user_mess\n' in path_of(directory, key).read_bytes()


def test_a_line_that_lacks_only_its_newline_is_completed(directory: Path) -> None:
    key = new_id()
    done = add(journal(directory, key), created(), said("whole"))
    path = path_of(directory, key)
    os.truncate(path, path.stat().st_size - 1)
    assert len(stored(directory, key).events) == 1
    done += add(journal(directory, key), said("next"))
    assert [event.seq for event in done] == [1, 2, 3]
    assert stored(directory, key).events == tuple(done)


def test_case_016_a_repeated_event_on_a_torn_line_is_really_there(directory: Path) -> None:
    key = new_id()
    event = said("whole")
    add(journal(directory, key), created(), event)
    path = path_of(directory, key)
    os.truncate(path, path.stat().st_size - 1)
    (again,) = add(journal(directory, key), event)
    assert stored(directory, key).events[1] == again


@pytest.mark.parametrize(
    "tail",
    [b"\0" * 4096, random.Random(7).randbytes(3000).replace(b"\n", b"x"), b"\n\n\n"],
    ids=["nul", "noise", "blank"],
)
def test_case_007_foreign_tails_hurt_nobody(directory: Path, tail: bytes) -> None:
    key = new_id()
    done = add(journal(directory, key), created(), said("x"))
    with path_of(directory, key).open("ab") as file:
        file.write(tail)
    done += add(journal(directory, key), said("y"))
    found = stored(directory, key)
    assert found.events == tuple(done)
    assert len(found.set_aside) == (0 if tail.isspace() else 1)


def test_case_008_a_damaged_line_is_reported_and_the_others_open(directory: Path) -> None:
    key = new_id()
    done = add(journal(directory, key), created(), said("aaaa"), said("bbbb"))
    path = path_of(directory, key)
    path.write_bytes(path.read_bytes().replace(b"aaaa", b"aaab", 1))
    found = stored(directory, key)
    assert found.events == (done[0], done[2])
    assert [(line.number, line.reason) for line in found.set_aside] == [(2, "checksum does not match")]


def rewrite(path: Path, change: Callable[[dict[str, Any]], None]) -> None:
    from mcp_tui.history import lines

    value = json.loads(path.read_bytes().splitlines()[0])
    del value["crc"]
    change(value)
    path.write_bytes(lines.prepare(value).numbered(1))


def test_case_009_a_newer_schema_is_read_and_not_continued(directory: Path) -> None:
    key = new_id()
    add(journal(directory, key), created("Tomorrow's"))
    rewrite(path_of(directory, key), lambda value: value.update(schema_version=2))
    found = stored(directory, key)
    assert found.newer_schema
    assert len(found.events) == 1
    with pytest.raises(StoreFailed, match="newer version"):
        add(journal(directory, key), said("x"))


def test_another_conversations_file_is_not_continued(directory: Path) -> None:
    key, other = new_id(), new_id()
    add(journal(directory, key), created())
    path_of(directory, key).rename(path_of(directory, other))
    with pytest.raises(StoreFailed, match="another conversation"):
        add(journal(directory, other), said("x"))


def test_two_journals_in_turn_number_without_gaps(directory: Path) -> None:
    key = new_id()
    one, two = journal(directory, key), journal(directory, key)
    done: list[EventBase] = []
    for number in range(20):
        done += add((one, two)[number % 2], said(str(number)))
    assert [event.seq for event in done] == list(range(1, 21))
    assert stored(directory, key).events == tuple(done)


# A file that changes hands --------------------------------------------------


def test_case_013_a_removed_file_stops_the_writer_until_it_is_back(directory: Path) -> None:
    key = new_id()
    target = journal(directory, key)
    done = add(target, created())
    path = path_of(directory, key)
    away = path.with_name("elsewhere")
    path.rename(away)
    for _ in range(2):
        with pytest.raises(StoreFailed, match="removed or moved"):
            add(target, said("x"))
        assert not path.exists()
    away.rename(path)
    done += add(target, said("y"))
    assert stored(directory, key).events == tuple(done)


def test_case_013_an_older_copy_in_its_place_is_not_continued(directory: Path) -> None:
    key = new_id()
    target = journal(directory, key)
    add(target, created())
    path = path_of(directory, key)
    copy = path.read_bytes()
    add(target, said("later"))
    path.unlink()
    path.write_bytes(copy)
    with pytest.raises(StoreFailed, match="lacks events"):
        add(target, said("x"))
    assert path.read_bytes() == copy


def test_case_013_a_shortened_file_is_not_continued(directory: Path) -> None:
    key = new_id()
    target = journal(directory, key)
    add(target, created())
    path = path_of(directory, key)
    size = path.stat().st_size
    add(target, said("later"))
    os.truncate(path, size)
    for _ in range(2):
        with pytest.raises(StoreFailed, match=r"became shorter|lacks events"):
            add(target, said("x"))
    assert path.stat().st_size == size


def make_symlink(path: Path) -> None:
    path.with_name("target").write_bytes(b"precious")
    path.symlink_to("target")


def make_hard_link(path: Path) -> None:
    path.with_name("target").write_bytes(b"precious")
    path.hardlink_to(path.with_name("target"))


@pytest.mark.parametrize("make", [make_symlink, make_hard_link, os.mkfifo, Path.mkdir])
def test_case_012_only_plain_files_are_written_and_read(directory: Path, make: Callable[[Path], None]) -> None:
    key = new_id()
    directory.mkdir()
    make(path_of(directory, key))
    with pytest.raises(StoreFailed, match=r"plain file|several names"):
        add(journal(directory, key), created())
    with pytest.raises(StoreFailed, match=r"plain file|several names"):
        stored(directory, key)
    if (directory / "target").exists():
        assert (directory / "target").read_bytes() == b"precious"


def test_case_011_everything_is_for_this_user_only(tmp_path: Path) -> None:
    directory, key = tmp_path / "a" / "b", new_id()
    before = os.umask(0)
    try:
        add(journal(directory, key), created(), said("x" * 100_000))
    finally:
        os.umask(before)
    found = [tmp_path / "a", *(tmp_path / "a").rglob("*")]
    assert len(found) == 5
    for path in found:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)


def test_case_011_a_narrow_umask_does_not_lock_us_out(directory: Path) -> None:
    key = new_id()
    before = os.umask(0o777)
    try:
        add(journal(directory, key), created(), said("x" * 100_000))
    finally:
        os.umask(before)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert len(stored(directory, key).events) == 2


def test_case_011_loose_permissions_are_tightened(directory: Path) -> None:
    key = new_id()
    add(journal(directory, key), created())
    directory.chmod(0o755)
    path_of(directory, key).chmod(0o644)
    add(journal(directory, key), said("x"))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(path_of(directory, key).stat().st_mode) == 0o600


def test_case_010_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreFailed, match=r"could not be saved in .*file"):
        add(journal(tmp_path / "file" / "sub", new_id()), created())


# The lock -------------------------------------------------------------------


def test_case_025_without_locks_nothing_is_written(directory: Path) -> None:
    key = new_id()
    for error in (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP):
        fs = FaultFS(1, "fail", error=error, only=frozenset({"lock"}))
        with pytest.raises(StoreFailed, match="no file locks"):
            add(journal(directory, key, fs), created())
    assert path_of(directory, key).stat().st_size == 0


def test_case_022_a_taken_lock_is_waited_for_and_its_holder_named(directory: Path) -> None:
    key = new_id()
    one, two = journal(directory, key), journal(directory, key)
    add(one, created())
    with one.locked(), pytest.raises(StoreBusy, match=rf"locked by pid {os.getpid()}.*0\.2 s"):
        add(two, said("x"))
    add(two, said("x"))


def test_case_026_a_long_wait_is_told_once(directory: Path) -> None:
    key = new_id()
    holder = journal(directory, key)
    add(holder, created())
    told: list[str] = []
    ready, go = threading.Event(), threading.Event()

    def hold() -> None:
        with holder.locked():
            ready.set()
            go.wait(30)

    def on_wait(text: str) -> None:
        told.append(text)
        go.set()

    thread = threading.Thread(target=hold)
    thread.start()
    assert ready.wait(30)
    waiting = Journal(directory, key, REAL, lock_timeout=30.0)
    waiting.append([[said("x")]], on_wait)
    thread.join(30)
    assert told == [f"Waiting for the history, which is locked by pid {os.getpid()}."]


def test_locks_are_those_of_filelock(directory: Path) -> None:
    """Whoever locks the file with the library, elsewhere, excludes us."""
    key = new_id()
    target = journal(directory, key)
    add(target, created())
    fd = os.open(path_of(directory, key), os.O_RDWR)
    try:
        acquire(REAL, fd, path_of(directory, key), timeout=1.0, on_wait=None)
        with pytest.raises(StoreBusy):
            add(target, said("x"))
    finally:
        os.close(fd)
    add(target, said("x"))
