"""A guard asks in the whole program: yes goes on, no stays within the limit, nothing by accident."""

from __future__ import annotations

import pytest
import yaml

from tests.support.program import SMALL, Program, hostile_entry
from tests.support.providers import FakeProvider
from tests.terminal import steps

pytestmark = pytest.mark.terminal


def test_case_74_the_limit_of_rounds_is_a_question(program: Program, provider: FakeProvider) -> None:
    program.configure(provider.openai_base, {"hs": hostile_entry("ok")})
    config = yaml.safe_load(program.config_file.read_text())
    config["chat"]["service"]["max_tool_hops"] = 1
    program.config_file.write_text(yaml.safe_dump(config))
    provider.script({"match": "loop", "calls": [["hs__echo", {"x": "again"}]], "repeat": True})
    with program.app(size=SMALL) as terminal:
        terminal.wait_for("1/1")
        steps.ask(terminal, "loop")
        steps.answer(terminal, "s")
        terminal.wait_for("question 1 of 1")
        terminal.wait_for("question waiting")
        terminal.type("y")
        terminal.settle(quiet=0.2, seconds=1)
        assert not program.stored("question_answered"), "typed into the draft"
        terminal.press("backspace", "tab")
        terminal.wait_for(steps.AWAKE)
        terminal.press("y")
        terminal.wait_for(lambda text: len(program.stored("tool_call_finished")) == 2)
        terminal.wait_for("question 1 of 1")
        terminal.press("tab")
        terminal.wait_for(steps.AWAKE)
        terminal.press("n")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    assert [event["answer"] for event in program.stored("question_answered")] == ["yes", "no"]
    assert all(event["by"] == "user" for event in program.stored("question_answered"))
    assert len(program.stored("tool_call_started")) == 2
