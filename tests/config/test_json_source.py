from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.config.json_source import parse_json
from mcp_tui.config.source import Document, Unreadable

FILE = Path("servers_config.json")


def parse(text: str) -> Document:
    return parse_json(FILE, text)


def refused(text: str) -> str:
    with pytest.raises(Unreadable) as caught:
        parse(text)
    return caught.value.problem.render()


def test_values_and_places() -> None:
    text = '{\n  "a": {"b": [1, "two"]},\r\n  "é": null\n}\n'
    document = parse(text)
    assert document.data == {"a": {"b": [1, "two"]}, "é": None}
    assert (document.values["a", "b", 1].line, document.values["a", "b", 1].column) == (2, 18)
    assert document.source(("a", "b", 1)) == '"two"'
    assert document.source(("a", "b")) == '[1, "two"]'
    assert document.keys[("é",)].line == 3


@pytest.mark.parametrize("text", ["", "  \n"])
def test_nothing_is_none(text: str) -> None:
    assert parse(text).data is None


def test_case_099_duplicates_name_both_lines_and_the_first_stays() -> None:
    document = parse('{"a": {"x": 1},\n "a": {"x": 2}}')
    assert document.data == {"a": {"x": 1}}
    assert [p.render() for p in document.problems] == [
        "servers_config.json:2:2: a: appears twice, first in line 1\n    Remove one of the two."
    ]


def test_case_099_duplicates_that_differ_only_in_escapes() -> None:
    assert len(parse('{"a": 1, "\\u0061": 2}').problems) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,}', "servers_config.json:1:9: is not valid JSON: a field name in double quotes belongs here"),
        ("[1,\n]", "servers_config.json:2:1: is not valid JSON: a value belongs here\n    Remove the comma"),
        ('{"a": NaN}', "`NaN` is not a JSON value"),
        ('{"a": -Infinity}', "is not a JSON value"),
        ('{"a": True}', "`True` is not a JSON value"),
        ('{"a": 01}', "`01` is not a JSON value"),
        ('{"a": +1}', "`+1` is not a JSON value"),
        ('{"a": 1.}', "`1.` is not a JSON value"),
        ("{'a': 1}", "Names stand in double quotes"),
        ("{a: 1}", "Names stand in double quotes"),
        ('{"a" 1}', 'a colon belongs after "a"'),
        ('{"a": 1 "b": 2}', "a comma or `}` belongs here"),
        ('{"a": [1 2]}', "a comma or `]` belongs here"),
        ('{"a": ', "it ends too early"),
        ('{"a": "x', "unterminated string"),
        ('{"a": "x\ny"}', "invalid control character"),
        ('{"a": "\\x"}', "invalid \\escape"),
        ('// hello\n{"a": 1}', "JSON has no comments"),
        ('{"a": 1} /* x */', "JSON has no comments"),
        ('{"a": 1}}', "text after the end"),
        ("\x00", "a value belongs here"),
    ],
)
def test_syntax_errors_are_placed(text: str, said: str) -> None:
    assert said in refused(text)


def test_a_key_that_someone_forgot_to_quote_is_not_quoted_back() -> None:
    assert "verysecret" not in refused('{"TOKEN": sk-verysecret-1234567890}')


@pytest.mark.parametrize("number", ["1e999", "9" * 5000, "-1e300"])
def test_case_098_numbers_too_large_are_refused(number: str) -> None:
    [problem] = parse('{"a": ' + number + "}").problems
    assert "too large" in problem.message


@pytest.mark.parametrize("text", ["[" * 500_000, '{"a":' * 180_000])
def test_case_098_deep_nesting_is_refused_at_once(text: str) -> None:
    start = time.monotonic()
    assert "levels deep" in refused(text)
    assert time.monotonic() - start < 1


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: abs(x) < 2**53)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=15,
)


@given(plain, st.sampled_from([None, 2]), st.booleans())
def test_reads_what_the_standard_library_writes(value: Any, indent: int | None, ascii_only: bool) -> None:
    document = parse(json.dumps(value, indent=indent, ensure_ascii=ascii_only))
    assert not document.problems
    assert document.data == value


@given(st.text(st.sampled_from('{}[]":,01.-eE+tfnulrase\\/ \n\t#é'), max_size=40))
def test_agrees_with_the_standard_library_on_what_is_json(text: str) -> None:
    try:
        expected = json.loads(text, parse_constant=lambda name: json.loads("x"))
    except ValueError:
        expected = ...
    try:
        document = parse(text)
    except Unreadable:
        document = None
    if not text.strip():
        assert document is not None
    elif document is None:
        assert expected is ...
    elif not document.problems:
        assert document.data == expected
