"""What counts as hidden, and what scripts and emoji need."""

from __future__ import annotations

import pytest

from mcp_tui.trust.hidden import hidden_characters, hidden_in_tool
from tests.trust.support import tool


@pytest.mark.parametrize(
    "text",
    [
        "a\u200bb", "\u202eabc", "a\U000e0041", "x\u2066y", "\ufeffx", "a\u00adb", "\x1b[2J", "a\x00", "a\u180e",
        "a\u200db", "a\ufe0f", "\ufe0f", "é\ufe0f\ufe0e\ufe0f", "\U000e0100", "a\ud800", "\x9b1m", "\u3164",
    ],
)  # fmt: skip
def test_it_is_found(text: str) -> None:
    assert hidden_characters(text)


@pytest.mark.parametrize(
    "text", ["plain", "two\nlines\tand a tab\r\n", "⚠️ careful", "👨‍👩‍👧", "❤️‍🔥", "می‌خواهم", "naïve", "a\u00a0b"]
)
def test_it_is_not_hidden(text: str) -> None:
    assert hidden_characters(text) == {}


def test_it_is_named_and_counted() -> None:
    assert hidden_characters("a\u200bb\u200bc\u202e") == {
        "U+200B ZERO WIDTH SPACE": 2,
        "U+202E RIGHT-TO-LEFT OVERRIDE": 1,
    }


@pytest.mark.parametrize(
    "fields",
    [
        {"description": "x\u200b"},
        {"name": "e\u200bcho"},
        {"title": "t\u200b"},
        {"input_schema": {"properties": {"a": {"description": "\U000e0041"}}}},
        {"input_schema": {"properties": {"a\u200b": {}}}},
        {"output_schema": {"enum": [["\u202e"]]}},
        {"annotations": {"title": "\u2066"}},
    ],
)
def test_every_text_of_a_definition_counts(fields: dict[str, object]) -> None:
    assert hidden_in_tool(tool(**fields)) == 1  # type: ignore[arg-type]
