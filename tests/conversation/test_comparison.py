"""Two results beside each other: what differs is named by its place, what is the same never is."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_tui.conversation.comparison import (
    MOST_DIFFERENCES,
    compare,
    compare_texts,
    difference_words,
    has_result,
    ran,
    verdict,
)
from mcp_tui.conversation.differences import MOST_TEXT
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.content import EmbeddedResource, ImageContent, ResourceLink, TextContent
from mcp_tui.events.tools import (
    CallTiming,
    Difference,
    RecordedCall,
    ToolCallCompared,
    ToolCallFinished,
    ToolDefinition,
)
from mcp_tui.export.masking import without_keys
from mcp_tui.safety.secrets import MASK

AT = datetime(2026, 11, 21, tzinfo=UTC)
KEY = "sk-abcdefghijklmnopqrstuvwxyz"


def item(text: str | None = None, **fields: Any) -> ToolCallItem:
    content = (TextContent(text=text),) if text is not None else ()
    values: dict[str, Any] = {"state": "success", "started_at": AT, "content": content}
    return ToolCallItem(key="c", at=AT, turn_id="t", server="s", name="n", **(values | fields))


def places(before: ToolCallItem, after: ToolCallItem) -> list[tuple[str, str, str, str]]:
    return [(d.path, d.kind, d.before, d.after) for d in compare(before, after)]


def test_only_what_a_server_returned_counts() -> None:
    before = item("x", timing=CallTiming(wire=1.0), model_text="x", model_tokens=3)
    assert places(before, item("x", timing=CallTiming(wire=9.0), decision="allowed once")) == []


def test_how_it_ended_and_what_was_said() -> None:
    failed = item("", state="error", error=ErrorInfo(kind="tool", message="no such file"))
    assert places(item(""), failed) == [
        ("outcome", "changed", "success", "error"), ("error", "added", "", "tool: no such file")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {"a": True}, [(".a", "changed", "1", "true")]),
        ({"a": None}, {"a": 0}, [(".a", "changed", "null", "0")]),
        ({"a": None}, {}, [(".a", "removed", "null", "")]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, [(".a.b[1]", "changed", "2", "3")]),
        ({"odd key": 1}, {"odd key": 2}, [('["odd key"]', "changed", "1", "2")]),
        ({"b": 1, "a": 2}, {"a": 2, "b": 1}, []),
        ([1, 2, 3], [0, 1, 2, 3], [("[0]", "added", "", "0")]),
        ([1, 2, 3], [1, 3], [("[1]", "removed", "2", "")]),
        ([{"id": 1, "x": 1}, {"id": 2}], [{"id": 1, "x": 2}, {"id": 2}], [("[0].x", "changed", "1", "2")]),
        (None, {"a": 1}, [("", "added", "", '{"a": 1}')]),
        ({"a": [1]}, {"a": {}}, [(".a", "changed", "[1]", "{}")]),
        (float("nan"), float("nan"), []),
    ],
)
def test_structured_content_by_path(before: Any, after: Any, expected: list[tuple[str, ...]]) -> None:
    found = places(item(structured_content=before), item(structured_content=after))
    assert found == [(f"structuredContent{path}", *rest) for path, *rest in expected]


def test_text_that_is_json_on_both_sides_is_compared_as_json() -> None:
    found = places(item('{"b": 2, "a": 1}'), item('{"a": 1,\n "b": 3}'))
    assert found == [("content[0].text.b", "changed", "2", "3")]
    assert places(item('{"b":2,"a":1}'), item('{"a": 1, "b": 2}')) == []


def test_text_line_by_line() -> None:
    before, after = "one\ntwo\nthree\nfour", "zero\none\n2\nthree"
    assert places(item(before), item(after)) == [
        ("content[0].text:1", "added", "", "zero"),
        ("content[0].text:2", "changed", "two", "2"),
        ("content[0].text:4", "removed", "four", ""),
    ]
    assert places(item("a"), item("b")) == [("content[0].text", "changed", "a", "b")]
    assert places(item("a\n"), item("a")) == [("content[0].text:2", "removed", "(an empty line)", "")]


def test_text_that_only_repeats_the_structured_content_is_not_told_twice() -> None:
    one, two = {"n": 1}, {"n": 2}
    found = places(item(json.dumps(one), structured_content=one), item(json.dumps(two), structured_content=two))
    assert [path for path, *_ in found] == ["structuredContent.n"]


def test_blocks_that_cannot_be_shown_are_told_by_kind_size_and_hash() -> None:
    def image(data: bytes) -> ToolCallItem:
        return item(content=(ImageContent(data=base64.b64encode(data).decode(), mimeType="image/png"),))

    assert places(image(b"a"), image(b"a")) == []
    ((path, kind, before, after),) = places(image(b"a"), image(b"bb"))
    assert (path, kind) == ("content[0]", "changed")
    assert before.startswith("image image/png, 1 bytes, sha256 ")
    assert after.startswith("image image/png, 2 bytes, sha256 ")
    ((path, kind, _, after),) = places(item("words"), image(b"a"))
    assert (path, kind, after[:15]) == ("content[0]", "changed", "image image/png")
    ((path, kind, _, after),) = places(item(), item("words"))
    assert (path, kind, after) == ("content[0]", "added", "text: words")


def test_resources() -> None:
    def resource(text: str, uri: str = "file:///a") -> ToolCallItem:
        return item(content=(EmbeddedResource(uri=uri, text=text),))

    assert places(resource("x"), resource("y")) == [("content[0].text", "changed", "x", "y")]
    assert places(resource("x"), resource("x", "file:///b")) == [
        ("content[0].uri", "changed", "file:///a", "file:///b")
    ]
    link = ResourceLink(uri="file:///a", name="a")
    other = link.model_copy(update={"name": "b"})
    assert places(item(content=(link,)), item(content=(other,))) == [("content[0].name", "changed", '"a"', '"b"')]


def test_a_changed_definition_is_named_by_its_field() -> None:
    def defined(**fields: Any) -> ToolCallItem:
        definition = ToolDefinition(wire_name="s__n", server="s", name="n", **fields)
        return item("x", definition=definition)

    assert places(defined(digest="1", description="a"), defined(digest="1", description="a")) == []
    assert places(defined(digest="1", description="a"), defined(digest="2", description="b")) == [
        ("definition.description", "changed", '"a"', '"b"')
    ]
    assert places(defined(digest="1"), defined(digest="2")) == [("definition", "changed", "1", "2")]
    assert places(item("x"), defined(digest="2")) == []


def test_what_looks_like_a_key_takes_part_and_is_not_quoted() -> None:
    before, after = item(f"token is {KEY}1", sensitive=True), item(f"token is {KEY}2", sensitive=True)
    found = compare(before, after)
    assert [d.path for d in found] == ["content[0].text"]
    assert KEY not in repr(found)
    nested = [{"deep": [{"api_key": f"hunter2hunter{n}", "x": n}]} for n in (1, 2)]
    found = compare(item(structured_content=nested[0], sensitive=True), item(structured_content=nested[1]))
    assert "hunter" not in repr(found)
    assert [d.path for d in found] == ["structuredContent.deep[0].x"]
    only = [{"deep": [{"api_key": f"hunter2hunter{n}"}]} for n in (1, 2)]
    found = compare(item(structured_content=only[0], sensitive=True), item(structured_content=only[1], sensitive=True))
    assert len(found) == 1
    assert "hunter" not in repr(found)
    asked = compare(item("x", arguments={"token": KEY}), item("x", arguments={"token": KEY + "2"}))
    assert len(asked) == 1
    assert KEY not in repr(asked)


def test_keys_that_were_masked_when_the_recording_was_exported_are_no_difference() -> None:
    """A conversation that is given away is a test all the same; a server that masked a key itself is held to it."""
    image = ImageContent(data=base64.b64encode(b"png").decode(), mime_type="image/png")

    def recording(name: str, key: str, **fields: Any) -> ToolCallFinished:
        parts = (TextContent(text=f"{name}\ntoken={key}"), image, EmbeddedResource(uri="x:1", text=f"Bearer {key}"))
        ended: dict[str, Any] = {"outcome": "error", "error": ErrorInfo(kind="tool_error", message=f"bad {key}")}
        values = {"structured_content": {"api_key": key, "n": 1}, "sensitive": True, **ended, **fields}
        return ToolCallFinished(call_id="c", content=parts, **values)

    def ended(event: ToolCallFinished) -> ToolCallItem:
        names = ("content", "structured_content", "error", "sensitive")
        return item(state=event.outcome, **{name: getattr(event, name) for name in names})

    today = ended(recording("a", KEY))
    (given_away,), _ = without_keys([recording("a", KEY + "2")])
    assert isinstance(given_away, ToolCallFinished)
    assert KEY not in repr(given_away)
    assert compare(ended(given_away), today) == ()
    other = compare(ended(given_away), ended(recording("b", KEY, structured_content={"api_key": KEY, "n": 2})))
    assert [d.path for d in other] == ["structuredContent.n", "content[0].text:1"]
    assert KEY not in repr(other)
    masked_by_server = ended(recording("a", MASK, sensitive=False))
    assert [d.path for d in compare(masked_by_server, today)]


def test_it_is_bounded_in_number_and_length() -> None:
    found = compare(
        item(structured_content={f"k{n}": n for n in range(500)}),
        item(structured_content={f"k{n}": -n - 1 for n in range(500)}),
    )
    assert len(found) == MOST_DIFFERENCES + 1
    assert found[-1] == Difference(path="", kind="changed", after="there are more differences")
    assert difference_words(found) == f"more than {MOST_DIFFERENCES} differences"
    (long,) = compare(item("x" * 10_000 + "a"), item("x" * 10_000 + "b"))
    assert long.before.endswith("a")
    assert long.after.endswith("b")
    assert len(long.before) < MOST_TEXT + 100
    (whole,) = compare(item(), item("y" * 100_000))
    assert len(whole.after) < MOST_TEXT + 100


def test_what_differs_in_thousands_of_lines_or_items_is_found_where_it_is() -> None:
    """Scattered changes, and a line that came in between, do not make all that follows a difference."""
    lines = [f"row {n}" if n % 10 else "" for n in range(6_000)]
    after = [*lines[:700], "new", *lines[700:5_000], "changed", *lines[5_001:]]
    found = compare(item("\n".join(lines)), item("\n".join(after)))
    assert [(d.path, d.before, d.after) for d in found] == [
        ("content[0].text:701", "", "new"), ("content[0].text:5001", "(an empty line)", "changed")
    ]  # fmt: skip
    items = [{"id": n} for n in range(6_000)]
    found = compare(
        item(structured_content={"items": items}),
        item(structured_content={"items": [*items[:700], *items[701:5_000], {"id": -1}, *items[5_001:]]}),
    )
    assert [d.path for d in found] == ["structuredContent.items[700]", "structuredContent.items[5000].id"]


def test_megabytes_of_lines_that_repeat_are_compared_as_a_whole() -> None:
    """Aligning them would take hours."""
    lines = [f"line {n % 7}" for n in range(200_000)]
    assert compare(item("\n".join(lines)), item("\n".join(reversed(lines))))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(JSON, JSON, st.text(max_size=40), st.text(max_size=40), st.booleans())
def test_the_same_is_the_same_and_what_is_not_is_found(
    one: Any, other: Any, text: str, changed: str, sensitive: bool
) -> None:
    before = item(text, structured_content=one, sensitive=sensitive)
    again = item(text, structured_content=json.loads(json.dumps(one)), sensitive=sensitive)
    assert compare(before, again) == ()
    after = item(changed, structured_content=other, sensitive=sensitive)
    found = compare(before, after)
    if text != changed and not (text.lstrip()[:1] in ("{", "[") and changed.lstrip()[:1] in ("{", "[")):
        assert any(d.path.startswith("content[0]") for d in found) or one is not None
    assert compare(before, after) == found
    assert bool(compare(after, before)) == bool(found)
    for difference in found:
        assert difference.before != difference.after


def test_texts_beside_each_other() -> None:
    assert compare_texts("answer", "a", "a") == ()
    assert [d.path for d in compare_texts("answer", "a\nb", "a\nc")] == ["answer:2"]


def test_the_verdict() -> None:
    def again(same: bool, *differences: Difference, **fields: Any) -> ToolCallItem:
        compared = ToolCallCompared(
            call_id="c",
            recorded=RecordedCall(conversation_id="x", call_id="y"),
            same=same,
            differences=differences,
        )
        return item("x", comparison=compared, **fields)

    changed = Difference(path="outcome", kind="changed")
    assert verdict(again(True)) == "same"
    assert verdict(again(False, changed)) == "differs"
    assert verdict(again(False, started_at=None, state="denied")) == "not_run"
    assert verdict(again(False, state="cancelled")) == "not_run"
    assert verdict(again(False, changed, state="unknown")) == "differs"
    assert has_result(item(state="timeout"))
    assert not has_result(item(state="unknown"))
    assert ran(item(state="unknown"))
