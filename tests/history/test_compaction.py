"""Superseded fragments leave the file, everything else stays (requirement A5)."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from mcp_tui.errors import ConversationNotFound, HistoryError, StoreFailed
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.history import names
from mcp_tui.history.compaction import WORTHWHILE, compact
from mcp_tui.history.fs import REAL
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.reading import read_conversation
from tests.support.faultfs import FaultFS
from tests.support.history_events import answered, assert_sound, created, fragment, said, stored

FRAGMENTS = 5


def journal(directory: Path, key: str) -> Journal:
    return Journal(directory, key, REAL, lock_timeout=2.0)


def conversation(directory: Path, key: str, *, damage: bool = False) -> tuple[list[EventBase], list[EventBase]]:
    """A file with superseded and live fragments; what compaction keeps, and what it removes."""
    target = journal(directory, key)
    kept, gone = [], []
    (done,) = target.append([[created(), said("question")]])
    kept += done
    for _ in range(FRAGMENTS):
        (done,) = target.append([[fragment("a", "p" * 300)]])
        gone += done
    if damage:
        target.close()
        with names.journal_path(directory, key).open("ab") as file:
            file.write(b'{"type":"message_fragment","torn')
    (done,) = target.append([[answered("a", "w" * 1500), said("x" * 100_000), fragment("b")]])
    kept += done
    target.close()
    return kept, gone


def temporary_files(directory: Path) -> list[Path]:
    return list(directory.glob("*.tmp"))


def test_superseded_fragments_go_and_everything_else_stays(tmp_path: Path) -> None:
    key = new_id()
    kept, _ = conversation(tmp_path, key, damage=True)
    before = stored(tmp_path, key)
    path = names.journal_path(tmp_path, key)
    size = path.stat().st_size
    assert compact(journal(tmp_path, key), REAL) == FRAGMENTS
    found = stored(tmp_path, key)
    assert found.events == tuple(kept)
    assert [line.reason for line in found.set_aside] == [line.reason for line in before.set_aside]
    assert path.stat().st_size < size - FRAGMENTS * 300
    assert path.stat().st_mode & 0o777 == 0o600
    assert temporary_files(tmp_path) == []
    assert compact(journal(tmp_path, key), REAL) == 0


def test_an_open_appender_and_numbers_go_on(tmp_path: Path) -> None:
    key = new_id()
    kept, _ = conversation(tmp_path, key)
    appender = journal(tmp_path, key)
    (done,) = appender.append([[said("before")]])
    kept += done
    assert compact(journal(tmp_path, key), REAL) == FRAGMENTS
    (done,) = appender.append([[said("after")]])
    kept += done
    found = stored(tmp_path, key)
    assert found.events == tuple(kept)
    assert [event.seq for event in found.events[-2:]] == [kept[-2].seq, kept[-2].seq + 1]


def test_the_last_number_is_not_given_twice(tmp_path: Path) -> None:
    key = new_id()
    target = journal(tmp_path, key)
    target.append([[created(), fragment("a"), answered("a"), fragment("a", "late")]])
    assert compact(journal(tmp_path, key), REAL) == 1
    (done,) = target.append([[said("next")]])
    assert done[0].seq == 5


def test_a_reader_in_the_middle_sees_the_old_file_whole(tmp_path: Path) -> None:
    key = new_id()
    kept, gone = conversation(tmp_path, key)

    class CompactedUnderTheReader(FaultFS):
        def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
            fd = super().open(path, flags, mode)
            if path.suffix == ".jsonl":
                compact(journal(tmp_path, key), REAL)
            return fd

    found = read_conversation(tmp_path, key, CompactedUnderTheReader(0, "none"))
    assert {event.id for event in found.events} == {event.id for event in kept + gone}
    assert stored(tmp_path, key).events == tuple(kept)


def test_all_segments_are_compacted(tmp_path: Path) -> None:
    key = new_id()
    target = Journal(tmp_path, key, FaultFS(3, "fail", only=frozenset({"fsync"})), lock_timeout=2.0)
    (kept,) = target.append([[created(), fragment("a")]])
    event = said("on the second file")
    with pytest.raises(StoreFailed):
        target.append([[event]])
    target.append([[event, fragment("a"), answered("a")]])
    assert names.journal_path(tmp_path, key, 2).exists()
    assert compact(journal(tmp_path, key), REAL) == 2
    found = stored(tmp_path, key)
    assert [item.type for item in found.events] == ["conversation_created", "user_message", "assistant_message"]
    assert found.events[0] == kept[0]


def outcome(directory: Path, key: str, kept: list[EventBase], gone: list[EventBase]) -> str:
    """Old or new, complete, nothing else; and the log goes on."""
    found = stored(directory, key)
    assert_sound(found)
    ids = {event.id for event in found.events}
    assert ids in ({event.id for event in kept}, {event.id for event in kept + gone})
    by_id = {event.id: event for event in found.events}
    assert all(by_id[event.id] == event for event in kept)
    target = journal(directory, key)
    (done,) = target.append([[said("goes on")]])
    assert done[0].seq == kept[-1].seq + 1
    compact(target, REAL)
    assert stored(directory, key).events == (*kept, *done)
    assert temporary_files(directory) == []
    return "old" if len(ids) > len(kept) else "new"


@pytest.mark.parametrize("fault", ["fail", "short"])
def test_case_015_a_failing_call_leaves_the_old_or_the_new_file(tmp_path: Path, fault: str) -> None:
    seen = set()
    for n in range(1, 100):
        directory, key = tmp_path / str(n), new_id()
        kept, gone = conversation(directory, key)
        fs = FaultFS(n, fault)  # type: ignore[arg-type]
        target = Journal(directory, key, fs, lock_timeout=0.2)
        try:
            compact(target, fs)
        except HistoryError:
            assert fs.fired
        target.close()
        seen.add(outcome(directory, key, kept, gone))
        if not fs.fired:
            assert seen == {"old", "new"}
            return
    pytest.fail("the sweep did not end")


@pytest.mark.parametrize("fault", ["kill", "kill_after"])
def test_case_015_death_at_any_call_leaves_the_old_or_the_new_file(tmp_path: Path, fault: str) -> None:
    seen = set()
    for n in range(1, 100):
        directory, key = tmp_path / str(n), new_id()
        kept, gone = conversation(directory, key)
        fs = FaultFS(n, fault)  # type: ignore[arg-type]
        pid = os.fork()
        if pid == 0:
            try:
                compact(Journal(directory, key, fs, lock_timeout=0.2), fs)
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        seen.add(outcome(directory, key, kept, gone))
        if not os.WIFSIGNALED(status):
            assert seen == {"old", "new"}
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
    pytest.fail("the sweep did not end")


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[pytest.LogCaptureFixture]:
    yield caplog
    assert caplog.text == ""


async def test_a_turn_with_many_fragments_is_compacted_when_it_ends(
    tmp_path: Path, told: pytest.LogCaptureFixture
) -> None:
    key = new_id()
    store = JsonlStore(tmp_path)
    async with store.lease(key):
        await store.append(key, [created(), *(fragment("a") for _ in range(WORTHWHILE))])
        await store.append(key, [answered("a")])
        assert len((await store.read(key)).events) == WORTHWHILE + 2
    await store.aclose()
    assert [event.type for event in stored(tmp_path, key).events] == ["conversation_created", "assistant_message"]


async def test_a_turn_with_few_fragments_is_left_alone_until_asked(tmp_path: Path) -> None:
    key = new_id()
    store = JsonlStore(tmp_path)
    async with store.lease(key):
        await store.append(key, [created(), fragment("a"), answered("a")])
    await store.append(key, [said("more")])
    assert len((await store.read(key)).events) == 4
    assert await store.compact(key) == 1
    assert len((await store.read(key)).events) == 3
    with pytest.raises(ConversationNotFound):
        await store.compact(new_id())
    await store.aclose()


async def test_a_lease_alone_makes_no_conversation(tmp_path: Path) -> None:
    store = JsonlStore(tmp_path)
    async with store.lease(new_id()):
        pass
    await store.aclose()
    assert list(tmp_path.glob("*.jsonl")) == []
    assert await JsonlStore(tmp_path).list() == ()
