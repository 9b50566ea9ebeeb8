"""``mcp-tui history export`` and ``history import``: files, standard output, exit codes."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from tests.importing import samples
from tests.support.program import Program

GOLDEN = Path(__file__).parent.parent / "golden"
EVERY, FORK = "01m7gdn0000000000000000001", "01m7gdn0000000000000000003"


@pytest.fixture
def stored(program: Program) -> Program:
    """The golden logs."""
    folder = program.data_dir / "conversations"
    folder.mkdir(parents=True)
    for log in GOLDEN.glob("*.jsonl"):
        conversation = json.loads(log.read_text().splitlines()[0])["conversation_id"]
        shutil.copy(log, folder / f"{conversation}.jsonl")
    return program


def test_export_to_standard_output_and_to_a_file(stored: Program, tmp_path: Path) -> None:
    done = stored.run("history", "export", "last")
    assert done.returncode == 0
    assert done.stdout.startswith("# count the files\n\n- When: 2026-11-21 10:00 UTC\n")
    assert stored.run("history", "export", "last", "--output", "-").stdout == done.stdout
    file = tmp_path / "x.html"
    done = stored.run("history", "export", EVERY, "--output", str(file))
    assert (done.returncode, done.stdout) == (0, f"exported to {file}\n")
    assert file.read_text().startswith("<!DOCTYPE html>")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    done = stored.run("history", "export", EVERY, "--output", str(file), "--format", "json")
    assert done.returncode == 2
    assert "already" in done.stderr
    done = stored.run("history", "export", EVERY, "--output", str(file), "--format", "json", "--force", "--json")
    assert json.loads(done.stdout) == {"id": EVERY, "format": "json", "path": str(file)}
    assert json.loads(file.read_text())["conversation"]["id"] == EVERY


def test_import_says_what_became_of_each_conversation(stored: Program, tmp_path: Path) -> None:
    foreign, nothing = tmp_path / "conversations.json", tmp_path / "nothing.json"
    foreign.write_text(json.dumps([samples.chatgpt(), samples.claude()]))
    nothing.write_text("{}")
    own = str(stored.data_dir / "conversations" / f"{FORK}.jsonl")
    done = stored.run("history", "import", str(foreign), own, str(nothing))
    assert done.returncode == 1
    assert "imported: A plot" in done.stdout
    assert "imported: Notes" in done.stdout
    assert "already here: count the files" in done.stdout
    assert f"{nothing}: not imported: {nothing} is JSON, but no conversation that is known." in done.stdout
    assert done.stdout.endswith("2 imported, 1 already here, 1 not imported\n")
    done = stored.run("history", "import", str(foreign), "--json")
    assert done.returncode == 0
    told = json.loads(done.stdout)
    assert [(entry["status"], entry["title"]) for entry in told] == [("present", "A plot"), ("present", "Notes")]
    listed = json.loads(stored.run("history", "list", "--json").stdout)
    assert len(listed) == len(list(GOLDEN.glob("*.jsonl"))) + 2


@pytest.mark.parametrize("wanted", ["markdown", "html", "json"])
def test_an_export_of_a_damaged_file_says_that_something_is_missing(program: Program, wanted: str) -> None:
    folder = program.data_dir / "conversations"
    folder.mkdir(parents=True)
    lines = (GOLDEN / "every_kind.jsonl").read_bytes().splitlines(keepends=True)
    (folder / f"{EVERY}.jsonl").write_bytes(b"".join(lines))
    whole = program.run("history", "export", EVERY, "--format", wanted).stdout
    (folder / f"{EVERY}.jsonl").write_bytes(b"".join([*lines[:5], lines[5].replace(b"e", b"E"), *lines[6:]]))
    damaged = program.run("history", "export", EVERY, "--format", wanted).stdout
    assert "1 line of its file is damaged" in damaged
    assert "of its file" not in whole
    if wanted == "json":
        (folder / f"{EVERY}.jsonl").unlink()
        taken = program.folder / "taken.json"
        taken.write_text(damaged)
        assert program.run("history", "import", str(taken)).returncode == 0
