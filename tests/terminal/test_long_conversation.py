"""A conversation of 10,000 messages in the whole program: opened, typed into at once, scrolled, left."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from benchmarks.stored_conversation import BEGINNING, END, write
from mcp_tui.history.ending import SHORT
from tests.support.program import SMALL, Program
from tests.support.terminal import Terminal

ID = "0123456789abcdefghjkmnpqrs"
MESSAGES = 10_000
pytestmark = pytest.mark.terminal

NUMBER = re.compile(r"#(\d+)\s*$", re.M)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its log, written once."""
    return write(tmp_path_factory.mktemp("long"), ID, MESSAGES)


@pytest.fixture
def stored(tmp_path: Path, written: Path) -> Program:
    program = Program(tmp_path)
    folder = program.data_dir / "conversations"
    folder.mkdir(parents=True)
    (folder / written.name).write_bytes(written.read_bytes())
    return program


def app(program: Program, *arguments: str) -> Terminal:
    """The app itself: a replay of so many messages beside it would be what is felt."""
    return Terminal([sys.executable, "-m", "mcp_tui", *arguments], size=SMALL, env=program.environ)


def test_opened_from_the_command_line_typed_into_at_once_scrolled_and_continued(stored: Program) -> None:
    with app(stored, "demo", "--continue", ID) as screen:
        screen.wait_for(END, seconds=60)
        screen.type("What can you do?")
        screen.press("enter")
        screen.wait_for(re.compile(r"assistant .*#150(0[1-9]|1\d)"), seconds=90)
        screen.press("shift+tab", "end")
        for _ in range(8):
            screen.press("pgup")
        above = [int(number) for number in NUMBER.findall(screen.settle())]
        assert above
        assert 14_900 < min(above) <= max(above) < 15_000
        screen.press("g")
        screen.wait_for(BEGINNING)
        assert re.search(r"you .*#1\s*$", screen.text, re.M)
        screen.press("G")
        screen.wait_for(lambda text: BEGINNING not in text)
        screen.wait_for(lambda text: "Esc stops" not in text.split("\n")[0], seconds=60)
        screen.press("ctrl+q")
        assert screen.wait_exit(seconds=20) == 0
        assert screen.unrestored() == []
    lines = (stored.data_dir / "conversations" / f"{ID}.jsonl").read_bytes().count(b'"type":"user_message"')
    assert lines == MESSAGES // 2 + 1


def test_left_while_it_is_still_being_read(stored: Program) -> None:
    before = (stored.data_dir / "conversations" / f"{ID}.jsonl").read_bytes()
    with app(stored, "demo", "--continue", ID) as screen:
        screen.wait_for(END, seconds=60)
        screen.press("ctrl+q")
        assert screen.wait_exit(seconds=20) == 0
        assert screen.unrestored() == []
    assert (stored.data_dir / "conversations" / f"{ID}.jsonl").read_bytes() == before


def test_another_one_while_it_is_still_being_read(stored: Program) -> None:
    with app(stored, "demo") as screen:
        screen.wait_for("4/4", seconds=60)
        screen.type(f"/continue {ID}")
        screen.press("enter")
        screen.wait_for(END, seconds=60)
        screen.press("ctrl+n")
        screen.wait_gone(END)
        screen.wait_for("new conversation")
        screen.type("What can you do?")
        screen.press("enter")
        screen.wait_for("#2", seconds=60)
        assert END not in screen.settle()
        screen.press("ctrl+q")
        assert screen.wait_exit(seconds=20) == 0


def test_read_from_the_list_with_keys_that_wait_for_all_of_it(stored: Program) -> None:
    with app(stored, "demo") as screen:
        screen.wait_for("4/4", seconds=60)
        screen.press("f4")
        screen.wait_for("10,000 messages")
        screen.press("enter")
        screen.wait_for(END, seconds=60)
        screen.press("home", "]")
        screen.wait_for(BEGINNING, seconds=90)
        screen.wait_for("turn 1 of 5,000")
        screen.press("end")
        screen.wait_for(END)
        screen.press("left")
        screen.wait_for(re.compile(r"event 40,002 of 40,003"))
        screen.press("q")
        screen.wait_for("Enter read")
        screen.press("ctrl+q")
        assert screen.wait_exit(seconds=20) == 0


def test_played_from_the_command_line_it_begins_before_all_of_it_is_there(stored: Program) -> None:
    with app(stored, "replay", ID, "--speed", "4") as screen:
        screen.wait_for(BEGINNING, seconds=60)
        screen.wait_for("playing")
        screen.wait_for(re.compile(r"turn \d+ of 5,000"), seconds=90)
        screen.press("q")
        assert screen.wait_exit(seconds=20) == 0
        assert screen.unrestored() == []


def test_what_was_opened_from_its_end_shows_what_a_replay_shows(program: Program) -> None:
    path = write(program.data_dir, ID, 600)
    assert path.stat().st_size > 2 * SHORT
    with program.app("demo", "--continue", ID, size=SMALL) as screen:
        screen.wait_for(END, seconds=60)
        screen.wait_for(lambda _text: (program.replays / "same").exists(), seconds=90)
        screen.press("ctrl+q")
        assert screen.wait_exit(seconds=20) == 0
