"""The card of a guard that asks: in the place of the approval card, and as hard to hit by accident."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from mcp_tui.safety.text import prose
from mcp_tui.ui.base_app import last_input_in, overrides_in
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.keymap import effective, show_keys
from mcp_tui.ui.widgets.painted import PaintedText
from mcp_tui.ui.widgets.waking import Waking

if TYPE_CHECKING:
    from mcp_tui.engine.engine import Engine
    from mcp_tui.events.turns import QuestionAsked

TITLES = {"hops": "many rounds of tools", "cost": "cost", "result_size": "a large result"}
"""Kind of question -> what the border says it is about."""


class QuestionCard(Vertical, can_focus=True):
    """One question at a time, with a way to the others.  It never takes the focus."""

    PANE = "question"
    HELP = (
        "A limit was reached, and nothing is cut off without you: yes goes on, no stays within the limit. "
        "The turn waits until you answer."
    )
    BINDINGS = bindings("question")
    DEFAULT_CSS = """
    QuestionCard {
        height: auto; border: round $card-border; border-title-color: $card-border; border-subtitle-color: $muted;
        padding: 0 1; background: $surface; display: none;
        &.-open { display: block; }
        &:focus { border: heavy $card-border; }
        & VerticalScroll { height: auto; max-height: 8; scrollbar-size-vertical: 1; }
        & Static { height: auto; }
    }
    """

    def __init__(self, engine: Engine, *, clock: Callable[[], float], widget_id: str = "question") -> None:
        super().__init__(id=widget_id)
        self._engine = engine
        self._waiting: list[QuestionAsked] = []
        self._at = 0
        self._answered: set[str] = set()
        self._drawn = ""
        self.waking = Waking(clock)
        self._text = PaintedText(self._was_painted, widget_id="question-text")

    def compose(self) -> ComposeResult:
        """What happened, answers, state of the keys."""
        with VerticalScroll(can_focus=False):
            yield self._text
        yield Static(id="question-keys")
        yield Static(id="question-wake")

    def on_mount(self) -> None:
        """Let the state of the keys count down."""
        self.set_interval(0.1, self.draw_state)

    # -- what is shown -------------------------------------------------------------------------

    @property
    def question(self) -> QuestionAsked | None:
        """The question on the card."""
        return self._waiting[self._at] if self._waiting else None

    def show(self, waiting: list[QuestionAsked]) -> None:
        """Show the first of ``waiting``, or stay with the question that is on the card."""
        current = self.question
        self._waiting = [question for question in waiting if question.question_id not in self._answered]
        self._at = next((i for i, question in enumerate(self._waiting) if question is current), 0)
        opened = bool(self._waiting)
        if not opened and self.has_focus:
            self.screen.query_one("#composer").focus()
        self.set_class(opened, "-open")
        self._draw()

    def _draw(self) -> None:
        question = self.question
        if question is None:
            self._drawn = ""
            self.waking.sleep()
            return
        self.border_title = f"question {self._at + 1} of {len(self._waiting)}: {TITLES.get(question.kind, 'a limit')}"
        self.border_subtitle = "Left/Right: other questions" if len(self._waiting) > 1 else ""
        if question.question_id == self._drawn:
            return
        self._drawn = question.question_id
        self.waking.sleep()
        self._text.put(Content(prose(question.message)))
        self.query_one("#question-keys", Static).update(self._keys(question))
        self.draw_state()

    def _was_painted(self) -> None:
        """Keys wake up from the moment at which the question is on the screen."""
        if self._drawn and self._text.painted and not self.waking.drawn:
            self.waking.was_drawn()

    def _keys(self, question: QuestionAsked) -> Content:
        keys = effective(overrides_in(self.app))
        yes, no, stop = (show_keys(keys[f"question.{name}"][:1]) for name in ("yes", "no", "stop"))
        return Content.assemble(
            (yes, "$accent bold"), f" yes: {prose(question.yes)}\n",
            (no, "$accent bold"), f" no: {prose(question.no)}   ", (stop, "$accent bold"), " stop the turn",
        )  # fmt: skip

    def draw_state(self) -> None:
        """Say whether keys count."""
        if self.question is None:
            return
        left = self.waking.seconds_left(last_input_in(self.app))
        if not self.has_focus:
            words = ("Tab or Ctrl+O a to answer; the turn waits, your draft is kept", "$muted")
        elif left > 0:
            words = (f"keys wake up in {left:.1f} s", "$warning")
        else:
            words = ("keys are awake", "$success")
        wake, content = self.query_one("#question-wake", Static), Content.styled(*words)
        if wake.content != content:
            wake.update(content)

    def on_focus(self) -> None:
        """Keys may count from now on."""
        self.draw_state()

    def on_blur(self) -> None:
        """Keys do not count any more."""
        self.draw_state()

    # -- answers -------------------------------------------------------------------------------

    def action_answer(self, yes: bool) -> None:
        """Answer the question on the card."""
        question = self.question
        if question is None or not self.waking.awake(self.app):
            return
        if not self._engine.answer_question(question.question_id, yes):
            self.app.notify("Too late: this question was answered or withdrawn already.", markup=False)
        self._answered.add(question.question_id)
        self.show(self._waiting)

    def action_stop_turn(self) -> None:
        """End the turn: everything that waits is withdrawn."""
        if self.question is not None and self.waking.awake(self.app):
            self._engine.cancel_turn()

    def action_step(self, step: int) -> None:
        """The question before or after."""
        if len(self._waiting) > 1:
            self._at = (self._at + step) % len(self._waiting)
            self._draw()
