"""A conversation of any length in the pane: from its end, in slices, and nothing in sight moves."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest

from mcp_tui.conversation.items import Change, Item
from mcp_tui.events.content import TextContent
from mcp_tui.ui.widgets.beginning import SHOWN_AT_ONCE, Beginning
from mcp_tui.ui.widgets.blocks.item import ItemView
from mcp_tui.ui.widgets.blocks.views import view_of
from mcp_tui.ui.widgets.document.section import Canvas
from mcp_tui.ui.widgets.document.style import Palette, Pen
from tests.ui.widgets.conversation_support import Pane, answer, call, settled, talk, user


def mixed(count: int) -> list[Item]:
    """All kinds of items, of very different heights."""
    choice = random.Random(7)
    items: list[Item] = []
    for number in range(1, count + 1):
        words = " ".join(choice.choices(["word", "longer-word", "x"], k=choice.randint(1, 120)))
        match number % 4:
            case 1:
                items.append(user(number, f"Question {number}\n{words}"))
            case 2:
                items.append(call(number, state="success", arguments={"n": number}))
            case 3:
                result = (TextContent(text="\n".join(f"row {n} of {number}" for n in range(number % 40))),)
                items.append(call(number, state="error", content=result))
            case _:
                items.append(
                    answer(number, f"Answer {number}\n\n- {words}\n- two\n\n```\ncode {number}\n```\n\n{words}")
                )
    return items


def keys(app: Pane) -> list[str]:
    return [entry.item.key for entry in app.pane.document.entries if isinstance(entry, ItemView)]


def copies(items: list[Item]) -> list[Item]:
    return [replace(item) for item in items]


def without_numbers(rows: list[str]) -> list[str]:
    return [row.rsplit("#", 1)[0].split("  0.0s")[0].rstrip() for row in rows]


async def test_the_end_is_there_first_and_the_rest_follows_in_its_order() -> None:
    items = talk(20 * SHOWN_AT_ONCE)
    app = Pane([])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.load(items)
        assert keys(app) == [item.key for item in items[-SHOWN_AT_ONCE:]]
        assert app.pane.busy
        await settled(pilot)
        assert keys(app) == [item.key for item in items]
        assert app.pane.following
        assert any(row.endswith(f"#{len(items)}") for row in app.rows())
        await pilot.press("g")
        assert any("Question 1" in row for row in app.rows())
        assert app.pane.cursor_item is items[0]


def test_a_slice_of_the_beginning_is_short() -> None:
    items, canvas = talk(4000), Canvas(Pen(80, Palette()))
    beginning = Beginning(items, lambda item, previous: view_of(item, canvas))
    assert not beginning.work(time.perf_counter())
    assert 0 < len(beginning.views) < 100
    while not beginning.work(time.perf_counter() + 0.001):
        pass
    assert [view.item for view in beginning.views] == items
    assert items[5].key in beginning


@pytest.mark.parametrize("height", [24, 40])
async def test_completing_moves_nothing_that_is_in_sight(height: int) -> None:
    items = mixed(900)
    shown = [replace(item, number=0) for item in items[-120:]]
    app = Pane([])
    async with app.run_test(size=(80, height)) as pilot:
        app.pane.load(shown, more_above=True)
        await settled(pilot)
        app.pane.action_page(-1)
        app.pane.action_page(-1)
        app.pane.scroll_to(y=app.pane.scroll_offset.y - 3, animate=False)
        app.pane.cursor_key = shown[-20].key
        await settled(pilot)
        before = app.rows()
        assert not any("#" in row for row in before)
        app.pane.complete(items)
        await settled(pilot)
        after = app.rows()
        assert without_numbers(after) == without_numbers(before)
        assert any("#" in row for row in after)
        assert not app.pane.following
        assert app.pane.cursor_item is items[-20]
        assert keys(app) == [item.key for item in items]


async def test_completing_at_the_end_goes_on_following_and_what_was_opened_stays_open() -> None:
    items = mixed(800)
    app = Pane([])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.load(copies(items[-100:]), more_above=True)
        await settled(pilot)
        item = next(each for each in reversed(items) if each.key.startswith("c"))
        app.pane.cursor_key = item.key
        app.pane.action_expand()
        await settled(pilot)
        before = app.rows()
        app.pane.complete(items)
        await settled(pilot)
        assert without_numbers(app.rows()) == without_numbers(before)
        assert app.pane.following
        app.pane.apply([Change("added", user(5000, "one more"))])
        await settled(pilot)
        assert "one more" in app.rows()[-1]
        assert keys(app) == [*(each.key for each in items), "u5000"]


async def test_its_first_row_says_that_there_is_more_until_it_is_there() -> None:
    items = mixed(900)
    app = Pane([])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.load(copies(items[-100:]), more_above=True)
        await settled(pilot)
        app.pane.action_top()
        await settled(pilot)
        assert app.rows()[0] == " .. reading what came before"
        app.pane.complete(items)
        await settled(pilot)
        assert "reading what came before" not in app.shown()
        assert app.pane.scroll_offset.y == 0
        assert "Question 1" in app.shown()


async def test_the_beginning_that_is_all_there_is_leaves_no_row_of_ours() -> None:
    items = mixed(50)
    app = Pane([])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.load(copies(items), more_above=True)
        await settled(pilot)
        app.pane.complete(items)
        await settled(pilot)
        assert len(app.pane.document.entries) == 50


async def test_what_is_asked_of_an_item_that_is_not_there_yet_is_answered() -> None:
    items = talk(2000)
    app = Pane([])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.load(items)
        app.pane.apply([Change("removed", items[10]), Change("updated", items[20])])
        await settled(pilot)
        assert keys(app) == [item.key for item in items if item is not items[10]]
        app.pane.load(items)
        app.pane.cursor_key = keys(app)[0]
        app.pane.action_cursor(-1)
        assert app.pane.cursor_item is items[-SHOWN_AT_ONCE - 1]
        app.pane.load(items)
        app.pane.show_item("u101")
        await settled(pilot)
        assert "Question 101" in app.shown()


@pytest.mark.parametrize("more", [[], [0], list(range(40))])
async def test_a_conversation_that_was_read_again_with_others_items_keeps_its_place(more: list[int]) -> None:
    items = mixed(400)
    app = Pane([])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.load(copies(items))
        await settled(pilot)
        app.pane.show_item(items[200].key)
        await settled(pilot)
        before = app.rows()
        others: list[Item] = [user(9000 + number, "from the other window") for number in more]
        app.pane.complete([*copies(items), *others])
        await settled(pilot)
        assert app.rows() == before
        assert keys(app)[-len(others) - 1] == items[-1].key


@pytest.mark.parametrize("width", [80, 120])
async def test_every_row_comes_by_once_in_both_directions(width: int) -> None:
    app = Pane(mixed(60))
    async with app.run_test(size=(width, 24)) as pilot:
        await settled(pilot)
        pane, up = app.pane, 0
        while pane.scroll_offset.y > 0:
            before = app.rows()
            pane.scroll_to(y=pane.scroll_offset.y - 3, animate=False)
            after, up = app.rows(), up + 1
            assert pane.scroll_offset.y == 0 or after[3:] == before[:-3]
        while pane.scroll_offset.y < pane.document.height - 24:
            before = app.rows()
            pane.scroll_to(y=pane.scroll_offset.y + 3, animate=False)
            assert app.rows()[:-3] == before[3:] or pane.scroll_offset.y == pane.document.height - 24
            up -= 1
        assert abs(up) <= 2


async def test_a_page_up_goes_exactly_a_page_over_what_was_never_drawn() -> None:
    app = Pane(mixed(200))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for _ in range(30):
            before = app.rows()
            app.pane.action_page(-1)
            assert app.rows()[-1] == before[0]


async def test_another_width_keeps_the_place_and_the_scroll_bar_is_right_soon() -> None:
    items = mixed(1500)
    app = Pane(items)
    async with app.run_test(size=(120, 24)) as pilot:
        await settled(pilot)
        app.pane.show_item(items[700].key)
        await settled(pilot)
        top = app.pane.document.position_at(app.pane.scroll_offset.y)
        await pilot.resize_terminal(60, 24)
        await settled(pilot)
        resized = app.pane.document.position_at(app.pane.scroll_offset.y)
        assert top is not None
        assert resized is not None
        assert (resized.serial, resized.spot[:2]) == (top.serial, top.spot[:2])
        estimated = app.pane.document.height
    fresh = Pane(items)
    async with fresh.run_test(size=(60, 24)) as pilot:
        await settled(pilot)
        assert abs(estimated - fresh.pane.document.height) < fresh.pane.document.height / 100


@pytest.mark.parametrize("key", ["g", "home"])
async def test_the_beginning_is_gone_to_when_it_is_there(key: str) -> None:
    items = mixed(900)
    app = Pane([])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.load(copies(items[-100:]), more_above=True)
        await settled(pilot)
        await pilot.press(key)
        await settled(pilot)
        assert any("reading what came before" in row for row in app.rows()) or key == "g"
        assert any(items[-100].key in (view.item.key,) for view in app.pane._views_in_sight())
        app.pane.complete(items)
        await settled(pilot)
        assert app.pane.scroll_offset.y == 0
        assert app.rows()[0].rstrip().endswith("#1")
        assert app.pane.cursor_item is (items[0] if key == "g" else None)


@pytest.mark.parametrize("then", ["pagedown", "pageup", "G", "end", "k", "j"])
async def test_who_moves_on_before_that_stays_there(then: str) -> None:
    items = mixed(900)
    app = Pane([])
    async with app.run_test(size=(80, 24)) as pilot:
        app.pane.load(copies(items[-100:]), more_above=True)
        await settled(pilot)
        await pilot.press("pageup", "pageup", "home")
        if then == "pageup":
            app.pane.scroll_to(y=4, animate=False)
        await pilot.press(then)
        await settled(pilot)
        before = app.rows()
        app.pane.complete(items)
        await settled(pilot)
        assert without_numbers(app.rows())[3:] == without_numbers(before)[3:]
