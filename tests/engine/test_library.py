"""The stored conversations: a change is an event, in the open one and in any other."""

from __future__ import annotations

import pytest

from mcp_tui.engine.library import MOST_TAG, MOST_TAGS, normal_tags
from mcp_tui.errors import ConversationNotFound, UsageError


def test_tags_are_normal():
    assert normal_tags(["Work", "work", "a b", "x,Y", "  "]) == ("work", "a", "b", "x", "y")


@pytest.mark.parametrize("tags", [["x" * (MOST_TAG + 1)], [f"t{i}" for i in range(MOST_TAGS + 1)]])
def test_too_long_or_too_many_tags_are_refused(tags):
    with pytest.raises(UsageError):
        normal_tags(tags)
