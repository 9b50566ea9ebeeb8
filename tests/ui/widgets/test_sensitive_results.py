"""Results that look like they hold a key, and those that hide something: what the inspector draws of them."""

from __future__ import annotations

import pytest

from mcp_tui.conversation.items import ToolCallItem
from mcp_tui.conversation.transcript import Transcript
from mcp_tui.events import tools
from mcp_tui.ui.widgets.blocks.tools import _cut
from mcp_tui.ui.widgets.call_facets import MAX_CHARACTERS, Facet, shown, whole
from tests.ui.support import AT, finished, proposal, turn_start

KEY = "ghp_" + "Ab0Cd1Ef2G" * 4


def item_with(text: str, *, sensitive: bool = True) -> ToolCallItem:
    message = {"result": {"content": [{"type": "text", "text": text}]}}
    wire = (tools.WireMessage(direction="received", at=AT, message=message),)
    end = finished(
        "c", text, sensitive=sensitive, wire=wire, structured_content={"a": [text], "password": "hunter2000"}
    )
    transcript = Transcript()
    for number, event in enumerate([*turn_start(), *proposal("c", {}), end], 1):
        transcript.apply(event.model_copy(update={"seq": number}))
    item = transcript.call("c")
    assert item is not None
    return item


@pytest.mark.parametrize("facet", ["result", "raw"])
def test_case_102_what_looks_like_a_key_is_masked_in_every_tab_and_kept_whole_for_who_takes_it(facet: Facet) -> None:
    item = item_with(f"the key is {KEY}!")
    drawn = shown(item, facet).plain
    assert KEY not in drawn
    assert "hunter2000" not in drawn
    assert "the key is ***!" in drawn
    assert KEY in whole(item, facet)
    assert KEY in shown(item_with(f"the key is {KEY}!", sensitive=False), facet).plain


@pytest.mark.parametrize("before", range(MAX_CHARACTERS - 60, MAX_CHARACTERS + 20, 7))
def test_case_102_no_part_of_a_key_is_left_where_a_long_result_is_cut(before: int) -> None:
    drawn = shown(item_with("x" * (before - 1) + f" {KEY} " + "y" * 5000), "result").plain
    assert KEY[:8] not in drawn


@pytest.mark.parametrize("text", ["x" * 19_980 + f" {KEY} ", f"{KEY} " * 700, "x" * 23_970 + f" {KEY}" + "y" * 99])
def test_case_102_the_conversation_masks_as_much_of_a_long_result_as_it_shows(text: str) -> None:
    drawn, _ = _cut(text, True)
    assert KEY[:8] not in drawn
    assert len(drawn) > 1_000


def test_case_084_the_inspector_counts_what_was_removed() -> None:
    drawn = shown(item_with("a\U000e0041\U000e0042\u202eb", sensitive=False), "result").plain
    assert "ab" in drawn
    assert "3 hidden characters removed" in drawn
    assert "\\u202e" in drawn or "<U+202E>" in drawn
