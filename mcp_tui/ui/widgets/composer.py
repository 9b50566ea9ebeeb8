"""Where the person types: a text area that grows, sends on Enter, completes commands and keeps every draft."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from textual import events
from textual.actions import SkipAction
from textual.content import Content
from textual.message import Message

from mcp_tui.errors import UsageError
from mcp_tui.ui.base_app import overrides_in
from mcp_tui.ui.bindings import bindings
from mcp_tui.ui.keymap import effective, keys_of
from mcp_tui.ui.prompt_history import PromptHistory
from mcp_tui.ui.widgets.text_area import SteadyTextArea

PASTE_LIMIT = 50_000
"""Characters; a longer paste is held aside and shown as one line, so that the text area stays quick."""

Completer = Callable[[str], list[tuple[str, str]]]
"""Text before the cursor -> (completed text, help) in order."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What becomes of the next input instead of going to the open conversation; what was written before waits."""

    title: str
    """Stands above the input for as long; fixed words."""
    conversation_id: str
    """Whose errand it is: it ends when another conversation is opened."""
    send: Callable[[str], None]
    """Given the input; raises `UsageError` where it cannot be taken."""


class Composer(SteadyTextArea):
    """The input.  ``on_send`` is given the text and says whether it was taken; only then it is cleared."""

    PANE = "composer"
    HELP = (
        "Type and press Enter. Enter while an answer runs queues the input. A line that starts with / is a command; "
        "Tab completes it. Up and Down on the first and last line walk through earlier prompts. While an earlier input "
        "is edited the line above says so: Enter sends it in a fork, Esc gives back what was written here before."
    )
    BINDINGS = bindings("composer")
    DEFAULT_CSS = """
    Composer {
        height: auto;
        min-height: 2;
        max-height: 10;
        border: none;
        border-top: solid $pane-border;
        border-title-color: $warning;
        border-title-style: bold;
        padding: 0 1;
        background: $background;
        scrollbar-size-vertical: 1;
        &:focus { border: none; border-top: solid $primary; }
        & .text-area--placeholder { color: $muted; }
        & .text-area--cursor-line { background: $background; }
    }
    """

    class Edited(Message):
        """The text or its completions changed."""

        def __init__(self, completions: list[tuple[str, str]], chosen: int) -> None:
            super().__init__()
            self.completions, self.chosen = completions, chosen

    class SearchRequested(Message):
        """The person wants to search earlier prompts."""

    class TakeBackRequested(Message):
        """The person wants the last queued input back."""

    class ChangesKept(Message):
        """An errand was left; what was changed for it is the latest of the earlier prompts."""

    class Failed(Message):
        """Something the person asked for did not work."""

        def __init__(self, error: UsageError) -> None:
            super().__init__()
            self.error = error

    def __init__(
        self,
        on_send: Callable[[str], bool],
        completer: Completer,
        history: PromptHistory,
        *,
        placeholder: str = "",
        widget_id: str | None = None,
    ) -> None:
        super().__init__(
            id=widget_id, highlight_cursor_line=False, placeholder=Content(placeholder), tab_behavior="focus"
        )
        self._on_send, self._completer, self.history_of_prompts = on_send, completer, history
        self._at: int | None = None
        """Position in the prompts while the person walks through them."""
        self._draft = ""
        self._completions: list[tuple[str, str]] = []
        self._chosen = 0
        self._held: dict[str, str] = {}
        self.errand: Errand | None = None
        self._waiting: tuple[str, str, dict[str, str]] = ("", "", {})
        """Behind an errand: what it began with; what was written before, and the pastes that this holds."""

    @property
    def draft(self) -> str:
        """The whole input, held-aside pastes included."""
        return _whole(self.text, self._held)

    def set_draft(self, text: str) -> None:
        """Replace the input in a way that undo brings back."""
        self.replace(text, (0, 0), self.document.end)
        self.move_cursor(self.document.end)

    def put_before(self, text: str) -> None:
        """Put ``text`` before what is written, which stays, also where the person was looking at earlier prompts."""
        if self._at is not None:
            self._at = None
            self.set_draft(self._draft)
        if self.text.strip():
            self.replace(f"{self._shortened(text)}\n", (0, 0), (0, 0))
        else:
            self.set_draft(self._shortened(text))
        self.move_cursor(self.document.end)

    def begin_errand(self, errand: Errand, text: str) -> None:
        """Write ``text`` for an errand, in place of the draft, which waits until that was sent or left."""
        if self.errand is not None:
            self.leave_errand()
        self._waiting = (text, self.text if self._at is None else self._draft, dict(self._held))
        self.errand, self.border_title = errand, errand.title
        self._write(self._shortened(text))

    def leave_errand(self) -> None:
        """Give back what was written before an errand; what was changed for it goes to the earlier prompts."""
        if self.draft != self._waiting[0]:
            self.history_of_prompts.add(self.draft)
            self.post_message(self.ChangesKept())
        self._end_errand()

    def conversation_opened(self, conversation_id: str) -> None:
        """An errand of another conversation is over."""
        if self.errand is not None and self.errand.conversation_id != conversation_id:
            self.leave_errand()

    def on_unmount(self) -> None:
        """The program ends: what was not sent is found among the earlier prompts."""
        began, waiting, held = self._waiting if self.errand is not None else ("", "", {})
        self.history_of_prompts.add(_whole(waiting, held))
        draft = _whole(self.text if self._at is None else self._draft, self._held)
        if draft != began:
            self.history_of_prompts.add(draft)

    def _end_errand(self) -> None:
        _, text, held = self._waiting
        self.errand = self.border_title = None
        self._held = held
        self._write(text)

    def _write(self, text: str) -> None:
        self._at, self._draft = None, ""
        self.set_draft(text)

    def _shortened(self, text: str) -> str:
        """``text``, or a line that stands for it where it is too long to be edited quickly."""
        if len(text) <= PASTE_LIMIT:
            return text
        label = f"[pasted text {len(self._held) + 1}: {text.count(chr(10)) + 1:,} lines, {len(text):,} characters]"
        self._held[label] = text
        return label

    # -- sending ---------------------------------------------------------------------------

    def action_send(self) -> None:
        """Send what is written; it stays if nobody took it."""
        draft, errand = self.draft, self.errand
        if not draft.strip() or not self._on_send(draft):
            return
        self.history_of_prompts.add(draft)
        if errand is not None and self.errand is errand:
            self._end_errand()
            return
        self._held.clear()
        self._write("")

    def action_newline(self) -> None:
        """Break the line."""
        self._replace_via_keyboard("\n", *self.selection)
        self.scroll_cursor_visible()

    # -- earlier prompts -------------------------------------------------------------------

    def action_earlier(self) -> None:
        """A line up, a completion up, or the prompt before."""
        if self._completions:
            self._choose(-1)
        elif self.wrapped_document.location_to_offset(self.cursor_location).y > 0:
            self.action_cursor_up()
        else:
            self._walk(-1)

    def action_later(self) -> None:
        """A line down, a completion down, or the prompt after."""
        if self._completions:
            self._choose(1)
        elif self.wrapped_document.location_to_offset(self.cursor_location).y < self.wrapped_document.height - 1:
            self.action_cursor_down()
        else:
            self._walk(1)

    def _walk(self, step: int) -> None:
        prompts = self.history_of_prompts.prompts
        if self._at is None:
            if step > 0 or not prompts:
                return
            self._draft, self._at = self.text, len(prompts)
        at = max(0, self._at + step)
        if at >= len(prompts):
            self._at = None
            self.set_draft(self._draft)
        else:
            self._at = at
            self.set_draft(prompts[at])
        self._close_completions()

    def action_search_prompts(self) -> None:
        """Ask for the search of earlier prompts."""
        self.post_message(self.SearchRequested())

    def action_take_back(self) -> None:
        """Ask for the last queued input."""
        self.post_message(self.TakeBackRequested())

    # -- completion ------------------------------------------------------------------------

    def action_complete(self) -> None:
        """Take the chosen completion; without one, Tab goes to the next pane."""
        if not self._completions:
            raise SkipAction
        self.set_draft(self._completions[self._chosen][0])

    def action_close_popup(self) -> None:
        """Close the completions, or leave an errand; without either, Esc is the app's."""
        if self._completions:
            self._close_completions()
        elif self.errand is not None:
            self.leave_errand()
        else:
            raise SkipAction

    def _choose(self, step: int) -> None:
        self._chosen = (self._chosen + step) % len(self._completions)
        self.post_message(self.Edited(self._completions, self._chosen))

    def _close_completions(self) -> None:
        self._completions, self._chosen = [], 0
        self.post_message(self.Edited([], 0))

    def on_text_area_changed(self) -> None:
        """Offer completions for what is written now."""
        text = self.text
        found = self._completer(text) if text.startswith("/") and "\n" not in text else []
        if [name for name, _ in found] == [text]:
            found = []
        self._completions, self._chosen = found, 0
        self.post_message(self.Edited(found, 0))

    # -- keys and pastes -------------------------------------------------------------------

    async def _on_key(self, event: events.Key) -> None:
        """Enter is a binding here, not a line break; the text area's own handler takes every other key."""
        overrides = overrides_in(self.app)
        if event.key == "enter" and any("enter" in effective(overrides)[key.id] for key in keys_of("composer")):
            event.prevent_default()

    async def _on_paste(self, event: events.Paste) -> None:
        """Pasted text is text: it never sends, and a very long one is held aside."""
        event.stop()
        event.prevent_default()
        text = event.text.replace("\r\n", "\n").replace("\r", "\n")
        result = self._replace_via_keyboard(self._shortened(text), *self.selection)
        if result is not None:
            self.move_cursor(result.end_location)

    async def action_external_editor(self) -> None:
        """Hand the draft to the person's editor and take back what it saved."""
        from mcp_tui.ui.external_editor import edit

        try:
            with self.app.suspend(), self.app.batch_update():
                text = await edit(self.draft)
        except UsageError as error:
            self.post_message(self.Failed(error))
            return
        if text != self.draft:
            self.set_draft(text)


def _whole(text: str, held: Mapping[str, str]) -> str:
    """A text with the pastes that were held aside."""
    for label, paste in held.items():
        text = text.replace(label, paste)
    return text
