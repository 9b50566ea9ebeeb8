"""What the demo model reads out of words, how it fits arguments, and how it puts results into Markdown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mcp_tui.conversation.messages import MessageToolCall, ToolSpec
from mcp_tui.gateway.demo import words
from mcp_tui.gateway.demo.catalogue import Catalogue
from mcp_tui.gateway.demo.correction import corrected, fitted
from mcp_tui.gateway.demo.outcome import ending, validation_errors
from mcp_tui.gateway.demo.planner import plan
from mcp_tui.gateway.demo.situation import DoneCall
from mcp_tui.gateway.demo.summary import summarise


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("what is 12 * (3 + 4)?", "12 * (3 + 4)"),
        ("15% of 80", "(15 / 100) * 80"),
        ("the square root of 2 plus 1", "sqrt(2) + 1"),
        ("1,000 times 3", "1000 * 3"),
        ("2^10", "2 ** 10"),
        ("min(3, 4) - 1", "min(3, 4) - 1"),
        ("12 divided by 5", "12 / 5"),
        ("on 2026-01-31 we meet", None),
        ("read 3 files", None),
        ("(1 + 2", None),
    ],
)
def test_expressions(text: str, found: str | None) -> None:
    assert words.expression(text) == found


def test_clauses_keep_quotes_and_between_whole() -> None:
    text = 'Write "a and b" to x.txt, search for tea and count days between 2026-01-01 and 2026-02-01'
    assert words.clauses(text) == [
        'Write "a and b" to x.txt',
        "search for tea",
        "count days between 2026-01-01 and 2026-02-01",
    ]
    assert words.stages("read a.txt, then list the files") == ["read a.txt", "list the files"]


def test_names_zones_and_durations() -> None:
    assert words.file_names("read notes/todo.md and ../x.py, not 3.14") == ["notes/todo.md", "../x.py"]
    assert words.time_zones("New York, Europe/Rome and tokyo") == ["America/New_York", "Europe/Rome", "Asia/Tokyo"]
    assert (words.seconds("for 2 minutes"), words.seconds("8s"), words.seconds("soon")) == (120.0, 8.0, None)


@given(st.text(max_size=200))
def test_any_text_can_be_planned_and_each_clause_is_in_it(text: str) -> None:
    assert plan(text, Catalogue(())).stages == []
    assert all(clause in text for clause in words.clauses(text))


@pytest.mark.parametrize(
    ("value", "schema", "better"),
    [
        ("2", {"type": "integer"}, 2),
        ("two", {"type": "number"}, 2),
        (500, {"type": "integer", "maximum": 100}, 100),
        ("dayz", {"enum": ["days", "weeks"]}, "days"),
        ("yes", {"type": "boolean"}, True),
        ("x", {"type": "array", "items": {"type": "string"}}, ["x"]),
        (5, {"type": "string"}, "5"),
        ("abc", {"type": "string", "maxLength": 2}, "ab"),
    ],
)
def test_values_are_fitted_to_the_schema(value: object, schema: dict[str, object], better: object) -> None:
    assert fitted(value, schema) == better


def test_missing_and_unknown_arguments_are_corrected() -> None:
    tool = ToolSpec("s__t", "", {"properties": {"way": {"enum": ["none", "crash"]}, "n": {"type": "integer"}}})
    problems = [
        {"field": "", "message": '"way" is a required property', "type": "required"},
        {"field": "extra", "message": "not allowed", "type": "additionalProperties"},
    ]
    better = corrected(tool, {"extra": 1, "n": 2}, problems)
    assert better is not None
    assert better.arguments == {"n": 2, "way": "none"}
    assert len(better.changes) == 2
    assert corrected(tool, {"n": 2}, [{"field": "n", "message": "no", "type": "x"}]) is None


@pytest.mark.parametrize(
    ("text", "how"),
    [
        ("The user declined this call.", "declined"),
        ('{"denied": true, "by": "user", "message": "wrong file"}', "declined"),
        ("Error: no such file", "failed"),
        ("timeout: no progress for 30 s", "failed"),
        ("invalid_result: 'many' is no integer\\n{}", "failed"),
        ('{"error": {"kind": "unavailable", "message": "not running"}}', "failed"),
        ('Refused. {"a": 1} {"validation_errors": [{"field": "x", "message": "y", "type": "z"}]}', "refused_arguments"),
        ('{"error": "in the data"}', "success"),
        ("A story in which the user denied everything and all calls failed", "success"),
    ],
)
def test_how_a_call_ended(text: str, how: str) -> None:
    assert ending(text) == how


def test_a_refusal_says_who_and_why() -> None:
    denied = '{"denied": true, "by": "%s", "message": "wrong *file*"}'
    assert summarise([done(denied % "user")]).endswith(
        r"You declined this call, so it did not run. I was told: *wrong \*file\**"
    )
    assert "A rule does not allow this call" in summarise([done(denied % "rule")])


@given(st.text(max_size=60))
def test_no_text_breaks_the_search_for_validation_errors(text: str) -> None:
    assert validation_errors(text + '{"validation_errors": [{"field": "a"}]}') in ([{"field": "a"}], [])


def done(result: str, **arguments: object) -> DoneCall:
    return DoneCall(MessageToolCall("c", "s__t", arguments), result)


@given(st.text(max_size=80))
def test_a_result_stays_inside_its_code_block(text: str) -> None:
    tokens = MarkdownIt().parse(summarise([done(f"line\n{text}\nend", path="x.py")]))
    assert [token.type for token in tokens].count("fence") == 1
    assert tokens[-1].type == "fence"


def test_tables_escape_their_cells_and_are_cut() -> None:
    rows = [{"name": "a|b *c*", "n": number} for number in range(30)]
    text = summarise([done(json.dumps({"rows": rows}))])
    assert r"a\|b \*c\*" in text
    assert "5 more rows are in the inspector" in text
    assert "Nothing was found." in summarise([done('{"matches": []}')])
