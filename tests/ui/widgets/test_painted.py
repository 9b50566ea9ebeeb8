"""What counts as seen is what was painted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from textual.app import App, ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.pilot import Pilot
from textual.screen import ModalScreen, Screen

from mcp_tui.ui.widgets.painted import PaintedText

LONG = Content("\n".join(f"line {n}" for n in range(100)))
WRAPPED = Content("word " * 400)
"""One line that is painted as many."""


class Reader(App[None]):
    CSS = "VerticalScroll { height: 6; } PaintedText { height: auto; }"

    def __init__(self) -> None:
        super().__init__()
        self.told = 0
        self.text = PaintedText(self.tell, widget_id="text")

    def tell(self) -> None:
        self.told += 1

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield self.text

    @property
    def pane(self) -> VerticalScroll:
        return self.query_one(VerticalScroll)


@dataclass
class Bench:
    app: Reader
    pilot: Pilot[None] = field(repr=False)

    async def put(self, text: Content) -> tuple[bool, bool]:
        self.app.text.put(text)
        self.app.pane.scroll_home(animate=False, immediate=True)
        return await self.state()

    async def state(self) -> tuple[bool, bool]:
        """(some of it, its end)."""
        for _ in range(3):
            await self.pilot.pause()
        return self.app.text.painted, self.app.text.end_painted


@asynccontextmanager
async def bench() -> AsyncIterator[Bench]:
    app = Reader()
    async with app.run_test(size=(40, 12)) as pilot:
        yield Bench(app, pilot)


async def test_a_short_text_is_seen_at_once_and_a_long_one_at_its_end() -> None:
    async with bench() as b:
        assert await b.put(Content("one\ntwo")) == (True, True)
        for text in (LONG, WRAPPED):
            assert await b.put(text) == (True, False)
            b.app.pane.scroll_relative(y=3, animate=False, immediate=True)
            assert await b.state() == (True, False)
            b.app.pane.scroll_end(animate=False, immediate=True)
            assert await b.state() == (True, True)
        assert b.app.told >= 5


async def test_the_end_of_one_text_is_not_that_of_the_next() -> None:
    async with bench() as b:
        await b.put(LONG)
        b.app.pane.scroll_end(animate=False, immediate=True)
        assert await b.state() == (True, True)
        assert await b.put(Content(f"{LONG.plain}!")) == (True, False)


async def test_what_is_painted_again_counts_anew() -> None:
    async with bench() as b:
        await b.put(Content("one"))
        b.app.text.forget()
        assert not b.app.text.painted
        assert await b.state() == (True, True)


async def test_nothing_is_seen_under_another_screen() -> None:
    async with bench() as b:
        for other in (Screen[None](), ModalScreen[None]()):
            await b.app.push_screen(other)
            assert await b.put(Content("one\ntwo")) == (False, False)
            await b.app.pop_screen()
            assert await b.state() == (True, True)


async def test_a_screen_that_comes_and_goes_at_once_lets_nothing_be_seen_to_its_end() -> None:
    async with bench() as b:
        await b.put(LONG)
        b.app.pane.scroll_end(animate=False, immediate=True)
        await b.state()
        b.app.text.put(Content(f"{LONG.plain}!"))
        b.app.pane.scroll_home(animate=False, immediate=True)
        b.app.push_screen(ModalScreen[None]())
        b.app.pop_screen()
        assert await b.state() == (True, False)
