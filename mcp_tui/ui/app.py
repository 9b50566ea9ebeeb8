"""The app: the actions behind keys, slash commands and the palette."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.widgets import Input, TextArea

from mcp_tui.errors import UsageError
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.catalog_app import CatalogApp
from mcp_tui.ui.chat_app import UiSettings
from mcp_tui.ui.conversation_keys import CONVERSATION_HELP
from mcp_tui.ui.formats import plural
from mcp_tui.ui.preferences import Preferences

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.widget import AwaitMount

    from mcp_tui.conversation.items import Item, ToolCallItem
    from mcp_tui.ui.widgets.conversation import ConversationView
    from mcp_tui.ui.widgets.inspector import Inspector
    from mcp_tui.ui.widgets.welcome import Welcome

__all__ = ["McpTuiApp", "Preferences", "UiSettings"]

TWICE_SECONDS = 1.0
"""A second Esc or Ctrl+C within this time means more than the first."""


@runtime_checkable
class InspectedScreen(Protocol):
    """A screen with an inspector of its own."""

    def toggle_inspector(self) -> None:
        """Open it, or close it."""


@runtime_checkable
class FindingScreen(Protocol):
    """A screen with a find bar of its own."""

    def find(self) -> None:
        """Open it."""


class McpTuiApp(CatalogApp):
    """The chat application.  ``return_code`` after `run_async` is the exit status."""

    BINDINGS = bindings("app")

    _last_stop = _last_interrupt = float("-inf")

    # -- turns ---------------------------------------------------------------------------------

    def stop_turn(self) -> None:
        """Stop the running turn."""
        if self.require_engine().cancel_turn():
            self.view.stopping()
        else:
            self.say("No turn is running.")

    def clear_queue(self) -> None:
        """Drop the inputs that wait; the running turn goes on."""
        engine = self.require_engine()
        dropped = 0
        while engine.take_back() is not None:
            dropped += 1
        self.say(f"{plural(dropped, 'queued input')} dropped." if dropped else "Nothing is queued.")

    def action_stop_or_back(self) -> None:
        """Stop the turn; again within a second, drop the queue; with no turn, back to the composer."""
        now = self.clock()
        engine = self.engine
        if engine is not None and engine.busy:
            twice = now - self._last_stop <= TWICE_SECONDS
            self._last_stop = now
            queued = len(engine.queue)
            engine.cancel_turn(drop_queue=twice)
            self.view.stopping()
            if queued and not twice:
                self.say(f"Stopping. Esc again within a second drops {plural(queued, 'queued input')} too.", timeout=2)
        else:
            self.chat.composer.focus()

    def action_copy_or_stop(self) -> None:
        """Ctrl+C: the selection if there is one, else like Esc; twice within a second offers to quit."""
        if (selected := self._selected_text()) is not None:
            self.copy_to_clipboard(selected)
            self.say(f"Copied {plural(len(selected), 'character')}.", timeout=2)
            return
        now = self.clock()
        twice = now - self._last_interrupt <= TWICE_SECONDS
        self._last_interrupt = now
        if twice or self.problem_shown:
            self.request_quit(ask=not self.problem_shown)
        elif self.screen is not self.chat:
            leave: Callable[[], object] = getattr(self.screen, "leave", lambda: self.screen.dismiss(None))
            leave()
        else:
            self.action_stop_or_back()
            self.say("Ctrl+C again quits.", timeout=TWICE_SECONDS)

    def _selected_text(self) -> str | None:
        focused = self.screen.focused
        if isinstance(focused, TextArea | Input) and focused.selected_text:
            return focused.selected_text
        return self.screen.get_selected_text() or None

    def on_composer_take_back_requested(self) -> None:
        """Put the last queued input back into the composer, before what is written there."""
        text = self.engine.take_back() if self.engine is not None else None
        if text is None:
            self.say("Nothing is queued.")
        else:
            self.return_input(text)

    # -- leaving -------------------------------------------------------------------------------

    def request_quit(self, *, ask: bool = False) -> None:
        """Quit; asks first while a turn runs, or when ``ask`` is set."""
        busy = self.engine is not None and self.engine.busy
        if not busy and not ask:
            self.exit(0, return_code=2 if self.problem_shown else 0)
            return
        from mcp_tui.ui.screens.confirm import ConfirmScreen

        if isinstance(self.screen, ConfirmScreen):
            return
        question = "A turn is running. Stop it and quit?" if busy else "Quit mcp-tui?"
        self.push_screen(ConfirmScreen(question, "q", "quit", clock=self.clock), self._quit_answered)

    def _quit_answered(self, yes: bool | None) -> None:
        if yes:
            self.exit(0, return_code=0)

    async def action_quit(self) -> None:
        """Ctrl+Q."""
        self.request_quit()

    def suspend_program(self) -> None:
        """Ctrl+Z of other programs: back to the shell until ``fg``."""
        self.action_suspend_process()

    # -- panes ---------------------------------------------------------------------------------

    async def _toggle_pane(self, name: str) -> None:
        """Closed -> open -> focused -> closed."""
        if self.screen is not self.chat:
            return
        if self.chat.has_class("-tiny"):
            self.say("The terminal is too small for panes.")
        elif not self.chat.is_open(name):
            await self.open_pane(name)
            if self.chat.has_class("-narrow"):
                self.focus_pane(name)
        elif not self.chat.focused_in(name):
            self.focus_pane(name)
        else:
            self.chat.set_pane(name, opened=False)
        if name == "sidebar":
            self.remember(replace(self.preferences, sidebar=self.chat.is_open(name)))

    def focus_pane(self, name: str) -> None:
        """Give the focus to a pane of `PANE_ORDER`, if it is on the screen."""
        target = self.chat.pane_target(name)
        if target is not None:
            self.chat.set_focus(target)

    def action_servers(self) -> None:
        """F2."""
        self.start(self._toggle_pane("sidebar"))

    def action_inspect(self) -> None:
        """F3."""
        if isinstance(self.screen, InspectedScreen):
            self.screen.toggle_inspector()
            return
        self.start(self._toggle_pane("inspector"))

    def open_servers(self) -> None:
        """Open the sidebar and focus it."""
        self.start(self._open_and_focus("sidebar"))

    def open_inspector(self, item: ToolCallItem | None = None) -> None:
        """Open the inspector on ``item``, or on the call it showed, and focus it."""
        self.start(self._open_and_focus("inspector", item))

    async def _open_and_focus(self, name: str, item: ToolCallItem | None = None) -> None:
        if self.chat.has_class("-tiny"):
            self.say("The terminal is too small for panes.")
            return
        await self.open_pane(name)
        if item is not None:
            self.view.inspect_item(item, pin=True)
        self.focus_pane(name)

    def action_jump(self) -> AwaitMount | None:
        """Ctrl+O, then a letter.

        The app waits for the overlay and for what the letter leads to: each key behind it goes where it led.
        """
        from mcp_tui.ui.screens.jump import JumpScreen

        return self.push_screen(JumpScreen(), self._jumped) if self.screen is self.chat else None

    async def _jumped(self, target: str | None) -> None:
        if target in ("sidebar", "inspector"):
            await self._guarded(self._open_and_focus(target))
        elif target == "tools":
            self.show_tools()
        elif target == "approval":
            self.focus_pane("approval" if self.chat.pane_target("approval") is not None else "question")
        elif target == "conversation":
            self.chat.uncover()
            self.focus_pane("conversation" if self.chat.talking else "welcome")
        elif target is not None:
            self.focus_pane(target)

    def action_help(self) -> None:
        """F1: help for the focused pane, or close it."""
        from mcp_tui.ui.screens.help import HelpScreen

        if isinstance(self.screen, HelpScreen):
            self.screen.dismiss(None)
        else:
            self.show_help()

    def show_help(self) -> None:
        """Keys of the focused pane, keys everywhere, commands."""
        from mcp_tui.ui.screens.help import HelpScreen

        nodes = (self.screen.focused or self.screen).ancestors_with_self
        about = next((text for node in nodes if (text := getattr(node, "HELP", "") or "")), "")
        pane = self.focused_pane()
        about = about or (CONVERSATION_HELP if pane == "conversation" else "")
        self.push_screen(HelpScreen(pane, str(about), self.key_overrides, self.commands()))

    def action_palette(self) -> None:
        """Ctrl+P: every action by name."""
        from mcp_tui.ui.screens.palette import Palette

        if isinstance(self.screen, Palette):
            self.screen.dismiss(None)
        elif self.screen is self.chat:
            servers = self.engine.servers if self.engine is not None else ()
            self.push_screen(Palette(self.commands(), servers, self.key_overrides, self.size.width), self._picked)

    def _picked(self, line: str | None) -> None:
        if line is not None:
            self.submit(line)

    # -- recorded calls again ------------------------------------------------------------------

    def rerun_call(self, item: ToolCallItem | None, *, edit: bool = False) -> None:
        """Run a call of the open conversation again; with ``edit``, after its arguments were changed."""
        from mcp_tui.ui.reruns import rerun

        self.attempt(lambda: rerun(self, item, edit=edit))

    def on_inspector_rerun_requested(self, message: Inspector.RerunRequested) -> None:
        """``r`` and ``e`` of the inspector."""
        self.rerun_call(message.item, edit=message.edit)

    def verify_conversation(self, conversation_id: str = "") -> None:
        """Run all calls of a stored conversation again, of the open one by default, and compare."""
        from mcp_tui.ui.reruns import verify

        self.start(verify(self, conversation_id))

    # -- conversation --------------------------------------------------------------------------

    async def on_conversation_view_opened(self, message: ConversationView.Opened) -> None:
        """Enter on a tool call; waited for, so that the keys behind it belong to the inspector."""
        await self._guarded(self._open_and_focus("inspector", message.item))

    def on_conversation_view_cursor_moved(self, message: ConversationView.CursorMoved) -> None:
        """An open inspector follows the cursor of the conversation."""
        from mcp_tui.conversation.items import ToolCallItem

        if isinstance(message.item, ToolCallItem) and self.chat.is_open("inspector"):
            self.view.inspect_item(message.item, pin=True)

    def on_conversation_view_copy_requested(self, message: ConversationView.CopyRequested) -> None:
        """Copy a block of the conversation."""
        self.copy_to_clipboard(message.text)
        self.say(f"Copied {message.what}, {plural(len(message.text), 'character')}.", timeout=3)

    def on_conversation_view_branch_requested(self, message: ConversationView.BranchRequested) -> None:
        """A key that goes on from here in a fork."""
        if message.conversation is not self.view.conversation:
            return
        match message.how:
            case "fork":
                self.fork(message.item)
            case "edit":
                self.resend(message.item)
            case "again":
                self.ask_again(message.item)
            case "again_with":
                self.choose_who_answers_again(message.item)

    # -- finding -------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Ctrl+F: in the open conversation, or in the one on the screen."""
        if self.screen is self.chat:
            self.find()
        elif isinstance(self.screen, FindingScreen):
            self.screen.find()

    def find(self, text: str = "") -> None:
        """Open the find bar, with ``text`` in it."""
        self.start(self._find(text))

    async def _find(self, text: str) -> None:
        if self.engine is None or self.view.bridge is None or not self.chat.talking:
            raise UsageError("There is nothing to find in yet: nothing was said.")
        self.chat.uncover()
        bar = await self.chat.find_bar(self.view.conversation)
        bar.open(text)

    # -- forks ---------------------------------------------------------------------------------

    def under_cursor(self) -> Item | None:
        """What the cursor of the conversation stands on."""
        return self.view.conversation.cursor_item if self.engine is not None and self.view.bridge is not None else None

    def fork(self, item: Item | None = None) -> None:
        """Go on in a fork that ends with ``item``, or with what was said last."""
        from mcp_tui.ui.branches import fork_here

        self.start(fork_here(self, item))

    def resend(self, item: Item | None = None) -> None:
        """Edit the input at ``item`` (or the last one); sending it makes a fork for it."""
        from mcp_tui.ui.branches import edit_input

        self.attempt(lambda: edit_input(self, item))

    def ask_again(self, item: Item | None = None, provider: str = "") -> None:
        """Ask the input at ``item`` (or the last one) again in a fork; with another model if one is named."""
        from mcp_tui.ui.branches import ask_again

        self.start(ask_again(self, item, provider))

    def choose_who_answers_again(self, item: Item | None = None) -> None:
        """Like `ask_again`, with a model that is chosen first."""
        from mcp_tui.ui.branches import input_at

        def choose() -> None:
            input_at(self.require_engine(), item)
            self.choose_model(lambda name: self.ask_again(item, name), "ask again with")

        self.attempt(choose)

    # -- composer ------------------------------------------------------------------------------

    def open_editor(self) -> None:
        """The draft in the person's editor."""
        self.start(self.chat.composer.action_external_editor())

    def on_composer_search_requested(self) -> None:
        """Ctrl+R: choose one of the earlier prompts; it replaces the draft, which undo brings back."""
        from mcp_tui.ui.screens.choosers import prompt_chooser

        prompts = list(dict.fromkeys(reversed(self.composer.history_of_prompts.prompts)))

        def chosen(index: str | None) -> None:
            if index is not None:
                self.composer.set_draft(prompts[int(index)])

        self.push_screen(prompt_chooser(prompts), chosen)

    def on_welcome_picked(self, message: Welcome.Picked) -> None:
        """An example goes to the composer, for the person to send or change."""
        self.chat.composer.set_draft(message.text)
        self.chat.composer.focus()

    # -- copy, mouse ---------------------------------------------------------------------------

    def action_copy_last(self) -> None:
        """Copy the source of the last answer."""
        source = self.view.conversation.last_answer_source() if self.engine is not None else None
        if source:
            self.copy_to_clipboard(source)
            self.say(f"Copied the last answer, {plural(len(source), 'character')}.", timeout=3)
        else:
            self.say("There is no answer to copy yet.")

    def action_mouse(self) -> None:
        """Leave the mouse to the terminal, or take it back."""
        self.set_mouse(not self.mouse_on)
        self.remember(replace(self.preferences, mouse=self.mouse_on))
        words = "on: click and wheel work here" if self.mouse_on else "off: the terminal selects text itself"
        self.say(f"Mouse capture {words}.")
