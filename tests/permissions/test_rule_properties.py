"""What holds for every set of rules and every call."""

from __future__ import annotations

from itertools import permutations, product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mcp_tui.config.globs import BadGlob, parse_glob
from mcp_tui.config.rule_checks import check_entry
from mcp_tui.config.rule_edit import HEADER, added
from mcp_tui.config.rule_models import RuleEntry, same_entry
from mcp_tui.config.rules_file import parse_rules
from mcp_tui.engine.proposals import proposals
from mcp_tui.events.tools import ToolDefinition
from mcp_tui.permissions.base import CallFacts, Verdict
from mcp_tui.permissions.file_rules import FileRules
from mcp_tui.permissions.readings import texts as texts_in
from mcp_tui.permissions.service import ASK, evaluate
from mcp_tui.safety.text import hidden_report

TOOL = ToolDefinition(wire_name="s__t", server="s", name="t", annotations={"readOnlyHint": True})

names = st.sampled_from(["a", "b", "c", "path", "A"])
texts = st.one_of(
    st.sampled_from(
        ["x", "X", "/srv/a", "/srv/../etc", "https://h.example/", "https://h.example@e.org", "on", "\u202e"]
    ),
    st.text(max_size=12),
)
scalars = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.floats(width=16), texts)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=2), max_leaves=5
)
arguments = st.dictionaries(names, values, max_size=3)
patterns = st.one_of(
    values.map(lambda value: {"equals": value}),
    st.lists(values, min_size=1, max_size=3).map(lambda found: {"one_of": found}),
    st.sampled_from([{"glob": "*"}, {"glob": "**"}, {"glob": "/srv/?"}, {"glob": "[a-x]*"}, {"max": 3},
                     {"path_under": "/srv"}, {"path_under": "/"}, {"host_in": ["h.example"]}]),
)  # fmt: skip


@st.composite
def entries(draw: st.DrawFn, index: int = 0) -> RuleEntry:
    effect = draw(st.sampled_from(["allow", "deny", "ask"]))
    data = {
        "id": draw(st.text("abcdefgh", min_size=1, max_size=3)) + str(index),
        "effect": effect,
        "server": draw(st.sampled_from(["s", "other"] if effect == "allow" else ["s", "*", "other"])),
        "tool": draw(st.sampled_from(["t", "*", "u"])),
        "arguments": draw(st.none() | st.dictionaries(names, patterns, max_size=2)),
        "annotation": draw(st.sampled_from([None, "read_only"])) if effect == "allow" else None,
    }
    return RuleEntry.model_validate(data)


rule_sets = st.lists(st.integers(), max_size=5).flatmap(
    lambda found: st.tuples(*(entries(index) for index in range(len(found))))
)
usual = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def word(rules, call: CallFacts) -> Verdict | None:
    return FileRules(rules, cwd="/").verdict(call)


@usual
@given(rule_sets, arguments, st.randoms(use_true_random=False))
def test_the_order_of_rules_never_matters(rules, given_arguments, random):
    call, shuffled = CallFacts(TOOL, given_arguments), list(rules)
    random.shuffle(shuffled)
    assert word(rules, call) == word(shuffled, call)


@usual
@given(rule_sets, arguments, entries(index=99))
def test_a_deny_always_wins_and_no_rule_takes_one_back(rules, given_arguments, extra):
    call = CallFacts(TOOL, given_arguments)
    denies = [rule for rule in rules if rule.effect == "deny" and word([rule], call) is not None]
    verdict = word(rules, call)
    assert (verdict is not None and verdict.effect == "deny") == bool(denies)
    if denies:
        more = word([*rules, extra], call)
        assert more is not None
        assert more.effect == "deny"


@usual
@given(rule_sets, arguments)
def test_an_ask_beats_every_allow(rules, given_arguments):
    call = CallFacts(TOOL, given_arguments)
    if any(rule.effect == "ask" and word([rule], call) is not None for rule in rules):
        assert word(rules, call).effect in ("deny", "ask")


@usual
@given(entries(), arguments, names, values)
def test_an_allow_never_matches_a_call_with_an_argument_that_it_does_not_list(rule, given_arguments, name, value):
    call = CallFacts(TOOL, given_arguments)
    if rule.effect != "allow" or rule.arguments is None:
        return
    if word([rule], call) is not None:
        assert set(given_arguments) == set(rule.arguments)
        if name not in rule.arguments:
            assert word([rule], CallFacts(TOOL, {**given_arguments, name: value})) is None


@usual
@given(entries(), arguments, names, values)
def test_no_argument_more_gets_a_call_out_of_a_deny(rule, given_arguments, name, value):
    if rule.effect == "allow" or word([rule], CallFacts(TOOL, given_arguments)) is None:
        return
    if name not in given_arguments:
        assert word([rule], CallFacts(TOOL, {**given_arguments, name: value})) is not None
    wrapped = {key: [each, {"x": 1}] for key, each in given_arguments.items()}
    assert word([rule], CallFacts(TOOL, wrapped)) is not None


@usual
@given(st.dictionaries(names, patterns, max_size=2), arguments)
def test_what_an_allow_takes_a_deny_of_the_same_words_stops(listed, given_arguments):
    data = {"id": "r", "server": "s", "tool": "t", "arguments": listed}
    allow, deny = (RuleEntry.model_validate({**data, "effect": effect}) for effect in ("allow", "deny"))
    call = CallFacts(TOOL, given_arguments)
    if word([allow], call) is not None:
        assert word([deny], call) is not None
        assert not any(map(hidden_report, texts_in(given_arguments)))


@usual
@given(arguments)
def test_a_proposal_matches_the_call_it_was_made_from_or_is_no_rule(given_arguments):
    call = CallFacts(TOOL, given_arguments)
    found = list(proposals("s", "t", given_arguments, ()))
    assert found[0].arguments is not None
    assert found[-1].arguments is None
    seen = any(map(hidden_report, texts_in(given_arguments)))
    for entry in found:
        if not seen and not list(check_entry(entry)) and "nan" not in repr(given_arguments):
            assert word([entry], call) is not None, entry
        if seen:
            assert word([entry], call) is None


@usual
@given(entries(), st.text(max_size=20))
def test_what_is_written_is_read_back_the_same_or_refused(rule, note):
    rule = rule.model_copy(update={"note": note})
    if list(check_entry(rule)):
        return
    found, problems = parse_rules(Path("x"), added(HEADER, rule))
    assert problems or same_entry(found[0], rule)


@usual
@given(st.text("ab/*?[]!-.", max_size=10), st.text("ab/.-", max_size=12))
def test_globs_match_as_a_plain_backtracking_matcher_does(pattern, text):
    try:
        glob = parse_glob(pattern)
    except BadGlob:
        return
    if "[" not in pattern:
        assert glob.matches(text) == slow(pattern, text)
    if glob.matches(text):
        assert parse_glob(pattern, wide=True).matches(text)


def slow(pattern: str, text: str) -> bool:
    if not pattern:
        return not text
    if pattern.startswith("*"):
        deep = pattern.startswith("**")
        rest = pattern[2 if deep else 1 :]
        return slow(rest, text) or (bool(text) and (deep or text[0] != "/") and slow(pattern, text[1:]))
    return (
        bool(text) and (pattern[0] == text[0] or (pattern[0] == "?" and text[0] != "/")) and slow(pattern[1:], text[1:])
    )


class Says:
    def __init__(self, kind: str) -> None:
        self.kind = kind

    def verdict(self, call: CallFacts) -> Verdict | None:
        match self.kind:
            case "none":
                return None
            case "guard":
                return Verdict("ask", "a guard", guard="secret")
            case _:
                return Verdict(self.kind, self.kind)  # type: ignore[arg-type]


@pytest.mark.parametrize("kinds", list(product(["none", "deny", "guard", "ask", "allow"], repeat=3)))
def test_case_110_deny_then_guard_then_ask_then_allow_then_ask(kinds):
    expected = next((kind for kind in ("deny", "guard", "ask", "allow") if kind in kinds), "none")
    for order in permutations(kinds):
        verdict = evaluate(CallFacts(TOOL, {}), [Says(kind) for kind in order])
        if expected == "none":
            assert verdict == ASK
        else:
            assert verdict == Says(expected).verdict(CallFacts(TOOL, {}))
