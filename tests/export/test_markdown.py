"""The document stays what it is in whatever renders it: hostile texts are text, and what was written is still there."""

from __future__ import annotations

import html
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from mcp_tui.export import html_text, marked_up
from mcp_tui.export.exporters import export
from mcp_tui.export.markdown_text import answer, code, escaped, fence, typed
from tests.export.hostile import ATTACKS, OTHERS, conversation
from tests.export.page import Page
from tests.support.hostile_text import PASTED, TEXTS

TAGS = {
    "h1", "h2", "h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "em", "strong", "s", "code", "pre", "blockquote", "hr",
    "br", "table", "thead", "tbody", "tr", "th", "td", "a", "details", "summary",
}  # fmt: skip
HOSTILE = st.sampled_from([*OTHERS, *(attack("x()", "http://e.example/") for attack in ATTACKS)]) | TEXTS


def rendered(text: str, *, raw_html: bool = True) -> Page:
    """As a renderer shows it that takes raw HTML, tables and bare addresses for what they are."""
    parser = MarkdownIt("commonmark", {"html": raw_html}).enable(["table", "strikethrough"])
    return Page(parser.render(text))


def check(page: Page) -> None:
    assert page.faults == []
    assert page.open == []
    assert page.tags() <= TAGS
    for tag, attributes in page.elements:
        names = set(attributes) - {"ol": {"start"}, "code": {"class"}, "th": {"style"}, "td": {"style"}}.get(tag, set())
        assert attributes.get("style", "text-align:right") in ("text-align:right", "text-align:center")
        assert names <= ({"href"} if tag == "a" else set()), (tag, attributes)
        if tag == "a":
            assert re.match(r"https?://", attributes["href"] or "")
        if tag == "code" and "class" in attributes:
            assert re.fullmatch(r"language-[\w+#.-]+", attributes["class"] or "")


def words(text: str) -> str:
    """What is there to read, without blanks."""
    return re.sub(r"\s+", "", text)


def test_a_document_of_hostile_texts_has_only_elements_of_ours() -> None:
    events, summary = conversation()
    text = "".join(export("markdown", events, summary))
    page = rendered(text)
    check(page)
    calls = sum(event.type == "tool_call_proposed" for event in events)
    thoughts = sum(bool(getattr(event, "reasoning", "").strip()) for event in events)
    assert len(page.of("details")) == len(page.of("summary")) == calls + thoughts
    said = sum(event.type in ("user_message", "assistant_message") for event in events)
    assert len(page.of("h2")) == said
    assert len(page.of("h1")) == 1
    assert PASTED.search(text) is None
    text.encode("utf-8")


@given(st.lists(HOSTILE, max_size=4))
@settings(max_examples=150, deadline=None)
def test_an_answer_stays_in_its_place(texts: list[str]) -> None:
    """Between two paragraphs of ours, which stay paragraphs; nothing that a browser would act on."""
    inside = "\n".join(answer("\n\n".join(texts)))
    page = rendered(f"before\n\n{inside}\n\n<details>\n<summary>s</summary>\n\nafter\n\n</details>\n")
    check(page)
    assert len(page.of("details")) == 1
    assert "img" not in page.tags()


@given(st.lists(HOSTILE, max_size=4))
@settings(max_examples=150, deadline=None)
def test_an_answer_says_what_it_said(texts: list[str]) -> None:
    """Written anew, it reads as the page shows it, but for marks of emphasis in a heap of them."""
    text = "\n\n".join(texts)
    shown, expected = rendered("\n".join(answer(text))).text(), Page(html_text.answer(text)).text()
    assert re.sub(r"[*~_]", "", words(shown)) == re.sub(r"[*~_]", "", words(expected))


@given(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_what_was_typed_reads_as_it_was_typed(text: str) -> None:
    page = rendered("\n".join(["before", "", *typed(text), "", "after"]))
    check(page)
    assert words(page.text()) == words(f"before{marked_up.harmless(text)}after")


@given(HOSTILE)
@settings(max_examples=150, deadline=None)
def test_a_fence_holds_whatever_is_in_it(text: str) -> None:
    text = marked_up.harmless(text)
    page = rendered("\n".join(["before", "", *fence(text, "text"), "", "after"]))
    assert page.tags() == {"p", "pre", "code"}
    assert words(page.text()) == words(f"before{text}after")


@given(HOSTILE.map(lambda text: marked_up.harmless(text).replace("\n", " ")))
@settings(max_examples=150, deadline=None)
def test_a_span_of_code_and_an_escaped_line_read_as_they_are(text: str) -> None:
    for made, tags in ((code(text), {"p", "code"}), (f"a {escaped(text)}", {"p"})):
        page = rendered(f"x {made} y")
        assert page.tags() <= tags
        assert words(page.text()).removeprefix("x").removeprefix("a" if tags == {"p"} else "") == words(f"{text}y")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain snake_case, 2 * 3 < 4 & 5 > 4", "plain snake_case, 2 \\* 3 < 4 & 5 > 4"),
        ("**a** *b* ~~c~~ `d`", "**a** *b* ~~c~~ `d`"),
        ("# Title\n\n## Sub", "### Title\n\n#### Sub"),
        ("- a\n- b\n  1. c\n  2. d", "- a\n- b\n  1. c\n  2. d"),
        ("1. a\n\n   b\n2. c", "1. a\n\n   b\n\n2. c"),
        ("> q\n> r", "> q\n> r"),
        ("```py\nx = '```'\n```", "````py\nx = '```'\n````"),
        ("````\n```\n````", "````\n```\n````"),
        ("    x\n", "```\nx\n```"),
        ("| a | b |\n|---|---|\n| 1 | `x\\|y` |", "| a | b |\n| --- | --- |\n| 1 | `x\\|y` |"),
        ("|a|b|c|\n|-|:-:|-:|\n|1|2|3|", "| a | b | c |\n| --- | :---: | ---: |\n| 1 | 2 | 3 |"),
        ("a\nb  \nc", "a\nb  \nc"),
        ("<b>x</b> `Vec<T>`", "&lt;b>x&lt;/b> <code>Vec&#60;T&#62;</code>"),
        ("[t](https://e.example/a_b)", "t (e.example: <https://e.example/a_b>)"),
        ("![i](http://e.example/p.png)", "\\[image: i\\] (e.example: <http://e.example/p.png>)"),
        ("[t](javascript:x)", "t (`javascript: is no web address: javascript:x`)"),
        ("\\frac{1}{2} C:\\temp \\*", "\\frac{1}{2} C:\\temp \\*"),
        ("2024\\. x", "2024\\. x"),
    ],
)
def test_an_answer_is_written_anew(text: str, expected: str) -> None:
    assert "\n".join(answer(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hello\nworld", "> hello  \n> world"),
        ("a\n\nb", "> a  \n>\n> b"),
        ("# no heading\n1. no list", "> \\# no heading  \n> 1\\. no list"),
        ("def f():\n    return 1", "```text\ndef f():\n    return 1\n```"),
        ("see\n```\nx\n```", "````text\nsee\n```\nx\n```\n````"),
    ],
)
def test_what_a_person_typed_is_quoted_or_code(text: str, expected: str) -> None:
    assert "\n".join(typed(text)) == expected


def test_a_summary_is_plain_html() -> None:
    """Inside of ``<summary>`` Markdown is not read: what stands there is escaped once."""
    events, summary = conversation()
    text = "".join(export("markdown", events, summary))
    for line in re.findall(r"^<summary>(.*)</summary>$", text, re.MULTILINE):
        inner = line.removeprefix("Tool <code>").replace("</code>", "", 1)
        assert html.escape(html.unescape(inner), quote=False) == inner
