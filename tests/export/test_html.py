"""The page holds nothing that acts or loads, whatever the conversation holds; `test_browser` asks a browser."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mcp_tui.export import html_text
from mcp_tui.export.exporters import export
from tests.export.hostile import ATTACKS, OTHERS, conversation
from tests.export.page import Page
from tests.support.hostile_text import PASTED, TEXTS

TAGS = {
    "html", "head", "meta", "link", "title", "style", "body", "header", "h1", "dl", "div", "dt", "dd", "main", "footer",
    "article", "h2", "time", "details", "summary", "span", "p", "ul", "ol", "li", "a", "pre", "code", "h3", "h4", "h5",
    "h6", "strong", "em", "s", "blockquote", "hr", "br", "table", "thead", "tbody", "tr", "th", "td", "img",
}  # fmt: skip
ATTRIBUTES = {
    "html": {"lang"}, "meta": {"charset", "http-equiv", "content", "name"}, "link": {"rel", "href"}, "ol": {"start"},
    "article": {"class", "id"}, "time": {"datetime"}, "details": {"class", "id"}, "span": {"class"}, "p": {"class"},
    "div": {"class"}, "ul": {"class"}, "a": {"href", "rel", "class"}, "th": {"class"}, "td": {"class"},
    "img": {"alt", "src"},
}  # fmt: skip
TEXT_TAGS = TAGS - {"html", "head", "meta", "link", "title", "style", "body", "header", "main", "article", "img"}


def check(page: Page, tags: set[str]) -> None:
    assert page.faults == []
    assert page.open == []
    assert page.tags() <= tags
    for tag, attributes in page.elements:
        assert set(attributes) <= ATTRIBUTES.get(tag, set()), (tag, attributes)
        if tag == "a":
            href = attributes["href"] or ""
            assert re.fullmatch(r"#n\d+|https?://[A-Za-z0-9.-]+(:\d+)?([/?#][!-~]*)?", href), href
            assert href.startswith("#") or attributes["rel"] == "noreferrer noopener"
        if tag == "img":
            assert re.fullmatch(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]+", attributes["src"] or "")


def test_a_page_of_hostile_texts_has_only_elements_of_ours() -> None:
    events, summary = conversation()
    text = "".join(export("html", events, summary))
    page = Page(text)
    check(page, TAGS)
    calls = sum(event.type == "tool_call_proposed" for event in events)
    assert [attributes["class"] for attributes in page.of("details")].count("call bad") == calls
    thoughts = sum(bool(getattr(event, "reasoning", "").strip()) for event in events)
    assert len(page.of("details")) == calls + thoughts
    assert len(page.of("style")) == len(page.of("title")) == 1
    found = PASTED.search(text)
    assert found is None, f"U+{ord(found[0]):04X}"
    text.encode("utf-8")


def test_the_policy_allows_the_style_sheet_by_its_hash_and_nothing_else() -> None:
    page = Page("".join(export("html", *conversation())))
    assert next(iter(page.of("meta")[0])) == "charset"
    policy = page.of("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy["content"] == (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not re.search(r"url\(|@import|expression", page.style)


def test_each_paragraph_is_read_in_the_direction_of_its_script_and_an_address_from_left_to_right() -> None:
    style = Page("".join(export("html", *conversation()))).style
    rules = dict(re.findall(r"^([^{}@]+) \{ ([^{}]*) \}$", style, re.MULTILINE))
    own = next(names for names, rule in rules.items() if rule == "unicode-bidi: plaintext;")
    assert {"h1", ".typed", ".text p", "td"} <= set(own.split(", "))
    assert "direction: ltr; unicode-bidi: isolate;" in rules[".address"]


@pytest.mark.parametrize("number", range(len(ATTACKS)))
def test_nothing_is_lost_of_a_hostile_text_but_what_hides(number: int) -> None:
    """What was typed and what came back is there word by word."""
    text = ATTACKS[number]("x=1", "http://e.example/1")
    shown = Page(html_text.typed(text)).text(), Page(html_text.code(text)).text()
    visible = re.sub(r"[^!-~]", "", text)
    assert re.sub(r"[^!-~]", "", shown[0]) == re.sub(r"[^!-~]", "", shown[1]) == visible


@given(
    st.lists(
        st.sampled_from([*OTHERS, *(attack("x()", "http://e.example/") for attack in ATTACKS)]) | TEXTS, max_size=5
    )
)
@settings(max_examples=150, deadline=None)
def test_any_text_stays_text(texts: list[str]) -> None:
    text = "\n".join(texts)
    for made in (html_text.answer(text), html_text.typed(text), html_text.code(text)):
        check(Page(made), TEXT_TAGS)
        made.encode("utf-8")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("**a** `b` ~~c~~", "<p><strong>a</strong> <code>b</code> <s>c</s></p>"),
        ("# T", "<h3>T</h3>"),
        ("- a\n- b", "<ul><li>a\n</li><li>b\n</li></ul>"),
        ("```py\nx < 1\n```", "<pre><code>x &lt; 1</code></pre>"),
        ("[t](https://e.example/x)", '<p>t <span class="address">(<a href="https://e.example/x" '
                                     'rel="noreferrer noopener">e.example: https://e.example/x</a>)</span></p>'),
        ("[https://e.example/](https://e.example/)",
         '<p><a href="https://e.example/" rel="noreferrer noopener">https://e.example/</a></p>'),
        ("[t](https://a.example@e.example/)", '<p>t <span class="address">(e.example, the name before @ is not the '
                                              "host: https://a.example@e.example/)</span></p>"),
        ("[t](javascript:x)", '<p>t <span class="address">(javascript: is no web address: javascript:x)</span></p>'),
        ("![i](http://e.example/p.png)", '<p>[image: i] <span class="address">(<a href="http://e.example/p.png" '
                                         'rel="noreferrer noopener">e.example: http://e.example/p.png</a>)</span></p>'),
    ],
)  # fmt: skip
def test_markdown_becomes_what_it_says(text: str, expected: str) -> None:
    assert html_text.answer(text).removeprefix('<div class="text">').removesuffix("</div>").strip() == expected


@pytest.mark.parametrize("piece", ["[", "`", "> ", "*a ", "![", "a|", "- ", "[a](", "_", "<a ", "&#"])
def test_a_text_made_to_be_slow_is_not(piece: str) -> None:
    """Bounded by the time limit of every test: what is quadratic here takes minutes."""
    assert html_text.answer(piece * 30_000)
