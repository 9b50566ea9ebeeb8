from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_tui.safety.secrets import MASK, Redactor, StreamMask

KEY = "not-shaped-like-a-key-but-configured"


def test_configured_secrets_are_masked_wherever_they_stand():
    redactor = Redactor([KEY, ""])
    assert redactor.mask(f"x{KEY}y") == f"x{MASK}y"
    assert redactor.mask_value({"a": [KEY], KEY: 1}) == {"a": [MASK], MASK: 1}


def test_a_secret_that_contains_another_is_masked_whole():
    assert Redactor(["secret-one", "secret-one-longer"]).mask("secret-one-longer") == MASK


def test_secrets_that_overlap_are_masked_as_one():
    redactor = Redactor(["abcdef-ghijkl", "ghijkl-mnopqr"])
    assert redactor.mask("<abcdef-ghijkl-mnopqr>") == "<***>"


FORMS = 'p%ss"w\\ö/rd \U0001f511x'


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(FORMS),
        json.dumps(json.dumps(FORMS)),
        json.dumps(FORMS, ensure_ascii=False).replace("/", "\\/"),
        "".join(f"\\u{ord(char):04X}" for char in "p%ss") + json.dumps(FORMS)[5:],
        quote(FORMS),
        quote_plus(FORMS),
        quote(quote(FORMS, safe="")),
        quote(FORMS, safe="").lower(),
        base64.b64encode(f"{FORMS}".encode()).decode(),
        base64.b64encode(f"user:{FORMS}".encode()).decode(),
        base64.urlsafe_b64encode(f"me:{FORMS}!".encode()).decode(),
        FORMS.upper().replace("Ö", "ö"),
    ],
)
def test_case_102_other_ways_to_write_a_secret_are_found(written):
    redactor = Redactor([FORMS])
    masked = redactor.mask(f"it is {written}.")
    assert MASK in masked
    assert len(masked) < 40, masked
    mask = StreamMask(redactor)
    assert "".join([*map(mask.feed, f"it is {written}."), mask.close()]) == masked


def test_case_102_lines_of_a_secret_count_alone():
    lines = [
        "-----BEGIN PRIVATE KEY-----",
        "MIIEvQIBADANBgkqhkiG9w0B",
        "AQEFAASCBKcwggSjAgEAAoIB",
        "-----END PRIVATE KEY-----",
    ]
    redactor = Redactor(["\n".join(lines) + "\n"])
    assert redactor.mask(f"line 2 is {lines[1]}") == f"line 2 is {MASK}"
    assert redactor.mask("\r\n".join(lines)) == MASK
    assert redactor.mask(json.dumps("\n".join(lines))) == f'"{MASK}"'
    assert redactor.mask(lines[0]) == lines[0]


@given(st.text(min_size=6, max_size=30).filter(lambda text: text.strip() == text), st.text(max_size=20))
def test_case_102_whatever_the_secret_is_neither_it_nor_its_json_stays(secret, around):
    redactor = Redactor([secret])
    assert MASK in redactor.mask(around + secret)
    assert MASK in redactor.mask(json.dumps(around + secret))


def test_short_values_do_not_blank_out_ordinary_words():
    assert Redactor(["on"]).mask("on and on") == "on and on"


def test_mask_leaves_what_merely_looks_like_a_key():
    text = "ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    assert Redactor([KEY]).mask(text) == text


def test_scrub_takes_out_what_looks_like_a_key():
    redactor = Redactor()
    for text in (
        "sk-" + "a1B2" * 6,
        "ghp_ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
        "Authorization: Bearer abcdefghijklmnop",
        "API_KEY=abcdef123456",
        '"password": "hunter2hunter2"',
    ):
        scrubbed = redactor.scrub(text)
        assert MASK in scrubbed
        assert text.split()[-1] not in scrubbed


def test_scrub_leaves_ordinary_text():
    text = "the token counter counts tokens: 12 of 30"
    assert Redactor().scrub(text) == text


def test_keys_that_become_equal_are_both_kept():
    redactor = Redactor(["secret-one", "secret-two"])
    masked = redactor.mask_value({"secret-one": 1, "secret-two": 2, "x": 3})
    assert masked == {"***": 1, "***2": 2, "x": 3}


def test_a_value_without_a_secret_is_the_same_object():
    value = {"a": [1, ("b", None)], "c": {"d": "e"}}
    assert Redactor(["secret-one"]).mask_value(value) is value


@given(st.text("ab", max_size=30), st.lists(st.integers(1, 6), max_size=40))
def test_a_stream_is_masked_however_it_is_cut(text, cuts):
    redactor = Redactor(["abaabb", "bbabab"])
    mask, shown, rest = StreamMask(redactor), "", text
    for cut in [*cuts, *[1] * len(text)]:
        shown, rest = shown + mask.feed(rest[:cut]), rest[cut:]
    assert not any(secret in shown for secret in ("abaabb", "bbabab"))
    assert redactor.mask(text) != text or len(text) - len(shown) < 6, "too much is held back"
    assert shown + mask.close() == redactor.mask(text)


def test_a_stream_without_secrets_is_held_up_only_by_what_may_begin_one():
    mask = StreamMask(Redactor(["secret-one"]))
    assert [mask.feed(piece) for piece in ("plain ", "words se", "ven")] == ["plain ", "words ", "seven"]
    assert StreamMask(Redactor()).feed("anything") == "anything"
