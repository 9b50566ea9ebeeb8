from __future__ import annotations

from typing import Any

import pytest

from mcp_tui.conversation.items import AssistantItem, Change, Item, ToolCallItem
from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.content import ImageContent, TextContent, UnknownContent
from mcp_tui.events.tools import ArgumentProblem, CallTiming
from mcp_tui.events.turns import Usage
from mcp_tui.ui.widgets.conversation import ConversationView
from tests.ui.widgets.conversation_support import AT, Pane, answer, call, notice, settled, streamed, talk, user

LONG = "\n\n".join(f"Paragraph {number} with **bold** words and some more of them." for number in range(120))


async def test_items_are_shown_and_the_end_is_in_sight() -> None:
    app = Pane([*talk(40), notice(41, "Turn stopped.", severity="warning", hint="Try again.")])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        rows = app.rows()
        assert rows[-1] == " ! Turn stopped.  Try again."
        assert any("assistant  gpt-x" in row and row.endswith("#40") for row in rows)
        assert app.pane.following


async def test_streaming_shows_text_as_it_comes_and_follows() -> None:
    item = answer(2, streaming=True)
    app = Pane([user(1)])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.apply([Change("added", item)])
        for word in ["The", "**first**", "answer"]:
            app.pane.apply([streamed(item, word + " ")])
        await settled(pilot)
        assert "   The first answer" in app.rows()
        app.pane.apply([streamed(item, "\n\n" + LONG)])
        await settled(pilot)
        assert app.rows()[-1].startswith("   Paragraph 119")
        item.streaming, item.usage, item.cost = False, Usage(completion_tokens=1100), 0.009
        app.pane.apply([Change("updated", item)])
        await settled(pilot)
        app.pane.action_top()
        await settled(pilot)
        assert any("1.1k tok  $0.0090" in row for row in app.rows())


async def test_live_view_equals_the_view_of_the_stored_conversation() -> None:
    items = talk(6)
    live: list[Item] = []
    app = Pane()
    async with app.run_test(size=(80, 50)) as pilot:
        for item in items:
            if isinstance(item, AssistantItem):
                copy = AssistantItem(item.key, AT, "t", item.number, model="gpt-x")
                app.pane.apply([Change("added", copy)])
                for start in range(0, len(item.text), 7):
                    app.pane.apply([streamed(copy, item.text[start : start + 7])])
                    if start % 5 == 0:
                        await pilot.pause(0)
                copy.streaming = False
                copy.pieces = [item.text]
                app.pane.apply([Change("updated", copy)])
                live.append(copy)
            else:
                app.pane.apply([Change("added", item)])
                live.append(item)
        await settled(pilot)
        app.pane.action_top()
        await settled(pilot)
        first = app.shown()
        app.pane.load(live)
        await settled(pilot)
        app.pane.action_top()
        await settled(pilot)
        assert app.shown() == first


async def test_closing_event_may_replace_the_text() -> None:
    item = answer(2, streaming=True)
    app = Pane([user(1), item])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.apply([streamed(item, "draft that was redacted")])
        await settled(pilot)
        item.pieces, item.streaming = ["the real answer"], False
        app.pane.apply([Change("updated", item)])
        await settled(pilot)
        assert "the real answer" in app.shown()
        assert "draft" not in app.shown()


@pytest.mark.parametrize("keep", ["row", "resize", "collapse"])
async def test_view_stays_where_the_person_put_it(keep: str) -> None:
    failed = call(3, state="error", error=ErrorInfo(kind="x", message="It failed."), arguments={"path": "a"})
    item = answer(900, streaming=True)
    app = Pane([user(1), answer(2, LONG), failed, *talk(60)[4:], item])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for _press in range(4):
            await pilot.press("pageup")
        await settled(pilot)
        assert not app.pane.following
        before = app.rows()
        if keep == "collapse":
            app.pane.cursor_key = failed.key
            app.pane.action_expand()
        app.pane.apply([streamed(item, LONG)])
        await settled(pilot)
        if keep == "resize":
            await pilot.resize_terminal(60, 24)
            await settled(pilot)
            await pilot.resize_terminal(80, 24)
            await settled(pilot)
        assert app.rows() == before
        await pilot.press("end")
        await settled(pilot)
        assert app.pane.following
        assert app.rows()[-1].startswith("   Paragraph 119")


async def test_the_end_is_followed_when_something_below_goes_away() -> None:
    """As an approval card does: the window grows, and its first row moves up without anybody having scrolled."""
    app = Pane(talk(60))
    async with app.run_test(size=(80, 14)) as pilot:
        await settled(pilot)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert app.pane.following


async def test_scrolling_through_estimated_heights_meets_every_row_once() -> None:
    app = Pane(talk(60))
    async with app.run_test(size=(70, 20)) as pilot:
        await settled(pilot)
        seen: list[str] = []
        app.pane.action_top()
        await settled(pilot)
        for _page in range(400):
            seen.extend(row for row in app.rows() if "Answer" in row or "Question" in row)
            if app.pane.following:
                break
            app.pane.scroll_to(y=app.pane.scroll_offset.y + app.pane.size.height, animate=False)
            await settled(pilot)
        numbers = [int("".join(filter(str.isdigit, row))) for row in seen]
        assert list(dict.fromkeys(numbers)) == list(range(1, 61))


async def test_cursor_moves_and_tells() -> None:
    app = Pane([user(1), answer(2, "Yes."), call(3, state="success"), user(4)])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert app.pane.cursor_key is None
        await pilot.press("k")
        assert app.pane.cursor_key == "u4"
        await pilot.press("up", "enter")
        await pilot.pause()
        assert app.pane.cursor_key == "c3"
        assert app.heard[-1].item.key == "c3"
        assert isinstance(app.heard[-1], ConversationView.Opened)
        assert any(row.startswith("┃  tool fs.read_file") for row in app.rows())
        await pilot.press("g")
        assert app.pane.cursor_key == "u1"
        await pilot.press("j", "G")
        assert app.pane.cursor_key == "u4"
        assert app.pane.following


async def test_cursor_brings_its_item_into_sight() -> None:
    app = Pane(talk(80))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for _press in range(30):
            await pilot.press("k")
        await settled(pilot)
        assert app.pane.cursor_key == "a50" or app.pane.cursor_key == "u51"
        assert any(row.startswith("┃") for row in app.rows())


async def test_copying_sources() -> None:
    text = "See:\n\n```python\nx = 1\n\ty\n```\n\n```sh\nls\n```\n"
    app = Pane([user(1, "Hi\nthere"), answer(2, text), call(3, state="success", arguments={"path": "a"})])
    async with app.run_test(size=(80, 30)) as pilot:
        await settled(pilot)
        await pilot.press("y", "g", "y", "j", "y", "Y", "Y", "Y", "j", "y")
        await pilot.pause()
        assert app.copied[:6] == [
            (text, "last answer"),
            ("Hi\nthere", "message #1"),
            (text, "message #2"),
            ("x = 1\n\ty", "code block 1 of 2 (python)"),
            ("ls", "code block 2 of 2 (sh)"),
            ("x = 1\n\ty", "code block 1 of 2 (python)"),
        ]
        assert app.copied[6][1] == "call #3"
        assert '"path": "a"' in app.copied[6][0]
        assert app.pane.last_answer_source() == text


async def test_raw_markdown() -> None:
    app = Pane([answer(2, "Some **bold**\n\n# Head")])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("k", "m")
        await settled(pilot)
        assert "┃  Some **bold**" in app.rows()
        assert "source" in app.rows()[0]
        await pilot.press("m")
        await settled(pilot)
        assert "┃  Some bold" in app.rows()


async def test_reasoning_is_open_while_thinking_then_one_line() -> None:
    item = answer(2, streaming=True)
    app = Pane([user(1), item])
    async with app.run_test(size=(80, 24)) as pilot:
        item.reasoning_pieces.append("I should *look*.")
        app.pane.apply([Change("appended", item, reasoning="I should *look*.")])
        await settled(pilot)
        assert "thinking" in app.shown()
        assert "I should look." in app.shown()
        app.pane.apply([streamed(item, "Found.")])
        await settled(pilot)
        assert "I should look." not in app.shown()
        item.streaming, item.usage = False, Usage(reasoning_tokens=1200)
        app.pane.apply([Change("updated", item)])
        await settled(pilot)
        assert "thought, 1.2k tokens [+]" in app.shown()
        for usage, words in ((Usage(reasoning_tokens=1), "1 token"), (Usage(), "3 words")):
            item.usage = usage
            app.pane.apply([Change("updated", item)])
            await settled(pilot)
            assert f"thought, {words} [+]" in app.shown()
        await pilot.press("k", "space")
        await settled(pilot)
        assert "I should look." in app.shown()
        app.pane.show_reasoning = False
        await settled(pilot)
        assert "thought" not in app.shown()
        assert "Found." in app.shown()


async def test_call_from_proposal_to_result() -> None:
    item = call(3, state="proposed", asked_arguments={"path": "a\x1b[31m", "deep": {"x": [1]}})
    app = Pane([user(1), item])
    async with app.run_test(size=(100, 40)) as pilot:
        await settled(pilot)
        assert 'path="a<U+001B>[31m"' in app.shown()
        item.state, item.approval_reason = "waiting", "no rule allows it"
        app.pane.apply([Change("updated", item)])
        await settled(pilot)
        assert "?? waiting" in app.shown()
        assert "asks you: no rule allows it" in app.shown()
        app.pane._canvas.runs_here = lambda turn_id: turn_id != item.turn_id
        app.pane.apply([Change("updated", item)])
        await settled(pilot)
        assert "waits in another window: no rule allows it" in app.shown()
        assert "asks you" not in app.shown()
        item.state, item.started_at = "running", AT
        item.progress, item.progress_total, item.progress_message = 5, 10, "half\x07"
        app.pane.apply([Change("updated", item)])
        await settled(pilot)
        assert ".. running" in app.shown()
        assert " 50%  half␇" in app.shown()
        item.state, item.timing, item.model_tokens = "success", CallTiming(wire=1.9), 3800
        item.arguments = item.asked_arguments
        item.content = (
            TextContent(text="line one\n[bold]two[/]"),
            ImageContent(data="A" * 4000, mimeType="image/png"),
            UnknownContent(kind="hologram", raw={"a": 1}),
        )
        app.pane.apply([Change("updated", item)])
        await settled(pilot)
        row = next(row for row in app.rows() if "fs.read_file" in row)
        assert row.endswith("ok  1.90s  3.8k tok  [+]   #3")
        assert "50%" not in app.shown()
        await pilot.press("k", "space")
        await settled(pilot)
        for part in (
            '"deep": {',
            r"a\u001b[31m",
            "line one",
            "[bold]two[/]",
            "[image image/png, 3.0 kB]",
            "[hologram, 8 B]",
        ):
            assert part in app.shown()


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("error", "error"),
        ("timeout", "timeout"),
        ("invalid_arguments", "invalid arguments"),
        ("invalid_result", "invalid result"),
        ("unknown", "may have run"),
    ],
)
async def test_failed_calls_open_by_themselves(state: Any, words: str) -> None:
    problem = ArgumentProblem(field="issue", message="no such issue", type="enum")
    error = ErrorInfo(kind="x", message="It failed.", hint="Ask.")
    app = Pane([call(3, state=state, error=error, validation_errors=(problem,))])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert f"{words}  [-]" in app.shown()
        assert " ▌ x It failed.  Ask." in app.rows()
        assert " ▌ x issue: no such issue (enum)" in app.rows()


@pytest.mark.parametrize(
    ("width", "end"),
    [
        (100, "rule 3fa1b2c3  ok  1.90s  3.8k tok  [+]   #3"),
        (80, "rule 3fa1b2c3  ok  1.90s  [+]   #3"),
        (70, "rule 3fa1b2c3  ok  [+]   #3"),
        (60, "ok  [+]   #3"),
        (42, "ok  [+]   #3"),
    ],
)
async def test_where_a_call_has_little_room_its_name_state_and_number_stay(width: int, end: str) -> None:
    fields: dict[str, Any] = {"timing": CallTiming(wire=1.9), "model_tokens": 3800, "arguments": {"path": "a.txt"}}
    item = call(3, name="read_the_file", state="success", decided_by="rule", rule_id="3fa1b2c3", **fields)
    async with Pane([item]).run_test(size=(width, 24)) as pilot:
        await settled(pilot)
        assert isinstance(pilot.app, Pane)
        row = pilot.app.rows()[0]
        assert row.startswith("   tool fs.read_the_file")
        assert 'path="a.txt"' in row or width < 60
        assert row.endswith(f"  {end}")


async def test_a_result_that_the_inspector_shows_at_once_has_no_pages_to_turn() -> None:
    text = "".join(f"row {number}\n" for number in range(1000))
    app = Pane([call(3, state="success", content=(TextContent(text=text),))])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("k", "space", "end")
        await settled(pilot)
        assert app.shown().rstrip().endswith("… 800 more lines of 1,000: Enter opens the inspector")


async def test_case_088_long_result_is_cut_and_says_so() -> None:
    text = "\n".join(f"row {number}" for number in range(5000))
    app = Pane([call(3, state="success", content=(TextContent(text=text),))])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("k", "space", "end")
        await settled(pilot)
        assert "row 199" in app.shown()
        assert "row 200" not in app.shown()
        assert "… 4,800 more lines of 5,000: Enter opens the inspector, > turns pages" in app.shown()


async def test_incomplete_answer_says_why() -> None:
    problem = ErrorInfo(kind="connection", message="The connection broke off.")
    app = Pane([answer(2, "Half an ans", complete=False, problem=problem)])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "   ! incomplete: The connection broke off." in app.rows()


async def test_removed_items_leave_and_unknown_items_show() -> None:
    gone, strange = user(2, "gone"), Item("x", AT, "t", 3)
    app = Pane([user(1), gone, strange])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.pane.apply([Change("removed", gone)])
        await settled(pilot)
        assert "gone" not in app.shown()
        assert any(row.startswith(" Item") for row in app.rows())


async def test_mouse_selects_the_visible_text() -> None:
    app = Pane([user(1, "First line\nsecond line"), answer(2, "An answer of **bold** words.")])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        rows = app.rows()
        begin = next(index for index, row in enumerate(rows) if "second line" in row)
        last = next(index for index, row in enumerate(rows) if "An answer" in row)
        await pilot.mouse_down("#conversation", offset=(3, begin))
        await pilot.hover("#conversation", offset=(14, last))
        await pilot.pause()
        assert app.pane.selected_text.startswith("second line\n\n")
        assert app.pane.selected_text.endswith("An answer of")
        assert app.screen.get_selected_text() == app.pane.selected_text
        item = answer(3, "More.\n\n" + "text\n\n" * 50)
        app.pane.apply([Change("added", item)])
        await settled(pilot)
        assert app.pane.selected_text.endswith("An answer of")
        await pilot.mouse_up("#conversation", offset=(14, last))


async def test_everything_selected() -> None:
    app = Pane(talk(30))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.pane.text_select_all()
        await pilot.pause()
        text = app.pane.selected_text
        assert text.count("Question") == 15
        assert text.count("Answer") == 15


async def test_click_opens_a_call() -> None:
    app = Pane([call(3, state="success", content=(TextContent(text="the result"),))])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.click("#conversation", offset=(10, 0))
        await settled(pilot)
        assert app.pane.cursor_key == "c3"
        assert "the result" in app.shown()


async def test_theme_change_draws_again() -> None:
    app = Pane([answer(2, "# Head")])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        dark = app.pane.render_line(1)
        app.theme = "mcp-light"
        await settled(pilot)
        light = app.pane.render_line(1)
        assert dark.text == light.text
        assert [segment.style for segment in dark] != [segment.style for segment in light]


async def test_case_081_082_hostile_text_is_shown_as_text() -> None:
    evil = "[@click=app.quit]x[/] [/nope] \x1b]52;c;aGk=\x07 \u202eabc &#x202e; \x9b31m"
    items: list[Item] = [
        user(1, evil), answer(2, evil, reasoning_pieces=[evil]), notice(3, evil, hint=evil),
        call(4, server=evil, name=evil, arguments={evil: evil}, state="error", error=ErrorInfo(kind="x", message=evil)),
    ]  # fmt: skip
    app = Pane(items)
    async with app.run_test(size=(100, 40)) as pilot:
        await settled(pilot)
        shown = app.shown()
        assert shown.count("[@click=app.quit]x[/]") >= 4
        assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(shown)
        for y in range(40):
            for segment in app.pane.render_line(y):
                assert segment.style is None or not (segment.style.link or "@click" in segment.style.meta)


async def test_ten_thousand_messages_open_at_once_and_stay_lazy() -> None:
    items = talk(10_000)
    app = Pane()
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.load(items)
        await settled(pilot)
        assert any(row.endswith("#10000") for row in app.rows())
        document = app.pane.document
        assert sum(bool(entry.sections) for entry in document.entries) < 50
        app.pane.action_top()
        await settled(pilot)
        assert app.rows()[0].endswith("#1")
        for page in range(400):
            app.pane.scroll_to(y=page * 60, animate=False)
        await settled(pilot)
        assert sum(bool(entry.sections) for entry in document.entries) <= 260


async def test_tiny_and_empty() -> None:
    app = Pane()
    async with app.run_test(size=(1, 1)) as pilot:
        await settled(pilot)
        app.pane.load(talk(4))
        await settled(pilot)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert any(row.endswith("#4") for row in app.rows())


async def test_open_fence_of_many_lines_is_coloured_when_closed() -> None:
    item = answer(2, streaming=True)
    app = Pane([item])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.apply([streamed(item, "```python\n" + "def f(): return 'x'\n" * 3000)])
        await settled(pilot)
        assert app.rows()[-1].strip() == "def f(): return 'x'"
        app.pane.apply([streamed(item, "```\n")])
        item.streaming = False
        app.pane.apply([Change("updated", item)])
        await settled(pilot)
        styles = {
            str(segment.style.color) for segment in app.pane.render_line(20) if segment.style and segment.text.strip()
        }
        assert len(styles) >= 3


async def test_partial_paints_leave_the_screen_as_a_full_paint_would() -> None:
    item = answer(2, streaming=True)
    text = (
        "Intro\n\n"
        + "\n".join(f"- point {number} with `code`" for number in range(9))
        + "\n\n```py\nx = 1\n```\n\n|a|b|\n|-|-|\n|1|2|\n"
    )
    app = Pane([user(1), item])
    async with app.run_test(size=(60, 50)) as pilot:
        for start in range(0, len(text), 9):
            app.pane.apply([streamed(item, text[start : start + 9])])
            await settled(pilot)
            painted = [
                "".join(part.text for part in strip).rstrip() for strip in app.screen._compositor.render_strips()
            ]
            assert [row[:59].rstrip() for row in painted] == [row[:59].rstrip() for row in app.rows()]


async def test_no_frame_is_lost_when_the_machine_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    item = answer(2, streaming=True)
    app = Pane([user(1), item])
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        monkeypatch.setattr(ConversationView, "set_timer", lambda *_args, **_options: None)  # one that is late is lost
        app.pane.apply([streamed(item, "late")])
        await settled(pilot)
        assert "   late" in app.rows()


async def test_a_call_that_a_rule_decided_names_the_rule() -> None:
    by_rule = ToolCallItem(
        key="c", at=AT, turn_id="t", server="fs", name="read", state="success", decided_by="rule",
        rule_id="notes-read", decision="allowed by rule notes-read: fs.read where path under /srv",
    )  # fmt: skip
    granted = ToolCallItem(
        key="d", at=AT, turn_id="t", server="fs", name="list", state="success", decided_by="rule",
        decision="allowed: fs.list was allowed for this conversation",
    )  # fmt: skip
    app = Pane([by_rule, granted])
    async with app.run_test(size=(100, 20)) as pilot:
        await pilot.pause()
        rows = app.rows()
        assert any("fs.read" in row and "rule notes-read  ok" in row for row in rows)
        assert any("fs.list" in row and "granted  ok" in row for row in rows)
        await pilot.press("g", "space")
        await pilot.pause()
        assert "allowed by rule notes-read: fs.read where path under /srv" in app.shown()
