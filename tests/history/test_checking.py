"""What is wrong with the files is said, and damaged lines can be set aside without losing a good one."""

from __future__ import annotations

import asyncio
import os
import random
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from mcp_tui.errors import HistoryError
from mcp_tui.events.base import SCHEMA_VERSION, EventBase, new_id
from mcp_tui.events.turns import ConversationCreated, ModelRequestStarted
from mcp_tui.history import names
from mcp_tui.history.base import ConversationCheck
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore
from mcp_tui.history.repair import repair
from tests.support.faultfs import Fault, FaultFS
from tests.support.history_events import answered, assert_sound, created, fragment, said, stored


def journal(directory: Path, key: str, fs: FileSystem = REAL) -> Journal:
    return Journal(directory, key, fs, lock_timeout=2.0)


def conversation(directory: Path, key: str) -> list[EventBase]:
    target = journal(directory, key)
    (done,) = target.append([[created("Title"), said("x" * 100_000), *(said(f"line {n}") for n in range(10))]])
    target.close()
    return done


def path_of(directory: Path, key: str) -> Path:
    return names.journal_path(directory, key)


def lines_of(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


async def checked(directory: Path, *, repair: bool = False) -> ConversationCheck:
    store = JsonlStore(directory)
    report = await store.check(repair=repair)
    await store.aclose()
    (found,) = report.conversations
    assert report.clean == found.clean
    return found


async def test_a_sound_history_is_clean(tmp_path: Path) -> None:
    store = JsonlStore(tmp_path / "conversations")
    assert (await store.check()).conversations == ()
    key, deleted = new_id(), new_id()
    async with store.lease(key):
        await store.append(key, [created("Kept"), said("x" * 100_000), fragment("a"), answered("a")])
        await store.compact(key)
    await store.append(deleted, [created("Deleted")])
    await store.delete(deleted)
    told: list[tuple[int, int]] = []
    report = await store.check(on_progress=lambda done, total: told.append((done, total)))
    await asyncio.sleep(0)
    assert report.clean
    assert (report.foreign, report.abandoned) == ((), ())
    assert [(c.id, c.title, c.in_trash, c.events, c.gaps) for c in report.conversations] == [
        (key, "Kept", False, 3, ()),
        (deleted, "Deleted", True, 1, ()),
    ]
    assert told[-1][0] == told[-1][1] > 0
    await store.aclose()


def flipped(line: bytes) -> bytes:
    place = len(line) // 2
    return line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]


DAMAGE: dict[str, tuple[Callable[[list[bytes]], list[bytes]], bool, list[str], tuple[tuple[int, int], ...]]] = {
    "case_008_flipped_bit": (
        lambda ls: [*ls[:3], flipped(ls[3]), *ls[4:]], False, ["checksum does not match"], ((4, 4),)),
    "case_006_torn_in_the_middle": (
        lambda ls: [*ls[:5], b'{"type":"user_message","id":"to\n', *ls[5:]], True, ["incomplete"], ()),
    "torn_tail": (lambda ls: [*ls, ls[-1][:40]], True, ["unfinished"], ()),
    "case_007_zeros_at_the_end": (lambda ls: [*ls, b"\0" * 4096], True, ["unfinished"], ()),
    "case_007_zeros_in_the_middle": (lambda ls: [*ls[:4], b"\0" * 4096 + b"\n", *ls[4:]], False, ["not an event"], ()),
    "line_removed_by_hand": (lambda ls: [*ls[:4], *ls[6:]], False, [], ((5, 6),)),
    "line_edited_by_hand": (
        lambda ls: [*ls[:4], ls[4].replace(b"line 2", b"line two"), *ls[5:]], False, ["checksum does not match"],
        ((5, 5),)),
    "line_cut_by_hand": (lambda ls: [*ls[:4], ls[4][:90] + b"\n", *ls[5:]], False, ["incomplete"], ((5, 5),)),
    "words_added_by_hand": (lambda ls: [*ls, b"a note of mine\n"], False, ["not an event"], ()),
    "windows_line_ends": (lambda ls: [line.replace(b"\n", b"\r\n") for line in ls], True, [], ()),
    "no_newline_at_the_end": (lambda ls: [*ls[:-1], ls[-1].rstrip(b"\n")], True, ["unfinished"], ()),
    "blank_lines": (lambda ls: [*ls[:3], b"\n\n  \n", *ls[3:]], True, [], ()),
    "line_twice": (lambda ls: [*ls, ls[4]], True, [], ()),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGE)
async def test_damage_is_found_and_set_aside_without_losing_a_good_line(tmp_path: Path, damage: str) -> None:
    key = new_id()
    done = conversation(tmp_path, key)
    path = path_of(tmp_path, key)
    harm, clean, reasons, gaps = DAMAGE[damage]
    before = lines_of(path)
    path.write_bytes(b"".join(harm(list(before))))
    harmed = path.read_bytes()
    found = await checked(tmp_path)
    assert [line.reason for line in found.set_aside] == reasons
    assert (found.clean, found.gaps, found.problem) == (clean, gaps, "")
    assert path.read_bytes() == harmed, "looking changes nothing"
    readable = {event.id for event in stored(tmp_path, key).events}

    repaired = await checked(tmp_path, repair=True)
    after = stored(tmp_path, key)
    assert_sound(after)
    assert {event.id for event in after.events} >= readable
    assert {event.id: event for event in done}.items() >= {event.id: event for event in after.events}.items()
    again = await checked(tmp_path)
    side_file = names.damaged_path(tmp_path, key)
    if damage == "no_newline_at_the_end":
        assert not side_file.exists()
        assert repaired.repaired == 0
    else:
        assert again.set_aside == after.set_aside == ()
        assert repaired.repaired == len(reasons) == again.kept_aside
        assert again.side_file == (side_file.name if reasons else "")
        kept = set(lines_of(path)) | (set(lines_of(side_file)) if reasons else set())
        for line in harmed.splitlines(keepends=True):
            assert line in kept or line + b"\n" in kept
    # A number that is missing without a trace stays reported; all else is settled.
    assert again.clean == (damage != "line_removed_by_hand")
    target = journal(tmp_path, key)
    target.append([[said("goes on")]])
    assert stored(tmp_path, key).events[-1].seq == done[-1].seq + 1


async def test_a_last_line_that_lacks_only_its_newline_is_kept_by_a_repair(tmp_path: Path) -> None:
    key = new_id()
    done = conversation(tmp_path, key)
    path = path_of(tmp_path, key)
    before = lines_of(path)
    path.write_bytes(b"".join([before[0], b"garbage\n", *before[1:]]).rstrip(b"\n"))
    assert [line.reason for line in (await checked(tmp_path)).set_aside] == ["not an event", "unfinished"]
    assert (await checked(tmp_path, repair=True)).repaired == 1
    assert path.read_bytes() == b"".join(before)
    assert stored(tmp_path, key).events == tuple(done)


async def test_large_values_are_checked(tmp_path: Path) -> None:
    key = new_id()
    conversation(tmp_path, key)
    (blob,) = names.blob_directory(tmp_path, key).iterdir()
    unused = blob.with_name("0" * 64)
    unused.write_bytes(b"left by a death")
    found = await checked(tmp_path)
    assert found.clean
    assert (found.unused_blobs, found.unused_bytes) == (1, 15)
    text = blob.read_bytes()
    blob.write_bytes(flipped(text))
    found = await checked(tmp_path, repair=True)
    assert (found.lost_blobs, found.clean) == ((blob.name,), False)
    blob.unlink()
    assert (await checked(tmp_path)).lost_blobs == (blob.name,)
    assert unused.exists(), "a repair removes nothing that could be somebody's"


async def test_gaps_are_explained_only_where_fragments_may_have_been(tmp_path: Path) -> None:
    key = new_id()
    request = ModelRequestStarted(
        message_id="a", hop=1, provider="p", model="m", messages=1, prompt_tokens=1, tools_tokens=0
    )
    target = journal(tmp_path, key)
    target.append([[created(), said("q"), request, fragment("a"), fragment("a"), answered("a"), said("r"), said("s")]])
    target.close()
    path = path_of(tmp_path, key)
    whole = lines_of(path)
    path.write_bytes(b"".join([*whole[:3], *whole[5:]]))
    assert (await checked(tmp_path)).gaps == ()
    path.write_bytes(b"".join([whole[0], *whole[2:6], whole[7]]))
    assert (await checked(tmp_path)).gaps == ((2, 2), (7, 7))


async def test_what_a_newer_release_wrote_is_never_rewritten(tmp_path: Path) -> None:
    key = new_id()
    target = journal(tmp_path, key)
    newer = ConversationCreated(app_version="9", schema_version=SCHEMA_VERSION + 1)
    target.append([[newer, fragment("a"), answered("a")]])
    path = path_of(tmp_path, key)
    with path.open("ab") as file:
        file.write(b"damaged\n")
    before = path.read_bytes()
    found = await checked(tmp_path, repair=True)
    assert (found.newer_schema, found.repaired, len(found.set_aside)) == (True, 0, 1)
    store = JsonlStore(tmp_path)
    assert await store.compact(key) == 0
    with pytest.raises(HistoryError, match="newer version"):
        await store.append(key, [said("x")])
    await store.aclose()
    assert path.read_bytes() == before


async def test_files_that_are_not_ours_and_leftovers_are_named(tmp_path: Path) -> None:
    key, taken = new_id(), new_id()
    conversation(tmp_path, key)
    (tmp_path / "notes.txt").write_text("mine")
    (names.blob_directory(tmp_path, key) / "x.txt").write_text("mine")
    young = tmp_path / f"{key}.jsonl.1.abcd.tmp"
    old = tmp_path / f"{key}.jsonl.2.abcd.tmp"
    empty = path_of(tmp_path, taken)
    for path in (young, old, empty):
        path.touch()
    for path in (old, empty):
        os.utime(path, (0, 0))
    store = JsonlStore(tmp_path)
    report = await store.check(repair=True)
    assert report.clean
    assert [check.id for check in report.conversations] == [key]
    assert report.foreign == (f"{key}.blobs/x.txt", "notes.txt")
    assert sorted(report.abandoned) == sorted([young.name, old.name, empty.name])
    assert (young.exists(), old.exists(), empty.exists()) == (True, False, False)
    assert (tmp_path / "notes.txt").exists()
    await store.aclose()


async def test_a_file_without_any_event_is_left_as_it_is(tmp_path: Path) -> None:
    path = path_of(tmp_path, new_id())
    path.write_bytes(b"encrypted by somebody\n" * 3)
    found = await checked(tmp_path, repair=True)
    assert (found.events, found.clean, len(found.set_aside)) == (0, False, 3)
    assert "No line" in found.problem
    assert path.read_bytes() == b"encrypted by somebody\n" * 3


async def test_a_special_file_is_a_problem_of_its_own(tmp_path: Path) -> None:
    fine, linked = new_id(), new_id()
    conversation(tmp_path, fine)
    path_of(tmp_path, linked).symlink_to("/etc/hostname")
    store = JsonlStore(tmp_path)
    report = await store.check(repair=True)
    problems = {check.id: check.problem for check in report.conversations}
    assert problems[fine] == ""
    assert "not a plain file" in problems[linked]
    await store.aclose()


async def test_a_file_under_another_conversations_name_is_told_by_its_own(tmp_path: Path) -> None:
    key, other = new_id(), new_id()
    conversation(tmp_path, key)
    path_of(tmp_path, key).rename(path_of(tmp_path, other))
    for repairing in (False, True):
        found = await checked(tmp_path, repair=repairing)
        assert (found.id, found.clean) == (other, False)
        assert f"It holds the conversation {key}" in found.problem
    path_of(tmp_path, other).rename(path_of(tmp_path, key))
    assert (await checked(tmp_path)).clean


async def test_what_is_left_of_a_conversation_without_its_first_file_is_told(tmp_path: Path) -> None:
    key = new_id()
    conversation(tmp_path, key)
    path_of(tmp_path, key).rename(names.journal_path(tmp_path, key, 2))
    found = await checked(tmp_path)
    assert (found.id, found.clean) == (key, False)
    assert found.problem == f"Its beginning, {key}.jsonl, is missing: {key}.2.jsonl cannot be read without."


async def test_a_turn_elsewhere_goes_on_while_lines_are_set_aside(tmp_path: Path) -> None:
    """Another window appends all the while: each of its events is there afterwards."""
    key = new_id()
    store, other = JsonlStore(tmp_path), JsonlStore(tmp_path)
    done = await store.append(key, [created()])
    stop = asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            done.extend(await other.append(key, [said("x" * random.choice([10, 5_000]))]))

    writing = asyncio.create_task(write())
    for _ in range(20):
        with path_of(tmp_path, key).open("ab") as file:
            file.write(b"\ngarbage\n")
        report = await store.check(repair=True)
        assert not any(check.problem for check in report.conversations)
    stop.set()
    await writing
    found = stored(tmp_path, key)
    assert found.events == tuple(done)
    assert (await store.check(repair=True)).clean
    assert stored(tmp_path, key).set_aside == ()
    await asyncio.gather(store.aclose(), other.aclose())


def damaged(directory: Path, key: str) -> list[EventBase]:
    done = conversation(directory, key)
    path = path_of(directory, key)
    before = lines_of(path)
    path.write_bytes(b"".join([before[0], b"garbage one\n", *before[1:], b"garbage two\n", before[-1][:50]]))
    return done


def outcome(directory: Path, key: str, done: list[EventBase]) -> str:
    """The good lines are all there, and the bad ones in one of the two files at least."""
    found = stored(directory, key)
    assert found.events == tuple(done)
    side_file = names.damaged_path(directory, key)
    both = path_of(directory, key).read_bytes() + (side_file.read_bytes() if side_file.exists() else b"")
    assert b"garbage one\n" in both
    assert b"garbage two\n" in both
    state = "old" if found.set_aside else "new"
    repair(journal(directory, key), directory, key, REAL)
    assert stored(directory, key).set_aside == ()
    assert stored(directory, key).events == tuple(done)
    assert list(directory.glob("*.tmp")) == []
    return state


@pytest.mark.parametrize("fault", ["fail", "short"])
def test_case_002_004_a_failing_call_during_a_repair_loses_nothing(tmp_path: Path, fault: Fault) -> None:
    for n in range(1, 100):
        directory, key = tmp_path / str(n), new_id()
        done = damaged(directory, key)
        fs = FaultFS(n, fault)
        target = journal(directory, key, fs)
        try:
            repair(target, directory, key, fs)
        except HistoryError:
            assert fs.fired
        target.close()
        state = outcome(directory, key, done)
        if not fs.fired:
            assert state == "new"
            return
    pytest.fail("the sweep did not end")


@pytest.mark.parametrize("fault", ["kill", "kill_after"])
def test_case_001_death_during_a_repair_loses_nothing(tmp_path: Path, fault: Fault) -> None:
    seen = set()
    for n in range(1, 100):
        directory, key = tmp_path / str(n), new_id()
        done = damaged(directory, key)
        pid = os.fork()
        if pid == 0:
            fs = FaultFS(n, fault)
            try:
                repair(journal(directory, key, fs), directory, key, fs)
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        seen.add(outcome(directory, key, done))
        if not os.WIFSIGNALED(status):
            assert seen == {"old", "new"}
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
    pytest.fail("the sweep did not end")


async def test_a_check_that_nobody_waits_for_stops(tmp_path: Path) -> None:
    for _ in range(3):
        conversation(tmp_path, new_id())
    store = JsonlStore(tmp_path)
    checking = asyncio.create_task(store.check())
    await asyncio.sleep(0)
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    assert (await store.check()).clean
    await store.aclose()


async def test_what_is_in_the_trash_is_repaired_there_and_restored_with_what_was_set_aside(tmp_path: Path) -> None:
    directory, key, other = tmp_path / "conversations", new_id(), new_id()
    store = JsonlStore(directory)
    conversation(directory, key)
    conversation(directory, other)
    whole = lines_of(path_of(directory, key))
    path_of(directory, key).write_bytes(b"".join([*whole[:3], b"{damaged}\n", *whole[3:]]))
    await store.delete(key)
    trashed = path_of(names.trash_directory(directory), key)
    (found,) = [each for each in (await store.check()).conversations if each.in_trash]
    assert [line.number for line in found.set_aside] == [4]
    report = await store.check(repair=True)
    (found,) = [each for each in report.conversations if each.in_trash]
    assert (found.repaired, found.kept_aside, found.set_aside, found.in_trash) == (1, 1, (), True)
    assert report.clean
    assert lines_of(trashed) == whole
    assert (await store.check()).foreign == ()
    await store.restore(key)
    assert names.damaged_path(directory, key).read_bytes() == b"{damaged}\n"
    assert len((await store.read(key)).events) == len(whole)
    assert (await store.check()).clean
    await store.aclose()


async def test_what_cannot_be_repaired_in_the_trash_says_why(tmp_path: Path) -> None:
    directory, keys = tmp_path / "conversations", [new_id(), new_id()]
    store = JsonlStore(directory, lock_timeout=0.1)
    for key in keys:
        conversation(directory, key)
        path = path_of(directory, key)
        path.write_bytes(b"rubbish\n" if key == keys[0] else path.read_bytes() + b"rubbish\n")
        await store.delete(key)
    trashed = path_of(names.trash_directory(directory), keys[1])
    fd = os.open(trashed, os.O_RDWR)
    assert REAL.lock(fd)
    before = trashed.read_bytes()
    problems = {each.id: each.problem for each in (await store.check(repair=True)).conversations}
    REAL.unlock(fd)
    os.close(fd)
    assert problems[keys[0]] == "No line of it can be read; it is left as it is."
    assert problems[keys[1]], "somebody has it"
    assert trashed.read_bytes() == before
    await store.aclose()
