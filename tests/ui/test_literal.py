from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.ui.literal import json_content, to_json, to_json_part

VALUES = st.recursive(
    st.none() | st.integers() | st.text() | st.booleans(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
)


def test_a_text_that_was_cut_off_is_coloured_in_one_go() -> None:
    inside = json.dumps(json.dumps({"key": "value", "n": 1}) * 10_000)[:-1]
    content = json_content('{"text": ' + inside)
    assert content.plain == '{"text": ' + inside
    assert [span.style for span in content.spans] == ["$role-user", "$success"]


@given(VALUES, st.integers(0, 60))
def test_any_part_of_any_json_is_coloured_without_a_change(value: object, length: int) -> None:
    text = to_json(value)[:length]
    assert json_content(text).plain == text


@given(VALUES, st.integers(1, 60))
def test_a_part_is_the_beginning_of_the_whole(value: object, most: int) -> None:
    whole, part = to_json(value), to_json_part(value, most)
    if len(part) <= most:
        assert part == whole
    else:
        assert part[:most] == whole[:most]
