"""Trust from the first start on, in the whole program: a server is let in, changes a tool, is held, is let in again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.program import EACH_SIZE, LARGE, Program, hostile_entry
from tests.support.providers import FakeProvider
from tests.support.terminal import Terminal
from tests.terminal import steps

pytestmark = pytest.mark.terminal


def changing(tmp_path: Path) -> dict[str, Any]:
    """HS:rug_pull_restart: with each start ``echo`` is described in other words."""
    variables = {"HOSTILE_STATE": str(tmp_path / "starts"), "HOSTILE_LOG": str(tmp_path / "life")}
    return hostile_entry("rug_pull_restart") | {"env": variables}


def script(provider: FakeProvider, *words: str) -> None:
    """The model calls ``echo`` on each of these inputs, and answers with the word in capitals."""
    for_each = [
        [
            {"match": word, "has_result": False, "calls": [["rug__echo", {"x": word}]], "repeat": True},
            {"match": word, "has_result": True, "text": word.upper(), "repeat": True},
        ]
        for word in words
    ]
    provider.script(*(answer for pair in for_each for answer in pair))


def wake(terminal: Terminal) -> None:
    """Read to the end, and wait until the keys count: the line that counts down has come to rest."""
    either = re.compile(f"{steps.AWAKE}|{steps.LOCKED}")
    terminal.wait_for(either)
    terminal.settle(quiet=0.4, seconds=3)
    if terminal.shows(steps.LOCKED):
        terminal.press("end")
        terminal.settle(quiet=0.4, seconds=3)
    terminal.wait_for(steps.AWAKE)


def accept(terminal: Terminal, *words: str) -> None:
    """Open what waits, see these words in it, accept it once its keys count, and leave."""
    steps.ask(terminal, "/trust rug")
    for text in words:
        terminal.wait_for(text)
    wake(terminal)
    terminal.press("a")
    terminal.wait_gone(steps.AWAKE)
    if terminal.shows("leave"):
        terminal.press("esc")
    terminal.wait_gone("Esc leave")


def starts(tmp_path: Path) -> int:
    """How often the server was started."""
    path = tmp_path / "life"
    return path.read_text(encoding="utf-8").count(" start") if path.exists() else 0


def test_case_105_112_a_tool_changes_in_mid_conversation(
    program: Program, provider: FakeProvider, tmp_path: Path
) -> None:
    """Held, the difference shown, nothing runs until it was accepted; it survives a restart of the program."""
    program.configure(provider.openai_base, {"rug": changing(tmp_path)}, trust=False)
    script(provider, "first", "second", "third", "fourth")
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("1 server to accept: /trust")
        assert starts(tmp_path) == 0
        accept(terminal, "hostile_server.py", "runs with your rights")
        terminal.wait_for("1/1 servers")
        steps.ask(terminal, "first")
        steps.answer(terminal, "s")
        terminal.wait_for("FIRST")
        steps.idle(terminal)
        steps.ask(terminal, "/restart rug")
        terminal.wait_for("1 tool held")
        steps.ask(terminal, "second")
        terminal.wait_for("SECOND")
        steps.idle(terminal)
        assert len(program.stored("tool_call_started")) == 1, "allowed for the conversation, and yet it did not run"
        steps.quit_idle(terminal)
    assert [end["outcome"] for end in program.stored("tool_call_finished")] == ["success", "error"]

    with program.app("--continue", size=LARGE) as terminal:
        terminal.wait_for("1 tool held")
        steps.ask(terminal, "third")
        terminal.wait_for("THIRD")
        steps.idle(terminal)
        assert len(program.stored("tool_call_started")) == 1
        accept(terminal, "changed after it was accepted: description", "{+, changed 2+}")
        terminal.wait_gone("1 tool held")
        steps.ask(terminal, "fourth")
        steps.answer(terminal, "y")
        terminal.wait_for("FOURTH")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    assert len(program.stored("tool_call_started")) == 2
    offered = [[tool["description"] for tool in event["tools"]] for event in program.stored("tools_offered")]
    assert ["Return x, changed 1"] not in offered
    assert offered[0] == ["Return x"]
    assert offered[-1] == ["Return x, changed 2"]


@pytest.mark.parametrize("size", EACH_SIZE)
def test_case_111_a_changed_command_asks_again_with_old_and_new(
    size: tuple[int, int], program: Program, provider: FakeProvider, tmp_path: Path
) -> None:
    program.configure(provider.openai_base, {"rug": hostile_entry("ok")})
    program.configure(provider.openai_base, {"rug": changing(tmp_path)}, trust=False)
    with program.app(size=size) as terminal:
        terminal.wait_for(re.compile(r"▌ *What rug"))
        steps.ask(terminal, "/trust rug")
        terminal.wait_for("differs now")
        terminal.settle(quiet=0.1, seconds=1)
        top = next(row for row, line in enumerate(terminal.lines) if "servers to accept" in line and "╭" in line)
        box = [line for line in terminal.lines[top:] if line.strip().startswith("│")]
        assert box
        assert not [line for line in box if "▌" in line], "a toast covers what is to be accepted"
        wake(terminal)
        terminal.press("enter", "y")
        terminal.settle(quiet=0.2, seconds=2)
        assert starts(tmp_path) == 0
        wake(terminal)
        terminal.press("a")
        terminal.wait_for("is accepted")
        terminal.press("esc")
        terminal.wait_for("1/1")
        steps.quit_idle(terminal)
    assert starts(tmp_path) == 1


def test_case_118_a_spoilt_store_asks_again(program: Program, provider: FakeProvider, tmp_path: Path) -> None:
    program.configure(provider.openai_base, {"rug": changing(tmp_path)})
    store = program.data_dir / "trust.json"
    store.write_text(store.read_text()[:-20])
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("is damaged")
        terminal.wait_for("1 server to accept")
        assert starts(tmp_path) == 0
        steps.quit_idle(terminal)


def test_two_windows_on_one_store(program: Program, provider: FakeProvider, tmp_path: Path) -> None:
    """What is accepted in one is told in the other, and applied when the person says so."""
    program.configure(provider.openai_base, {"rug": hostile_entry("ok")}, trust=False)
    with program.app(size=LARGE) as one, program.app(size=LARGE) as other:
        for terminal in (one, other):
            terminal.wait_for("1 server to accept")
        accept(one, "hostile_server.py")
        one.wait_for("1/1 servers")
        other.wait_for("Another program changed what is trusted")
        assert other.shows("1 server to accept")
        steps.ask(other, "/trust")
        other.wait_for("Take over")
        other.wait_for(re.compile("keys are awake|read it"))
        other.settle(quiet=0.7, seconds=3)
        other.press("r")
        other.wait_for("1/1 servers")
        for terminal in (one, other):
            steps.quit_idle(terminal)
    stored = json.loads((program.data_dir / "trust.json").read_text())
    assert sorted(stored["servers"]["rug"]["tools"]) == ["echo", "env", "sleep"]
    assert (program.data_dir / "trust.json").stat().st_mode & 0o777 == 0o600
