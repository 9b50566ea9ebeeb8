"""The part of a card that makes sure it was read: what is drawn, since when, and whether its end was in sight."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size

from mcp_tui.ui.widgets.painted import PaintedText
from mcp_tui.ui.widgets.waking import Waking


class ReadingCard(Vertical, can_focus=True):
    """A text that scrolls inside the card ``#card-args``, in the widget `body`.

    Its keys count only while exactly what they would decide on is drawn (`drawn`), half a second after it was painted
    and after the last key (`waking`), and those that let something run only once its end was painted (`read`).
    """

    def __init__(self, *, clock: Callable[[], float], widget_id: str) -> None:
        super().__init__(id=widget_id)
        self.body = PaintedText(self._was_painted, widget_id="card-body")
        self.waking = Waking(clock)
        self.drawn: object = None
        """What is on the card, in which form."""
        self.subject: Hashable = None
        """What it is about, in whatever form."""
        self._read: set[Hashable] = set()
        self._screen_size = Size(0, 0)

    def draw_state(self, *_: object) -> None:
        """Say whether keys count."""
        raise NotImplementedError

    @property
    def pane(self) -> VerticalScroll:
        """What scrolls."""
        return self.query_one("#card-args", VerticalScroll)

    def put(self, text: Content, drawn: object, subject: Hashable) -> None:
        """Draw ``text``; keys sleep until it is on the screen.  The same subject keeps its place."""
        same = subject == self.subject
        self.drawn, self.subject = drawn, subject
        self.waking.sleep()
        self.body.put(text)
        if not same:
            self.pane.scroll_home(animate=False, immediate=True)
        self.draw_state()

    def take_away(self) -> None:
        """Nothing is on the card."""
        self.drawn = self.subject = None
        self.waking.sleep()

    def _was_painted(self) -> None:
        """Some of what was put is on the screen, or all of it up to its end."""
        if self.drawn is None:
            return
        if self.body.painted and not self.waking.drawn:
            self.waking.was_drawn()
        if self.body.end_painted:
            self._read.add(self.subject)
        self.draw_state()

    @property
    def read(self) -> bool:
        """Whether the end of what is on the card was on the screen."""
        return self.drawn is not None and self.subject in self._read

    def was_read(self, subject: Hashable) -> bool:
        """Whether the end of ``subject`` was on the screen, in one form or another."""
        return subject in self._read

    def screen_resized(self) -> bool:
        """Whether the terminal has another size than at the last time this was asked."""
        before, self._screen_size = self._screen_size, self.screen.size
        return before != self._screen_size

    def place(self) -> str:
        """Which lines are on the screen, where not all are."""
        pane = self.pane
        whole = pane.virtual_size.height
        if whole <= pane.size.height:
            return ""
        first = int(pane.scroll_y) + 1
        return f"lines {first:,}-{min(whole, first + pane.size.height - 1):,} of {whole:,}"

    # -- keys ----------------------------------------------------------------------------------

    def action_scroll_args(self, step: int) -> None:
        """A line up or down."""
        self.pane.scroll_relative(y=step, animate=False)

    def action_page_args(self, step: int) -> None:
        """A page up or down."""
        self.pane.scroll_relative(y=step * max(1, self.pane.size.height - 1), animate=False)

    def action_top_args(self) -> None:
        """The first line."""
        self.pane.scroll_home(animate=False)

    def action_end_args(self) -> None:
        """The last line."""
        self.pane.scroll_end(animate=False)
