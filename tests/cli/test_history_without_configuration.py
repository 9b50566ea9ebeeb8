"""No ``history`` command, and no replay, needs a configuration: what is stored can always be got at."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from mcp_tui.cli import main
from tests.support.program import Program

GOLDEN = Path(__file__).parent.parent / "golden"
FORK = "01m7gdn0000000000000000003"


@pytest.fixture(params=["missing", "broken"])
def stored(program: Program, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Program:
    """The golden logs, and files that no chat could start with."""
    folder = program.data_dir / "conversations"
    folder.mkdir(parents=True)
    for log in GOLDEN.glob("*.jsonl"):
        conversation = json.loads(log.read_text().splitlines()[0])["conversation_id"]
        shutil.copy(log, folder / f"{conversation}.jsonl")
    if request.param == "broken":
        program.config_file.write_text("llm: [", encoding="utf-8")
        program.servers_file.write_text("{", encoding="utf-8")
    for name, value in program.environ.items():
        monkeypatch.setenv(name, value)
    return program


@pytest.mark.parametrize(
    "command",
    [
        "list", "list --trash", f"show {FORK}", "search commit", f"rename {FORK} x", f"tag {FORK} x", "stats", "check",
        "check --repair", "compact", f"export {FORK} --output -", f"delete {FORK} --yes", "empty-trash --yes",
    ],
)  # fmt: skip
def test_no_subcommand_needs_one(stored: Program, capfd: pytest.CaptureFixture[str], command: str) -> None:
    assert main(["history", *command.split()]) == 0, capfd.readouterr().err
    assert "config" not in capfd.readouterr().err


def test_processes_of_their_own(stored: Program, tmp_path: Path) -> None:
    exported = tmp_path / "out.json"
    for command in (
        f"history export {FORK} --output {exported}",
        f"history delete {FORK} --yes",
        f"history restore {FORK}",
        f"history import {exported}",
        f"replay {FORK}",
        f"replay {FORK} --json",
    ):
        done = stored.run(*command.split())
        assert (done.returncode, done.stderr) == (0, ""), command
        assert done.stdout


def test_without_a_terminal_the_way_to_the_list_is_named(stored: Program) -> None:
    done = stored.run("history")
    assert done.returncode == 2
    assert "`mcp-tui history list`" in done.stderr
