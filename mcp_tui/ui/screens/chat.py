"""The main screen: conversation, composer, and the panes around them.  It lays out; `panes` decides what is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, cast

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import Screen
from textual.widget import Widget

from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.widgets.bars import Completions, Line
from mcp_tui.ui.widgets.composer import Completer, Composer
from mcp_tui.ui.widgets.welcome import Welcome

if TYPE_CHECKING:
    from mcp_tui.ui.base_app import BaseApp
    from mcp_tui.ui.prompt_history import PromptHistory
    from mcp_tui.ui.widgets.approval import ApprovalCard
    from mcp_tui.ui.widgets.conversation import ConversationView
    from mcp_tui.ui.widgets.find_bar import FindBar

NARROW, WIDE = 100, 140
"""Columns: below the first, one pane at a time; from the second on, sidebar and inspector beside each other."""
TINY = (60, 16)
"""Below either, conversation and composer only."""

PANE_ORDER = ("composer", "approval", "question", "find", "conversation", "welcome", "inspector", "sidebar")
"""Order of Tab: what waits for an answer comes right after the input."""

PLACEHOLDER = "ask, / for commands, Ctrl+G editor"


class ChatScreen(Screen[None]):
    """Header, main area, approval card, composer, status and hints, from top to bottom."""

    AUTO_FOCUS = "Composer"
    BINDINGS: ClassVar[list[BindingType]] = [
        binding
        for binding in bindings("app")
        if isinstance(binding, Binding) and binding.id in ("app.stop", "app.next_pane", "app.previous_pane")
    ]

    def __init__(
        self, on_send: Callable[[str], bool], completer: Completer, history: PromptHistory, *, sidebar: bool
    ) -> None:
        super().__init__(id="chat")
        self._sidebar = sidebar
        self._on_send, self._completer, self._history = on_send, completer, history
        self._opened: set[str] = set()
        self.talking = False
        """Whether the conversation is shown, not the welcome."""
        self._card_full = False

    def compose(self) -> ComposeResult:
        """What the first paint shows; panes are mounted when they are first opened."""
        yield Line(widget_id="header")
        with Horizontal(id="main"), Vertical(id="centre"):
            yield Welcome(widget_id="welcome")
        yield Completions(widget_id="completions")
        yield Composer(self._on_send, self._completer, self._history, placeholder=PLACEHOLDER, widget_id="composer")
        yield Line(widget_id="status")
        yield Line(widget_id="hints")

    def on_mount(self) -> None:
        """Tell the app when all of it is on the terminal."""
        self.call_after_refresh(self._painted)

    def _painted(self) -> None:
        self.app.call_later(cast("BaseApp", self.app).screen_painted)

    async def action_stop_or_back(self) -> None:
        """Esc belongs to the app, but must win over Textual's own binding of it on screens."""
        await self.run_action("app.stop_or_back")

    def action_next_pane(self, step: int) -> None:
        """Tab: composer, approval card, conversation, inspector, sidebar, and around."""
        panes = [target for name in PANE_ORDER if (target := self.pane_target(name)) is not None]
        at = next((i for i, pane in enumerate(panes) if pane.has_focus or pane.has_focus_within), 0)
        if panes:
            panes[(at + step) % len(panes)].focus()

    def pane_target(self, name: str) -> Widget | None:
        """The widget that takes the focus of the pane ``name``, if it is on the screen."""
        for pane in self.query(f"#{name}"):
            if not all(node.display for node in pane.ancestors_with_self if isinstance(node, Widget)):
                continue
            inside: list[Widget] = [pane, *pane.query(Widget)]
            for widget in inside:
                if widget.focusable and widget.display:
                    return widget
        return None

    def on_descendant_focus(self) -> None:
        """The hint line follows the focus."""
        self.call_later(cast("BaseApp", self.app).focus_moved)

    # -- parts -----------------------------------------------------------------------------

    @property
    def composer(self) -> Composer:
        """The input."""
        return self.query_one("#composer", Composer)

    def line(self, name: str) -> Line:
        """``header``, ``status`` or ``hints``."""
        return self.query_one(f"#{name}", Line)

    @property
    def welcome(self) -> Welcome:
        """What an empty conversation shows."""
        return self.query_one("#welcome", Welcome)

    # -- width rules -----------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """Apply the width rules."""
        width, height = event.size
        self.set_class(width < NARROW, "-narrow")
        self.set_class(width >= WIDE, "-wide")
        self.set_class(width < TINY[0] or height < TINY[1], "-tiny")
        if self.has_class("-tiny") and (self.focused_in("sidebar") or self.focused_in("inspector")):
            self.composer.focus()
        self.show_panes()
        if not self.has_class("-wide") and self.is_open("sidebar") and self.is_open("inspector"):
            self.set_pane("inspector" if self.focused_in("sidebar") else "sidebar", opened=False)

    def focused_in(self, name: str) -> bool:
        """Whether the focus is inside the widget with this id."""
        focused = self.focused
        return focused is not None and any(node.id == name for node in focused.ancestors_with_self)

    def is_open(self, name: str) -> bool:
        """Whether ``sidebar`` or ``inspector`` is open."""
        return name in self._opened and bool(self.query(f"#{name}"))

    def show_talk(self, talking: bool) -> None:
        """Show the conversation, or the welcome."""
        if talking != self.talking:
            self.talking = talking
            self.show_panes()

    def set_card_full(self, full: bool) -> None:
        """Give the card the room of the panes, or take it back."""
        self._card_full = full
        self.show_panes()

    def show_panes(self) -> None:
        """Show what is open.  Widgets are shown and hidden one by one: a class of the screen restyles all of it."""
        tiny, narrow = self.has_class("-tiny"), self.has_class("-narrow")
        panes = {name for name in ("sidebar", "inspector") if self.is_open(name) and not tiny}
        shown = {name: name in panes for name in ("sidebar", "inspector")}
        shown |= {"conversation": self.talking, "welcome": not self.talking}
        shown |= {"centre": not (narrow and panes), "main": not self._card_full}
        for name, display in shown.items():
            for widget in self.query(f"#{name}"):
                if widget.display != display:
                    widget.display = display

    @property
    def wants_sidebar(self) -> bool:
        """Whether the sidebar opens by itself: the person did not close it, and there is room."""
        return self._sidebar and self.app.size.width >= NARROW and self.app.size.height >= TINY[1] + 8

    def set_pane(self, name: str, *, opened: bool) -> None:
        """Open or close ``sidebar`` or ``inspector``; where there is no room for both, the other one closes."""
        if not opened and self.focused_in(name):
            self.set_focus(self.composer)
        if opened:
            self._opened.add(name)
        else:
            self._opened.discard(name)
        if opened and not self.has_class("-wide"):
            other = "inspector" if name == "sidebar" else "sidebar"
            if self.is_open(other):
                self.set_pane(other, opened=False)
        self.show_panes()

    def uncover(self) -> None:
        """Close what stands in the place of the conversation where there is room for one pane only."""
        if self.has_class("-narrow"):
            for name in ("sidebar", "inspector"):
                self.set_pane(name, opened=False)

    async def mount_pane(self, name: str, make: Callable[[], Widget]) -> Widget:
        """The pane with id ``name``, made on first use."""
        found = self.query(f"#{name}")
        if found:
            return found.first()
        widget = make()
        main = self.query_one("#main")
        if name == "sidebar":
            await main.mount(widget, before=0)
        else:
            await main.mount(widget)
        return widget

    async def find_bar(self, conversation: ConversationView) -> FindBar:
        """The bar above the composer, made on first use."""
        from mcp_tui.ui.widgets.find_bar import FindBar

        found = self.query(FindBar)
        if found:
            return found.first()
        bar = FindBar(conversation, widget_id="find")
        await self.mount(bar, before="#completions")
        return bar

    def close_find(self) -> None:
        """Take the find bar away."""
        for bar in self.query("#find"):
            cast("FindBar", bar).close()

    # -- messages -----------------------------------------------------------------

    def on_approval_card_full_changed(self, message: ApprovalCard.FullChanged) -> None:
        """Make room for the card, or give it back."""
        self.set_card_full(message.full)

    def on_composer_edited(self, message: Composer.Edited) -> None:
        """Show what the composer offers."""
        self.query_one("#completions", Completions).show(message.completions, message.chosen)

    def on_composer_changes_kept(self) -> None:
        """Say where to find what was changed of an input."""
        self.notify("What you changed is the latest of the earlier prompts (Up).", timeout=4, markup=False)

    def on_composer_failed(self, message: Composer.Failed) -> None:
        """Say what did not work."""
        self.notify(Content(str(message.error)).plain, severity="error", markup=False)
