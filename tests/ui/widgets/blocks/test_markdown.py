from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Iterator
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from mcp_tui.ui.widgets.blocks.code import PIECE_LINES, CodeBlock
from mcp_tui.ui.widgets.blocks.leaves import INDENT
from mcp_tui.ui.widgets.blocks.markdown import Markdown, code_of
from mcp_tui.ui.widgets.blocks.structure import MAX_LINE
from mcp_tui.ui.widgets.blocks.table import MAX_ROWS
from mcp_tui.ui.widgets.document.style import Palette, Pen


def draw(markdown: Markdown, width: int = 60) -> list[str]:
    pen = Pen(width, Palette())
    return [strip.text for block in markdown.blocks for strip in block.lines(pen)]


def whole(source: str) -> Markdown:
    markdown = Markdown()
    markdown.append(source)
    markdown.finish()
    return markdown


def golden(source: str, width: int = 60) -> str:
    return "\n".join(row[INDENT:].rstrip() for row in draw(whole(dedent(source)), width))


def shown(text: str) -> str:
    return dedent(text).strip("\n")


FRAGMENTS = [
    "# Head", "## Head ##", "#not", "text", "more text here that is long enough to wrap around the end of the line",
    "**bold** and `code`", "*open", "[a](http://b)", "- item", "* item", "  - nested", "    - deep", "1. one", "2. two",
    "7) seven", "> quote", "> > deeper", "> - in quote", "```", "```python", "~~~",
    "    indented", "| a | b |", "|---|:-:|",
    "| 1 | 2 |", "a | b", "--|--", "---", "***", "===", "- [ ] task", "- [x] done", "<div>", "</div>", "<b>inline</b>",
    "", "", "   ", "日本語 テキスト", "e\u0301 👩‍💻", "\x1b[31mred", "a\u2028b", "\tx",
    "\\", "&#x202e;", "-", "+ ", "1.",
    "word " * 30, "x" * 70, "lazy", "crlf\r",
]  # fmt: skip
documents = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("\n".join)


def pieces(source: str, cuts: list[int]) -> Iterator[str]:
    places = sorted({cut % (len(source) + 1) for cut in cuts})
    for start, end in zip([0, *places], [*places, len(source)], strict=True):
        yield source[start:end]


@settings(max_examples=400, deadline=None)
@given(documents, st.lists(st.integers(0, 2000), max_size=30))
def test_live_equals_replay(source: str, cuts: list[int]) -> None:
    expected = draw(whole(source))
    live = Markdown()
    for piece in pieces(source, cuts):
        changed = live.append(piece)
        assert 0 <= changed <= len(live.blocks)
        draw(live)
    live.finish()
    assert draw(live) == expected


@settings(max_examples=100, deadline=None)
@given(documents)
def test_blocks_before_the_changed_one_stay(source: str) -> None:
    live = Markdown()
    before: list[object] = []
    for char in source:
        changed = live.append(char)
        assert [id(block) for block in live.blocks[:changed]] == [id(block) for block in before[:changed]]
        before = list(live.blocks)


@given(st.text(max_size=200), st.integers(20, 80))
def test_case_081_any_text_fits_and_is_harmless(source: str, width: int) -> None:
    for row in draw(whole(source), width):
        assert cell_len(row) == width
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", row)


def test_case_088_long_lines_and_paragraphs_are_cut_alike() -> None:
    source = "word " * 3000 + "\n" + "line of text\n" * 2000 + "```\n" + "z" * 10_000 + "\n```\n- " + "y " * 4000
    expected = draw(whole(source))
    live = Markdown()
    for start in range(0, len(source), 777):
        live.append(source[start : start + 777])
    live.finish()
    assert draw(live) == expected
    assert "".join(expected).count("word") == 3000
    assert "".join(expected).count("z") == 10_000
    assert all(block.size <= 2 * MAX_LINE for block in live.blocks if hasattr(block, "size"))


def test_case_087_long_fence_is_made_of_small_blocks() -> None:
    markdown = whole("```python\n" + "x = 1\n" * 1000 + "```\nend")
    code = [block for block in markdown.blocks if isinstance(block, CodeBlock)]
    assert len(code) == -(-1000 // PIECE_LINES)
    assert code[0].fence.source == "\n".join(["x = 1"] * 1000)
    assert draw(markdown)[-1].strip() == "end"


def test_copied_code_is_what_was_written() -> None:
    code = "all:\n\tcc \u200bx.c\n\n  " + "y" * 10_000
    assert code_of(f"text\n```Make\n{code}\n```\n- item\n\n  ~~~\n  in item\n  ~~~\n") == [
        ("make", code),
        ("", "in item"),
    ]
    assert code_of("```\nunclosed") == [("", "unclosed\n".rstrip())]


def test_unclosed_fence_is_shown() -> None:
    assert golden("before\n\n```py\nx = 1") == "before\n\n" + f"{'py':>55}\n x = 1"


def test_headings_emphasis_links() -> None:
    assert golden(
        "# A *b*\n\nSee [x](http://y/z) and <http://q>, ~~no~~ `a  b`.\n![alt](data:x)\nTitle\n---\n"
    ) == shown(
        """
        A b

        See x (y: http://y/z) and http://q, no a  b. [image:
        alt] (data: is no web address: data:x) Title
        """
    )


def test_lists() -> None:
    source = """
        1. one
           more of one
        2. two
           - nested with a text that is long enough to wrap twice over
           - other

             paragraph
        9. three is counted on

        * loose

        * items
        - [ ] open
        - [x] done
        """
    assert golden(source, 50) == shown(
        """
        1. one more of one
        2. two
           ◦ nested with a text that is long enough to
             wrap twice over
           ◦ other

             paragraph
        3. three is counted on

        • loose

        • items
        ☐ open
        ☑ done
        """
    )


def test_quotes() -> None:
    assert golden("> one\nlazy\n>\n> - two\n>   more\n\nafter") == shown(
        """
        ▎ one lazy

        ▎ • two more

        after
        """
    )


def test_table_is_fitted() -> None:
    source = "| id | what |\n|--:|---|\n| 1 | a long text that has to wrap in its cell |\n| 22 | 日本 \\| x |\n| 3 |\n"
    assert golden(source, 34) == shown(
        """
        ┌────┬───────────────────────┐
        │ id │ what                  │
        ├────┼───────────────────────┤
        │  1 │ a long text that has  │
        │    │ to wrap in its cell   │
        ├────┼───────────────────────┤
        │ 22 │ 日本 | x              │
        ├────┼───────────────────────┤
        │  3 │                       │
        └────┴───────────────────────┘
        """
    )


def test_too_many_columns_become_records() -> None:
    source = "|" + "h|" * 12 + "\n|" + "-|" * 12 + "\n|" + "v|" * 12
    lines = golden(source, 40).split("\n")
    assert lines[0] == "─" * 36
    assert lines[1:] == ["h: v"] * 12


def test_case_087_long_table_is_capped() -> None:
    markdown = whole("a|b\n-|-\n" + "1|2\n" * 1000 + "\nend")
    rows = draw(markdown)
    assert sum(row.strip().startswith("│ 1") for row in rows) == MAX_ROWS
    assert rows[-3].strip() == "… 800 more rows"


def test_case_087_two_thousand_blocks_and_five_thousand_rows_hold_up_nobody() -> None:
    """Streamed in pieces: no piece, and no block that is drawn, is more than a small part of the whole work."""
    blocks = "\n\n".join(f"## Head {n}\n\n* a *b*\n* c\n\n> quote `{n}`" for n in range(700))
    source = blocks + "\n\na|b\n-|-\n" + "1|2\n" * 5000 + "\nend"
    markdown, longest, total, pen = Markdown(), 0.0, 0.0, Pen(60, Palette())

    def timed(action: Callable[[], object]) -> None:
        nonlocal longest, total
        began = time.thread_time()
        action()
        took = time.thread_time() - began
        longest, total = max(longest, took), total + took

    gc.disable()  # a collection of what other tests left is not this work
    try:
        for start in range(0, len(source), 500):
            timed(lambda piece=source[start : start + 500]: markdown.append(piece))
        timed(markdown.finish)
        assert len(markdown.blocks) > 2000
        for block in markdown.blocks:
            timed(lambda block=block: list(block.lines(pen)))
    finally:
        gc.enable()
    assert longest < total / 4
    assert draw(markdown)[-1].strip() == "end"


@pytest.mark.parametrize(
    "source",
    ["<script>alert(1)</script>", "[/bold][@click=app.quit]x[/]", "&#x202e;&amp;", "a <b>c</b> d", "[x]: http://y"],
)
def test_case_082_085_markup_and_entities_stay_text(source: str) -> None:
    assert golden(source) == source


def test_everything_nested_deeply_still_shows() -> None:
    assert "deep" in golden("> " * 40 + "deep")
    assert "deep" in golden("".join(" " * (2 * depth) + "- x\n" for depth in range(40)) + " " * 80 + "- deep")
