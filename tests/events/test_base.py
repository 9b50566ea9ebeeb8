"""Identity and time of an event."""

from __future__ import annotations

import os
import time
from datetime import timedelta

import pytest

from mcp_tui.events.base import new_id
from mcp_tui.events.turns import UserMessage


def test_case_122_ids_of_the_same_millisecond_are_unique(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_800_000_000_000_000_000)
    made = {new_id() for _ in range(20_000)}
    assert len(made) == 20_000
    assert {len(one) for one in made} == {26}
    assert len({one[:9] for one in made}) == 1, "the time is the same"


def test_case_122_ids_after_a_fork_are_unique() -> None:
    """No state is inherited that would make parent and child draw the same numbers."""
    made = [new_id() for _ in range(100)]
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(write_end, "\n".join(new_id() for _ in range(100)).encode())
        finally:
            os._exit(0)
    os.close(write_end)
    made += [new_id() for _ in range(100)]
    with os.fdopen(read_end) as pipe:
        made += pipe.read().split()
    os.waitpid(pid, 0)
    assert len(made) == len(set(made)) == 300


@pytest.mark.parametrize("zone", ["America/New_York", "Pacific/Kiritimati", "UTC"])
def test_case_121_times_are_in_utc_wherever_the_person_is(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        event = UserMessage(message_id="m", text="x")
        assert event.at.utcoffset() == timedelta(0)
        assert abs(event.at.timestamp() - time.time()) < 60
        assert '"at":"20' in event.model_dump_json()
        assert event.model_dump(mode="json")["at"].endswith("Z")
    finally:
        monkeypatch.undo()
        time.tzset()
