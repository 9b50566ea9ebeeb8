"""What the approval card shows: one of the calls that wait, completely, with what is known of earlier ones."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from mcp_tui.ui.base_app import last_input_in, overrides_in
from mcp_tui.ui.literal import to_json
from mcp_tui.ui.widgets import approval_text, rule_page
from mcp_tui.ui.widgets.argument_editor import ArgumentEditor
from mcp_tui.ui.widgets.reading import ReadingCard
from mcp_tui.ui.widgets.rule_page import RulePage
from mcp_tui.ui.widgets.steady_input import SteadyInput

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.engine.assessment import Assessment
    from mcp_tui.engine.engine import Engine

SMALL_HEIGHT = 18
"""Rows of a terminal below which the card leaves its line of keys to F1."""

SELDOM = 10
"""Ticks, of a tenth of a second, after which an earlier definition is asked for again."""


class CallCard(ReadingCard):
    """One waiting call at a time, with a way to the others; `mcp_tui.ui.widgets.approval` adds the decisions."""

    DEFAULT_CSS = """
    CallCard {
        height: auto; border: round $card-border; border-title-color: $card-border; border-subtitle-color: $muted;
        padding: 0 1; background: $surface; display: none;
        &.-open { display: block; }
        &:focus, &:focus-within { border: heavy $card-border; }
        &.-guarded { border: round $error; border-title-color: $error; }
        &.-guarded:focus, &.-guarded:focus-within { border: heavy $error; }
        & #card-args { height: auto; scrollbar-size-vertical: 1; }
        & #card-body { height: auto; }
        & #card-keys, & #card-wake, & #card-head { height: auto; }
        & #card-edit { display: none; height: 12; }
        & #card-problems { height: auto; max-height: 4; color: $error; }
        & #card-message { display: none; }
        & #card-message, & #card-message:focus { border: none; height: 1; padding: 0; background: $background; }
        &.-editing #card-args, &.-editing #card-keys { display: none; }
        &.-editing #card-edit { display: block; }
        &.-answering #card-message { display: block; }
        &.-airy #card-head, &.-airy #card-args { margin-bottom: 1; }
        &.-ruling #card-head { display: none; }
        &.-small #card-keys { display: none; }
        &.-full { height: 1fr; }
        &.-full #card-args, &.-full #card-edit { height: 1fr; }
    }
    """

    class FullChanged(Message, namespace="approval_card"):
        """The card takes the room of the panes, or gives it back."""

        def __init__(self, full: bool) -> None:
            super().__init__()
            self.full = full

    def __init__(self, engine: Engine, *, clock: Callable[[], float], widget_id: str = "approval") -> None:
        super().__init__(clock=clock, widget_id=widget_id)
        self._engine = engine
        self._waiting: list[ToolCallItem] = []
        self._at = 0
        self._json = False
        self._edited: dict[str, dict[str, Any]] = {}
        """Approval id -> arguments as the person changed them."""
        self._answered: set[str] = set()
        self._assessment: Assessment | None = None
        self._ticks = 0
        self._page: RulePage | None = None
        self._before_page = False
        """Whether the card had the whole screen before the page did."""

    def compose(self) -> ComposeResult:
        """Head, arguments or rule or editor, message, keys, state of the keys."""
        yield Static(id="card-head")
        with VerticalScroll(id="card-args", can_focus=False):
            yield self.body
        with Vertical(id="card-edit"):
            yield ArgumentEditor("", id="card-editor", tab_behavior="focus", show_line_numbers=True, compact=True)
            yield Static(id="card-problems")
        yield SteadyInput(
            placeholder="what should the model know? Enter denies, Esc goes back", id="card-message", compact=True
        )
        yield Static(id="card-keys")
        yield Static(id="card-wake")

    def on_mount(self) -> None:
        """Follow scrolling, let the state of the keys count down, ask again for what is not known yet."""
        self.watch(self.pane, "scroll_y", self.draw_state, init=False)
        self.set_interval(0.1, self._tick)
        self._draw_keys()

    # -- what is shown -------------------------------------------------------------------------

    @property
    def item(self) -> ToolCallItem | None:
        """The call on the card."""
        return self._waiting[self._at] if self._waiting else None

    @property
    def arguments(self) -> dict[str, Any]:
        """Exactly what would run."""
        item = self.item
        if item is None:
            return {}
        return self._edited.get(item.approval_id, item.arguments)

    def show(self, waiting: list[ToolCallItem]) -> None:
        """Show the first of ``waiting``, or stay with the call that is on the card."""
        current = self.item
        self._waiting = [item for item in waiting if item.approval_id not in self._answered]
        self._at = next((i for i, item in enumerate(self._waiting) if item is current), 0)
        if self.item is not current:
            self._close_inputs()
        if not self._waiting:
            self._leave()
        self.set_class(bool(self._waiting), "-open")
        self._draw()

    def _leave(self) -> None:
        """Nothing waits any more."""
        self.take_away()
        self.set_full(False)
        if self.has_focus_within:
            self.screen.query_one("#composer").focus()

    def _shown(self, item: ToolCallItem) -> approval_text.Shown:
        return approval_text.Shown(item, self.arguments, item.approval_id in self._edited, self._assessment)

    def _draw(self, *, again: bool = False) -> None:
        """Draw the call, if it is not drawn already (``again``: in any case); its keys sleep until it is."""
        item = self.item
        if item is None:
            return
        self._draw_border(item)
        if self._page is not None:
            self._draw_page(self._page)
            return
        wanted = self._wanted(item)
        if wanted == self.drawn and not again:
            return
        if self._subject(item) != self.subject:
            self._assessment = self._engine.assess(item.key, self._edited.get(item.approval_id))
            wanted = self._wanted(item)
        shown = self._shown(item)
        self.query_one("#card-head", Static).update(approval_text.head(shown, self._width))
        text = approval_text.body(shown, self._width, as_json=self._json)
        if self.has_class("-full"):
            text += approval_text.definition(shown, self._diffs(item))
        self.put(text, wanted, self._subject(item))
        self._fit()

    def _draw_page(self, page: RulePage) -> None:
        if page.subject != self.subject:
            self.put(page.text(self._width), page.subject, page.subject)
            self._fit()

    def _draw_border(self, item: ToolCallItem) -> None:
        transport = next((server.transport for server in self._engine.servers if server.name == item.server), "")
        position = f"{self._at + 1} of {len(self._waiting)}"
        self.border_title = approval_text.title(self._shown(item), transport, position)
        if item.guarded != self.has_class("-guarded"):
            self.set_class(item.guarded, "-guarded")
            self._draw_keys()

    def _subject(self, item: ToolCallItem) -> Hashable:
        """What a decision is about: the call and exactly its arguments."""
        return item.approval_id, to_json(self.arguments, indent=None)

    def _wanted(self, item: ToolCallItem) -> object:
        """What must be on the card before it can allow, in this form."""
        return self._subject(item), self._json, self.has_class("-full"), self._assessment

    def _diffs(self, item: ToolCallItem) -> Any:
        """What of the definition is different from the one that was last allowed."""
        from mcp_tui.events.tools import HeldTool

        before = self._assessment.before if self._assessment is not None else None
        if before is None or item.definition is None:
            return ()
        return self._engine.trust.diff(HeldTool(definition=item.definition, reason="changed", accepted=before))

    def _tick(self) -> None:
        """Draw again when what is said of earlier calls became known; let the state of the keys count down."""
        item = self.item
        if item is None:
            return
        before = self._assessment
        self._ticks += 1
        unclear = before is not None and before.changed and before.before is None and self._ticks % SELDOM == 0
        if self._page is None and (before is None or unclear):
            self._assessment = self._engine.assess(item.key, self._edited.get(item.approval_id))
            if self._assessment != before:
                self._draw()
        self.draw_state()

    @property
    def _width(self) -> int:
        return max(20, self.screen.size.width - 5)

    def _draw_keys(self) -> None:
        overrides = overrides_in(self.app)
        item = self.item
        guarded = item is not None and item.guarded
        text = approval_text.keys_text(overrides, self._width, guarded=guarded)
        if self._page is not None:
            text = rule_page.keys_text(overrides)
        self.query_one("#card-keys", Static).update(text)

    def on_resize(self) -> None:
        """Keep to at most 60 % of the height; another size of the terminal is another picture."""
        if self.screen_resized():
            self._draw_keys()
            self._draw(again=True)
        self._fit()

    def _fit(self) -> None:
        """Give the arguments what is left of 60 % of the screen's height."""
        full = self.has_class("-full")
        small = self.screen.size.height < SMALL_HEIGHT
        self.set_class(small, "-small")
        limit = self.screen.size.height * 6 // 10
        names = [] if self._page is not None else ["#card-head"]
        names += [] if small else ["#card-keys"]
        fixed = 3 + sum(len(self._plain(name).wrap(self._width)) for name in names)
        self.set_class(self._fits(limit - fixed - 2), "-airy")
        self.pane.styles.max_height = None if full else max(2, limit - fixed)
        wanted = self.query_one(ArgumentEditor).document.line_count + 4
        self.query_one("#card-edit").styles.height = "1fr" if full else max(4, min(wanted, limit - 5))

    def _fits(self, rows: int) -> bool:
        """Whether the text is no longer than that."""
        text = self._plain("#card-body")
        return len(text) <= rows * self._width and len(text.wrap(self._width - 2)) <= rows

    def _plain(self, selector: str) -> Content:
        content = self.query_one(selector, Static).content
        return content if isinstance(content, Content) else Content("")

    # -- when keys count -----------------------------------------------------------------------

    @property
    def seen_to_end(self) -> bool:
        """Whether all of the arguments were on the screen."""
        item = self.item
        return item is not None and self.was_read(self._subject(item))

    def _awake(self) -> bool:
        """Whether the key that is being handled counts: the one before it must be long enough ago."""
        return self.item is not None and self.waking.awake(self.app)

    def draw_state(self, *_: object) -> None:
        """Say whether keys count, why not, and which part is on the screen."""
        item = self.item
        if item is None or self.has_class("-editing"):
            return
        last = last_input_in(self.app)
        keys = "w" if self._page is not None else "y" if item.guarded else "y, s and p"
        text, style = approval_text.state_text(
            focused=self.has_focus_within,
            seconds=self.waking.seconds_left(last),
            locked="" if self.read else keys,
            narrow=self.screen.size.width < 78,
            unready=self._page.unready if self._page is not None else "",
        )
        wake, content = self.query_one("#card-wake", Static), Content.styled(text, style)
        if wake.content != content:
            wake.update(content)
        others = "Left/Right: other calls" if len(self._waiting) > 1 and self._page is None else ""
        subtitle = "   ".join(filter(None, (self.place(), others)))
        if self.border_subtitle != subtitle:
            self.border_subtitle = subtitle

    def on_focus(self) -> None:
        """Keys may count from now on; an open editor or message takes the focus back."""
        if self.has_class("-editing"):
            self.query_one(ArgumentEditor).focus()
        elif self.has_class("-answering"):
            self.query_one("#card-message", Input).focus()
        self.draw_state()

    def on_blur(self) -> None:
        """Keys do not count any more."""
        self.draw_state()

    # -- looking around ------------------------------------------------------------------------

    def action_toggle_json(self) -> None:
        """Rows or the whole JSON."""
        self._json = not self._json
        self._draw()

    def action_toggle_full(self) -> None:
        """The whole screen for the card, or back."""
        self.set_full(not self.has_class("-full"))

    def set_full(self, full: bool) -> None:
        """Take the room of the panes, or give it back."""
        if self.has_class("-full") == full:
            return
        self.set_class(full, "-full")
        self.post_message(self.FullChanged(full))
        self._draw(again=True)
        self._fit()

    def action_previous(self) -> None:
        """The waiting call before."""
        self._step(-1)

    def action_next(self) -> None:
        """The waiting call after."""
        self._step(1)

    def _step(self, step: int) -> None:
        if len(self._waiting) > 1:
            self._at = (self._at + step) % len(self._waiting)
            self._close_inputs()
            self._draw()

    def _close_inputs(self) -> None:
        """Editor, message and page of a rule go away; nothing of them counts."""
        inside = self.has_focus_within and not self.has_focus
        self.query_one("#card-message", Input).value = ""
        self.remove_class("-editing", "-answering", "-ruling")
        if self._page is not None:
            self._page = None
            self._draw_keys()
            self.set_full(self._before_page)
        if inside and self._waiting:
            self.focus()
        self._fit()
