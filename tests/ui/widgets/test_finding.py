"""Finding text in a conversation: counted, marked, gone to, also where it is closed, folded over rows or growing."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from textual.pilot import Pilot
from textual.strip import Strip

from mcp_tui.conversation.items import Change, Item
from mcp_tui.errors import McpTuiError
from mcp_tui.events.base import ErrorInfo
from mcp_tui.events.content import TextContent
from mcp_tui.ui.widgets.blocks.item import ItemView
from mcp_tui.ui.widgets.conversation import ConversationView
from mcp_tui.ui.widgets.find_text import Wanted
from mcp_tui.ui.widgets.finder import Found
from tests.ui.widgets.conversation_support import Pane, answer, call, notice, settled, streamed, talk, user

SIZE = (60, 14)


def marked(pane: ConversationView, style: str) -> list[str]:
    """What is drawn in the colour of ``style``, from the top."""
    wanted = getattr(pane._canvas.pen.palette, style).bgcolor
    out: list[str] = []
    for y in range(pane.size.height):
        strip: Strip = pane.render_line(y)
        last = False
        for segment in strip:
            is_marked = (
                segment.style is not None and segment.style.bgcolor == wanted and segment.style.bgcolor is not None
            )
            if is_marked and last:
                out[-1] += segment.text
            elif is_marked:
                out.append(segment.text)
            last = is_marked
    return out


def here(pane: ConversationView) -> list[str]:
    return marked(pane, "found_here")


async def find(pilot: Pilot[None], text: str) -> Found:
    pane = pilot.app.query_one(ConversationView)
    pane.begin_find()
    pane.find(text)
    await settled(pilot)
    return pane.found


async def step(pilot: Pilot[None], by: int = 1) -> Found:
    pane = pilot.app.query_one(ConversationView)
    pane.find_step(by)
    await settled(pilot)
    return pane.found


def view_of(pane: ConversationView, key: str) -> ItemView:
    return pane._views[key]


@pytest.mark.parametrize(
    ("text", "within", "count"),
    [
        ("timeout", "Timeout, timeout and TIMEOUT", 3),
        ("Timeout", "Timeout, timeout and TIMEOUT", 1),
        ("login timeout", "login\ntimeout and login   timeout", 2),
        ("login timeout", "login\n\ntimeout", 0),
        ("bold text", "a **bold** text", 1),
        ("snake_case", "`snake_case` snakecase", 1),
        ("a.b", "a.b axb", 1),
        ("日本", "日本語の日本", 2),
        ("#812", "see #812.", 1),
        ("größe", "GRÖSSE Größe", 1),
    ],
)
def test_what_counts_as_the_same(text, within, count):
    wanted = Wanted.of(text)
    assert wanted is not None
    assert wanted.count(within) == count


def test_nothing_is_not_looked_for():
    assert Wanted.of("  ") is None


async def test_places_are_counted_in_order_and_gone_around():
    items: Sequence[Item] = [user(1, "a timeout"), answer(2, "one **timeout** and\n\nanother timeout"), user(3, "no")]
    async with Pane(items).run_test(size=SIZE) as pilot:
        pane = pilot.app.query_one(ConversationView)
        await settled(pilot)
        assert (await find(pilot, "timeout")) == Found("timeout", 1, 3)
        assert here(pane) == ["timeout"]
        assert len(marked(pane, "found")) == 2
        assert [(await step(pilot)).number for _ in range(3)] == [2, 3, 1]
        assert [(await step(pilot, -1)).number for _ in range(2)] == [3, 2]
        assert pane.cursor_item is items[1]
        pane.end_find()
        await settled(pilot)
        assert not pane.found.text
        assert not marked(pane, "found") + here(pane)


async def test_the_search_begins_at_what_is_in_sight():
    async with Pane(talk(60)).run_test(size=SIZE) as pilot:
        pane = pilot.app.query_one(ConversationView)
        await settled(pilot)
        assert (await find(pilot, "question")).number == 30
        assert "Question 59" in "\n".join(pilot.app.rows())
        pane.action_first()
        await settled(pilot)
        assert (await find(pilot, "question")).number == 1
        assert (await find(pilot, "question 31")).number == 1
        assert "Question 31" in "\n".join(pilot.app.rows())


async def test_a_match_that_is_wrapped_or_cut_over_rows_is_marked_on_each():
    long_word = "x" * 70 + "needle" + "y" * 70
    text = f"{'word ' * 9}split here\n\n`{'z' * 80}`"
    async with Pane([answer(1, text), user(2, long_word)]).run_test(size=(60, 24)) as pilot:
        pane = pilot.app.query_one(ConversationView)
        await settled(pilot)
        for width in range(40, 64):
            await pilot.resize_terminal(width, 24)
            await settled(pilot)
            assert (await find(pilot, "split here")).total == 1
            assert " ".join(here(pane)) == "split here", width
            assert (await find(pilot, "needle")).total == 1
            assert "".join(here(pane)) == "needle", width


async def test_what_is_closed_is_found_and_opens_when_it_is_gone_to():
    items = [
        user(1, "go"),
        call(
            2, state="success", arguments={"path": "needle.txt"}, content=(TextContent(text="a needle\nand a needle"),)
        ),
        call(3, state="error", arguments={"q": 1}, error=ErrorInfo(kind="error", message="a needle broke")),
        answer(4, "done", reasoning_pieces=["thinking of a needle"]),
        notice(5, "needle"),
        *[user(number, "more\n" * 5) for number in range(6, 12)],
    ]
    async with Pane(items).run_test(size=SIZE) as pilot:
        pane = pilot.app.query_one(ConversationView)
        await settled(pilot)
        pane.action_first()
        await settled(pilot)
        assert (await find(pilot, "needle")).total == 6
        seen = []
        for number in range(1, 7):
            assert pane.found.number == number
            assert here(pane) == ["needle"], number
            assert pane.cursor_item is not None
            seen.append(pane.cursor_item.key)
            await step(pilot)
        assert seen == ["c2", "c2", "c2", "c3", "a4", "n5"]
        assert "[-]" in "\n".join(pilot.app.rows()) or pane.found.number == 1


async def test_the_rest_of_a_long_result_is_found_and_named():
    long = "\n".join(f"line {number}" for number in range(5_000)) + "\nneedle"
    async with Pane([call(1, state="success", content=(TextContent(text=long),))]).run_test(size=SIZE) as pilot:
        await settled(pilot)
        found = await find(pilot, "needle")
        assert found == Found("needle", 1, 1, beyond=True)
        words = " ".join(" ".join(here(pilot.app.query_one(ConversationView))).split())
        assert "Enter opens the inspector" in words, "what leads to the match stands for it"


async def test_what_is_masked_is_not_found():
    key = "sk-" + "a1B2" * 12
    items = [call(1, state="success", sensitive=True, content=(TextContent(text=f"the key {key} is here"),))]
    async with Pane(items).run_test(size=SIZE) as pilot:
        await settled(pilot)
        assert (await find(pilot, key)).total == 0
        assert (await find(pilot, "a1B2")).total == 0
        assert (await find(pilot, "is here")).total == 1


async def test_what_comes_while_it_streams_is_found_and_the_place_stays():
    item = answer(2, streaming=True)
    async with Pane([user(1, "go"), item]).run_test(size=SIZE) as pilot:
        pane = pilot.app.query_one(ConversationView)
        pane.apply([streamed(item, "first needle\n\n")])
        await settled(pilot)
        assert (await find(pilot, "needle")) == Found("needle", 1, 1)
        for _ in range(30):
            pane.apply([streamed(item, "more text and a needle\n\n")])
        await settled(pilot)
        assert pane.found == Found("needle", 1, 31)
        assert here(pane) == ["needle"]
        assert "first needle" in "\n".join(pilot.app.rows())
        pane.apply([Change("added", user(3, "needle"))])
        await settled(pilot)
        assert pane.found.total == 32
        pane.apply([Change("removed", pane._views["u3"].item)])
        await settled(pilot)
        assert pane.found.total == 31


async def test_another_conversation_is_looked_through_anew():
    async with Pane([user(1, "needle")]).run_test(size=SIZE) as pilot:
        pane = pilot.app.query_one(ConversationView)
        await settled(pilot)
        await find(pilot, "needle")
        pane.load([user(1, "a needle, a needle"), answer(2, "and a needle")])
        await settled(pilot)
        assert pane.found == Found("needle", 0, 3)
        assert (await step(pilot)).number == 1


async def test_ten_thousand_messages_are_looked_through_a_slice_at_a_time_and_stay_lazy():
    items = talk(10_000)
    items[4_321] = user(4_322, "the needle")
    async with Pane(items).run_test(size=SIZE) as pilot:
        pane = pilot.app.query_one(ConversationView)
        await settled(pilot)
        pane.begin_find()
        pane.find("needle")
        frames = 0
        while pane.find_busy:
            await asyncio.sleep(0)
            frames += 1
        assert frames > 10
        await settled(pilot)
        assert pane.found == Found("needle", 1, 1)
        assert here(pane) == ["needle"]
        assert sum(view._built for view in pane._views.values()) < 300
        assert (await find(pilot, "question")).total == 5_000
        assert (await find(pilot, "x =")).total == 4_999


async def test_keys_that_find_are_left_to_others_where_nothing_is_looked_for():
    async with Pane([user(1, "needle, needle")]).run_test(size=SIZE) as pilot:
        pane = pilot.app.query_one(ConversationView)
        await settled(pilot)
        await pilot.press("n", "escape", "N")
        assert pane.found == Found()
        await find(pilot, "needle")
        await pilot.press("n")
        await settled(pilot)
        assert pane.found.number == 2
        await pilot.press("N")
        await settled(pilot)
        assert pane.found.number == 1
        assert not isinstance(pilot.app._exception, McpTuiError)
