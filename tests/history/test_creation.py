"""A new conversation is there as a whole or not at all, whichever call fails or is the last of the process."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from mcp_tui.errors import ConversationNotFound, HistoryError, StoreFailed
from mcp_tui.events.base import EventBase, new_id
from mcp_tui.history import names
from mcp_tui.history.creation import Creation
from mcp_tui.history.fs import REAL, FileSystem
from mcp_tui.history.journal import Journal
from tests.support.faultfs import Fault, FaultFS
from tests.support.history_events import answered, assert_sound, created, said, stored

MOST_CALLS = 100


def script() -> list[EventBase]:
    return [created("Fork"), said("x" * 100_000), answered("a", "w" * 100_000), said("y" * 5_000_000)]


def create(directory: Path, key: str, events: list[EventBase], fs: FileSystem = REAL) -> list[EventBase]:
    return Creation(Journal(directory, key, fs, lock_timeout=0.2), directory, key, fs).run(events)


def whole_or_nothing(directory: Path, key: str, events: list[EventBase]) -> str:
    try:
        found = stored(directory, key)
    except ConversationNotFound:
        return "nothing"
    assert_sound(found)
    assert found.set_aside == ()
    assert [event.id for event in found.events] == [event.id for event in events]
    return "whole"


@pytest.mark.parametrize("fault", ["fail", "short"])
def test_case_002_a_failing_call_leaves_nothing_behind(tmp_path: Path, fault: Fault) -> None:
    for n in range(1, MOST_CALLS):
        directory, key, events = tmp_path / str(n), new_id(), script()
        other = create(directory, new_id(), [created("Other")])
        fs = FaultFS(n, fault)
        try:
            create(directory, key, events, fs)
        except HistoryError:
            assert fs.fired
            assert whole_or_nothing(directory, key, events) == "nothing"
            assert [path.name for path in directory.iterdir()] == [f"{other[0].conversation_id}.jsonl"]
            # The same again works: nothing is in the way.
            create(directory, key, events)
        assert whole_or_nothing(directory, key, events) == "whole"
        if not fs.fired:
            return
    pytest.fail("the sweep did not end")


@pytest.mark.parametrize("fault", ["kill", "kill_after"])
def test_case_001_death_at_any_call_leaves_all_or_nothing(tmp_path: Path, fault: Fault) -> None:
    seen = set()
    for n in range(1, MOST_CALLS):
        directory, key, events = tmp_path / str(n), new_id(), script()
        pid = os.fork()
        if pid == 0:
            try:
                create(directory, key, events, FaultFS(n, fault))
            finally:
                os._exit(0)
        _, status = os.waitpid(pid, 0)
        seen.add(whole_or_nothing(directory, key, events))
        if not os.WIFSIGNALED(status):
            assert seen == {"nothing", "whole"}
            return
        assert os.WTERMSIG(status) == signal.SIGKILL
    pytest.fail("the sweep did not end")


def test_a_name_taken_meanwhile_is_left_to_its_owner(tmp_path: Path) -> None:
    key = new_id()
    theirs: list[EventBase] = []

    class Overtaken(FaultFS):
        def open(self, path: Path, flags: int, mode: int = 0o600) -> int:
            if path == names.journal_path(tmp_path, key) and not theirs:
                theirs.extend(create(tmp_path, key, [created("Theirs"), said("x")]))
            return super().open(path, flags, mode)

    with pytest.raises(StoreFailed, match="already"):
        create(tmp_path, key, script()[:2], Overtaken(0, "none"))
    assert stored(tmp_path, key).events == tuple(theirs)
    assert list(tmp_path.glob("*.tmp")) == []
