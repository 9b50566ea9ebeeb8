"""A file that was written elsewhere may hold any time: one line of it keeps nothing from being listed and read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mcp_tui.history import lines
from mcp_tui.safety.times import on_any_clock
from tests.support.program import Program

GOLDEN = Path(__file__).parent.parent / "golden"
EVERY = "01m7gdn0000000000000000001"
LAST, FIRST = ("9999-12-31T23:59:59Z", "Asia/Tokyo"), ("0001-01-01T00:00:00Z", "America/New_York")


@pytest.mark.parametrize("at", [datetime.max, datetime.min, datetime(2026, 11, 21, 10)], ids=str)
@pytest.mark.parametrize("hours", [-14, 0, 14])
def test_a_time_from_outside_can_be_shown_everywhere(at: datetime, hours: int) -> None:
    here = timezone(timedelta(hours=hours))
    for moment in (at.replace(tzinfo=UTC), at.replace(tzinfo=here)):
        kept = on_any_clock(moment)
        assert abs(kept - moment) <= timedelta(days=3)
        for zone in range(-14, 15):
            kept.astimezone(timezone(timedelta(hours=zone)))
    plain = datetime(2026, 11, 21, tzinfo=here)
    assert on_any_clock(plain) is plain


def store(program: Program, at: str) -> None:
    folder = program.data_dir / "conversations"
    folder.mkdir(parents=True)
    written = []
    for line in (GOLDEN / "every_kind.jsonl").read_bytes().splitlines():
        value = lines.decode(line)
        assert value is not None
        written.append(lines.prepare({**value, "at": at}).numbered(value["seq"]))
    (folder / f"{EVERY}.jsonl").write_bytes(b"".join(written))


@pytest.mark.parametrize(("at", "zone"), [LAST, FIRST])
def test_commands_read_a_conversation_of_the_end_of_time(program: Program, at: str, zone: str) -> None:
    store(program, at)
    for command in (
        "history list", "history list --json", "history show last", "history search notes", "history stats",
        "history check", "history export last", "replay last --plain", "history delete last --yes",
        "history list --trash", "history restore last",
    ):  # fmt: skip
        done = program.run(*command.split(), env={"TZ": zone})
        assert (done.returncode, done.stderr) == (0, ""), command
        assert done.stdout


@pytest.mark.parametrize(("at", "zone"), [LAST, FIRST])
def test_the_app_shows_a_conversation_of_the_end_of_time(program: Program, at: str, zone: str) -> None:
    store(program, at)
    with program.app("history", env={"TZ": zone}) as terminal:
        terminal.wait_for("1 conversation")
        terminal.wait_for(f"begun {'9999-12-30' if zone == LAST[1] else '1-01-01'}")
        terminal.press("p")
        terminal.wait_for("event")
        terminal.press("ctrl+q")
        assert terminal.wait_exit() == 0
