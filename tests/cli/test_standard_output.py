"""Where the output goes is no affair of the program: a full disk, a reader that left, nothing at all."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.program import Program

GOLDEN = Path(__file__).parent.parent / "golden"
EVERY = "01m7gdn0000000000000000001"
COMMANDS = (
    ("history", "list"),
    ("history", "list", "--json"),
    ("history", "show", EVERY),
    ("history", "export", EVERY),
    ("replay", EVERY, "--json"),
)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(tmp_path)
    folder = made.data_dir / "conversations"
    folder.mkdir(parents=True)
    shutil.copy(next(GOLDEN.glob("*every*.jsonl")), folder / f"{EVERY}.jsonl")
    return made


def run(
    program: Program, *arguments: str, stdout: int | None = None, unbuffered: str = "", closed: tuple[int, ...] = ()
) -> tuple[int, str]:
    """Exit code, and standard error."""

    def close() -> None:
        for number in closed:
            os.close(number)

    done = subprocess.run(
        program.command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60,
        preexec_fn=close,
        env={**os.environ, **program.environ, "PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_who_reads_no_more_ends_the_command_without_a_word(
    program: Program, arguments: tuple[str, ...], unbuffered: str
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert run(program, *arguments, stdout=writing, unbuffered=unbuffered) == (141, "")
    finally:
        os.close(writing)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has it")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("arguments", COMMANDS, ids=" ".join)
def test_a_full_disk_is_named(program: Program, arguments: tuple[str, ...], unbuffered: str) -> None:
    full = os.open("/dev/full", os.O_WRONLY)
    try:
        code, said = run(program, *arguments, stdout=full, unbuffered=unbuffered)
    finally:
        os.close(full)
    assert (code, said) == (1, "mcp-tui: Standard output cannot be written: No space left on device.\n")


def test_a_run_whose_reader_left_ends_too(program: Program) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        code, said = run(program, "run", "--demo", "hello", stdout=writing)
    finally:
        os.close(writing)
    assert code == 141
    assert "fault of its own" not in said


def test_a_closed_output_is_named_and_no_file_takes_its_place(program: Program) -> None:
    code, said = run(program, "history", "list", closed=(1,))
    assert (code, said) == (1, "mcp-tui: Standard output cannot be written: Bad file descriptor.\n")
    journal = program.data_dir / "conversations" / f"{EVERY}.jsonl"
    before = journal.read_bytes()
    code, _ = run(program, "history", "rename", EVERY, "another", closed=(0, 1, 2))
    assert code == 1
    added = journal.read_bytes().removeprefix(before)
    assert added.startswith(b'{"type":"conversation_titled"')
    assert added.count(b"\n") == 1


def test_nobody_can_be_asked_where_the_input_is_closed(program: Program) -> None:
    code, said = run(program, "history", "delete", EVERY, stdout=subprocess.DEVNULL, closed=(0,))
    assert (code, "Nobody can be asked here." in said) == (2, True)


def test_an_output_that_is_only_ascii_takes_every_title(program: Program) -> None:
    run(program, "history", "rename", EVERY, "日本 …", stdout=subprocess.DEVNULL)
    done = subprocess.run(
        program.command("history", "list"),
        capture_output=True,
        timeout=60,
        env={**os.environ, **program.environ, "PYTHONIOENCODING": "ascii"},
        check=False,
    )
    assert (done.returncode, b"\\u65e5\\u672c \\u2026" in done.stdout) == (0, True)
