"""The approval card: in the flow above the composer, never modal, never in the way of typing.

It cannot be hit by accident (requirement F2): it never takes the focus; its keys count only half a second after
it was fully drawn and half a second after the last key or paste; Enter does nothing; allowing is locked until
long arguments were scrolled to their end.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from mcp_tui.errors import UsageError
from mcp_tui.safety.text import strict
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.literal import to_json
from mcp_tui.ui.widgets import approval_text
from mcp_tui.ui.widgets.argument_editor import ArgumentEditor, parse_arguments

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem
    from mcp_tui.engine.engine import Engine

WAKE_SECONDS = 0.5
"""How long nothing must have been pressed, and the card must have been drawn, before its keys count."""

SMALL_HEIGHT = 18
"""Rows of a terminal below which the card leaves its line of keys to F1."""


class ApprovalCard(Vertical, can_focus=True):
    """One waiting call at a time, with a way to the others."""

    PANE = "approval"
    HELP = (
        "A tool call waits for your decision. Nothing runs before you allow it, and only exactly what is shown. "
        "Annotations are claims of the server. Left and Right show the other waiting calls."
    )
    BINDINGS = bindings("approval")
    DEFAULT_CSS = """
    ApprovalCard {
        height: auto; border: round $card-border; border-title-color: $card-border; border-subtitle-color: $muted;
        padding: 0 1; background: $surface; display: none;
        &.-open { display: block; }
        &:focus { border: heavy $card-border; }
        & #card-args { height: auto; scrollbar-size-vertical: 1; }
        & #card-keys, & #card-wake, & #card-head { height: auto; }
        & #card-edit { display: none; height: 12; }
        & #card-problems { height: auto; max-height: 4; color: $error; }
        & #card-message { display: none; }
        & #card-message, & #card-message:focus { border: none; height: 1; padding: 0; background: $background; }
        &.-editing #card-args, &.-editing #card-keys { display: none; }
        &.-editing #card-edit { display: block; }
        &.-answering #card-message { display: block; }
        &.-small #card-keys { display: none; }
        &.-full { height: 1fr; }
        &.-full #card-args, &.-full #card-edit { height: 1fr; }
    }
    """

    class FullChanged(Message):
        """The card takes the room of the panes, or gives it back."""

        def __init__(self, full: bool) -> None:
            super().__init__()
            self.full = full

    def __init__(self, engine: Engine, *, clock: Callable[[], float], widget_id: str = "approval") -> None:
        super().__init__(id=widget_id)
        self._engine, self._clock = engine, clock
        self._waiting: list[ToolCallItem] = []
        self._at = 0
        self._json = False
        self._edited: dict[str, dict[str, Any]] = {}
        """Approval id -> arguments as the person changed them."""
        self._answered: set[str] = set()
        self._drawn_at: float | None = None
        self._drawn: object = None
        """What was drawn: the call, its arguments, the form."""
        self._seen: set[tuple[str, str]] = set()
        """Calls whose arguments were seen to the end, with the arguments' JSON."""

    def compose(self) -> ComposeResult:
        """Head, arguments or editor, message, keys, state of the keys."""
        yield Static(id="card-head")
        with VerticalScroll(id="card-args", can_focus=False):
            yield Static(id="card-body")
        with Vertical(id="card-edit"):
            yield ArgumentEditor("", id="card-editor", tab_behavior="focus", show_line_numbers=True, compact=True)
            yield Static(id="card-problems")
        yield Input(
            placeholder="what should the model know? Enter denies, Esc goes back", id="card-message", compact=True
        )
        yield Static(id="card-keys")
        yield Static(id="card-wake")

    def on_mount(self) -> None:
        """Follow scrolling, and let the state of the keys count down."""
        self.watch(self._args, "scroll_y", self._look, init=False)
        self.set_interval(0.1, self.draw_state)
        self._draw_keys()

    # -- what is shown -------------------------------------------------------------------------

    @property
    def _args(self) -> VerticalScroll:
        return self.query_one("#card-args", VerticalScroll)

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
        self._drawn = self._drawn_at = None
        self.set_full(False)
        if self.has_focus_within:
            self.screen.query_one("#composer").focus()

    def _draw(self) -> None:
        """Draw the call, if it is not drawn already; its keys sleep until it is."""
        item = self.item
        if item is None:
            return
        self.border_title = f"approval {self._at + 1} of {len(self._waiting)}"
        self.border_subtitle = "Left/Right: other calls" if len(self._waiting) > 1 else ""
        wanted = self._wanted(item)
        if wanted == self._drawn:
            return
        self._drawn, self._drawn_at = wanted, None
        transport = next((server.transport for server in self._engine.servers if server.name == item.server), "")
        edited = item.approval_id in self._edited
        head = approval_text.head(item, self.arguments, transport, edited=edited)
        self.query_one("#card-head", Static).update(head)
        body = approval_text.body(item, self.arguments, as_json=self._json, edited=edited)
        self.query_one("#card-body", Static).update(body)
        self._args.scroll_home(animate=False)
        self._fit()
        self.draw_state()
        self.call_after_refresh(self._was_drawn, wanted)

    def _wanted(self, item: ToolCallItem) -> tuple[str, str, bool]:
        """What must be on the card before it can allow: the call and exactly its arguments, in this form."""
        return item.approval_id, to_json(self.arguments, indent=None), self._json

    def _was_drawn(self, what: object) -> None:
        if what == self._drawn:
            self._drawn_at = self._clock()
            self._look()

    def _draw_keys(self) -> None:
        overrides: dict[str, str] = getattr(self.app, "key_overrides", {})
        text = approval_text.keys_text(overrides, self.screen.size.width - 4)
        self.query_one("#card-keys", Static).update(text)

    def on_resize(self) -> None:
        """Keep to at most 60 % of the height."""
        self._draw_keys()
        self._fit()

    def _fit(self) -> None:
        """Give the arguments what is left of 60 % of the screen's height."""
        full = self.has_class("-full")
        small = self.screen.size.height < SMALL_HEIGHT
        self.set_class(small, "-small")
        limit = self.screen.size.height * 6 // 10
        width = max(20, self.screen.size.width - 6)
        names = ("#card-head",) if small else ("#card-head", "#card-keys")
        fixed = 3 + sum(len(self._plain(name).wrap(width)) for name in names)
        self._args.styles.max_height = None if full else max(2, limit - fixed)
        wanted = self.query_one(ArgumentEditor).document.line_count + 4
        self.query_one("#card-edit").styles.height = "1fr" if full else max(4, min(wanted, limit - 5))

    def _plain(self, selector: str) -> Content:
        content = self.query_one(selector, Static).content
        return content if isinstance(content, Content) else Content("")

    # -- when keys count -----------------------------------------------------------------------

    def _look(self, *_: object) -> None:
        """Note when the end of the arguments is in sight."""
        item, args = self.item, self._args
        if item is None or self._drawn_at is None or not args.size.height or not args.region.height:
            return
        if args.scroll_y >= args.max_scroll_y - 0.5:
            self._seen.add((item.approval_id, to_json(self.arguments, indent=None)))
        self.draw_state()

    @property
    def seen_to_end(self) -> bool:
        """Whether all of the arguments were on the screen."""
        item = self.item
        return item is not None and (item.approval_id, to_json(self.arguments, indent=None)) in self._seen

    def seconds_to_wake(self, last_input: float) -> float:
        """Seconds until keys count; 0 when they do."""
        if self._drawn_at is None:
            return WAKE_SECONDS
        return max(0.0, WAKE_SECONDS - (self._clock() - max(self._drawn_at, last_input)))

    def _awake(self) -> bool:
        """Whether the key that is being handled counts: the one before it must be long enough ago."""
        previous: float = getattr(self.app, "previous_input", float("-inf"))
        return self.item is not None and self.seconds_to_wake(previous) <= 0

    def draw_state(self) -> None:
        """Say whether keys count, and why not."""
        if self.item is None or self.has_class("-editing"):
            return
        last: float = getattr(self.app, "last_input", float("-inf"))
        text, style = approval_text.state_text(
            focused=self.has_focus_within,
            seconds=self.seconds_to_wake(last),
            seen=self.seen_to_end,
            narrow=self.screen.size.width < 78,
        )
        wake = self.query_one("#card-wake", Static)
        content = Content.styled(text, style)
        if wake.content != content:
            wake.update(content)

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

    # -- decisions -----------------------------------------------------------------------------

    def action_allow_once(self) -> None:
        """Run exactly what is shown, once."""
        self._allow("once")

    def action_allow_conversation(self) -> None:
        """Run it, and do not ask for this tool again in this conversation."""
        self._allow("conversation")

    def _allow(self, scope: str) -> None:
        item = self.item
        if item is not None and self._awake() and self.seen_to_end and self._drawn == self._wanted(item):
            self._decide("allow", scope=scope, arguments=self._edited.get(item.approval_id))

    def action_deny(self) -> None:
        """Refuse this call."""
        if self._awake():
            self._decide("deny")

    def action_deny_all(self) -> None:
        """Refuse everything that waits and end the turn."""
        if self._awake():
            self._decide("stop")

    def _decide(self, action: Any, *, scope: Any = "once", arguments: Any = None, message: str = "") -> None:
        from mcp_tui.engine.engine import Decision

        item = self.item
        if item is None:
            return
        taken = self._engine.decide(
            item.approval_id, Decision(action, scope=scope, arguments=arguments, message=message)
        )
        if not taken:
            self.app.notify("Too late: this call was answered or withdrawn already.", severity="warning", markup=False)
        gone = [waiting.approval_id for waiting in self._waiting] if action == "stop" else [item.approval_id]
        self._answered.update(gone)
        self._close_inputs()
        self.show(self._waiting)

    def action_deny_message(self) -> None:
        """Ask what to tell the model."""
        if self._awake():
            self.add_class("-answering")
            self._fit()
            self.query_one("#card-message", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Refuse with a message."""
        event.stop()
        self._decide("deny", message=event.value.strip())

    def on_key(self, event: events.Key) -> None:
        """Esc in the message goes back to the card without deciding."""
        if event.key == "escape" and self.has_class("-answering"):
            event.stop()
            event.prevent_default()
            self._close_inputs()

    # -- editing -------------------------------------------------------------------------------

    def action_edit(self) -> None:
        """The arguments as JSON."""
        if self._awake():
            editor = self.query_one(ArgumentEditor)
            editor.load_text(to_json(self.arguments))
            self._problems("")
            self.add_class("-editing")
            self.query_one("#card-wake", Static).update(
                Content.styled("Ctrl+S checks and takes over, you allow it on the card   Esc back", "$muted")
            )
            self._fit()
            editor.focus()

    def on_argument_editor_accepted(self, message: ArgumentEditor.Accepted) -> None:
        """Check the edited arguments; what is wrong is said field by field."""
        item = self.item
        if item is None:
            return
        try:
            arguments = parse_arguments(message.text)
        except UsageError as error:
            self._problems(error.message)
            return
        problems = self._engine.check_arguments(item.key, arguments)
        if problems:
            self._problems("\n".join(f"{problem.field or 'arguments'}: {problem.message}" for problem in problems))
            return
        if arguments == item.arguments:
            self._edited.pop(item.approval_id, None)
        else:
            self._edited[item.approval_id] = arguments
        self._close_inputs()
        self._drawn = None
        self._draw()

    def on_argument_editor_cancelled(self) -> None:
        """Back to the card; the arguments stay as they were."""
        self._close_inputs()

    def _problems(self, text: str) -> None:
        self.query_one("#card-problems", Static).update(Content(strict(text, one_line=False)))

    def _close_inputs(self) -> None:
        inside = self.has_focus_within and not self.has_focus
        self.query_one("#card-message", Input).value = ""
        self.remove_class("-editing", "-answering")
        if inside and self._waiting:
            self.focus()
        self._fit()

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
        self.set_class(full, "-full")
        self.post_message(self.FullChanged(full))
        self._fit()
        self.call_after_refresh(self._look)

    def action_previous(self) -> None:
        """The waiting call before."""
        self._step(-1)

    def action_next(self) -> None:
        """The waiting call after."""
        self._step(1)

    def _step(self, step: int) -> None:
        if len(self._waiting) > 1:
            self._at = (self._at + step) % len(self._waiting)
            self._draw()

    def action_scroll_args(self, step: int) -> None:
        """A line up or down."""
        self._args.scroll_relative(y=step, animate=False)

    def action_page_args(self, step: int) -> None:
        """A page up or down."""
        self._args.scroll_relative(y=step * max(1, self._args.size.height - 1), animate=False)

    def action_top_args(self) -> None:
        """The first line."""
        self._args.scroll_home(animate=False)

    def action_end_args(self) -> None:
        """The last line."""
        self._args.scroll_end(animate=False)
