"""The language of a search: what is understood, and what is said where it is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.errors import UsageError
from mcp_tui.history.search.query import EXAMPLES, Filter, Query, Term, parse_query
from mcp_tui.history.search.words import Matcher, fold, indexed

NOW = datetime(2026, 8, 22, 12, tzinfo=UTC)


def local(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day).astimezone()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("login timeout", [Term("login"), Term("timeout", prefix=True)]),
        ("login timeout ", [Term("login"), Term("timeout")]),
        ('"login timeout"', [Term("login timeout")]),
        ('"login time', [Term("login time", prefix=True)]),
        ("login -proxy", [Term("login"), Term("proxy", negated=True)]),
        ('login -"two words"', [Term("login"), Term("two words", negated=True)]),
        ("snake_case", [Term("snake_case", prefix=True)]),
        ("#812", [Term("#812")]),
        ("go", [Term("go")]),
        ("日本", [Term("日本")]),
        ("http://a.b/c", [Term("http://a.b/c", prefix=True)]),
        ("retry_c", [Term("retry_c", prefix=True)]),
        ("retry_c ", [Term("retry_c")]),
        ('"login t', [Term("login t", prefix=True)]),
        ("#8", [Term("#8")]),
        ("日_本", [Term("日_本")]),
        ("std::vector", [Term("std::vector", prefix=True)]),
        ("12:30", [Term("12:30")]),
        ("foo - bar", [Term("foo"), Term("bar", prefix=True)]),
        ('""', []),
        ("   ", []),
    ],
)
def test_words_and_phrases(text: str, terms: list[Term]) -> None:
    assert list(parse_query(text).terms) == terms


@pytest.mark.parametrize(
    ("text", "filters"),
    [
        ("tool:time.*", [Filter("tool", ("time.*",))]),
        ("server:git,fs", [Filter("server", ("git", "fs"))]),
        ("TOOL:x", [Filter("tool", ("x",))]),
        ("-model:gpt*", [Filter("model", ("gpt*",), negated=True)]),
        ('in:"nightly failures"', [Filter("in", ("nightly failures",))]),
        ("kind:you,thinking", [Filter("kind", ("user", "reasoning"))]),
        ("status:invalid", [Filter("status", ("invalid_arguments", "invalid_result"))]),
        ("tag:work tag:urgent", [Filter("tag", ("work",)), Filter("tag", ("urgent",))]),
    ],
)
def test_filters(text: str, filters: list[Filter]) -> None:
    found = parse_query(f"x {text}")
    assert list(found.filters) == filters
    assert found.terms == (Term("x"),)


@pytest.mark.parametrize(
    ("text", "after", "before"),
    [
        ("after:2026-08-01", local(2026, 8, 1), None),
        ("before:2026-08", None, local(2026, 8, 1)),
        ("after:2025 before:2026-1-2", local(2025, 1, 1), local(2026, 1, 2)),
        ("after:7d", NOW - timedelta(days=7), None),
        ("after:2026-08-01T10:00:00+00:00", datetime(2026, 8, 1, 10, tzinfo=UTC), None),
    ],
)
def test_times(text: str, after: datetime | None, before: datetime | None) -> None:
    found = parse_query(text, now=NOW)
    assert (found.after, found.before) == (after, before)


def test_today_and_yesterday_begin_at_midnight_here() -> None:
    today = NOW.astimezone().date()
    assert parse_query("after:today", now=NOW).after == local(today.year, today.month, today.day)
    found = parse_query("after:yesterday", now=NOW).after
    assert found is not None
    assert found.date() == today - timedelta(days=1)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tool:", "For example tool:time.*"),
        ("kind:bot", "There are user, assistant"),
        ("status:bad", "There are ok"),
        ("after:monday", "as 2026-08-01"),
        ("before:2026-13-45", "as 2026-08-01"),
        ("-before:2026", "Write after:2026"),
        ("since:2026", "Write after:"),
        ("tools:time", "Write tool:time.*"),
        ("from:alice", '"from:alice" for the text'),
        ("-only", "Add a word"),
        ("->", "no letter and no digit"),
        ("x" * 2000, "at most"),
    ],
)
def test_what_cannot_be_searched_says_what_to_write_instead(text: str, says: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_query(text)
    assert says in str(refused.value)


def test_every_example_is_understood() -> None:
    for example in EXAMPLES.values():
        assert not parse_query(example).empty


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused_with_a_hint(text: str) -> None:
    try:
        found = parse_query(text)
    except UsageError as error:
        found, hint = Query(), error.hint
    else:
        hint = "understood"
    assert hint
    for term in found.terms:
        Matcher(term.text, prefix=term.prefix).found(fold(text))


@given(st.text(max_size=200))
def test_folding_keeps_every_place(text: str) -> None:
    assert len(fold(text)) == len(text)
    for part in indexed(text):
        part.encode("utf-8")


@pytest.mark.parametrize(
    ("term", "text", "found"),
    [
        ("time", "time timeout", ["time"]),
        ("cafe", "Un CAFÉ noir", ["CAFÉ"]),
        ("本語", "日本語", ["本語"]),
        ("snake_case", "snake case, snake_case", ["snake_case"]),
        ("snake_case", "my_snake_case_x", ["snake_case"]),
        ("#812", "812 #8123 #812", ["#812"]),
        ("login timeout", "login, timeout", ["login, timeout"]),
        ("user", "getUserName", ["User"]),
        ("a.b", "axb a.b", ["a.b"]),
    ],
)
def test_matches_in_a_text(term: str, text: str, found: list[str]) -> None:
    places = Matcher(term).found(fold(text))
    assert [text[first:last] for first, last in places] == found
