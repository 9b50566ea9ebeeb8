from __future__ import annotations

from mcp_tui.safety.secrets import MASK, Redactor

KEY = "not-shaped-like-a-key-but-configured"


def test_configured_secrets_are_masked_wherever_they_stand():
    redactor = Redactor([KEY, ""])
    assert redactor.mask(f"x{KEY}y") == f"x{MASK}y"
    assert redactor.mask_value({"a": [KEY], KEY: 1}) == {"a": [MASK], MASK: 1}


def test_a_secret_that_contains_another_is_masked_whole():
    assert Redactor(["secret-one", "secret-one-longer"]).mask("secret-one-longer") == MASK


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
