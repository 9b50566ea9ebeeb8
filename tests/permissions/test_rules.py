"""What runs, what is asked, what is denied: as tables."""

from __future__ import annotations

from itertools import permutations, product

import pytest

from mcp_tui.events.tools import ToolDefinition
from mcp_tui.permissions.base import CallFacts, Verdict, arguments_digest
from mcp_tui.permissions.rules import AllowedTools, Policy
from mcp_tui.permissions.service import ASK, evaluate

TOOL = ToolDefinition(wire_name="files__read", server="files", name="read", digest="d1")
CALL = CallFacts(TOOL, {"path": "a"})


class Says:
    """A rule with one answer; ``None``: it does not concern the call."""

    def __init__(self, effect):
        self.effect = effect

    def verdict(self, call):
        return None if self.effect is None else Verdict(self.effect, f"the {self.effect} rule")


@pytest.mark.parametrize("effects", list(product([None, "deny", "ask", "allow"], repeat=3)))
def test_case_110_deny_wins_then_ask_then_allow_whatever_the_order(effects):
    expected = next((effect for effect in ("deny", "ask", "allow") if effect in effects), None)
    for order in permutations(effects):
        verdict = evaluate(CALL, [Says(effect) for effect in order])
        assert verdict == (ASK if expected is None else Verdict(expected, f"the {expected} rule"))


@pytest.mark.parametrize(
    ("rules", "fallback", "expected"),
    [
        ([], None, "ask"),
        ([], "deny", "deny"),
        ([], "allow", "allow"),
        (["allow"], "deny", "allow"),
        (["deny"], "allow", "deny"),
        (["ask"], "allow", "ask"),
        ([None], "deny", "deny"),
    ],
)
def test_the_fallback_speaks_only_where_no_rule_does(rules, fallback, expected):
    policy = Policy(fallback) if fallback else None
    assert evaluate(CALL, [Says(effect) for effect in rules], policy).effect == expected


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        (["files.read"], True),
        (["files.write", "files.read"], True),
        (["files.rea"], False),
        (["files.readx"], False),
        (["file.sread"], False),
        (["files__read"], False),
        (["files.*"], False),
        (["FILES.READ"], False),
        ([], False),
    ],
)
def test_an_allowed_tool_is_meant_exactly(names, allowed):
    verdict = AllowedTools(names).verdict(CALL)
    assert (verdict is not None) is allowed
    if verdict is not None:
        assert verdict == Verdict("allow", "--allow files.read")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True),
        ({"a": 1}, {"a": 1.0}, False),
        ({"a": 1}, {"a": "1"}, False),
        ({"a": None}, {}, False),
        ({"a": True}, {"a": 1}, False),
        ({"a": "é"}, {"a": "e\u0301"}, False),
        ({"a": "\ud800"}, {"a": "\ufffd"}, False),
        ({"a": [1, 2]}, {"a": [2, 1]}, False),
    ],
)
def test_case_106_a_decision_is_bound_to_exact_arguments(one, other, same):
    assert (arguments_digest(one) == arguments_digest(other)) is same
