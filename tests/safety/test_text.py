from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.safety.text import MAX_MARKS, hidden_report, prose, shorten, strict

ANY_TEXT = st.text(alphabet=st.characters())
ANSI = "A\x1b[31mred\x1b[0m \x1b]52;c;cHduZWQ=\x07 \x9b31m \x9d52;c;x\x9c \x08\x08\rCR\x07"


def _acts_on_a_terminal(char: str) -> bool:
    code = ord(char)
    return (code < 0x20 and char != "\n") or 0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000


@pytest.mark.parametrize("show", [prose, strict])
def test_case_081_084_no_code_point_that_acts_on_a_terminal_survives(show):
    for code in range(sys.maxunicode + 1):
        shown = show(chr(code))
        assert not any(_acts_on_a_terminal(char) for char in shown), f"U+{code:04X}"


def test_strict_shows_every_code_point():
    for code in range(0x21, sys.maxunicode + 1):
        char = chr(code)
        shown = strict(char)
        assert shown, f"U+{code:04X} vanished"
        if unicodedata.category(char) in ("Cf", "Cc", "Cs", "Zl", "Zp"):
            assert char == "\n" or shown == f"<U+{code:04X}>"


@given(ANY_TEXT, ANY_TEXT)
def test_case_081_a_sequence_split_over_chunks_is_as_harmless_as_a_whole_one(one, two):
    for part in (prose(one) + prose(two), prose(one + two)):
        assert not any(_acts_on_a_terminal(char) for char in part)


@given(ANY_TEXT)
def test_both_are_idempotent(text):
    assert prose(prose(text)) == prose(text)
    assert strict(strict(text, False), False) == strict(text, False)


def test_prose_keeps_what_scripts_and_emoji_need():
    family = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
    persian = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    assert prose(family) == family
    assert prose(persian) == persian
    assert prose("a\u200db") == "ab"


def test_case_088_prose_bounds_combining_marks():
    assert prose("e" + "\u0301" * 500) == "e" + "\u0301" * MAX_MARKS


def test_ansi_becomes_visible():
    assert "\x1b" not in prose(ANSI)
    assert "␛[31mred" in prose(ANSI)
    assert "<U+001B>[31m" in strict(ANSI)


def test_case_084_bidi_and_tags_vanish_from_prose_and_are_spelled_out_in_strict():
    text = "user\u202etxt.exe" + chr(0xE0041)
    assert prose(text) == "usertxt.exe"
    assert strict(text) == "user<U+202E>txt.exe<U+E0041>"
    assert hidden_report(text) == {"bidi": 1, "tag": 1}


def test_hidden_report_of_plain_text_is_empty():
    assert hidden_report("plain\ttext\n") == {}


def test_case_082_markup_is_left_as_it_is():
    assert prose("[@click=app.quit]x[/]") == "[@click=app.quit]x[/]"


def test_shorten():
    assert shorten("short", 10) == "short"
    assert shorten("a longer text", 8) == "a longe…"
    assert shorten("one\ntwo", 10) == "one…"
