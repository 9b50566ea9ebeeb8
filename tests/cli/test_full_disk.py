"""Commands on a disk that takes nothing more: words, and what is stored stays as it was."""

from __future__ import annotations

import compileall
import os
import resource
import shutil
import subprocess
from pathlib import Path

import pytest

import mcp_tui
from tests.support.program import Program

EVERY = "01m7gdn0000000000000000001"
GOLDEN = Path(__file__).parent.parent / "golden" / "every_kind.jsonl"


@pytest.fixture(scope="module", autouse=True)
def compiled() -> None:
    """Python cuts bytecode off at the limit and keeps it (`importlib` 3.11): none is left to be written under one."""
    assert compileall.compile_dir(Path(mcp_tui.__file__).parent, quiet=1)


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(tmp_path)
    folder = made.data_dir / "conversations"
    folder.mkdir(parents=True)
    shutil.copy(GOLDEN, folder / f"{EVERY}.jsonl")
    return made


def run(program: Program, limit: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    """With no file longer than ``limit`` bytes."""
    return subprocess.run(
        program.command(*arguments),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
        env={**os.environ, **program.environ},
        check=False,
    )


@pytest.mark.parametrize("limit", [0, 5000])
@pytest.mark.parametrize(
    "command",
    ["history list", f"history rename {EVERY} x", "history compact", "history stats", "history search notes",
     "history check", "run --demo hello"],
)  # fmt: skip
def test_case_002_a_full_disk_is_no_fault_of_the_program(program: Program, command: str, limit: int) -> None:
    done = run(program, limit, *command.split())
    assert "fault of its own" not in done.stderr
    assert done.returncode in (0, 1, 2)
    if command.startswith(("run", "history rename")):
        assert done.returncode != 0
        assert "Free some space" in done.stderr
    assert (program.data_dir / "conversations" / f"{EVERY}.jsonl").read_bytes() == GOLDEN.read_bytes()
