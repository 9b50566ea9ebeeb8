"""The approval card: in the flow above the composer, never modal, never in the way of typing.

It cannot be hit by accident (requirement F2): it never takes the focus; its keys count only half a second after
it was fully drawn and half a second after the last key or paste; Enter does nothing; allowing is locked until
long arguments were scrolled to their end; a rule needs a second key, on a page that shows all of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import events
from textual.content import Content
from textual.widgets import Input, Static

from mcp_tui.errors import McpTuiError, UsageError
from mcp_tui.safety.text import strict
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.literal import to_json
from mcp_tui.ui.widgets.argument_editor import ArgumentEditor, parse_arguments
from mcp_tui.ui.widgets.call_card import CallCard
from mcp_tui.ui.widgets.rule_page import RulePage

if TYPE_CHECKING:
    from mcp_tui.conversation.items import ToolCallItem


class ApprovalCard(CallCard):
    """The waiting calls, and the keys that answer them."""

    PANE = "approval"
    HELP = (
        "A tool call waits for your decision. Nothing runs before you allow it, and only exactly what is shown. "
        "Annotations are claims of the server. Left and Right show the other waiting calls. A rule is shown first, "
        "with the recorded calls that it would have matched, and written by a second key."
    )
    BINDINGS = bindings("approval")

    # -- decisions -----------------------------------------------------------------------------

    def action_allow_once(self) -> None:
        """Run exactly what is shown, once."""
        self._allow("once")

    def action_allow_conversation(self) -> None:
        """Run it, and do not ask for this tool again in this conversation."""
        item = self.item
        if item is not None and item.guarded and self._awake():
            self._say("A guard asks about this call: it can be allowed once only.")
            return
        self._allow("conversation")

    def _allow(self, scope: str) -> None:
        item = self.item
        if item is not None and self._page is None and self._may_run(item):
            self._decide("allow", scope=scope, arguments=self._edited.get(item.approval_id))

    def _may_run(self, item: ToolCallItem) -> bool:
        """Whether an allowing key counts: the call is drawn as it is now, and was seen to its end."""
        return self._awake() and self.read and self.drawn == self._wanted(item)

    def action_deny(self) -> None:
        """Refuse this call."""
        if self._awake():
            self._decide("deny")

    def action_deny_all(self) -> None:
        """Refuse everything that waits and end the turn."""
        if self._awake():
            self._decide("stop")

    def _decide(self, action: Any, *, scope: Any = "once", **more: Any) -> None:
        from mcp_tui.engine.engine import Decision

        item = self.item
        if item is None or item.approval_id in self._answered:
            return
        gone = [waiting.approval_id for waiting in self._waiting] if action == "stop" else [item.approval_id]
        self._answered.update(gone)
        if not self._engine.decide(item.approval_id, Decision(action, scope=scope, **more)):
            self._say("Too late: this call was answered or withdrawn already.")
        self._close_inputs()
        self.show(self._waiting)

    def _say(self, words: str) -> None:
        self.app.notify(words, severity="warning", markup=False)

    def action_deny_message(self) -> None:
        """Ask what to tell the model."""
        if self._awake() and self._page is None:
            self.add_class("-answering")
            self._fit()
            self.query_one("#card-message", Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Refuse with a message."""
        event.stop()
        self._decide("deny", message=event.value.strip())

    def on_key(self, event: events.Key) -> None:
        """Esc in the message and on the page of a rule goes back to the card without deciding."""
        if event.key == "escape" and (self.has_class("-answering") or self._page is not None):
            event.stop()
            event.prevent_default()
            self._close_inputs()
            self._draw()

    # -- a rule --------------------------------------------------------------------------------

    def action_rule(self) -> None:
        """Show the rules that would allow calls like this one; nothing is written by that."""
        item = self.item
        if item is None or self._page is not None or not self._may_run(item):
            return
        if item.guarded:
            self._say("A guard asks about this call: no rule can answer instead of you.")
        elif item.approval_id in self._edited:
            self._say("A rule is made from what the model asked for; these arguments were edited.")
        elif not (entries := self._engine.rules.propose(item.key)):
            self._say("There is no rule for this call.")
        else:
            self._page = RulePage(self._engine.rules, item.approval_id, entries)
            self.add_class("-ruling")
            self._before_page = self.has_class("-full")
            self.set_full(True)
            self._draw_keys()
            self._turn_page()

    def _turn_page(self) -> None:
        """Draw the chosen proposal, and find what it would have matched."""
        page = self._page
        if page is None:
            return
        self._draw_page(page)
        if page.at not in page.matches and not page.problem:
            self.run_worker(self._look_back(page), group="preview", exclusive=True)

    async def _look_back(self, page: RulePage) -> None:
        try:
            await page.look_back()
        except McpTuiError as error:
            page.problem = error.message
        if page is self._page:
            self._draw_page(page)

    def action_save_rule(self) -> None:
        """Write the rule that is on the page, and let this call run."""
        item, page = self.item, self._page
        if item is None or page is None or page.approval_id != item.approval_id or not page.ready:
            return
        if not (self._awake() and self.read and self.seen_to_end and self.drawn == page.subject):
            return
        try:
            page.book.add(page.entry)
        except McpTuiError as error:
            self._say(str(error))
            return
        self._decide("allow", scope="rule", rule_id=page.entry.id)

    def action_scroll_args(self, step: int) -> None:
        """A line up or down; on the page of a rule, the proposal before or after."""
        if self._page is None:
            super().action_scroll_args(step)
        else:
            self._page.step(step)
            self._turn_page()

    # -- editing -------------------------------------------------------------------------------

    def action_edit(self) -> None:
        """The arguments as JSON."""
        if self._awake() and self._page is None:
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
        self._draw(again=True)

    def on_argument_editor_cancelled(self) -> None:
        """Back to the card; the arguments stay as they were."""
        self._close_inputs()
        self._draw(again=True)

    def _problems(self, text: str) -> None:
        self.query_one("#card-problems", Static).update(Content(strict(text, one_line=False)))
