from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.config.source import Document, Unreadable
from mcp_tui.config.yaml_source import parse_yaml

FILE = Path("config.yaml")


def parse(text: str) -> Document:
    return parse_yaml(FILE, text)


def refused(text: str) -> str:
    with pytest.raises(Unreadable) as caught:
        parse(text)
    return caught.value.problem.render()


def test_values_keys_and_places() -> None:
    document = parse("a:\n  b: [1, two]\n  c: |\n    long\n# end\n")
    assert document.data == {"a": {"b": [1, "two"], "c": "long\n"}}
    assert (document.keys["a", "b"].line, document.keys["a", "b"].column) == (2, 3)
    assert (document.values["a", "b", 1].line, document.values["a", "b", 1].column) == (2, 10)
    assert document.source(("a", "b", 1)) == "two"


@pytest.mark.parametrize(
    "text", ["a:\n  b: [1, two]\né: |\n  x\n", "a: 1\na: 2\n", "no: 017\n", "a: &x 1\n", "a: [\n", ""]
)
def test_without_libyaml_the_same_is_read(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def outcome() -> object:
        try:
            document = parse(text)
        except Unreadable as error:
            return error.problem.line, error.problem.column

        return document.data, [p.render() for p in document.problems], document.keys, set(document.values)

    with_libyaml = outcome()
    monkeypatch.setattr("mcp_tui.config.yaml_source._Loader", yaml.SafeLoader)
    assert outcome() == with_libyaml


def test_places_count_characters_not_bytes() -> None:
    document = parse('ключ: "значение"  # é\nb: x\n')
    assert document.source(("ключ",)) == '"значение"'
    assert document.source(("b",)) == "x"


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n", "---\n", "--- ~\n"])
def test_case_096_nothing_is_none(text: str) -> None:
    assert parse(text).data is None


def test_case_097_a_duplicate_key_names_both_lines_and_the_first_stays() -> None:
    document = parse("a: 1\nb:\n  x: 1\nb:\n  x: 2\n")
    assert document.data == {"a": 1, "b": {"x": 1}}
    assert [p.render() for p in document.problems] == [
        "config.yaml:4:1: b: appears twice, first in line 2\n    Remove one of the two."
    ]


def test_duplicates_that_differ_only_in_quotes() -> None:
    assert len(parse('a: 1\n"a": 2\n').problems) == 1


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1\nb: *x\n",
        "a: *nothing\n",
        "a: !!python/object:os.system x\n",
        "a: !mine x\n",
        "a: !!binary aGk=\n",
        "a: !!set {x}\n",
    ],
)
def test_anchors_aliases_and_tags_are_refused(text: str) -> None:
    assert "uses a YAML" in refused(text)


def test_a_refused_alias_or_tag_is_not_quoted_because_it_may_be_an_unquoted_password() -> None:
    assert "hunter22" not in refused("password: *hunter22\n") + refused("password: !hunter22 x\n")


def test_case_098_an_alias_bomb_is_refused_at_once() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    start = time.monotonic()
    assert "anchor or alias" in refused("\n".join(lines))
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    "text", ["[" * 400_000, "{a: " * 200_000, "- " * 400_000, "\n".join(" " * n + "a:" for n in range(900))]
)
def test_case_098_deep_nesting_is_refused_at_once(text: str) -> None:
    start = time.monotonic()
    assert "levels deep" in refused(text)
    assert time.monotonic() - start < 1


@pytest.mark.parametrize(
    ("written", "line"),
    [
        ("017", "`017` is a number in one of YAML's special notations"),
        ("12:30:45", "`12:30:45` is a number"),
        ("1_000", "`1_000` is a number"),
        ("0x1F", "`0x1F` is a number"),
        ("0b11", "`0b11` is a number"),
        (".inf", "`.inf` is a number"),
        (".NaN", "`.NaN` is a number"),
        ("1.0e+400", "is a number too large"),
        ("9" * 5000, "is a number too large"),
        ("2024-13-45", "is not a valid timestamp"),
    ],
)
def test_case_097_098_surprising_scalars_are_refused_with_their_line(written: str, line: str) -> None:
    document = parse(f"first: 1\na: {written}\n")
    [problem] = document.problems
    assert line in problem.render()
    assert (problem.line, problem.column, problem.field) == (2, 4, "a")


@pytest.mark.parametrize(
    ("written", "value"), [("10", 10), ("-3", -3), ("0.7", 0.7), (".5", 0.5), ("2.", 2.0), ("1.5e+3", 1500.0)]
)
def test_plain_numbers(written: str, value: float) -> None:
    document = parse(f"a: {written}")
    assert document.data == {"a": value}
    assert not document.problems


@pytest.mark.parametrize("key", ["no", "yes", "12", "1.5", "null", "2024-01-01", "~"])
def test_case_097_a_key_that_yaml_does_not_read_as_text_must_be_quoted(key: str) -> None:
    [problem] = parse(f"{key}: x\n").problems
    assert f'Put the name in quotes: "{key}"' in problem.render()
    assert not parse(f'"{key}": x\n').problems


def test_a_merge_key_is_an_ordinary_name() -> None:
    assert parse("<<: {a: 1}\n").data == {"<<": {"a": 1}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2\nb: 3\n", "config.yaml:2"),
        ("a: 'x\n", "is not valid YAML"),
        ("a:\n\tb: 1\n", "Indent with spaces"),
        ("a: b: c\n", "mapping values are not allowed"),
        ("a: 1\n---\nb: 2\n", "more than one YAML document"),
        ("[a]: 1\n", "a list or mapping where a field name belongs"),
        ("a: \x07\n", "control character U+0007"),
        ("a: %x\n", "config.yaml:1"),
        ("a: @x\n", "config.yaml:1"),
    ],
)
def test_syntax_errors_are_placed(text: str, said: str) -> None:
    assert said in refused(text)


texts = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\x85\u2028\u2029\ufeff")
)
names = st.from_regex(r"[a-z]{2,8}x", fullmatch=True)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) < 2**53)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


class _NoAliases(yaml.SafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


@given(plain)
def test_what_pyyaml_writes_is_read_back(value: Any) -> None:
    document = parse(yaml.dump({"top": value}, Dumper=_NoAliases, allow_unicode=True))
    assert not document.problems
    assert document.data == {"top": value}


@given(st.text(st.sampled_from("abno01:-,[]{}#&*!|>'\"%@`?~= \t\n.é\u2028"), max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(text: str) -> None:
    try:
        document = parse(text)
    except Unreadable as error:
        document = None
        problems = [error.problem]
    else:
        problems = document.problems
    assert all(problem.line is not None for problem in problems)
    if document is None:
        return
    for path, mark in document.values.items():
        assert 0 <= mark.start <= mark.end <= len(text), path
    assert not isinstance(document.data, float) or math.isfinite(document.data)
