"""A rule from the card to F7 and out again, in the whole program: it decides, names itself, is revoked."""

from __future__ import annotations

import re

import pytest

from tests.support.program import LARGE, Program, hostile_entry
from tests.support.providers import FakeProvider
from tests.terminal import steps

pytestmark = pytest.mark.terminal


def test_a_rule_made_on_a_card_decides_names_itself_and_is_revoked(program: Program, provider: FakeProvider) -> None:
    program.configure(provider.openai_base, {"hs": hostile_entry("ok")})
    words = ("first", "second", "third")
    script = [
        [
            {"match": word, "has_result": False, "calls": [["hs__echo", {"x": "same"}]], "repeat": True},
            {"match": word, "has_result": True, "text": word.upper(), "repeat": True},
        ]
        for word in words
    ]
    provider.script(*(answer for pair in script for answer in pair))
    with program.app(size=LARGE) as terminal:
        terminal.wait_for("1/1 servers")
        steps.ask(terminal, "first")
        steps.write_rule(terminal)
        terminal.wait_for("FIRST")
        steps.idle(terminal)
        (decided,) = program.stored("approval_decided")
        rule = decided["rule_id"]
        assert decided["scope"] == "rule"

        steps.ask(terminal, "second")
        terminal.wait_for("SECOND")
        steps.idle(terminal)
        assert program.stored("approval_decided")[1]["rule_id"] == rule
        terminal.wait_for(re.compile(rf"rule {re.escape(rule[:12])}"))

        terminal.press("f7")
        terminal.wait_for("2 recorded calls match")
        assert terminal.shows(rule[:16])
        terminal.press("w")
        terminal.wait_for(f"Rule {rule} decided")
        terminal.press("d")
        terminal.wait_for("Revoke rule")
        terminal.settle(quiet=0.5, seconds=3)
        terminal.press("r")
        terminal.wait_for("No rules: every call asks")
        terminal.press("f7")
        terminal.wait_gone("No rules: every call asks")

        steps.ask(terminal, "third")
        steps.answer(terminal, "n")
        terminal.wait_for("THIRD")
        steps.idle(terminal)
        steps.quit_idle(terminal)
    assert [event["action"] for event in program.stored("approval_decided")] == ["allow", "allow", "deny"]
    assert len(program.stored("tool_call_started")) == 2
