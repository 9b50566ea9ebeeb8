"""The end of a conversation in another process's hands."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from mcp_tui.errors import StoreFailed
from mcp_tui.events.base import new_id
from mcp_tui.history import names
from mcp_tui.history.following import Tail
from mcp_tui.history.fs import REAL
from mcp_tui.history.journal import Journal
from mcp_tui.history.jsonl import JsonlStore
from tests.support.faultfs import FaultFS
from tests.support.history_events import assert_sound, created, fragment, said, start_worker, stored


def tail(directory: Path, key: str, after: int = 0) -> Tail:
    return Tail(directory, key, after, REAL)


def journal(directory: Path, key: str) -> Journal:
    return Journal(directory, key, REAL, lock_timeout=2.0)


def test_only_finished_lines_are_given(tmp_path: Path) -> None:
    key = new_id()
    (done,) = journal(tmp_path, key).append([[created(), said("x")]])
    path = names.journal_path(tmp_path, key)
    whole = path.read_bytes()
    following = tail(tmp_path, key)
    path.write_bytes(whole[:-30])
    assert following.look() == done[:1]
    path.write_bytes(whole[:-1])
    assert following.look() == []
    path.write_bytes(whole)
    assert following.look() == done[1:]
    assert following.look() == []


def test_what_was_taken_back_and_replaced_is_followed(tmp_path: Path) -> None:
    """A write that failed is rolled back: its number is given to another event, which is not missed."""
    key = new_id()
    target = journal(tmp_path, key)
    (first,) = target.append([[created()]])
    following = tail(tmp_path, key)
    path = names.journal_path(tmp_path, key)
    before = path.read_bytes()
    other = journal(tmp_path, key)
    (taken_back,) = other.append([[said("taken back " * 10)]])
    assert following.look() == [*first, *taken_back]
    other.close()
    target.close()
    os.truncate(path, len(before))
    (later,) = journal(tmp_path, key).append([[said("later")]])
    assert later[0].seq == taken_back[0].seq
    assert following.look() == later


def test_a_replaced_file_is_read_again_even_where_it_has_the_old_ones_number(tmp_path: Path) -> None:
    """A file that is replaced twice may get the number of the first one, and be longer: nothing of it is missed."""
    key = new_id()
    (done,) = journal(tmp_path, key).append([[created(), *(said(f"{n}") for n in range(5))]])
    following = tail(tmp_path, key)
    assert following.look() == done
    path = names.journal_path(tmp_path, key)
    (late,) = journal(tmp_path, key).append([[said("late"), said("x" * 5000)]])
    whole = path.read_bytes().splitlines(keepends=True)
    with path.open("r+b") as file:
        file.write(b"".join([whole[0], *whole[3:]]))
        file.truncate()
    assert following.look() == late


def test_further_segments_are_followed(tmp_path: Path) -> None:
    key = new_id()
    target = Journal(tmp_path, key, FaultFS(3, "fail", only=frozenset({"fsync"})), lock_timeout=2.0)
    (first,) = target.append([[created()]])
    following = tail(tmp_path, key)
    assert following.look() == first
    event = said("on the second file")
    with pytest.raises(StoreFailed):
        target.append([[event]])
    (second,) = target.append([[event, fragment("a")]])
    assert following.look() == second


def test_looking_at_an_unchanged_file_does_not_open_it(tmp_path: Path) -> None:
    key = new_id()
    journal(tmp_path, key).append([[created()]])
    fs = FaultFS(0, "none")
    following = Tail(tmp_path, key, 0, fs)
    following.look()
    fs.calls.clear()
    for _ in range(10):
        assert following.look() == []
    assert set(fs.calls) == {"lstat"}


async def test_case_028_another_process_is_followed_while_it_writes_and_compacts(tmp_path: Path) -> None:
    key = new_id()
    store = JsonlStore(tmp_path)
    done = await store.append(key, [created()])
    worker = start_worker("append", str(tmp_path), "60", key)
    try:
        seen = []
        async with asyncio.timeout(60):
            async for events in store.follow(key, done[-1].seq):
                seen += events
                if seen[-1].seq >= 61:
                    break
        await asyncio.to_thread(worker.communicate, "", 60)
    finally:
        worker.kill()
        worker.wait(60)
    numbers = [event.seq for event in seen]
    assert numbers == sorted(set(numbers))
    found = stored(tmp_path, key)
    assert_sound(found)
    by_id = {event.id: event for event in seen}
    assert all(by_id[event.id] == event for event in found.events[1:])
    await store.aclose()
