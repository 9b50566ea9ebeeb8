"""Where a link leads is said first, and what is odd about it."""

from __future__ import annotations

import pytest

from mcp_tui.safety.links import described, host_of, remarks


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://docs.example.com/a?b=c#d", "docs.example.com"),
        ("https://EXAMPLE.com:8443/", "example.com"),
        ("https://bank.example@evil.example/login", "evil.example"),
        ("https://evil.example\\@bank.example/", "evil.example"),
        ("http://[::1]:80/x", "::1"),
        ("http://[broken", ""),
        ("mailto:me@example.com", ""),
        ("javascript:alert(1)", ""),
        ("/relative", ""),
        ("", ""),
    ],
)
def test_case_086_the_host_is_the_one_a_browser_goes_to(url: str, host: str) -> None:
    assert host_of(url) == host


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://xn--pple-43d.com/", ("punycode, reads \u0430pple.com",)),
        ("https://\u0430pple.com/", ("not plain letters",)),
        ("https://xn--\u00e4.com/", ("punycode",)),
        ("https://bank.example@evil.example/", ("the name before @ is not the host",)),
        ("https://evil.example/@me", ()),
        ("javascript:alert(1)", ("javascript: is no web address",)),
        ("vscode://open", ("vscode: is no web address",)),
        ("mailto:me@example.com", ()),
        ("https://example.com", ()),
    ],
)
def test_case_084_086_what_is_easily_overlooked_is_said(url: str, words: tuple[str, ...]) -> None:
    assert remarks(url) == words


def test_case_086_a_link_names_its_host_first_unless_its_text_does() -> None:
    assert described("https://evil.example/x", "https://bank.example") == "evil.example: https://evil.example/x"
    assert described("https://docs.example/x", "https://docs.example/x") == ""
    assert described("mailto:me@example.com", "me@example.com") == ""
    assert described("https://xn--pple-43d.com/", "https://xn--pple-43d.com/").startswith("xn--pple-43d.com, punycode")
    assert described("notes.md", "the notes") == "notes.md"
