"""``mcp-tui replay`` without a terminal: text, events, what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mcp_tui.cli import main
from mcp_tui.cli.arguments import parse
from mcp_tui.events.content import TextContent
from mcp_tui.events.tools import ToolCallFinished
from mcp_tui.history.jsonl import JsonlStore
from tests.support.replays import ANSWERS, QUESTIONS, conversation

ID = "01m7y3g2f5ph6vawg2f336c38d"
SECRET = "sk-live-0123456789abcdefghijklmnopqrstuv"


@pytest.fixture
async def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One conversation whose second result holds what looks like a key; no configuration anywhere."""
    monkeypatch.setenv("MCP_TUI_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MCP_CONFIG_PATH", str(tmp_path / "none.yaml"))
    events = []
    for event in conversation():
        more = {"conversation_id": ID, "seq": 0}
        if isinstance(event, ToolCallFinished) and event.call_id == "c2":
            more |= {"sensitive": True, "content": (TextContent(text=f"token {SECRET}"),)}
        events.append(event.model_copy(update=more))
    store = JsonlStore(tmp_path / "data" / "conversations")
    await store.append(ID, events)
    await store.aclose()
    return tmp_path / "data"


@pytest.mark.parametrize("wanted", [ID, ID[:10], "last"])
def test_without_a_terminal_it_is_text(stored: Path, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", wanted]) == 0
    text = capsys.readouterr().out
    places = [text.index(words) for words in ("login-timeouts", *QUESTIONS)]
    assert places == sorted(places)
    assert all(answer.splitlines()[0] in text for answer in ANSWERS)
    assert 'jira.close_issue  issue_id="PROJ-791"' in text
    assert "allowed by rule jira" in text


def test_events_are_lines_of_json(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", ID, "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [line["type"] for line in lines] == [event.type for event in conversation()]
    assert [line["seq"] for line in lines] == list(range(1, len(lines) + 1))


@pytest.mark.parametrize("flag", ["--json", "--plain"])
def test_what_looks_like_a_key_is_masked(stored: Path, flag: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", ID, flag]) == 0
    text = capsys.readouterr().out
    assert SECRET not in text
    assert "token" in text


def test_what_cannot_be_read_is_said(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = stored / "conversations" / f"{ID}.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    torn = b'{"type":"torn'
    for count, words in ((1, "1 line of its file is"), (2, "2 lines of its file are")):
        damaged = [line.replace(b'"seq"', b'"sqe"') for line in lines[-count:]]
        log.write_bytes(b"".join([*lines[:-count], *damaged, torn]))
        for command in (["replay", ID], ["replay", ID, "--json"]):
            assert main(command) == 0
            captured = capsys.readouterr()
            told = f"note: {words} damaged and left out here: `mcp-tui history check` says more.\n"
            assert captured.err == told
            assert captured.out


def test_an_answer_without_an_end_is_incomplete(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = stored / "conversations" / f"{ID}.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    last = max(index for index, line in enumerate(lines) if b'"type":"model_request_started"' in line)
    log.write_bytes(b"".join(lines[: last + 1]))
    assert main(["replay", ID]) == 0
    assert capsys.readouterr().out.endswith("\n  ! incomplete\n")


def test_nothing_is_written_by_looking(stored: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = next(stored.rglob(f"{ID}.jsonl"))
    before = log.read_bytes()
    assert main(["replay", ID]) == 0
    assert log.read_bytes() == before


@pytest.mark.parametrize("wanted", ["nope", "01m7zzzzzzzzzzzzzzzzzzzzzz"])
def test_what_is_not_there_is_said(stored: Path, wanted: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", wanted]) == 2
    assert "no conversation" in capsys.readouterr().err.lower()


def test_without_any_conversation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MCP_TUI_DATA_DIR", str(tmp_path))
    assert main(["replay", "last"]) == 2


@pytest.mark.parametrize(
    ("word", "speed"),
    [("2", 2.0), ("4x", 4.0), ("0.5", 0.5), ("once", float("inf")), ("2X", 2.0), ("ONCE", float("inf"))],
)
def test_speeds(word: str, speed: float) -> None:
    assert parse(["replay", "last", "--speed", word]).speed == speed


@pytest.mark.parametrize("word", ["0", "-1", "nan", "fast", "1e9"])
def test_a_speed_that_is_none(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse(["replay", "last", f"--speed={word}"])
    assert ended.value.code == 2
    assert "write a number" in capsys.readouterr().err
