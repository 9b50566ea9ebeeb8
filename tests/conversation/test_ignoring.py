"""What a comparison leaves out: read as a person writes it, applied to both results, counted, and never too much."""

from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_tui.conversation import result_mask
from mcp_tui.conversation.comparison import compare
from mcp_tui.conversation.ignoring import MOST_REPEATED, parse_ignoring, written_out
from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.conversation.places import BadPlace, Place, parse_place
from mcp_tui.conversation.result_mask import ResultMask
from mcp_tui.errors import UsageError
from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.content import EmbeddedResource, ImageContent, ResourceLink, TextContent
from mcp_tui.events.tools import ToolDefinition
from tests.conversation.test_comparison import JSON, item


def left(
    before: ToolCallItem, after: ToolCallItem, *places: str, patterns: tuple[str, ...] = (), label: str = "s.n"
) -> tuple[list[str], dict[str, int]]:
    """Where they still differ, and how often each rule applied."""
    mask = ResultMask(parse_ignoring(places, patterns).rules, label)
    found = compare(before, after, mask)
    return [difference.path for difference in found], {each.rule: each.places for each in mask.applied}


def structured(value: Any) -> ToolCallItem:
    return item(structured_content=value)


@pytest.mark.parametrize(
    ("text", "steps", "line"),
    [
        ("content[0].text", ("content", 0, "text"), 0),
        ("content[*].text:12", ("content", None, "text"), 12),
        ("structured_content.items[*].id", ("structuredContent", "items", None, "id"), 0),
        ('structuredContent["odd \\"key]"].*[3]', ("structuredContent", 'odd "key]', None, 3), 0),
        ("structuredContent.näme.two-parts", ("structuredContent", "näme", "two-parts"), 0),
        ("outcome", ("outcome",), 0),
    ],
)
def test_places_are_read_as_differences_name_them(text: str, steps: tuple[Any, ...], line: int) -> None:
    assert parse_place(text) == Place(steps, line)


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        ("", 0, "begins with"),
        ("result.time", 0, "begins with content, structuredContent"),
        ("content.text", 7, "content is a list"),
        ("content[x]", 8, "a number, \\* or a key"),
        ("content[0", 9, "closing bracket"),
        ("content[0].", 11, "after the dot"),
        ("content[0] text", 10, "nothing more"),
        ('structuredContent["a]', 18, "a number, \\* or a key"),
        ("content[0].text:x", 16, "number of a line"),
        ("content[0].text:0", 16, "from 1"),
        ("outcome.kind", 7, "nothing below"),
        ("structuredContent" + ".a" * 64, 145, "at most 64"),
    ],
)
def test_a_malformed_place_is_named_with_the_character(text: str, at: int, words: str) -> None:
    with pytest.raises(BadPlace, match=words) as raised:
        parse_place(text)
    assert raised.value.at == at


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ("content[x].text", "'content[x].text', at character 9, 'x].text': write a number"),
        ("clock.now:content[x]", "at character 19, 'x]'"),
        ("content[0", "at its end: a closing bracket"),
        ("clock:content[0]", "at character 1, 'clock:content[0]': before the colon stands SERVER.TOOL"),
    ],
)
def test_the_message_names_the_rule_and_the_place_in_it(place: str, words: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse_ignoring([place], [])
    assert words in str(raised.value)


@given(JSON.filter(lambda value: value is not None), JSON.filter(lambda value: value is not None))
@settings(max_examples=150, deadline=None)
def test_every_place_that_a_difference_names_can_be_ignored(one: Any, other: Any) -> None:
    before, after = structured(one), structured(other)
    named = [re.sub(r"\[\d+\]", "[*]", difference.path) for difference in compare(before, after)]
    assert left(before, after, *named)[0] == []


def test_a_place_and_all_below_it_and_nothing_beside_it() -> None:
    before = {"time": {"h": 1}, "n": 1, "timer": 1}
    after = {"time": {"h": 2, "m": 3}, "n": 2, "timer": 2}
    assert left(structured(before), structured(after), "structured_content.time") == (
        ["structuredContent.n", "structuredContent.timer"], {"structured_content.time": 1}
    )  # fmt: skip
    assert left(structured({"a": 1}), structured({"a": 1, "b": 1}), "structuredContent.b")[0] == []
    assert left(structured({"a": 1}), structured({"a": 1, "b": 1}), "structuredContent.a")[0] == ["structuredContent.b"]


def test_items_find_their_counterparts_without_what_is_ignored() -> None:
    before = [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}]
    after = [{"id": 7, "name": "new"}, {"id": 8, "name": "a"}, {"id": 9, "name": "b"}]
    found = left(structured({"items": before}), structured({"items": after}), "structuredContent.items[*].id")
    assert found == (["structuredContent.items[0]"], {"structuredContent.items[*].id": 3})
    assert left(structured([1, 2]), structured([3, 2, 9]), "structuredContent[0]")[0] == ["structuredContent[2]"]
    assert left(structured([1, 2]), structured([3, 2, 9]), "structuredContent[*]")[0] == []


def test_a_rule_may_be_for_one_tool_or_one_server() -> None:
    before, after = item("a"), item("b")
    for place, gone in [
        ("s.n:content", True),
        ("s.*:content[0]", True),
        ("s.m:content", False),
        ("t.*:content", False),
    ]:
        found, applied = left(before, after, place)
        assert (found == []) == gone, place
        assert applied == {place: int(gone)}


def test_lines_of_a_text() -> None:
    before, after = item("took 3 ms\nsame\nold"), item("took 4 ms\nsame\nnew")
    assert left(before, after, "content[0].text:1") == (["content[0].text:3"], {"content[0].text:1": 1})
    assert left(before, after, "content[0].text:9") == (
        ["content[0].text:1", "content[0].text:3"], {"content[0].text:9": 0}
    )  # fmt: skip
    longer = item("took 4 ms\nand more\nsame\nold")
    assert left(before, longer, "content[0].text:1")[0] == ["content[0].text:2"]
    assert left(before, longer, "content[0].text:2")[0] != []


def test_json_in_a_text() -> None:
    before, after = item('{"at": 1, "n": [1]}'), item('{"at": 2, "n": [2]}')
    assert left(before, after, "content[0].text.at")[0] == ["content[0].text.n[0]"]
    assert left(before, after, "content[*].text.at", "content[0].text.n")[0] == []
    assert left(item("plain"), item("other"), "content[0].text.at") == (["content[0].text"], {"content[0].text.at": 0})


def test_text_that_repeats_the_structured_content_needs_no_rule_of_its_own() -> None:
    one, two = {"at": 1, "n": 1}, {"at": 2, "n": 1}
    before, after = (item(json.dumps(value), structured_content=value) for value in (one, two))
    assert left(before, after, "structuredContent.at") == ([], {"structuredContent.at": 1})


def test_other_blocks_and_what_stands_around_a_result() -> None:
    image = [item(content=(ImageContent(data=data, mimeType="image/png"),)) for data in ("YQ==", "Yg==")]
    assert left(*image, "content[0]") == ([], {"content[0]": 1})
    assert left(*image, "content[0].text") == (["content[0]"], {"content[0].text": 0})
    link = [item(content=(ResourceLink(uri=uri, name="a"),)) for uri in ("file:///a", "file:///b")]
    assert left(*link, "content[0].uri") == ([], {"content[0].uri": 1})
    resource = [item(content=(EmbeddedResource(uri="x:y", text=text),)) for text in ("at 1", "at 2")]
    assert left(*resource, "content[*].text")[0] == []
    assert left(*resource, patterns=(r"\d",))[0] == []
    assert left(item("a"), item(content=()), "content[0]")[0] == []
    failed = item("a", state="error", error=ErrorInfo(kind="tool", message="id 7"))
    assert left(item("a"), failed, "outcome", "error") == ([], {"outcome": 1, "error": 1})
    other = item("a", state="error", error=ErrorInfo(kind="tool", message="id 8"))
    assert left(failed, other, patterns=("id [0-9]+",)) == ([], {"/id [0-9]+/": 1})
    defined = [
        item("a", definition=ToolDefinition(wire_name="x", server="s", name="n", digest=text, description=text))
        for text in ("1", "2")
    ]
    assert left(*defined, "definition.description") == ([], {"definition.description": 1})
    assert left(*defined, "definition.title")[0] == ["definition.description"]
    assert left(item("a", arguments={"k": 1}), item("a", arguments={"k": 2}), "arguments.k")[0] == []


TIME = r"\d\d:\d\d:\d\d"


def test_patterns_are_masked_in_texts_and_values() -> None:
    before, after = item("at 10:00:00, 3 files"), item("at 11:22:33, 3 files")
    assert left(before, after, patterns=(TIME,)) == ([], {f"/{TIME}/": 1})
    assert left(before, item("at 11:22:33, 4 files"), patterns=(TIME,))[0] == ["content[0].text"]
    in_json = [item(json.dumps({"t": f"10:00:0{n} and 10:00:0{n}", "n": 1})) for n in (1, 2)]
    assert left(*in_json, patterns=(TIME,)) == ([], {f"/{TIME}/": 2})
    numbers = [structured({"epoch": 1_700_000_000 + n, "list": [{"took": n / 8}], "ok": True}) for n in (1, 2)]
    assert left(*numbers, patterns=(r"\d{10}",))[0] == ["structuredContent.list[0].took"]
    assert left(*numbers, patterns=(r"\d{10}", r"^\d+\.\d+$"))[0] == []
    assert left(structured({"ok": True}), structured({"ok": False}), patterns=("true|false",))[0] != []


def test_what_is_left_of_a_text_is_quoted_without_its_matches() -> None:
    mask = ResultMask(parse_ignoring([], [TIME]).rules)
    (found,) = compare(item("10:00:00 ok"), item("11:11:11 failed"), mask)
    assert (found.before, found.after) == ("[ignored] ok", "[ignored] failed")


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("(", "is no regular expression at character 2"),
        ("a*", "matches no text at all"),
        ("(?:(?:(?:a{1000}){1000}){1000})", "repeats too much"),
        ("a" * 1001, "longer than 1,000"),
    ],
)
def test_patterns_that_are_refused(pattern: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_ignoring([], [pattern])


def test_usual_patterns_are_not_too_large() -> None:
    identifier = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    assert written_out(identifier) < 500
    assert written_out(" ".join([identifier] * 8)) < MOST_REPEATED
    assert parse_ignoring([], [identifier, r"\{\d{3,}\}"]).rules


def test_a_pattern_that_takes_too_long_masks_nothing_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(result_mask, "MOST_SECONDS", 0.2)
    mask = ResultMask(parse_ignoring([], ["(a|aa)+$", "b"]).rules)
    began = time.monotonic()
    found = compare(item("a" * 5000 + "b1"), item("a" * 5000 + "b2"), mask)
    assert time.monotonic() - began < 20
    assert [difference.path for difference in found] == ["content[0].text"]
    assert [(each.rule, each.gave_up) for each in mask.applied] == [("/(a|aa)+$/", True), ("/b/", True)]


@settings(max_examples=60, deadline=None)
@given(JSON, JSON, st.text(max_size=30), st.text(max_size=30))
def test_rules_that_meet_nothing_change_nothing(one: Any, other: Any, text: str, changed: str) -> None:
    before, after = item(text, structured_content=one), item(changed, structured_content=other)
    mask = ResultMask(parse_ignoring(["structuredContent.nowhere.at"], ["no such words anywhere"]).rules)
    assert compare(before, after, mask) == compare(before, after)
    assert [each.places for each in mask.applied] == [0, 0]


def test_only_the_block_that_is_named_is_left_out() -> None:
    before = item(content=(TextContent(text="a"), ImageContent(data="YQ==", mimeType="image/png")))
    after = item(content=(TextContent(text="b"), ImageContent(data="Yg==", mimeType="image/png")))
    assert left(before, after, "content[0].text")[0] == ["content[1]"]
