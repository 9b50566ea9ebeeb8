"""Reading before accepting: the base of the screens that let a program start or a changed tool in.

They show one subject at a time, completely; no toast covers a part of it.  A key accepts only what is on the screen:
it sleeps for half a second after drawing and after the last key, and it is locked until the end of a long text was
shown.  Enter does nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from mcp_tui.errors import McpTuiError
from mcp_tui.safety.text import prose
from mcp_tui.ui.base_app import last_input_in
from mcp_tui.ui.screens.left_once import LeftOnce
from mcp_tui.ui.widgets.painted import PaintedText
from mcp_tui.ui.widgets.waking import Waking

Part = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Subject:
    """One thing to read.  Two subjects with the same ``key`` are the same text."""

    key: Hashable
    label: str
    """Its name in the row of names, in strict form."""
    mark: str = ""
    open: bool = True
    """Whether it still waits for the person."""


class GuardedScreen(LeftOnce, ModalScreen[None]):
    """One subject after the other, with keys that cannot be hit by accident."""

    DEFAULT_CSS = """
    GuardedScreen {
        align: center middle;
        background: $background 50%;
        & #box {
            width: 96%; max-width: 132; height: auto; max-height: 94%; background: $surface; border: round $card-border;
            border-title-color: $card-border; border-subtitle-color: $muted; padding: 0 1;
        }
        & #names { height: auto; max-height: 2; margin-bottom: 1; }
        & #body { height: auto; scrollbar-size-vertical: 1; }
        & #text { height: auto; }
        & #state, & #keys { height: auto; }
        & #state { margin-top: 1; }
    }
    """
    NAME = ""
    """What the border says."""

    def __init__(self, *, clock: Callable[[], float], first: str = "") -> None:
        super().__init__()
        self.waking = Waking(clock)
        self._text = PaintedText(self._was_painted, widget_id="text")
        self._subjects: list[Subject] = []
        self._first = first
        self._at = 0
        self._drawn: Hashable = None
        self._problem = ""
        """Why the last key did not accept anything."""
        self._lines: dict[str, object] = {}
        self.looked_at: set[Hashable] = set()
        """Keys of the subjects whose text was on the screen to its end."""

    # -- what subclasses say ---------------------------------------------------------------------

    def subjects(self) -> list[Subject]:
        """What there is to read now."""
        raise NotImplementedError

    def text(self, subject: Subject, width: int) -> Content:
        """All of a subject."""
        raise NotImplementedError

    def keys_text(self) -> Content:
        """The keys, in a line."""
        raise NotImplementedError

    def ready_text(self, subject: Subject) -> Part:
        """What the state line says when keys count."""
        raise NotImplementedError

    # -- drawing ---------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Names, text, state of the keys, keys."""
        with Vertical(id="box") as box:
            box.border_title = self.NAME
            yield Static(id="names")
            with VerticalScroll(id="body", can_focus=False):
                yield self._text
            yield Static(id="state")
            yield Static(id="keys")

    def on_mount(self) -> None:
        """Draw, and keep up with what happens.  Without a rack, toasts wait: none may cover what is accepted."""
        self.query("ToastRack").remove()
        self.draw()
        self._at = next((i for i, subject in enumerate(self._subjects) if subject.label == self._first), 0)
        self.draw()
        self.set_interval(0.5, self.draw)
        self.set_interval(0.1, self._draw_state)

    def on_resize(self, event: events.Resize) -> None:
        """The text follows the width: it counts as drawn anew."""
        self._drawn = None
        self.draw()

    @property
    def _whole(self) -> bool:
        """Whether all parts are there: a timer may fire once more while the screen goes."""
        return all(self.query(part) for part in ("#body", "#text", "#names", "#state", "#keys"))

    @property
    def _body(self) -> VerticalScroll:
        return self.query_one("#body", VerticalScroll)

    @property
    def subject(self) -> Subject | None:
        """What is on the screen."""
        return self._subjects[self._at] if self._at < len(self._subjects) else None

    def draw(self) -> None:
        """Draw the subject as it is now; what differs from what is drawn sends the keys to sleep."""
        if not self._whole:
            return
        current = self.subject
        self._subjects = self.subjects()
        if current is not None:
            same = [i for i, subject in enumerate(self._subjects) if subject.label == current.label]
            self._at = same[0] if same else min(self._at, max(0, len(self._subjects) - 1))
        subject = self.subject
        if subject is None:
            self.dismiss(None)
            return
        if subject.key != self._drawn:
            self._drawn = subject.key
            self._problem = ""
            self.waking.sleep()
            self._text.put(self.text(subject, self._width))
            self._body.scroll_home(animate=False, immediate=True)
            self._fit()
        self._update("#names", self._names())
        self._update("#keys", self.keys_text())
        self._draw_state()

    def _draw_state(self) -> None:
        if self._whole and self.subject is not None:
            self._update("#state", Content.styled(*self._state(self.subject)))

    @property
    def _width(self) -> int:
        return max(20, min(132, self.size.width * 96 // 100) - 5)

    def _fit(self) -> None:
        """Give the text what is left of the screen."""
        fixed = 2 + 2 + 2 + 2 + (1 if self.size.width < 100 else 0)
        self._body.styles.max_height = max(3, self.size.height * 94 // 100 - fixed)

    def _update(self, selector: str, content: Content) -> None:
        if self._lines.get(selector) != (content.plain, content.spans):
            self._lines[selector] = content.plain, content.spans
            self.query_one(selector, Static).update(content)

    def _names(self) -> Content:
        """The subjects by name, the ones around the chosen one where there are many."""
        parts: list[Part] = []
        first = max(0, self._at - 2)
        for index, subject in enumerate(self._subjects[first:], first):
            chosen = index == self._at
            name = f"{subject.mark} {subject.label}".strip()
            used = sum(len(text) for text, _ in parts)
            if not chosen and used + len(name) > self._width - 8:
                parts.append((f"… {len(self._subjects) - index} more", "$muted"))
                break
            style = "$primary bold underline" if chosen else "" if subject.open else "$muted"
            parts += [(name, style), ("   ", "")]
        if first:
            parts.insert(0, (f"{first} … ", "$muted"))
        return Content.assemble(*parts)

    def _was_painted(self) -> None:
        """Some of the text is on the screen, or all of it up to its end."""
        if not self._whole:
            return
        if self._text.painted and not self.waking.drawn:
            self.waking.was_drawn()
        if self._text.end_painted:
            self.looked_at.add(self._drawn)
        self._draw_state()

    def _state(self, subject: Subject) -> Part:
        if self._problem:
            return self._problem, "$error"
        if not subject.open:
            return self.ready_text(subject)
        left = self.waking.seconds_left(last_input_in(self.app))
        if left > 0:
            return f"keys wake up in {left:.1f} s", "$warning"
        if subject.key not in self.looked_at:
            return "accepting is locked until you have scrolled to the end (End, PgDn)", "$warning"
        return self.ready_text(subject)

    # -- keys ------------------------------------------------------------------------------------

    def may_accept(self) -> Subject | None:
        """The subject on the screen, where an accepting key counts for it now."""
        subject = self.subject
        if subject is None or not subject.open or subject.key != self._drawn:
            return None
        if self._subjects != self.subjects():
            return None
        return subject if self.waking.awake(self.app) and subject.key in self.looked_at else None

    def attempt(self, call: Callable[[], object]) -> bool:
        """Do what accepting does; an error of ours is said, and nothing counts as accepted."""
        try:
            call()
        except McpTuiError as error:
            self._problem = prose(str(error))
            self._draw_state()
            return False
        return True

    def action_step(self, step: int) -> None:
        """The subject before or after."""
        if len(self._subjects) > 1:
            self._at = (self._at + step) % len(self._subjects)
            self.draw()

    def action_scroll(self, step: int) -> None:
        """A line up or down."""
        self._body.scroll_relative(y=step, animate=False)

    def action_page(self, step: int) -> None:
        """A page up or down."""
        self._body.scroll_relative(y=step * max(1, self._body.size.height - 1), animate=False)

    def action_top(self) -> None:
        """The first line."""
        self._body.scroll_home(animate=False)

    def action_end(self) -> None:
        """The last line."""
        self._body.scroll_end(animate=False)

    def action_close(self) -> None:
        """Leave; nothing is accepted by leaving."""
        self.dismiss(None)


def key_line(keys: Sequence[Part]) -> Content:
    """``key label`` pairs in a line; Textual wraps what does not fit."""
    parts: list[Part] = []
    for key, label in keys:
        parts += [(key, "$accent bold"), (f" {label}   ", "")]
    return Content.assemble(*parts)
