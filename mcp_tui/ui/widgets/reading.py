"""The part of a card that makes sure it was read: what is drawn, since when, and whether its end was in sight."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from mcp_tui.ui.widgets.waking import Waking


class ReadingCard(Vertical, can_focus=True):
    """A text that scrolls inside the card ``#card-args``, in the widget ``#card-body``.

    Its keys count only while exactly what they would decide on is drawn (`drawn`), half a second after that and
    after the last key (`waking`), and those that let something run only once the end was in sight (`read`).
    """

    def __init__(self, *, clock: Callable[[], float], widget_id: str) -> None:
        super().__init__(id=widget_id)
        self.waking = Waking(clock)
        self.drawn: object = None
        """What is on the card, in which form."""
        self.subject: Hashable = None
        """What it is about, in whatever form."""
        self._read: set[Hashable] = set()
        self._screen_size = Size(0, 0)
        self._covered = False
        """Whether it was put while another screen was on top: then it has no place yet."""

    def draw_state(self) -> None:
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
        self.query_one("#card-body", Static).update(text)
        if not same:
            self.pane.scroll_home(animate=False)
        self.put_again()

    def put_again(self) -> None:
        """The place or the size of what is drawn changed: keys sleep until it stands still."""
        self.waking.sleep()
        self.draw_state()
        self.call_after_refresh(self._was_put, self.drawn)

    def take_away(self) -> None:
        """Nothing is on the card."""
        self.drawn = self.subject = None
        self.waking.sleep()

    def _was_put(self, what: object) -> None:
        if what != self.drawn or what is None:
            return
        self._covered = not self.screen.is_active
        if not self._covered:
            self.waking.was_drawn()
            self.look()

    def look_again(self) -> None:
        """What was put under another screen counts as drawn once it is laid out and painted; call it now and then."""
        if self._covered and self.screen.is_active:
            self._covered = False
            self.call_after_refresh(self._was_put, self.drawn)

    def look(self, *_: object) -> None:
        """Note when the end is in sight."""
        pane = self.pane
        if not self.screen.is_active or not self.waking.drawn or not pane.size.height or not pane.region.height:
            return
        if pane.scroll_y >= pane.max_scroll_y - 0.5:
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
