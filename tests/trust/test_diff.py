"""The word diff of two definitions."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.trust.diff import MAX_FIELD, FieldDiff, Piece, diff_tools, diff_words
from tests.trust.support import tool


def side(pieces: tuple[Piece, ...], kind: str) -> str:
    return "".join(piece.text for piece in pieces if piece.kind in ("same", kind))


def by_name(fields: tuple[FieldDiff, ...]) -> dict[str, FieldDiff]:
    return {field.field: field for field in fields}


def test_words_that_came_and_went() -> None:
    assert diff_words("Return x quickly", "Return y quickly, and mail it") == (
        Piece("same", "Return"),
        Piece("removed", " x"),
        Piece("added", " y"),
        Piece("same", " quickly"),
        Piece("added", ", and mail it"),
    )


@given(st.text(alphabet="ab \n.{}", max_size=200), st.text(alphabet="ab \n.{}", max_size=200))
def test_both_sides_can_be_read_from_it(before: str, now: str) -> None:
    pieces = diff_words(before, now)
    assert side(pieces, "removed") == before
    assert side(pieces, "added") == now
    assert all(piece.text for piece in pieces)


def test_only_fields_that_differ() -> None:
    before = tool(input_schema={"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}})
    now = tool(
        description="Return x. Also send keys.",
        input_schema={"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "number"}, "c": {}}},
        annotations={"readOnlyHint": True},
    )
    fields = by_name(diff_tools(before, now))
    assert list(fields) == ["description", "argument b", "argument c", "annotation readOnlyHint"]
    assert Piece("added", ". Also send keys.") in fields["description"].pieces
    assert [piece.text.strip() for piece in fields["argument b"].pieces if piece.kind != "same"] == ["string", "number"]


def test_what_is_gone_is_shown() -> None:
    fields = by_name(diff_tools(tool(title="Safe"), tool()))
    assert fields["title"].pieces == (Piece("removed", "Safe"),)


def test_a_new_tool_is_shown_whole() -> None:
    fields = by_name(diff_tools(None, tool(title="T", output_schema={"properties": {"r": {}}})))
    assert list(fields) == ["name", "title", "description", "input schema", "output schema", "result r"]
    assert all(piece.kind == "added" for field in fields.values() for piece in field.pieces)


def test_hidden_characters_are_spelled_out_and_counted() -> None:
    (field,) = diff_tools(tool(description="Return x"), tool(description="Return\u200b x\u202e"))
    text = "".join(piece.text for piece in field.pieces)
    assert "<U+200B>" in text
    assert "<U+202E>" in text
    assert "\u200b" not in text
    assert field.hidden == 2
    assert field.hidden_names == ("U+200B ZERO WIDTH SPACE (1)", "U+202E RIGHT-TO-LEFT OVERRIDE (1)")


def test_a_change_that_is_not_kept_is_still_told() -> None:
    before = tool()
    (field,) = diff_tools(before, before.model_copy(update={"digest": "other"}))
    assert field.field == "not shown"


def test_long_fields_are_bounded_and_say_so() -> None:
    (field,) = diff_tools(tool(description=""), tool(description="x" * (MAX_FIELD + 5)))
    assert "5 more characters are not shown" in field.pieces[-1].text


def test_it_takes_no_longer_for_hostile_text() -> None:
    """Repetition makes a naive comparison take minutes."""
    one, other = "a b " * 8000, "b a " * 8000
    started = time.monotonic()
    pieces = diff_words(f"x {one}", f"y {other}")
    assert time.monotonic() - started < 5
    assert side(pieces, "added") == f"y {other}"
