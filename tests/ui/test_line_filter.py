from __future__ import annotations

from rich.segment import ControlType, Segment
from rich.style import Style
from textual.color import Color

from mcp_tui.ui.line_filter import SafetyFilter

BLACK = Color(0, 0, 0)


def clean(*segments: Segment) -> list[Segment]:
    return SafetyFilter().apply(list(segments), BLACK)


def test_case_081_nothing_that_a_terminal_acts_on_stays() -> None:
    dangerous = [*range(0x20), *range(0x7F, 0xA0), 0xAD, 0x200B, 0x202E, 0x2066, 0xFEFF, 0xE0041, 0xD800]
    for code in dangerous:
        [segment] = clean(Segment(f"a{chr(code)}b"))
        assert chr(code) not in segment.text
        assert segment.text.startswith("a")
        assert segment.text.endswith("b")


def test_case_081_086_links_and_control_segments_go() -> None:
    linked = Segment("text", Style(link="https://example.com", bold=True))
    [segment] = clean(linked, Segment("\x1b[2J", None, [(ControlType.CLEAR,)]))
    assert segment.style is not None
    assert segment.style.link is None
    assert segment.style.bold


def test_ordinary_text_is_the_same_object() -> None:
    segment = Segment("plain ünïcode 日本 👩‍💻")
    assert clean(segment) == [segment]
    assert clean(segment)[0] is segment
