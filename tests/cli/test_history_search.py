"""``mcp-tui history search``: what it finds, and what it says where it cannot."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from tests.support.program import Program

GOLDEN = Path(__file__).parent.parent / "golden"


def stored(program: Program) -> None:
    folder = program.data_dir / "conversations"
    folder.mkdir(parents=True)
    for log in GOLDEN.glob("*.jsonl"):
        conversation = json.loads(log.read_text().splitlines()[0])["conversation_id"]
        shutil.copy(log, folder / f"{conversation}.jsonl")


def test_hits_with_their_context(program: Program) -> None:
    stored(program)
    done = program.run("history", "search", "milk", "--json")
    assert done.returncode == 0, done.stderr
    hits = json.loads(done.stdout)
    assert {hit["kind"] for hit in hits} >= {"assistant", "result"}
    assert all("milk" in hit["snippet"].lower() for hit in hits)
    assert (program.data_dir / "cache" / "search").is_dir()
    words = program.run("history", "search", "kind:user", "notes")
    assert "read the notes" in words.stdout
    assert program.run("history", "search", "日本").stdout.count("日本語")


def test_nothing_found_and_nothing_understood(program: Program) -> None:
    stored(program)
    nothing = program.run("history", "search", "nosuchword")
    assert (nothing.returncode, nothing.stdout.strip()) == (0, "No hits.")
    refused = program.run("history", "search", "kind:nothing")
    assert refused.returncode == 2
    assert "There are user, assistant" in refused.stderr


def test_without_a_cache_it_says_why(program: Program) -> None:
    stored(program)
    (program.data_dir / "cache").write_text("in the way")
    done = program.run("history", "search", "milk")
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be written" in done.stderr
